"""Compiled reads of boxes whose columns are read one by one, each with inputs of its own."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from ..kernels.jit import compiled, inlined
from .converters import is_power_of_two
from .device import UNITS
from .read_plan import Converters, part_worth

Patterns = NDArray[np.uint8]  # (n, columns, rows) the 8 bits of each input

_GROUP: Final = 9  # rows whose sums are looked up: those of a 3 x 3 kernel
_ENTRIES: Final = 1 << _GROUP


class ColumnReads(NamedTuple):
    """What a read of single columns needs.

    A code of read step s and part q adds step_worth[s] * part_worth[q] to the output; `digits[s, x]` is what
    step s drives for an input whose 8 bits are x. `step` is in 1/1024 of a level step, `per_step` is 1 / step
    where that is exact, else 0.
    """

    cells: Ints  # (columns, parts, rows), 1/1024 of a level step
    digits: Ints  # (steps, 256)
    step_worth: Ints  # (steps,)
    part_worth: Ints  # (parts,)
    step: float
    per_step: float
    lowest: int
    highest: int


def column_reads(cells: NDArray[np.integer], how: Converters) -> ColumnReads:
    """What reads of single columns need: of sensed cells (columns, parts, rows)."""
    step = how.adc.step
    return ColumnReads(
        cells=np.ascontiguousarray(cells, np.int64),
        digits=np.stack([each.driven for each in how.steps]),
        step_worth=np.array([each.worth for each in how.steps]),
        part_worth=part_worth(how.device),
        step=step * UNITS,
        per_step=1 / (step * UNITS) if is_power_of_two(step) else 0.0,
        lowest=how.adc.lowest,
        highest=how.adc.highest,
    )


def read_columns(patterns: Patterns, how: ColumnReads) -> tuple[Floats, int]:
    """Outputs (n, columns) of inputs (n, columns, rows) in codes, and how many conversions saturated."""
    out = np.zeros(patterns.shape[:2], np.float64)
    bits = (np.arange(256) >> np.arange(8).reshape(-1, 1)) & 1
    by_bits = np.array_equal(how.digits, bits)
    return out, (_read_bits(patterns, how, out) if by_bits else _read_digits(patterns, how, out))


@compiled
def _read_digits(patterns: Patterns, how: ColumnReads, out: Floats) -> int:
    """Any digits: sums over the rows that are driven."""
    columns, parts, rows = how.cells.shape
    driven = np.zeros(rows, np.int64)
    digit = np.zeros(rows, np.int64)
    saturated = 0
    for n in range(len(patterns)):
        for c in range(columns):
            for s in range(len(how.digits)):
                active = 0
                for r in range(rows):
                    d = how.digits[s, patterns[n, c, r]]
                    driven[active], digit[active] = r, d
                    active += d != 0
                for q in range(parts):
                    charge = 0
                    for i in range(active):
                        charge += digit[i] * how.cells[c, q, driven[i]]
                    kept, lost = _convert(charge, how)
                    saturated += lost
                    out[n, c] += how.step_worth[s] * how.part_worth[q] * kept
    return saturated


@compiled
def _read_bits(patterns: Patterns, how: ColumnReads, out: Floats) -> int:
    """One bit a step: sums of nine rows at a time are looked up, of nine rows or fewer the codes too."""
    columns, parts, rows = how.cells.shape
    groups = (rows + _GROUP - 1) // _GROUP
    sums = np.zeros((groups, _ENTRIES, parts), np.float64)
    worth = np.zeros(_ENTRIES, np.float64)
    beyond = np.zeros(_ENTRIES, np.int64)
    driven = np.zeros((groups, 8), np.int64)
    saturated = 0
    for c in range(columns):
        for g in range(groups):
            _add_up(how.cells[c, :, g * _GROUP : (g + 1) * _GROUP], sums[g])
        if groups == 1:
            worth[:] = 0
            beyond[:] = 0
            for entry in range(1 << rows):
                for q in range(parts):
                    kept, lost = _convert(sums[0, entry, q], how)
                    worth[entry] += how.part_worth[q] * kept
                    beyond[entry] += lost
        for n in range(len(patterns)):
            driven[:] = 0
            for r in range(rows):
                for s in range(8):
                    driven[r // _GROUP, s] |= ((np.int64(patterns[n, c, r]) >> s) & 1) << (r % _GROUP)
            for s in range(8):
                if groups == 1:
                    entry = driven[0, s]
                    out[n, c] += how.step_worth[s] * worth[entry]
                    saturated += beyond[entry]
                    continue
                found = 0.0
                for q in range(parts):
                    charge = 0.0
                    for g in range(groups):
                        charge += sums[g, driven[g, s], q]
                    kept, lost = _convert(charge, how)
                    found += how.part_worth[q] * kept
                    saturated += lost
                out[n, c] += how.step_worth[s] * found
    return saturated


@compiled
def _add_up(cells: Ints, sums: Floats) -> None:
    """Sums of cells (parts, rows) for every set of driven rows: (2^rows, parts)."""
    parts, rows = cells.shape
    sums[0] = 0
    for r in range(rows):
        for entry in range(1 << r):
            for q in range(parts):
                sums[(1 << r) + entry, q] = sums[entry, q] + cells[q, r]


@inlined
def _convert(charge: float, how: ColumnReads) -> tuple[float, bool]:
    """The code of a sum, and whether it saturates."""
    code = np.rint(charge * how.per_step if how.per_step else charge / how.step)
    kept = how.lowest if code < how.lowest else (how.highest if code > how.highest else code)
    return kept, kept != code


@compiled
def add_products(x: NDArray[np.integer], weights: Floats, out: Floats) -> None:
    """Add to `out` (n, columns) the products of inputs (n, columns, rows) by weights (columns, rows)."""
    n, columns, rows = x.shape
    for i in range(n):
        for c in range(columns):
            total = 0.0
            for r in range(rows):
                total += x[i, c, r] * weights[c, r]
            out[i, c] += total
