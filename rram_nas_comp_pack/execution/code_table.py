"""Nearest codes of whole boxes, which are remembered by pattern of stuck cells and weight.

Most weights of a chip have one of few patterns, so that a code is looked up and not sought. What is
remembered never changes a result.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..kernels.jit import compiled, inlined
from .cells import Levels
from .nearest_code import FREE, WORK_ROWS, Stuck, nearest_digits, read_stuck

_ROWS: Final = 2048  # patterns that are remembered
_MOST_PATTERNS: Final = 3**14
BOUND: Final = 256  # codes of larger weights are not remembered
_UNKNOWN: Final = np.int32(2**31 - 1)


class CodeTable(NamedTuple):
    """`row[pattern]` is -1 where a pattern has no row yet; `used[0]` rows have a pattern.

    A pattern is a number in base 3, a digit a cell: 0 healthy, 1 and 2 stuck.
    """

    row: NDArray[np.int16]  # (patterns,)
    used: Ints  # (1,)
    values: NDArray[np.int32]  # (rows, codes from -BOUND), _UNKNOWN where the code was not sought yet
    levels: NDArray[np.int8]  # (rows, codes from -BOUND, arrays * slices)


class Rescaling(NamedTuple):
    """What integer weights become at other scales.

    `codes[s, w + BOUND]` is the code of weight w at scale s, with its `offset`; a step of that scale is worth
    `steps[s]`, where one of the weights is worth `usual`.
    """

    codes: Ints  # (scales, 2 * BOUND + 1)
    steps: Ints  # (scales,)
    usual: int
    offset: int


def nearest_codes(targets: Ints, stuck: Stuck, top: int) -> tuple[Ints, Levels]:
    """The nearest codes of `targets` (rows, columns) around `stuck` (arrays, slices, rows, columns).

    Returns their values, of the shape of the targets, and their levels, of that of `stuck`. A stuck cell has
    the level at which it is stuck.
    """
    values, levels = np.empty(targets.shape, np.int64), np.empty(stuck.shape, np.int8)
    _write(targets, stuck, top, _table(*stuck.shape[:2], top), (values, levels))
    return values, levels


def squared_errors(weights: Ints, scales: Rescaling, stuck: Stuck, top: int) -> Ints:
    """Squared errors of the columns of `weights` (rows, columns) at each scale: (scales, columns)."""
    table = _table(*stuck.shape[:2], top)
    return np.asarray(_add_squares(weights, scales, stuck, top, table))


@lru_cache(maxsize=4)
def _table(arrays: int, slices: int, top: int) -> CodeTable:
    """The table of one kind of cells; of more cells a weight than can be numbered, nothing is remembered."""
    cells = arrays * slices
    patterns = 3**cells if 3**cells <= _MOST_PATTERNS else 0
    rows = min(_ROWS, patterns)
    return CodeTable(
        np.full(patterns, -1, np.int16),
        np.zeros(1, np.int64),
        np.full((rows, 2 * BOUND + 1), _UNKNOWN, np.int32),
        np.zeros((rows, 2 * BOUND + 1, cells), np.int8),
    )


@compiled
def _write(targets: Ints, stuck: Stuck, top: int, table: CodeTable, found: tuple[Ints, Levels]) -> None:
    values, levels = found
    arrays, slices = stuck.shape[0], stuck.shape[1]
    work = np.zeros((WORK_ROWS + 4, slices + 1), np.int64)
    code = np.zeros(arrays * slices, np.int8)
    for r in range(targets.shape[0]):
        for c in range(targets.shape[1]):
            target = targets[r, c]
            row = _row(stuck, r, c, table)
            if row >= 0 and abs(target) <= BOUND and table.values[row, target + BOUND] != _UNKNOWN:
                values[r, c] = table.values[row, target + BOUND]
                own = table.levels[row, target + BOUND]
            else:
                values[r, c] = _seek(target, (stuck, r, c, top), work, code)
                own = code
                if row >= 0 and abs(target) <= BOUND:
                    table.values[row, target + BOUND] = values[r, c]
                    table.levels[row, target + BOUND] = code
            for a in range(arrays):
                for j in range(slices):
                    levels[a, j, r, c] = own[a * slices + j]


@compiled
def _add_squares(weights: Ints, scales: Rescaling, stuck: Stuck, top: int, table: CodeTable) -> Ints:
    slices = stuck.shape[1]
    work = np.zeros((WORK_ROWS + 4, slices + 1), np.int64)
    code = np.zeros(stuck.shape[0] * slices, np.int8)
    total = np.zeros((len(scales.steps), weights.shape[1]), np.int64)
    for r in range(weights.shape[0]):
        for c in range(weights.shape[1]):
            row = _row(stuck, r, c, table)
            for s in range(len(scales.steps)):
                target = scales.codes[s, weights[r, c] + BOUND]
                if row >= 0 and abs(target) <= BOUND and table.values[row, target + BOUND] != _UNKNOWN:
                    value = int(table.values[row, target + BOUND])
                else:
                    value = _seek(target, (stuck, r, c, top), work, code)
                    if row >= 0 and abs(target) <= BOUND:
                        table.values[row, target + BOUND] = value
                        table.levels[row, target + BOUND] = code
                error = weights[r, c] * scales.usual - scales.steps[s] * (value - scales.offset)
                total[s, c] += error * error
    return total


@inlined
def _row(stuck: Stuck, r: int, c: int, table: CodeTable) -> int:
    """The row of the table for the cells of a weight; -1 where there is none left."""
    if len(table.row) == 0:
        return -1
    pattern = 0
    for a in range(stuck.shape[0]):
        for j in range(stuck.shape[1]):
            pattern = 3 * pattern + stuck[a, j, r, c]
    row = table.row[pattern]
    if row < 0 and table.used[0] < len(table.values):
        row = np.int16(table.used[0])
        table.row[pattern] = row
        table.used[0] += 1
    return int(row)


@compiled
def _seek(target: int, place: tuple[Stuck, int, int, int], work: Ints, code: NDArray[np.int8]) -> int:
    """Write the levels (arrays * slices,) of the nearest code, and return its value."""
    stuck, r, c, top = place
    arrays, slices = stuck.shape[0], stuck.shape[1]
    free, digits = work[WORK_ROWS : WORK_ROWS + 2, :slices], work[WORK_ROWS + 2, :slices]
    read_stuck(stuck, r, c, top, free)
    nearest_digits(target, free, top, digits, work[:WORK_ROWS])
    value, worth = 0, 1
    for j in range(slices):
        p, m, d = free[0, j], free[1, j], digits[j]
        both = p == FREE and m == FREE
        code[j] = max(d, 0) if both else (p if p != FREE else d + m)
        if arrays == 2:
            code[slices + j] = max(-d, 0) if both else (m if m != FREE else p - d)
        value += d * worth
        worth *= top + 1
    return value
