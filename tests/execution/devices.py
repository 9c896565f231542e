"""Devices of the tests: the shipped one with changes, in level steps and shares."""

from dataclasses import replace
from functools import cache

from rram_nas_comp_pack.execution.device import UNITS, DeviceModel, device_of, ideal
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.values import CrossbarSize


@cache
def shipped() -> DeviceModel:
    return device_of(load_hardware())


def even_levels(cell_bits: int, leak: float = 0.0) -> tuple[float, ...]:
    """Conductances of evenly spaced levels, the lowest of which lets `leak` level steps through."""
    return tuple(UNITS * (leak + level) for level in range(1 << cell_bits))


def device(cell_bits: int = 1, leak: float = 0.0, **changes) -> DeviceModel:
    """Ideal cells of the shipped device, with evenly spaced levels, and what is changed."""
    return replace(ideal(shipped()), cell_bits=cell_bits, level_units=even_levels(cell_bits, leak), **changes)


def sized(rows: int, columns: int = 1, **changes) -> DeviceModel:
    """The same on crossbars of another size, all of whose rows are read at once."""
    return device(size=CrossbarSize(rows, columns), driven_rows=rows, **changes)
