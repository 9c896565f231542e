"""Compiled conversion: sums of columns -> codes, shifted and added."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    per_step: np.floating  # 1 / step where that is exact and no sum can saturate, else 0


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
        if how.per_step:
            _round_all(row, how, codes)
        else:
            codes[:] = 0
            for t in range(steps - 1):
                _convert_lowest(row, how, how.step_worth[t], codes, saturated)
            _convert_rest(row, how, how.step_worth[steps - 1], codes, saturated)
        for q in range(parts):
            first, worth = q * columns, how.part_worth[q]
            for c in range(columns):
                out[n, c] += worth * codes[first + c]
    return int(saturated.astype(np.float64).sum())


@compiled
def _round_all(row: Array, how: Conversion, codes: Array) -> None:
    """Convert all steps of each sum where none can saturate."""
    last = len(how.step_worth) - 1
    if last == 0:
        for i in range(len(row)):
            codes[i] = how.step_worth[0] * np.rint(row[i] * how.per_step)
        return
    codes[:] = 0
    for t in range(last):
        for i in range(len(row)):
            rest = np.rint(row[i] * how.per_radix)
            codes[i] += how.step_worth[t] * np.rint((row[i] - rest * how.radix) * how.per_step)
            row[i] = rest
    for i in range(len(row)):
        codes[i] += how.step_worth[last] * np.rint(row[i] * how.per_step)


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
