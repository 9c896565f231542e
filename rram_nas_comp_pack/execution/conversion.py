"""Compiled conversion: sums of columns -> codes, shifted and added."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..kernels.jit import compiled

Array = NDArray[np.floating]


class Conversion(NamedTuple):
    """How sums become an output.

    A sum may hold several read steps: that of step t is worth radix^t. A code of step t and of part q (a
    slice of an array) adds step_worth[t] * part_worth[q] to the output. `step` is in the unit of the sums.
    All are of one type, float32 or float64; all arithmetic on them is exact but for the division by `step`.
    """

    step_worth: Array  # (steps in a sum,)
    part_worth: Array  # (parts,)
    radix: np.floating
    per_radix: np.floating  # 1 / radix, a power of two
    step: np.floating
    lowest: np.floating
    highest: np.floating


@compiled
def convert_and_add(sums: Array, how: Conversion, out: Array) -> int:
    """Convert `sums` (n, parts * columns) and add their worth to `out` (n, columns).

    `sums` is used up. Returns how many conversions saturated.
    """
    steps, parts, columns = len(how.step_worth), len(how.part_worth), out.shape[1]
    codes = np.zeros_like(sums[0])
    saturated = np.zeros_like(codes)  # a count for each sum, so that the compiler may do several at a time
    for n in range(len(sums)):
        row = sums[n]
        codes[:] = 0
        for t in range(steps - 1):
            _convert_lowest(row, how, how.step_worth[t], codes, saturated)
        _convert_rest(row, how, how.step_worth[steps - 1], codes, saturated)
        for q in range(parts):
            part = codes[q * columns : (q + 1) * columns]
            for c in range(columns):
                out[n, c] += how.part_worth[q] * part[c]
    return int(saturated.astype(np.float64).sum())


@compiled
def _convert_lowest(row: Array, how: Conversion, worth: Any, codes: Array, saturated: Array) -> None:
    """Take the lowest step off each sum and convert it."""
    shrink, none, one = how.per_radix, how.radix - how.radix, how.radix * how.per_radix
    for i in range(len(row)):
        rest = np.rint(row[i] * shrink)
        code = np.rint((row[i] - rest * how.radix) / how.step)
        row[i] = rest
        kept = how.lowest if code < how.lowest else (how.highest if code > how.highest else code)
        saturated[i] += one if kept != code else none
        codes[i] += worth * kept


@compiled
def _convert_rest(row: Array, how: Conversion, worth: Any, codes: Array, saturated: Array) -> None:
    """Convert what is left of each sum: its highest step."""
    none, one = how.radix - how.radix, how.radix * how.per_radix
    for i in range(len(row)):
        code = np.rint(row[i] / how.step)
        kept = how.lowest if code < how.lowest else (how.highest if code > how.highest else code)
        saturated[i] += one if kept != code else none
        codes[i] += worth * kept


class ColumnReads(NamedTuple):
    """Cells and digits of a box whose columns are read one by one, each with inputs of its own.

    `digits[s, x]` is what step s drives for an input whose 8 bits are x, `worth[s, q]` what a code of step s
    and part q adds to the output; `step` is in 1/1024 of a level step.
    """

    cells: Ints  # (columns, parts, rows)
    digits: Ints  # (steps, 256)
    worth: Ints  # (steps, parts)
    step: float
    range: tuple[int, int]


@compiled
def read_columns(patterns: NDArray[np.uint8], how: ColumnReads, out: NDArray[np.float64]) -> int:
    """Read inputs (n, columns, rows) and add the worth of the codes to `out` (n, columns).

    Returns how many conversions saturated.
    """
    columns, parts, rows = how.cells.shape
    lowest, highest = how.range
    driven = np.zeros(rows, np.int64)
    digit = np.zeros(rows, np.int64)
    saturated = 0
    for n in range(len(patterns)):
        for c in range(columns):
            cells = how.cells[c]
            total = 0.0
            for s in range(len(how.digits)):
                active = 0
                for r in range(rows):
                    d = how.digits[s, patterns[n, c, r]]
                    driven[active], digit[active] = r, d
                    active += d != 0
                if active == 0:
                    continue
                for q in range(parts):
                    charge = 0
                    for i in range(active):
                        charge += digit[i] * cells[q, driven[i]]
                    code = np.rint(charge / how.step)
                    kept = min(max(code, lowest), highest)
                    saturated += kept != code
                    total += how.worth[s, q] * kept
            out[n, c] += total
    return saturated
