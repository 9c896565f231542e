"""Latency, area, power and energy of one processing element (PE), as pure formulas on `Hardware`.

The model is MNSIM 2.0 (Z. Zhu et al., IEEE TCAD 42(11), 2023) as found. Its faults carry ids (F..);
docs/hardware.md says which are mended here. ns, W, nJ and um^2 throughout.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware import tables
from rram_nas_comp_pack.hardware.config import USER_DEFINED, Hardware

States = NDArray[np.int_]  # cell states of a block, (active rows, active columns), 0 = highest resistance
Inputs = NDArray[np.int_]  # level of each active row, index into the voltages

DEFAULT_BUFFER_KB: Final = 16  # where PE_inBuf_Size is 0


# --- Device and crossbar ---------------------------------------------------------------------------------


def device_read_power_w(
    hardware: Hardware, resistance_ohm: float | None = None, voltage_v: float | None = None
) -> float:
    """Read power of one cell: 67 % of the cells at the highest resistance, 10 % of the inputs on (F50)."""
    high, low = hardware.resistances_ohm[0], hardware.resistances_ohm[-1]
    conductance = 1 / resistance_ohm if resistance_ohm else 0.67 / high + 0.33 / low
    square = _mean_square_v2(hardware) if voltage_v is None else voltage_v**2
    return square * conductance


def device_write_power_w(
    hardware: Hardware, resistance_ohm: float | None = None, voltage_v: float | None = None
) -> float:
    """Write power of one cell: geometric mean resistance, mean of the extreme voltages (F02 mended)."""
    if voltage_v is None:
        voltage_v = (hardware.write_voltages_v[0] + hardware.write_voltages_v[-1]) / 2
    return voltage_v**2 / (resistance_ohm or _mean_resistance_ohm(hardware))


def sram_access_power_w(hardware: Hardware) -> tuple[float, float]:
    """Read and write power of an SRAM cell from its access energies (F11 mended: in W).

    As in the original no other figure uses it: the PE takes `device_read_power_w` for SRAM too.
    """
    read = hardware.read_energy_j * 1e9 / hardware.read_latency_ns
    return read, hardware.write_energy_j * 1e9 / hardware.write_latency_ns


def crossbar_area_um2(hardware: Hardware) -> float:
    """One crossbar; method 0 with row drivers, method 1 from the feature size without them (F30)."""
    cells = hardware.rows * hardware.columns
    if hardware.area_method == 0:
        driver = 1150.0  # per row, of the 78.4 TOPS/W analog ReRAM chip (Liu et al.)
        if hardware.digital_pim:  # two-stage word line driver at 65 nm, in um x um
            driver = (7.3 * 2.7 + 9.5 * 3.8) * (hardware.transistor_tech_nm / 65) ** 2
        return cells * hardware.cell_area_um2 + hardware.rows * driver
    if hardware.device_type == "SRAM":
        return 5.0 * cells
    squares = 4 if hardware.cell_type == "0T1R" else 3 * (3 + 1)  # 1T1R: 3 (W/L + 1) with W/L = 3
    return squares * cells * hardware.device_tech_nm**2 * 1e-6


def crossbar_read_latency_ns(hardware: Hardware) -> float:
    """One read of the whole array: the cell and a fit of the wire delay over the size (F28)."""
    kilobytes = hardware.rows * hardware.columns / 8192
    return hardware.read_latency_ns + 1e-3 * (2e-4 * kilobytes**2 + 5e-6 * kilobytes + 4e-14)


def crossbar_read_power_w(hardware: Hardware, h: int, w: int) -> float:
    """Power while h rows and w columns are read; without selectors idle columns draw a quarter.

    Simulation_Level 1 charges all cells at their mean instead, whatever h and w (F34).
    """
    if hardware.simulation_level == 1:
        return estimated_read_power_w(hardware)
    power = h * w * device_read_power_w(hardware)
    return power + _idle_power_w(hardware, w, h * _mean_square_v2(hardware))


def crossbar_read_energy_nj(hardware: Hardware, h: int, w: int) -> float:
    """One read of h rows and w columns (F10 mended: SRAM in nJ)."""
    if hardware.device_type == "SRAM":
        return h * w * hardware.read_energy_j * 1e9
    return crossbar_read_power_w(hardware, h, w) * crossbar_read_latency_ns(hardware)


def crossbar_write_latency_ns(hardware: Hardware, h: int) -> float:
    """h rows, one after the other, all columns of a row at once."""
    return h * hardware.write_latency_ns


def crossbar_write_power_w(hardware: Hardware, w: int) -> float:
    """Power while one row of w cells is written."""
    if hardware.simulation_level == 1:
        return estimated_write_power_w(hardware)
    return w * device_write_power_w(hardware)


def crossbar_write_energy_nj(hardware: Hardware, h: int, w: int) -> float:
    """Writing h rows of w cells (F10 mended: SRAM in nJ; F12 mended: all rows)."""
    if hardware.device_type == "SRAM":
        return h * w * hardware.write_energy_j * 1e9
    return crossbar_write_power_w(hardware, w) * crossbar_write_latency_ns(hardware, h)


def estimated_read_power_w(
    hardware: Hardware, states: States | None = None, inputs: Inputs | None = None
) -> float:
    """Read power of the given states under the given inputs (F07 mended: idle columns of active rows).

    Without states all cells have the geometric mean resistance; without inputs all rows the mean square
    of the extreme voltages. `inputs` needs `states`.
    """
    mean_square = (hardware.read_voltages_v[0] ** 2 + hardware.read_voltages_v[-1] ** 2) / 2
    if states is None:
        return hardware.rows * hardware.columns * mean_square / _mean_resistance_ohm(hardware)
    squares = _squares_v2(hardware.read_voltages_v, inputs, len(states), mean_square)
    idle = _idle_power_w(hardware, states.shape[1], float(squares.sum()))
    return float(squares @ _row_conductances_s(hardware, states)) + idle


def estimated_write_power_w(
    hardware: Hardware, states: States | None = None, inputs: Inputs | None = None
) -> float:
    """Mean write power of a row; without inputs from the product of the extreme voltages, often 0 (F34)."""
    mean_square = hardware.write_voltages_v[0] * hardware.write_voltages_v[-1]
    if states is None:
        return hardware.columns * mean_square / _mean_resistance_ohm(hardware)
    squares = _squares_v2(hardware.write_voltages_v, inputs, len(states), mean_square)
    return float(squares @ _row_conductances_s(hardware, states)) / len(states)


def _squares_v2(
    voltages_v: tuple[float, ...], inputs: Inputs | None, rows: int, otherwise: float
) -> NDArray[np.float64]:
    """Squared voltage of each row."""
    if inputs is None:
        return np.full(rows, otherwise)
    squares: NDArray[np.float64] = np.square(np.asarray(voltages_v, dtype=np.float64))[inputs]
    return squares


def _row_conductances_s(hardware: Hardware, states: States) -> NDArray[np.float64]:
    conductances: NDArray[np.float64] = (1 / np.asarray(hardware.resistances_ohm))[states].sum(axis=1)
    return conductances


def _idle_power_w(hardware: Hardware, w: int, row_squares_v2: float) -> float:
    """Half-selected cells in the idle columns of cells without a transistor."""
    if hardware.cell_type != "0T1R" or hardware.device_type == "SRAM":
        return 0.0
    return 0.25 * (hardware.columns - w) / hardware.resistances_ohm[0] * row_squares_v2


def _mean_square_v2(hardware: Hardware) -> float:
    return 0.9 * hardware.read_voltages_v[0] ** 2 + 0.1 * hardware.read_voltages_v[-1] ** 2


def _mean_resistance_ohm(hardware: Hardware) -> float:
    return math.sqrt(hardware.resistances_ohm[0] * hardware.resistances_ohm[-1])


# --- Components ------------------------------------------------------------------------------------------


def dac(hardware: Hardware) -> tables.Converter:
    """The DAC in force."""
    if hardware.dac_choice != USER_DEFINED:
        return tables.DAC[hardware.dac_choice]
    return tables.user_dac(
        hardware.dac_bits, hardware.dac_area_um2, hardware.dac_power_w, hardware.dac_rate_gsps
    )


def adc(hardware: Hardware) -> tables.Converter:
    """The ADC in force, without the gate of Logic_Op."""
    if hardware.adc_choice != USER_DEFINED:
        return tables.ADC[hardware.adc_choice]
    return tables.user_adc(
        hardware.adc_bits, hardware.adc_area_um2, hardware.adc_power_w, hardware.adc_rate_gsps
    )


def adc_area_um2(hardware: Hardware, evaluations: int = 2) -> float:
    """An ADC with its gate; the area of a PE is the second evaluation.

    A user-defined ADC gains the gate once per evaluation, any other one once in all (F16, as found).
    """
    gates = evaluations if hardware.adc_choice == USER_DEFINED else 1
    return adc(hardware).area_um2 + gates * tables.LOGIC_GATE_UM2[hardware.logic_op]


def adder(hardware: Hardware, bits: int = 8) -> tables.Block:
    """An adder of the group tree."""
    block = tables.adder(hardware.adder_tech_nm, bits)
    return _configured(block, hardware.adder_area_um2, hardware.adder_power_w)


def shift_register(hardware: Hardware) -> tables.Block:
    """The shift register of an ADC."""
    block = tables.shift_register(hardware.shift_register_tech_nm)
    return _configured(block, hardware.shift_register_area_um2, hardware.shift_register_power_w)


def register(hardware: Hardware) -> tables.Block:
    """The input register of a DAC, or the output register of an ADC."""
    block = tables.register(hardware.register_tech_nm)
    return _configured(block, hardware.register_area_um2, hardware.register_power_w)


def _configured(block: tables.Block, area_um2: float, power_w: float) -> tables.Block:
    """Values of the file replace those of the formula where they are not 0."""
    return tables.Block(area_um2 or block.area_um2, power_w or block.power_w)


def block_energy_nj(hardware: Hardware, block: tables.Block) -> float:
    """One clock of a digital block (F13 mended: the period is in ns)."""
    return block.power_w * hardware.clock_ns


def input_buffer(hardware: Hardware, default_kb: float = DEFAULT_BUFFER_KB) -> tables.Buffer:
    """The input buffer of the PE."""
    return _buffer(hardware, hardware.input_buffer_kb, default_kb)


def tile_buffer(hardware: Hardware, default_kb: float = DEFAULT_BUFFER_KB) -> tables.Buffer:
    """The output buffer of a tile."""
    return _buffer(hardware, hardware.tile_buffer_kb, default_kb)


def forwarding_buffer(hardware: Hardware, default_kb: float = DEFAULT_BUFFER_KB) -> tables.Buffer:
    """The buffer of the data forwarding unit."""
    return _buffer(hardware, hardware.forwarding_buffer_kb, default_kb)


def _buffer(hardware: Hardware, size_kb: float, default_kb: float) -> tables.Buffer:
    return tables.buffer(hardware.buffer_tech_nm, size_kb or default_kb, hardware.buffer_width_bits)


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
        return bisect_right(thresholds_v[:1], voltage_v)
    return bisect_left(thresholds_v, voltage_v)


# --- Counts and area -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each component a PE has; a group is its crossbars of one signed value."""

    crossbars: int
    dacs_per_subarray: int
    adcs_per_subarray: int
    dacs_per_group: int
    adcs_per_group: int
    dacs: int
    adcs: int
    input_demux_ways: int
    output_mux_ways: int
    adders_per_column: int  # of the group tree; F21: counts subarrays too


