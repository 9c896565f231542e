"""DACs and ADCs of MNSIM 2.0 with their sources. Fault ids (F..) refer to docs/hardware.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

USER_DEFINED: Final = -1  # the choice whose four values stand in the file
DIGITAL_CHOICE: Final[Mapping[str, int]] = {"DAC": 1, "ADC": 8}  # forced by digital PIM


@dataclass(frozen=True, slots=True)
class Converter:
    """A DAC or an ADC. `rate_gsps` is 10^9 samples per second."""

    bits: int
    area_um2: float
    power_w: float
    rate_gsps: float
    cycles: int  # cycles of 1/rate per conversion

    @property
    def latency_ns(self) -> float:
        """Time of one conversion; F48 doubts that the published rates are clock rates."""
        return self.cycles / self.rate_gsps

    @property
    def energy_nj(self) -> float:
        """Energy of one conversion."""
        return self.power_w * self.latency_ns


def make_dac(bits: int, area_um2: float, power_w: float, rate_gsps: float) -> Converter:
    """A DAC with the cycles that all of them take."""
    return Converter(bits, area_um2, power_w, rate_gsps, bits + 2)


def make_adc(bits: int, area_um2: float, power_w: float, rate_gsps: float) -> Converter:
    """An ADC with the cycles of successive approximation, or of a sense amplifier (1 bit)."""
    return Converter(bits, area_um2, power_w, rate_gsps, 1 if bits == 1 else bits + 2)


def _isaac_dac(bits: int) -> Converter:
    """The 1-bit DAC of ISAAC (A. Shafiee et al., ISCA 2016), doubled in area and power per further bit.

    The doubling also gives 0.4992 mW for 8 bits, where the original has 0.4992 W (F09).
    """
    return make_dac(bits, 0.166 * 2 ** (bits - 1), 3.9e-6 * 2 ** (bits - 1), 1.0)


DAC: Final[Mapping[int, Converter]] = {
    choice: _isaac_dac(bits) for choice, bits in enumerate((1, 2, 3, 4, 6, 8, 1), start=1)
}
ADC: Final[Mapping[int, Converter]] = {
    1: make_adc(10, 1600, 6.92e-3, 1.5),  # "A 10b 1.5GS/s Pipelined-SAR ADC with ... in 14nm CMOS FinFET"
    2: make_adc(8, 1200, 2e-3, 1.28),  # ISAAC, as for the DAC
    3: make_adc(8, 1650, 4e-3, 1.1),  # "A >3GHz ERBW 1.1GS/s 8b Two-Step SAR ADC with Recursive-Weight DAC"
    4: make_adc(
        6, 580, 1.26e-3, 1.0
    ),  # "Area-Efficient 1GS/s 6b SAR ADC with Charge-Injection-Cell-Based DAC"
    5: make_adc(8, 1650, 4e-3, 1.1),  # labelled ASPDAC 1: presumably H. Sun et al., ASP-DAC 2020; so are 6, 7
    6: make_adc(6, 1650, 1.26e-3, 1.0),  # ASPDAC 2; the area is that of an 8-bit option (F39)
    7: make_adc(4, 500, 0.7e-3, 1.0),  # ASPDAC 3
    8: make_adc(1, 1, 1.629e-6, 1.0),  # "Comparative Study of Sense Amplifiers for SRAM", 65 scaled to 28 nm
    # Labelled Qi Liu: presumably the 78.4 TOPS/W analog ReRAM chip. It counts through all its codes.
    9: Converter(8, 15899, 5.84e-5, 6.0, cycles=2**8),
}
# Gate beside an ADC by Logic_Op (none, AND, OR, XOR), um^2 at 65 nm scaled to 28 nm by 0.18.
LOGIC_GATE_UM2: Final[Mapping[int, float]] = {-1: 0, 0: 17.28 * 0.18, 1: 17.28 * 0.18, 2: 19.2 * 0.18}
