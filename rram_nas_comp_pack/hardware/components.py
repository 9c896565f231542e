"""The components in force: what the file says where it says it, else the rows of MNSIM 2.0.

Fault ids (F..) refer to docs/hardware.md.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from ..errors import BadInput
from . import digital
from .buffer import Buffer, sram_buffer
from .config.read import Hardware
from .converters import ADC, DAC, LOGIC_GATE_UM2, USER_DEFINED, Converter, make_adc, make_dac

DEFAULT_BUFFER_KB: Final = 16  # where the size in the file is 0


def dac(hardware: Hardware) -> Converter:
    """The DAC in force."""
    if hardware.dac_choice != USER_DEFINED:
        return DAC[hardware.dac_choice]
    return make_dac(hardware.dac_bits, hardware.dac_area_um2, hardware.dac_power_w, hardware.dac_rate_gsps)


def adc(hardware: Hardware) -> Converter:
    """The ADC in force, without the gate of Logic_Op."""
    if hardware.adc_choice != USER_DEFINED:
        return ADC[hardware.adc_choice]
    return make_adc(hardware.adc_bits, hardware.adc_area_um2, hardware.adc_power_w, hardware.adc_rate_gsps)


def adc_area_um2(hardware: Hardware, evaluations: int = 2) -> float:
    """An ADC with its gate; the area of a PE is the second evaluation.

    A user-defined ADC gains the gate once per evaluation, any other one once in all (F16, as found).
    """
    gates = evaluations if hardware.adc_choice == USER_DEFINED else 1
    return adc(hardware).area_um2 + gates * LOGIC_GATE_UM2[hardware.logic_op]


def adder(hardware: Hardware, bits: int = 8) -> digital.Block:
    """An adder of the group tree."""
    block = digital.adder(hardware.adder_tech_nm, bits)
    return _configured(block, hardware.adder_area_um2, hardware.adder_power_w)


def shift_register(hardware: Hardware) -> digital.Block:
    """The shift register of an ADC."""
    block = digital.shift_register(hardware.shift_register_tech_nm)
    return _configured(block, hardware.shift_register_area_um2, hardware.shift_register_power_w)


def register(hardware: Hardware) -> digital.Block:
    """The input register of a DAC, or the output register of an ADC."""
    block = digital.register(hardware.register_tech_nm)
    return _configured(block, hardware.register_area_um2, hardware.register_power_w)


def _configured(block: digital.Block, area_um2: float, power_w: float) -> digital.Block:
    """Values of the file replace those of the formula where they are not 0."""
    return digital.Block(area_um2 or block.area_um2, power_w or block.power_w)


def block_energy_nj(hardware: Hardware, block: digital.Block) -> float:
    """One clock of a digital block (F13 mended: the period is in ns)."""
    return block.power_w * hardware.clock_ns


def buffer(hardware: Hardware, size_kb: float, default_kb: float = DEFAULT_BUFFER_KB) -> Buffer:
    """The buffer of one of the three sizes of `Hardware`; the default stands in for 0."""
    return sram_buffer(hardware.buffer_tech_nm, size_kb or default_kb, hardware.buffer_width_bits)


def adc_thresholds_v(hardware: Hardware, word_lines: int) -> tuple[float, ...]:
    """The 2^bits - 1 rising thresholds for so many driven word lines; no other formula uses them.

    Each lies midway between the sums of currents of neighbouring counts (F37 mended: undriven cells of
    the lower count have the highest resistance too). `BadInput` outside 1 to `rows`.
    """
    if not 1 <= word_lines <= hardware.rows:
        raise BadInput(f"word_lines: found {word_lines}; allowed: 1 to {hardware.rows}")
    if hardware.adc_thresholds_v:
        return hardware.adc_thresholds_v
    codes = 2 ** adc(hardware).bits
    on = hardware.read_voltages_v[-1] / hardware.resistances_ohm[-1]
    off = hardware.read_voltages_v[0] / hardware.resistances_ohm[0]
    step = -(-word_lines // codes)

    def current(count: int) -> float:
        if count > word_lines:
            return word_lines * on
        return (count - 0.5) * on + (word_lines - count + 0.5) * off

    return tuple(hardware.load_resistance_ohm * current(step * k) for k in range(1, codes))


def adc_code(thresholds_v: tuple[float, ...], voltage_v: float) -> int:
    """Thresholds below the voltage; the lowest of several counts already when it is met."""
    if len(thresholds_v) > 1 and voltage_v == thresholds_v[0]:
        return 1
    return bisect_left(thresholds_v, voltage_v)