def counts(hardware: Hardware) -> Counts:
    """Components of a PE; a converter count of 0 fills the width of a crossbar (F01 mended, F49)."""
    dacs, adcs = hardware.dacs_per_subarray, hardware.adcs_per_subarray
    sides = 2 if hardware.digital_subtraction else 1
    width = math.sqrt(crossbar_area_um2(hardware))
    if adcs == 0:
        pitch = math.sqrt(adc_area_um2(hardware, evaluations=1))
        adcs = min(sides * math.ceil(hardware.polarity * width / pitch), hardware.columns)
    if dacs == 0:
        pitch = hardware.subarrays * math.sqrt(dac(hardware).area_um2)
        dacs = min(math.ceil(width / pitch), hardware.subarray_rows)
    return Counts(
        crossbars=hardware.groups * hardware.polarity,
        dacs_per_subarray=dacs,
        adcs_per_subarray=adcs,
        dacs_per_group=hardware.subarrays * dacs,
        adcs_per_group=hardware.subarrays * adcs,
        dacs=hardware.groups * hardware.subarrays * dacs,
        adcs=hardware.groups * hardware.subarrays * adcs,
        input_demux_ways=-(-hardware.subarray_rows // dacs),
        output_mux_ways=-(-sides * hardware.columns // adcs),
        adders_per_column=hardware.subarrays * (hardware.groups - 1),
    )


@dataclass(frozen=True, slots=True)
class Area:
    """Area of all pieces of each component of a PE."""

    crossbar_um2: float
    dac_um2: float
    adc_um2: float
    input_register_um2: float
    input_demux_um2: float
    output_mux_um2: float
    shift_register_um2: float
    adder_um2: float
    output_register_um2: float
    buffer_um2: float

    @property
    def digital_um2(self) -> float:
        """The six digital components."""
        inputs = self.input_register_um2 + self.input_demux_um2
        outputs = self.output_mux_um2 + self.shift_register_um2 + self.output_register_um2
        return inputs + outputs + self.adder_um2

    @property
    def total_um2(self) -> float:
        """The whole PE."""
        return self.crossbar_um2 + self.dac_um2 + self.adc_um2 + self.digital_um2 + self.buffer_um2


def area(hardware: Hardware, default_buffer_kb: float = DEFAULT_BUFFER_KB) -> Area:
    """Area of a PE; surplus converters (F27) and subarrays squared in the adder (F21) as found."""
    number = counts(hardware)
    tech_nm = hardware.transistor_tech_nm
    return Area(
        crossbar_um2=number.crossbars * crossbar_area_um2(hardware),
        dac_um2=number.dacs * dac(hardware).area_um2,
        adc_um2=number.adcs * adc_area_um2(hardware),
        input_register_um2=number.dacs * register(hardware).area_um2,
        input_demux_um2=number.dacs * tables.mux(tech_nm, number.input_demux_ways).area_um2,
        output_mux_um2=number.adcs * tables.mux(tech_nm, number.output_mux_ways).area_um2,
        shift_register_um2=number.adcs * shift_register(hardware).area_um2,
        adder_um2=number.adcs_per_group * number.adders_per_column * adder(hardware).area_um2,
        output_register_um2=number.adcs * register(hardware).area_um2,
        buffer_um2=input_buffer(hardware, default_buffer_kb).area_um2,
    )


# --- Power, latency, energy ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Power:
    """Power of each component of a PE while it reads."""

    crossbar_w: float
    dac_w: float
    adc_w: float
    input_register_w: float
    input_demux_w: float
    output_mux_w: float
    shift_register_w: float
    adder_w: float
    output_register_w: float
    buffer_read_w: float
    buffer_write_w: float

    @property
    def digital_w(self) -> float:
        """The six digital components."""
        inputs = self.input_register_w + self.input_demux_w
        return inputs + self.output_mux_w + self.shift_register_w + self.adder_w + self.output_register_w

    @property
    def buffer_w(self) -> float:
        """Reading and writing at once (F20)."""
        return self.buffer_read_w + self.buffer_write_w

    @property
    def total_w(self) -> float:
        """The whole PE."""
        return self.crossbar_w + self.dac_w + self.adc_w + self.digital_w + self.buffer_w


def read_power(
    hardware: Hardware,
    h: int,
    w: int,
    groups: int | None = None,
    default_buffer_kb: float = DEFAULT_BUFFER_KB,
) -> Power:
    """Power while h rows and w columns of so many groups (default: all) are read. `BadInput` if too many."""
    groups = hardware.groups if groups is None else groups
    check_call(hardware, h, w, groups=groups)
    number = counts(hardware)
    inputs = groups * -(-h // number.input_demux_ways)
    columns = -(-w // number.output_mux_ways)
    if hardware.digital_pim:  # analog counts one subarray only (F21)
        columns *= hardware.subarrays
    outputs = groups * columns
    serial = number.input_demux_ways * number.output_mux_ways
    buffer = input_buffer(hardware, default_buffer_kb)
    tech_nm = hardware.transistor_tech_nm
    return Power(
        crossbar_w=hardware.polarity * groups * crossbar_read_power_w(hardware, h, w) / serial,
        dac_w=inputs * dac(hardware).power_w,
        adc_w=outputs * adc(hardware).power_w,
        input_register_w=inputs * register(hardware).power_w,
        input_demux_w=inputs * tables.mux(tech_nm, number.input_demux_ways).power_w,
        output_mux_w=outputs * tables.mux(tech_nm, number.output_mux_ways).power_w,
        shift_register_w=outputs * shift_register(hardware).power_w,
        adder_w=(groups - 1) * columns * adder(hardware).power_w,
        output_register_w=outputs * register(hardware).power_w,
        buffer_read_w=1e-3 * buffer.read_power_mw,
        buffer_write_w=1e-3 * buffer.write_power_mw,
    )


@dataclass(frozen=True, slots=True)
class Latency:
    """Time that each component of a PE is busy for one input vector; nothing overlaps."""

    buffer_write_ns: float
    buffer_read_ns: float
    dac_ns: float
    crossbar_ns: float
    adc_ns: float
    input_register_ns: float
    input_demux_ns: float
    output_mux_ns: float
    shift_register_ns: float
    adder_ns: float
    output_register_ns: float

    @property
    def computing_ns(self) -> float:
        """DAC, crossbar and ADC."""
        return self.dac_ns + self.crossbar_ns + self.adc_ns

    @property
    def digital_ns(self) -> float:
        """The six digital components."""
        inputs = self.input_register_ns + self.input_demux_ns
        return inputs + self.output_mux_ns + self.shift_register_ns + self.adder_ns + self.output_register_ns

    @property
    def total_ns(self) -> float:
        """The whole PE."""
        return self.buffer_write_ns + self.buffer_read_ns + self.computing_ns + self.digital_ns


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes through the input buffer for one input vector. `BadInput` if negative or not finite."""

    written_bytes: float = 0
    read_bytes: float = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        for name, found in (("written_bytes", self.written_bytes), ("read_bytes", self.read_bytes)):
            if not 0 <= found < math.inf:
                raise BadInput(f"{name}: found {found}; allowed: a number >= 0")


NO_TRAFFIC: Final = Traffic()


def read_latency(
    hardware: Hardware, h: int, w: int, input_bits: int = 8, traffic: Traffic = NO_TRAFFIC
) -> Latency:
    """Time to apply one input vector of `input_bits` to h rows and w columns. `BadInput` if out of range."""
    check_call(hardware, h, w, input_bits=input_bits)
    return unchecked_read_latency(hardware, h, w, input_bits, traffic)


def unchecked_read_latency(
    hardware: Hardware, h: int, w: int, input_bits: int = 8, traffic: Traffic = NO_TRAFFIC
) -> Latency:
    """The formula of `read_latency` outside its range too; h = 0 still charges registers (F29)."""
    number = counts(hardware)
    row_passes = -(-h // number.dacs_per_group)
    column_passes = -(-w // number.adcs_per_subarray)  # whatever the subtraction (F14)
    return _latency(hardware, row_passes * column_passes, column_passes, input_bits, traffic)


def _latency(
    hardware: Hardware, passes: int, column_passes: int, input_bits: int, traffic: Traffic
) -> Latency:
    number, clock_ns = counts(hardware), hardware.clock_ns
    conversions = -(-input_bits // dac(hardware).bits) * passes
    column_ways = -(-hardware.columns // number.adcs_per_subarray)
    buffer = input_buffer(hardware)  # its latency does not depend on its size (F22)
    return Latency(
        buffer_write_ns=buffer.latency_ns(traffic.written_bytes),
        buffer_read_ns=buffer.latency_ns(traffic.read_bytes),
        dac_ns=conversions * dac(hardware).latency_ns,
        crossbar_ns=conversions * crossbar_read_latency_ns(hardware),
        adc_ns=conversions * adc(hardware).latency_ns,
        input_register_ns=(passes + conversions) * clock_ns,
        input_demux_ns=conversions * tables.decoder_latency_ns(number.input_demux_ways),
        output_mux_ns=conversions * tables.mux_latency_ns(column_ways),
        shift_register_ns=conversions * clock_ns,
        adder_ns=column_passes * (hardware.groups - 1).bit_length() * clock_ns,  # ceil(log2 groups) levels
        output_register_ns=column_passes * clock_ns,
    )


@dataclass(frozen=True, slots=True)
class Energy:
    """Energy of each component of a PE for one input vector."""

    crossbar_nj: float
    dac_nj: float
    adc_nj: float
    input_register_nj: float
    input_demux_nj: float
    output_mux_nj: float
    shift_register_nj: float
    adder_nj: float
    output_register_nj: float
    buffer_read_nj: float
    buffer_write_nj: float

    @property
    def digital_nj(self) -> float:
        """The digital components but the adder (F15)."""
        inputs = self.input_register_nj + self.input_demux_nj
        return inputs + self.output_mux_nj + self.shift_register_nj + self.output_register_nj

    @property
    def total_nj(self) -> float:
        """The whole PE as the original adds it up: without the adder (F15)."""
        buffer = self.buffer_read_nj + self.buffer_write_nj
        return self.crossbar_nj + self.dac_nj + self.adc_nj + self.digital_nj + buffer

    @property
    def total_with_adder_nj(self) -> float:
        """The whole PE; equal to `total_nj` with one group."""
        return self.total_nj + self.adder_nj


def read_energy(power: Power, latency: Latency) -> Energy:
    """Energy of one input vector, component by component, from its power and its latency.

    As found, converters are undercounted in partly filled arrays with shared ADCs (F40).
    """
    return Energy(
        crossbar_nj=power.crossbar_w * latency.crossbar_ns,
        dac_nj=power.dac_w * latency.dac_ns,
        adc_nj=power.adc_w * latency.adc_ns,
        input_register_nj=power.input_register_w * latency.input_register_ns,
        input_demux_nj=power.input_demux_w * latency.input_demux_ns,
        output_mux_nj=power.output_mux_w * latency.output_mux_ns,
        shift_register_nj=power.shift_register_w * latency.shift_register_ns,
        adder_nj=power.adder_w * latency.adder_ns,
        output_register_nj=power.output_register_w * latency.output_register_ns,
        buffer_read_nj=power.buffer_read_w * latency.buffer_read_ns,
        buffer_write_nj=power.buffer_write_w * latency.buffer_write_ns,
    )


@dataclass(frozen=True, slots=True)
class Efficiency:
    """Operations, time and energy of one full pass of 8-bit inputs; an operation is a multiply or an add."""

    operations: int
    latency: Latency
    energy: Energy

    @property
    def gops(self) -> float:
        """10^9 operations per second."""
        return self.operations / self.latency.total_ns

    @property
    def gops_per_w(self) -> float:
        """10^9 operations per joule, with the adder."""
        return self.operations / self.energy.total_with_adder_nj


def efficiency(hardware: Hardware) -> Efficiency:
    """Peak efficiency of a PE without its buffer.

    As found, sharing a converter costs no time (F38), and surplus DACs count as operations (F27).
    """
    number = counts(hardware)
    latency = _latency(hardware, 1, 1, 8, NO_TRAFFIC)
    power = read_power(hardware, hardware.rows, hardware.columns)
    operations = 2 * number.dacs_per_group * number.adcs_per_group
    return Efficiency(operations, latency, read_energy(power, latency))


# --- Calls and weights -----------------------------------------------------------------------------------


def check_call(hardware: Hardware, h: int, w: int, *, groups: int = 1, input_bits: int = 8) -> None:
    """`BadInput`, one line, where an argument of a formula is out of range."""
    for name, found, most in (
        ("h", h, hardware.rows),
        ("w", w, hardware.columns),
        ("groups", groups, hardware.groups),
        ("input_bits", input_bits, math.inf),
    ):
        if not 1 <= found <= most:
            allowed = ">= 1" if most == math.inf else f"1 to {most}"
            raise BadInput(f"{name}: found {found}; allowed: {allowed}")


@dataclass(frozen=True, slots=True)
class WeightCrossbars:
    """What holds one logical crossbar of weights."""

    slices: int  # cells of one sign that hold a weight, each in a crossbar of its own
    crossbars: int  # physical crossbars
    pes: int


def crossbars_per_weight(hardware: Hardware, weight_bits: int = 8) -> WeightCrossbars:
    """Physical crossbars and PEs for signed weights of `weight_bits`, the sign included.

    With polarity 2 the sign chooses the crossbar; with polarity 1 it takes a bit of the cells (F41).
    """
    least = hardware.polarity
    if weight_bits < least:
        raise BadInput(f"weight_bits: found {weight_bits}; allowed: >= {least}")
    stored_bits = weight_bits - (hardware.polarity == 2)
    slices = -(-stored_bits // hardware.bits_per_cell)
    return WeightCrossbars(slices, hardware.polarity * slices, -(-slices // hardware.groups))
