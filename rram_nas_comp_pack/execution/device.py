"""`Hardware` -> `DeviceModel`: what programming and reading cells need to know, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ..errors import BadInput
from ..hardware.chip_costs import WEIGHT_BITS
from ..hardware.components import adc, dac
from ..hardware.config.read import Hardware
from ..hardware.pe import counts
from ..values import CrossbarSize

UNITS: Final = 1024
"""Conductances are whole numbers of 1/1024 of a level step, so that sums do not depend on their order."""

MOST_LEAK: Final = 1000
"""Level steps that a cell at the highest resistance may let through: sums of them fit 53 bits."""


@dataclass(frozen=True, slots=True)
class DeviceModel:
    """The cells, converters and number formats of one kind of chip.

    A level step is the difference of conductance between neighbouring levels: 1 / (2^cell_bits - 1) of the
    whole range. `level_units[l]` is the conductance of a cell of level l in 1/1024 of a step, with the share
    that the highest resistance lets through (its leak); not yet rounded.
    """

    weight_bits: int  # of a weight, with its sign
    cell_bits: int  # of a cell
    polarity: int  # arrays of a weight: 2 for its positive and its negative part, 1 for an offset code
    dac_bits: int  # of an input that one read step drives
    digital_subtraction: bool  # whether each array of a pair has conversions of its own
    level_units: tuple[float, ...]  # one per level, lowest conductance first
    variation: float  # standard deviation of a cell's resistance, as a share of the resistance
    stuck_high: float  # share of the cells that are stuck at the highest resistance
    stuck_low: float  # share of the cells that are stuck at the lowest resistance
    adc_bits: int  # of a conversion, where all rows are read at once
    size: CrossbarSize
    driven_rows: int  # rows that the DACs drive at once

    @property
    def top(self) -> int:
        """The highest level of a cell."""
        return (1 << self.cell_bits) - 1

    @property
    def slices(self) -> int:
        """Cells of a weight in each array; the sign needs one only in an offset code."""
        return -(-(self.weight_bits - self.polarity + 1) // self.cell_bits)

    @property
    def offset(self) -> int:
        """What an offset code adds to a weight."""
        return 1 << (self.weight_bits - 1) if self.polarity == 1 else 0

    @property
    def leak(self) -> int:
        """Conductance of a cell at level 0, rounded, in 1/1024 of a step."""
        return round(self.level_units[0])


def device_of(hardware: Hardware, weight_bits: int = WEIGHT_BITS) -> DeviceModel:
    """The device of a configuration. SRAM cells neither leak nor vary, and none is stuck.

    Raises `BadInput` where the resistances lie too close together.
    """
    bits = hardware.bits_per_cell
    nvm = hardware.device_type == "NVM"
    high, low = hardware.stuck_percent if nvm else (0.0, 0.0)
    number = counts(hardware)
    return DeviceModel(
        weight_bits=weight_bits,
        cell_bits=bits,
        polarity=hardware.polarity,
        dac_bits=dac(hardware).bits,
        digital_subtraction=hardware.digital_subtraction,
        level_units=_level_units(hardware.resistances_ohm, bits) if nvm else _even_levels(bits),
        variation=hardware.variation_percent / 100 if nvm else 0.0,
        stuck_high=high / 100,
        stuck_low=low / 100,
        adc_bits=adc(hardware).bits,
        size=hardware.size,
        driven_rows=min(number.dacs_per_group, hardware.rows),
    )


def ideal(device: DeviceModel) -> DeviceModel:
    """The same device with cells that neither leak nor vary, at evenly spaced levels; none is stuck."""
    return replace(
        device, level_units=_even_levels(device.cell_bits), variation=0.0, stuck_high=0.0, stuck_low=0.0
    )


def _even_levels(bits: int) -> tuple[float, ...]:
    return tuple(float(UNITS * level) for level in range(1 << bits))


def _level_units(resistances_ohm: tuple[float, ...], bits: int) -> tuple[float, ...]:
    """Conductances of the 2^bits levels in use: where there are more states, the last stay unused."""
    top = (1 << bits) - 1
    states = resistances_ohm[: top + 1]
    span = 1 / states[-1] - 1 / states[0]
    if top / states[0] > MOST_LEAK * span:
        raise BadInput(
            f"Device_Resistance: found {states[0]:g} and {states[-1]:g} ohm as highest and lowest in use; "
            f"allowed is a highest one that lets at most {MOST_LEAK} level steps through"
        )
    return tuple(UNITS * top * (1 / ohm) / span for ohm in states)
