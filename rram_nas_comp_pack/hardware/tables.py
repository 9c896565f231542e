"""Data of the components, each with its source, and what follows from one row alone.

The rows are those of MNSIM 2.0 (Z. Zhu et al., IEEE TCAD 42(11), 2023). Fault ids (F..) refer to
docs/hardware.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config import ADC_BITS, DAC_BITS


@dataclass(frozen=True, slots=True)
class Converter:
    """A DAC or an ADC. `rate_gsps` is 10^9 samples per second."""

    bits: int
    area_um2: float
    power_w: float
    rate_gsps: float
    cycles: float  # cycles of 1/rate per conversion

    @property
    def latency_ns(self) -> float:
        """Time of one conversion; F48 doubts that the published rates are clock rates."""
        return self.cycles / self.rate_gsps

    @property
    def energy_nj(self) -> float:
        """Energy of one conversion."""
        return self.power_w * self.latency_ns


@dataclass(frozen=True, slots=True)
class Block:
    """One digital block."""

    area_um2: float
    power_w: float


# --- Converters ------------------------------------------------------------------------------------------


def _isaac_dac(bits: int) -> Converter:
    """The 1-bit DAC of ISAAC (A. Shafiee et al., ISCA 2016), doubled in area and power per further bit.

    The doubling also gives 0.4992 mW for 8 bits, where the original has 0.4992 W (F09).
    """
    return Converter(bits, 0.166 * 2 ** (bits - 1), 3.9e-6 * 2 ** (bits - 1), 1.0, bits + 2)


DAC: Final[Mapping[int, Converter]] = {choice: _isaac_dac(bits) for choice, bits in DAC_BITS.items()}

# Area um^2, power W, rate GS/s; the bits are in config.ADC_BITS.
_ADC_ROWS: Final[Mapping[int, tuple[float, float, float]]] = {
    1: (1600, 6.92e-3, 1.5),  # "A 10b 1.5GS/s Pipelined-SAR ADC with Background ... in 14nm CMOS FinFET"
    2: (1200, 2e-3, 1.28),  # ISAAC, as for the DAC
    3: (1650, 4e-3, 1.1),  # "A >3GHz ERBW 1.1GS/s 8b Two-Step SAR ADC with Recursive-Weight DAC"
    4: (580, 1.26e-3, 1.0),  # "Area-Efficient 1GS/s 6b SAR ADC with Charge-Injection-Cell-Based DAC"
    5: (1650, 4e-3, 1.1),  # labelled ASPDAC 1: presumably H. Sun et al., ASP-DAC 2020; so are 6 and 7
    6: (1650, 1.26e-3, 1.0),  # ASPDAC 2; the area is that of an 8-bit option (F39)
    7: (500, 0.7e-3, 1.0),  # ASPDAC 3
    8: (1, 1.629e-6, 1.0),  # "Comparative Study of Sense Amplifiers for SRAM", 65 nm scaled to 28 nm
    9: (15899, 5.84e-5, 6.0),  # labelled Qi Liu: presumably the 78.4 TOPS/W analog ReRAM chip
}
_SLOPE_ADC: Final = 9  # counts through all its codes


def _adc_cycles(choice: int, bits: int) -> int:
    if bits == 1:
        return 1
    return int(2**bits) if choice == _SLOPE_ADC else bits + 2


ADC: Final[Mapping[int, Converter]] = {
    choice: Converter(ADC_BITS[choice], *row, _adc_cycles(choice, ADC_BITS[choice]))
    for choice, row in _ADC_ROWS.items()
}


def user_dac(bits: int, area_um2: float, power_w: float, rate_gsps: float) -> Converter:
    """The DAC of choice -1."""
    return Converter(bits, area_um2, power_w, rate_gsps, bits + 2)


def user_adc(bits: int, area_um2: float, power_w: float, rate_gsps: float) -> Converter:
    """The ADC of choice -1."""
    return Converter(bits, area_um2, power_w, rate_gsps, 1 if bits == 1 else bits + 2)


# Gate beside an ADC by Logic_Op (none, AND, OR, XOR), um^2 at 65 nm scaled to 28 nm by 0.18.
LOGIC_GATE_UM2: Final[Mapping[int, float]] = {-1: 0, 0: 17.28 * 0.18, 1: 17.28 * 0.18, 2: 19.2 * 0.18}


# --- Digital blocks --------------------------------------------------------------------------------------

# Technology class nm -> um^2 per bit, W per bit: "Implementation of an Efficient 14-Transistor Full Adder
# (.18um technology) Using DTMOS". The 65 nm row does not fit the others (F23).
_ADDER: Final[Mapping[int, tuple[float, float]]] = {
    28: (0.10976, 2.5e-9),
    45: (0.2835, 2.5e-9),
    55: (0.4235, 2.5e-9),
    65: (1.42, 3e-7),
    130: (2.366, 2.5e-9),
}


def _class(value: float, classes: tuple[int, ...]) -> int:
    """Index of the smallest class >= value, else of the last one."""
    return min(bisect_left(classes, value), len(classes) - 1)


def adder(tech_nm: int, bits: int = 8) -> Block:
    """A ripple adder; the PE uses 8 bits whatever the ADC delivers (F23)."""
    classes = tuple(_ADDER)
    area_um2, power_w = _ADDER[classes[_class(tech_nm, classes)]]
    return Block(bits * area_um2, bits * power_w)


def shift_register(tech_nm: int) -> Block:
    """A shift register of any width (F23); the origin of the 65 nm figures is not published."""
    return Block(1.42 * (tech_nm / 65) ** 2, 8.1e-7 * (tech_nm / 65) ** 2)


def register(tech_nm: int) -> Block:
    """A register of any width (F23); the origin of the 65 nm figures is not published."""
    return Block(1.4256 * (tech_nm / 65) ** 2, 1.88e-8 * (tech_nm / 65) ** 2)


_MUX_WAYS: Final = (2, 4, 8, 16, 32, 64)


def mux(tech_nm: int, ways: int) -> Block:
    """A multiplexer or demultiplexer: 8 transistors for 2 ways, three times as many per class (F19)."""
    transistors = 8 * 3 ** _class(ways, _MUX_WAYS)
    return Block(10 * tech_nm**2 * 1e-6 * transistors, 1.2e-8 * transistors)


# NVSim at 65 nm, whatever the technology (F18): one 1:8 decoder level, one 8:1 mux level.
_DECODER_LEVEL_NS: Final = 0.27933
_MUX_LEVEL_NS: Final = 0.032744


def _levels(ways: int) -> int:
    """2 + floor(log8 ways), as found; a tree needs ceil(log8 ways) (F17)."""
    return 2 + (ways.bit_length() - 1) // 3


def decoder_latency_ns(ways: int) -> float:
    """Delay of an input demux."""
    return _DECODER_LEVEL_NS * _levels(ways)


def mux_latency_ns(ways: int) -> float:
    """Delay of an output mux."""
    return _MUX_LEVEL_NS * _levels(ways)


# --- Buffer ----------------------------------------------------------------------------------------------

BUFFER_CYCLE_NS: Final = 20  # one access, for every size and technology (F22)
_NODES_NM: Final = (90, 65, 45)
_SIZES_KB: Final = (2, 4, 8, 16, 32, 64, 128, 256, 512)
_WIDTHS: Final = (64, 128, 256, 512)

_Grid = tuple[tuple[float | None, ...], ...]


def _grid(text: str) -> _Grid:
    items = [None if item == "-" else float(item) for item in text.split()]
    columns = len(_NODES_NM) * len(_WIDTHS)
    return tuple(tuple(items[start : start + columns]) for start in range(0, len(items), columns))


# SRAM figures of CACTI. Rows: _SIZES_KB; columns: _NODES_NM x _WIDTHS; "-": no data. F26 lists outliers.
_AREA_MM2 = _grid(
    """
    0.0405803 0.0944387 0.170796 - 0.069914533 0.13213 0.266413 -
        0.026389593 0.049106366 0.099338763 -
    0.0686947 0.129533 0.21469158 0.544121685 0.117554 0.172761 0.319445 0.885538
        0.043660718 0.064295773 0.119224229 0.333979075
    0.156974886 0.199132286 0.301779123 0.629568 0.185984 0.253431 0.424684 0.98738
        0.06910098 0.094371317 0.177026169 0.372578216
    0.616313686 0.781358547 1.190747266 2.277664127 0.321651 0.407856 0.621693 1.18947
        0.12167763 0.154207863 0.234897385 0.426436442
    1.060004216 1.271763571 1.774928364 3.368257932 0.552979 0.663547 0.92629 1.75898
        0.209317302 0.251074 0.350283787 0.664606538
    1.974404875 2.239130702 2.897282324 4.503881809 1.02955 1.16829 1.51204 2.35122
        0.389828369 0.442063443 0.571793236 0.88844989
    3.583918894 3.942740844 4.787940384 6.782865957 1.86953 2.05688 2.49820595 3.532879835
        0.707812758 0.779322414 0.945248378 1.335949489
    6.974574682 7.387286214 8.510494573 11.13794477 4.110732386 3.853902632 4.440562411 5.812866337
        1.692348078 1.758800264 1.680181012 2.198122156
    14.22112082 15.77955259 15.1903479 18.56649221 7.345004718 8.232069955 7.924741251 9.68755797
        2.972110865 3.116036246 3.763339813 3.665484947
    """
)
_READ_NJ = _grid(
    """
    0.0075695 0.0204901 0.0374838 - 0.00823002 0.0183766 0.0407038 -
        0.00366611 0.00805114 0.0174977 -
    0.00854257 0.0227852 0.041063 0.12054 0.0120839 0.0211627 0.0454619 0.137905
        0.00545155 0.00929243 0.0195678 0.0587335
    0.018382 0.0275777 0.0484019 0.127604 0.0158937 0.026906 0.0551001 0.147335
        0.00717156 0.0118251 0.0272345 0.0628241
    0.044837 0.0706276 0.131809 0.295237 0.0248548 0.0394126 0.0739843 0.166219
        0.0113831 0.0175339 0.0321178 0.0709932
    0.0618356 0.0943086 0.169224 0.411876 0.0349618 0.053362 0.0956746 0.232081
        0.0160867 0.0238524 0.0416899 0.0996046
    0.103042 0.14809 0.247932 0.485822 0.0583935 0.0838554 0.140319 0.274961
        0.0272693 0.0380164 0.0618288 0.118533
    0.156421 0.21497 0.342013 0.634498 0.0905117 0.123634 0.19553 0.361147
        0.0426012 0.0565679 0.0868665 0.156594
    0.27502 0.358447 0.535426 0.927837 0.131652 0.206955 0.307099 0.52924
        0.0624646 0.097861 0.138328 0.231921
    0.356492 0.508902 0.795817 1.29724 0.205608 0.291566 0.462242 0.746234
        0.0933836 0.131128 0.210481 0.330414
    """
)
_WRITE_NJ = _grid(
    """
    0.0131361 0.0223358 0.0422325 - 0.00983737 0.0198855 0.0427535 -
        0.00431575 0.00864673 0.0182943 -
    0.0199484 0.0271014 0.0516509 0.130038 0.0129198 0.0243774 0.0516229 0.142004
        0.00571403 0.0105917 0.0221228 0.0603267
    0.0211344 0.0368348 0.0706683 0.14878 0.0177355 0.0335322 0.0694838 0.159657
        0.00778673 0.0145317 0.0298331 0.0679341
    0.0437094 0.0779207 0.155944 0.345919 0.0237539 0.0430962 0.0872368 0.194986
        0.010522 0.0187642 0.0375312 0.0831368
    0.0601423 0.109611 0.218248 0.460145 0.0330736 0.0610694 0.122573 0.258586
        0.0145269 0.0264935 0.0527328 0.110431
    0.08827501 0.144703 0.278356 0.583869 0.0450215 0.0800791 0.155734 0.328758
        0.0199489 0.0348969 0.067111 0.140623
    0.116896 0.209321 0.404114 0.8321 0.0643685 0.116708 0.22704 0.469528
        0.0282674 0.0506538 0.0977918 0.201198
    0.162096 0.279398 0.524128 1.05204 0.0950392 0.154668 0.293248 0.592261
        0.0595076 0.108967 0.1265 0.253771
    0.243037 0.429853 0.775468 1.54815 0.133284 0.23928 0.435794 0.873636
        0.0789223 0.102461 0.198653 0.374836
    """
)
_LEAKAGE_MW = _grid(
    """
    1.006428 1.136656 1.253224 - 4.33154 4.5899 5.99122 - 3.06844 3.22544 4.1977 -
    1.95684 2.15962 2.28782 2.62008 7.75758 8.25868 9.76298 14.09702 5.51418 5.85956 6.90244 9.92618
    4.1222 4.18056 4.3319 4.55214 14.98076 15.5835 17.29178 20.9042 10.65116 11.06626 11.4876 14.86772
    8.86342 9.07178 9.65236 11.29236 26.6168 27.3042 29.192 34.5 19.25676 19.72618 21.0248 24.6852
    17.46566 17.73578 18.44038 19.29436 52.3788 53.2686 55.5624 58.7496 37.9354 38.5436 40.1206 42.1506
    32.1096 32.4554 33.348 35.5564 96.3408 97.4886 100.408 107.6106 69.7894 70.5706 72.5732 77.5184
    63.688 64.1578 65.2978 68.0018 191.03 192.5814 196.3112 205.136 138.4138 139.4718 142.0298 148.0884
    121.8756 122.4862 126.032 127.5844 367.718 367.692 372.76 384.374 299.266 299.666 269.828 277.794
    243.484 244.982 245.722 250.266 730.276 735.414 737.946 752.802 551.922 532.732 539.688 544.616
    """
)


@dataclass(frozen=True, slots=True)
class Buffer:
    """An SRAM buffer: area, dynamic energy per access, leakage, configured width of one access."""

    area_um2: float
    read_nj: float
    write_nj: float
    leakage_mw: float
    width_bits: int

    def latency_ns(self, count_bytes: float) -> float:
        """Time to read or to write so many bytes."""
        return self._accesses(count_bytes) * BUFFER_CYCLE_NS

    @property
    def read_power_mw(self) -> float:
        """Power while it is read, with leakage."""
        return self.read_nj / BUFFER_CYCLE_NS * 1e3 + self.leakage_mw

    @property
    def write_power_mw(self) -> float:
        """Power while it is written, with leakage."""
        return self.write_nj / BUFFER_CYCLE_NS * 1e3 + self.leakage_mw

    def read_energy_nj(self, count_bytes: float) -> float:
        """Energy to read so many bytes, with leakage for that time."""
        return self.read_power_mw * 1e-3 * self.latency_ns(count_bytes)

    def write_energy_nj(self, count_bytes: float) -> float:
        """Energy to write so many bytes, with leakage for that time."""
        return self.write_power_mw * 1e-3 * self.latency_ns(count_bytes)

    def _accesses(self, count_bytes: float) -> int:
        return math.ceil(8 * count_bytes / self.width_bits)


def buffer(tech_nm: int, size_kb: float, width_bits: int) -> Buffer:
    """The smallest tabulated buffer that is as large and as wide, else the largest.

    Raises `BadInput` where there is no data: up to 2 KB with more than 256 bits (F06 mended).
    """
    if not size_kb > 0:
        raise BadInput(f"buffer size: found {size_kb} KB; allowed: > 0")
    node = 0 if tech_nm >= 90 else 1 if tech_nm >= 65 else 2
    row = _class(size_kb, _SIZES_KB)
    column = node * len(_WIDTHS) + _class(width_bits, _WIDTHS)
    area, read, write, leakage = (grid[row][column] for grid in (_AREA_MM2, _READ_NJ, _WRITE_NJ, _LEAKAGE_MW))
    if area is None or read is None or write is None or leakage is None:
        raise BadInput(
            f"buffer: found {size_kb} KB with {width_bits} bits; allowed: > 2 KB, or at most 256 bits"
        )
    return Buffer(area * 1e6, read, write, leakage, width_bits)
