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
from .cell_patterns import Patterns, patterns_of
from .cells import Levels
from .nearest_code import FREE, WORK_ROWS, nearest_digits

Stuck = NDArray[np.int8]

_ROWS: Final = 2048  # patterns that are remembered
_MOST_PATTERNS: Final = 3**14
BOUND: Final = 256  # codes of larger weights are not remembered
UNKNOWN: Final = 2**31 - 1


class CodeTable(NamedTuple):
    """`row[pattern]` is -1 where a pattern has no row yet; `used[0]` rows have a pattern."""

    row: NDArray[np.int16]  # (patterns,)
    used: Ints  # (1,)
    values: NDArray[np.int32]  # (rows, codes from -BOUND), UNKNOWN where the code was not sought yet
    levels: NDArray[np.int8]  # (rows, codes from -BOUND, arrays * slices)


class Kind(NamedTuple):
    """The cells of a weight: arrays and slices, and the highest level."""

    arrays: int
    slices: int
    top: int


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
    kind = Kind(stuck.shape[0], stuck.shape[1], top)
    _write(targets, patterns_of(stuck), kind, table_of(kind), (values, levels))
    return values, levels


def squared_errors(weights: NDArray[np.integer], scales: Rescaling, patterns: Patterns, kind: Kind) -> Ints:
    """Squared errors of the columns of `weights` (rows, columns) at each scale: (scales, columns)."""
    total = np.zeros((weights.shape[1], len(scales.steps)), np.int64)
    own = np.ascontiguousarray(weights, np.int64), np.ascontiguousarray(patterns)
    _add_squares(own, scales, kind, table_of(kind), total)
    return total.T


@lru_cache(maxsize=4)
def table_of(kind: Kind) -> CodeTable:
    """The table of one kind of cells; of more cells a weight than can be numbered, nothing is remembered."""
    cells = kind.arrays * kind.slices
    patterns = 3**cells if 3**cells <= _MOST_PATTERNS else 0
    rows = min(_ROWS, patterns)
    return CodeTable(
        np.full(patterns, -1, np.int16),
        np.zeros(1, np.int64),
        np.full((rows, 2 * BOUND + 1), UNKNOWN, np.int32),
        np.zeros((rows, 2 * BOUND + 1, cells), np.int8),
    )


class Work(NamedTuple):
    """Room for the search of a code."""

    free: Ints  # (2, slices)
    search: Ints
    digits: Ints  # (slices,)
    code: NDArray[np.int8]  # (arrays * slices,)


@inlined
def new_work(kind: Kind) -> Work:
    """Room for one kind of cells."""
    return Work(
        np.zeros((2, kind.slices), np.int64),
        np.zeros((WORK_ROWS, kind.slices + 1), np.int64),
        np.zeros(kind.slices, np.int64),
        np.zeros(kind.arrays * kind.slices, np.int8),
    )


@compiled
def _write(
    targets: Ints, patterns: Patterns, kind: Kind, table: CodeTable, found: tuple[Ints, Levels]
) -> None:
    values, levels = found
    work = new_work(kind)
    for r in range(targets.shape[0]):
        for c in range(targets.shape[1]):
            target, pattern = targets[r, c], int(patterns[r, c])
            values[r, c] = code_of(target, pattern, kind, table, work)
            for a in range(kind.arrays):
                for j in range(kind.slices):
                    levels[a, j, r, c] = work.code[a * kind.slices + j]


@compiled
def _add_squares(
    own: tuple[Ints, Patterns], scales: Rescaling, kind: Kind, table: CodeTable, total: Ints
) -> None:
    """Add to `total` (columns, scales). Fields are taken out of their tuples for the compiler."""
    weights, patterns = own
    rows, known, codes, steps = table.row, table.values, scales.codes, scales.steps
    work = new_work(kind)
    for r in range(weights.shape[0]):
        for c in range(weights.shape[1]):
            weight, pattern = weights[r, c], int(patterns[r, c])
            if weight == 0 and pattern == 0:
                continue  # healthy cells hold it exactly
            row = int(rows[pattern]) if len(rows) else -1
            for s in range(len(steps)):
                target = codes[s, weight + BOUND]
                value = int(UNKNOWN)
                if row >= 0 and abs(target) <= BOUND:
                    value = int(known[row, target + BOUND])
                if value == UNKNOWN:
                    value = code_of(target, pattern, kind, table, work)
                error = weight * scales.usual - steps[s] * (value - scales.offset)
                total[c, s] += error * error


@compiled
def code_of(target: int, pattern: int, kind: Kind, table: CodeTable, work: Work) -> int:
    """Write the levels of the nearest code to `work.code`, and return its value; the table remembers it."""
    if len(table.row) == 0 or abs(target) > BOUND:
        return seek(target, pattern, kind, work)
    row = int(table.row[pattern])
    if row < 0:
        if table.used[0] == len(table.values):
            return seek(target, pattern, kind, work)
        row = int(table.used[0])
        table.row[pattern] = row
        table.used[0] += 1
    if table.values[row, target + BOUND] == UNKNOWN:
        table.values[row, target + BOUND] = seek(target, pattern, kind, work)
        table.levels[row, target + BOUND] = work.code
    else:
        work.code[:] = table.levels[row, target + BOUND]
    return int(table.values[row, target + BOUND])


@compiled
def seek(target: int, pattern: int, kind: Kind, work: Work) -> int:
    """Write the levels of the nearest code to `work.code`, and return its value."""
    free, digits, code, slices = work.free, work.digits, work.code, kind.slices
    free[1] = 0
    for cell in range(kind.arrays * slices - 1, -1, -1):
        state = pattern % 3
        pattern //= 3
        free[cell // slices, cell % slices] = FREE if state == 0 else (0 if state == 1 else kind.top)
    nearest_digits(target, free, kind.top, digits, work.search)
    value, worth = 0, 1
    for j in range(slices):
        p, m, d = free[0, j], free[1, j], digits[j]
        both = p == FREE and m == FREE
        code[j] = max(d, 0) if both else (p if p != FREE else d + m)
        if kind.arrays == 2:
            code[slices + j] = max(-d, 0) if both else (m if m != FREE else p - d)
        value += d * worth
        worth *= kind.top + 1
    return value
