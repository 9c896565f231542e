"""The results for a PE, part by part: area, power, latency and energy. Fault ids: docs/hardware.md."""

from __future__ import annotations

from dataclasses import dataclass


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
