"""Weights as levels of cells, and levels as conductances.

Arrays of cells have the shape (arrays, slices, rows, columns): an array for the positive and one for the
negative part of a weight, or one for an offset code; slice j weighs 2^(cell_bits * j).
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..kernels.arrays import Floats, Ints
from ..kernels.jit import compiled
from .device import UNITS, DeviceModel
from .quantiles import Deviation, Quantiles, normal_quantiles, scaled_deviation

Levels = NDArray[np.int8]  # (arrays, slices, rows, columns), 0 to the device's top
Conductances = NDArray[np.int32]  # of the same shape, in 1/1024 of a level step


def slice_weights(device: DeviceModel) -> Ints:
    """What a level step of each slice is worth in steps of the weight: (slices,)."""
    return np.int64(1) << (device.cell_bits * np.arange(device.slices, dtype=np.int64))


def largest_weight(device: DeviceModel) -> int:
    """The largest weight of symmetric quantisation."""
    return (1 << (device.weight_bits - 1)) - 1


def plain_levels(weights: NDArray[np.integer], device: DeviceModel) -> Levels:
    """The digits of weights (rows, columns): of |q|, in the array of its sign; or of the offset code.

    Raises `BadInput` where a weight has more bits than the device's.
    """
    require_range(weights, device)
    q = weights.astype(np.int64)
    codes = [q + device.offset] if device.polarity == 1 else [np.maximum(q, 0), np.maximum(-q, 0)]
    shifts = device.cell_bits * np.arange(device.slices).reshape(-1, 1, 1)
    return np.stack([((code >> shifts) & device.top).astype(np.int8) for code in codes])


def require_range(weights: NDArray[np.integer], device: DeviceModel) -> None:
    """Raise `BadInput` where a weight has more bits than the device's."""
    most = largest_weight(device)
    if weights.size and not -most - (device.polarity == 1) <= weights.min() <= weights.max() <= most:
        raise BadInput(f"weights: found {weights.min()} to {weights.max()}, allowed is -{most} to {most}")


def weights_of(levels: Levels, device: DeviceModel) -> Ints:
    """The weights (rows, columns) that cells of these levels hold."""
    return _shifted_and_added(levels, device) - device.offset


def conductances(
    levels: Levels, device: DeviceModel, varied: Deviation | Quantiles | None = None
) -> Conductances:
    """Conductances of cells, rounded to 1/1024 of a level step.

    `varied` says how far the resistance of each cell is off, as ln(R / R_nominal) or as quantiles, of the
    shape of `levels`; None: every cell is nominal.
    """
    nominal = np.array(device.level_units)
    if varied is None:
        return _whole(nominal)[levels]
    if isinstance(varied, Quantiles):
        return _by_quantile(device.level_units, varied.variation)[levels, varied.numbers]
    return _whole(nominal[levels] * np.exp(-varied.astype(np.float64)))


class Conducting(NamedTuple):
    """Cells of a box (arrays, slices, rows, columns), and the weights (rows, columns) they amount to, in
    1/1024 of a step.
    """

    cells: NDArray[np.integer]
    units: Ints


def conducting(
    levels: Levels, device: DeviceModel, varied: Deviation | Quantiles | None = None
) -> Conducting:
    """`conductances`, in 16 bits where they suffice, and their `effective_weights`."""
    if isinstance(varied, Quantiles):
        table = _by_quantile(device.level_units, varied.variation)
        cells = np.empty(levels.shape, np.uint16 if table.max() < 2**16 else np.int32)
        units = np.full(levels.shape[2:], -offset_units(device))
        _conduct(levels, varied.numbers, table, slice_weights(device), (cells, units))
        return Conducting(cells, units)
    found = conductances(levels, device, varied)
    # these arrays take most of the memory
    smallest = found.astype(np.uint16) if found.max(initial=0) < 2**16 else found
    return Conducting(smallest, effective_weights(found, device))


@compiled
def _conduct(
    levels: Levels,
    numbers: NDArray[np.uint16],
    table: Conductances,
    worths: Ints,
    found: tuple[NDArray[np.integer], Ints],
) -> None:
    """Look all cells up, and add up what they amount to."""
    cells, units = found
    arrays, slices, rows, columns = levels.shape
    for a in range(arrays):
        for j in range(slices):
            worth = worths[j] if a == 0 else -worths[j]
            for r in range(rows):
                for c in range(columns):
                    conductance = table[levels[a, j, r, c], numbers[a, j, r, c]]
                    cells[a, j, r, c] = conductance
                    units[r, c] += worth * conductance


def conductances_by_quantile(device: DeviceModel) -> Conductances:
    """Conductances of cells of each level and quantile: (levels, quantiles), one quantile if none varies."""
    if device.variation:
        return _by_quantile(device.level_units, device.variation)
    return _whole(np.array(device.level_units))[:, None]


@lru_cache(maxsize=16)
def _by_quantile(level_units: tuple[float, ...], variation: float) -> Conductances:
    """Conductances of cells of each level and quantile: (levels, quantiles)."""
    deviation = scaled_deviation(normal_quantiles(), variation).astype(np.float64)
    return _whole(np.array(level_units)[:, None] * np.exp(-deviation))


def _whole(units: Floats) -> Conductances:
    rounded = np.rint(units)
    if rounded.max(initial=0) >= 2**31:
        raise OverflowError(f"a conductance of {rounded.max():g} / {UNITS} steps is not held in 32 bits")
    return rounded.astype(np.int32)


def effective_weights(cells: NDArray[np.integer], device: DeviceModel) -> Ints:
    """The weights (rows, columns) that cells amount to where nothing is lost, in 1/1024 of a step.

    A pair cancels its leak in the mean. Of an offset code the offset is subtracted, and with it the nominal
    leak: both are multiples of the sum of the inputs, which is known.
    """
    return _shifted_and_added(cells, device) - offset_units(device)


def offset_units(device: DeviceModel) -> int:
    """What every input of an offset code adds besides its weight, in 1/1024 of a step; 0 for pairs."""
    if device.polarity == 2:
        return 0
    return device.offset * UNITS + device.leak * int(slice_weights(device).sum())


def _shifted_and_added(cells: NDArray[np.integer], device: DeviceModel) -> Ints:
    """The slices in their weights, the second array taken from the first: (rows, columns)."""
    total = np.zeros(cells.shape[2:], np.int64)
    for array, sign in zip(cells, (1, -1), strict=False):
        for part, worth in zip(array, slice_weights(device), strict=True):
            total += part * (sign * worth)
    return total
