"""Boxes of integer weights -> the weights that their cells on one chip amount to, without the cells.

An ideal ADC sees nothing of single cells. Each weight is then one look-up of its code and one of each cell's
conductance; `program` does the same step by step, and keeps the cells.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..kernels.jit import compiled
from .cell_patterns import Patterns
from .cells import (
    Conductances,
    conductances_by_quantile,
    largest_weight,
    offset_units,
    plain_levels,
    require_range,
    slice_weights,
)
from .chip import ChipInstance, quantile_numbers, stuck_patterns
from .code_table import BOUND, UNKNOWN, CodeTable, Kind, code_of, new_work, table_of
from .device import UNITS, DeviceModel
from .encoding import Encoding
from .program import BoxCells

_MOST_ROWS: Final = 1 << 13  # sums of so many weights of 32 bits times inputs are exact in float64


class WeighedBox(NamedTuple):
    """What the weights of a box on a chip have beside its codes: (rows, columns) in 1/1024 of a step."""

    added: NDArray[np.int32]


def can_weigh(device: DeviceModel, chip: ChipInstance) -> bool:
    """Whether `weigh_boxes` serves: cells vary by quantiles, and weights are small enough."""
    if chip.deviation is not None or largest_weight(device) >= BOUND or device.size.rows > _MOST_ROWS:
        return False
    largest = int(_cells_of(device).conduct.max()) + UNITS
    return device.polarity * largest << (device.cell_bits * device.slices + 1) < 2**31


def weigh_boxes(
    boxes: Iterable[BoxCells], device: DeviceModel, chip: ChipInstance, encoding: Encoding
) -> Iterator[WeighedBox]:
    """Weigh one box after the other; neighbours on the same crossbar share its drawn state.

    Raises `BadInput` where weights or chip do not fit the device.
    """
    cells = _cells_of(device)
    nominal = np.zeros((len(cells.worths), *device.size), np.uint16)
    for crossbar, group in groupby(boxes, key=lambda box: box.crossbar):
        patterns, numbers = stuck_patterns(chip, device, crossbar), nominal
        if device.variation:
            numbers = quantile_numbers(chip, device, crossbar).reshape(nominal.shape)
        for box in group:
            require_range(box.weights, device)
            h, w = box.weights.shape
            own = np.ascontiguousarray(patterns[box.row : box.row + h, box.column : box.column + w])
            added = np.empty((h, w), np.int32)
            place = _Place(own, numbers, box.row, box.column, encoding != "plain")
            weights = np.ascontiguousarray(box.weights, np.int64)
            _weigh(weights, place, cells, table_of(cells.kind), added)
            yield WeighedBox(added)


class _Cells(NamedTuple):
    """The cells of a weight, those of the first array first."""

    kind: Kind
    offset: int  # what a code has beside its weight
    beside: int  # what all weights amount to beside themselves, in 1/1024 of a step
    plain: NDArray[np.int8]  # (codes from -BOUND, cells)
    conduct: Conductances  # (levels, quantiles)
    worths: Ints  # (cells,)


class _Place(NamedTuple):
    """The states of the cells under a box, and whether codes avoid them."""

    patterns: Patterns  # (rows, columns) of the box
    numbers: NDArray[np.uint16]  # (cells, rows, columns) of the crossbar
    row: int
    column: int
    aware: bool


@lru_cache(maxsize=16)
def _cells_of(device: DeviceModel) -> _Cells:
    most = largest_weight(device)
    worths = slice_weights(device)
    cells = device.polarity * device.slices
    plain = np.zeros((2 * BOUND + 1, cells), np.int8)
    weights = np.arange(-most - (device.polarity == 1), most + 1)
    levels = plain_levels(weights[None], device).reshape(cells, -1)
    plain[weights + BOUND] = levels.T
    return _Cells(
        Kind(device.polarity, device.slices, device.top),
        device.offset,
        offset_units(device),
        plain,
        conductances_by_quantile(device),
        np.concatenate([worths, -worths][: device.polarity]),
    )


@compiled
def _weigh(weights: Ints, place: _Place, cells: _Cells, table: CodeTable, added: NDArray[np.int32]) -> None:
    """Row by row: first the level of every cell, then array by array what they conduct."""
    rows, columns = weights.shape
    worths, conduct = cells.worths, cells.conduct
    levels, total = np.zeros((len(worths), columns), np.int8), np.zeros(columns, np.int64)
    for r in range(rows):
        if place.aware:
            _write_nearest(weights[r], place.patterns[r], cells, table, levels)
        else:
            _write_plain(weights[r], place.patterns[r], cells, levels)
        for c in range(columns):
            total[c] = -cells.beside - UNITS * weights[r, c]
        for cell in range(len(worths)):
            numbers = place.numbers[cell, place.row + r, place.column : place.column + columns]
            own, worth = levels[cell], worths[cell]
            for c in range(columns):
                total[c] += worth * conduct[own[c], numbers[c]]
        for c in range(columns):
            added[r, c] = total[c]


@compiled
def _write_nearest(
    weights: Ints, patterns: Patterns, cells: _Cells, table: CodeTable, levels: NDArray[np.int8]
) -> None:
    """The levels (cells, columns) of the nearest codes; stuck cells are at theirs."""
    rows, known, codes = table.row, table.values, table.levels
    work = new_work(cells.kind)
    for c in range(len(weights)):
        target, pattern = weights[c] + cells.offset, int(patterns[c])
        row = int(rows[pattern]) if len(rows) else -1
        if row >= 0 and abs(target) <= BOUND and known[row, target + BOUND] != UNKNOWN:
            for cell in range(len(levels)):
                levels[cell, c] = codes[row, target + BOUND, cell]
        else:
            code_of(target, pattern, cells.kind, table, work)
            for cell in range(len(levels)):
                levels[cell, c] = work.code[cell]


@compiled
def _write_plain(weights: Ints, patterns: Patterns, cells: _Cells, levels: NDArray[np.int8]) -> None:
    """The levels (cells, columns) of cells with plain codes; stuck cells are at theirs."""
    plain, top = cells.plain, cells.kind.top
    for c in range(len(weights)):
        pattern = int(patterns[c])
        if pattern == 0:
            for cell in range(len(levels)):
                levels[cell, c] = plain[weights[c] + BOUND, cell]
            continue
        for cell in range(len(levels) - 1, -1, -1):
            state = pattern % 3
            pattern //= 3
            own = plain[weights[c] + BOUND, cell]
            levels[cell, c] = own if state == 0 else (0 if state == 1 else top)
