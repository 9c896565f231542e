"""Counts, area, power, latency and energy of one processing element (PE), as pure formulas on `Hardware`.

The model is MNSIM 2.0 (Z. Zhu et al., IEEE TCAD 42(11), 2023) as found. Its faults carry ids (F..);
docs/hardware.md says which are mended here. ns, W, nJ and um^2 throughout.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from ..errors import BadInput
from . import digital
from .components import (
    DEFAULT_BUFFER_KB,
    adc,
    adc_area_um2,
    adder,
    buffer,
    dac,
    register,
    shift_register,
)
from .config.read import Hardware
from .crossbar import crossbar_area_um2, crossbar_read_latency_ns, crossbar_read_power_w
from .pe_results import Area, Energy, Latency, Power


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


def area(hardware: Hardware, default_buffer_kb: float = DEFAULT_BUFFER_KB) -> Area:
    """Area of a PE; surplus converters (F27) and subarrays squared in the adder (F21) as found."""
    number = counts(hardware)
    tech_nm = hardware.transistor_tech_nm
    return Area(
        crossbar_um2=number.crossbars * crossbar_area_um2(hardware),
        dac_um2=number.dacs * dac(hardware).area_um2,
        adc_um2=number.adcs * adc_area_um2(hardware),
        input_register_um2=number.dacs * register(hardware).area_um2,
        input_demux_um2=number.dacs * digital.mux(tech_nm, number.input_demux_ways).area_um2,
        output_mux_um2=number.adcs * digital.mux(tech_nm, number.output_mux_ways).area_um2,
        shift_register_um2=number.adcs * shift_register(hardware).area_um2,
        adder_um2=number.adcs_per_group * number.adders_per_column * adder(hardware).area_um2,
        output_register_um2=number.adcs * register(hardware).area_um2,
        buffer_um2=buffer(hardware, hardware.input_buffer_kb, default_buffer_kb).area_um2,
    )


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
    input_buffer = buffer(hardware, hardware.input_buffer_kb, default_buffer_kb)
    tech_nm = hardware.transistor_tech_nm
    return Power(
        crossbar_w=hardware.polarity * groups * crossbar_read_power_w(hardware, h, w) / serial,
        dac_w=inputs * dac(hardware).power_w,
        adc_w=outputs * adc(hardware).power_w,
        input_register_w=inputs * register(hardware).power_w,
        input_demux_w=inputs * digital.mux(tech_nm, number.input_demux_ways).power_w,
        output_mux_w=outputs * digital.mux(tech_nm, number.output_mux_ways).power_w,
        shift_register_w=outputs * shift_register(hardware).power_w,
        adder_w=(groups - 1) * columns * adder(hardware).power_w,
        output_register_w=outputs * register(hardware).power_w,
        buffer_read_w=1e-3 * input_buffer.read_power_mw,
        buffer_write_w=1e-3 * input_buffer.write_power_mw,
    )


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
    input_buffer = buffer(hardware, hardware.input_buffer_kb)  # its latency does not depend on its size (F22)
    return Latency(
        buffer_write_ns=input_buffer.latency_ns(traffic.written_bytes),
        buffer_read_ns=input_buffer.latency_ns(traffic.read_bytes),
        dac_ns=conversions * dac(hardware).latency_ns,
        crossbar_ns=conversions * crossbar_read_latency_ns(hardware),
        adc_ns=conversions * adc(hardware).latency_ns,
        input_register_ns=(passes + conversions) * clock_ns,
        input_demux_ns=conversions * digital.decoder_latency_ns(number.input_demux_ways),
        output_mux_ns=conversions * digital.mux_latency_ns(column_ways),
        shift_register_ns=conversions * clock_ns,
        adder_ns=column_passes * (hardware.groups - 1).bit_length() * clock_ns,  # ceil(log2 groups) levels
        output_register_ns=column_passes * clock_ns,
    )


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
