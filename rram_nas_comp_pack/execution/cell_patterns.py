"""Which cells of a weight are stuck, as one number: compact, and what codes are looked up by.

A pattern is a number in base 3 with a digit for each cell of a weight: 0 healthy, 1 stuck at the highest and
2 at the lowest resistance. Cells of the first array come first, in each the least significant slice.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.jit import compiled

Patterns = NDArray[np.integer]  # (rows, columns)


def no_patterns(cells: int, rows: int, columns: int) -> Patterns:
    """Those of healthy cells (rows, columns), `cells` a weight; 39 cells are the most that are held."""
    if cells > 39:
        raise OverflowError(f"the states of {cells} cells a weight are not held in 64 bits")
    return np.zeros((rows, columns), np.int32 if cells < 20 else np.int64)


def patterns_of(stuck: NDArray[np.int8]) -> Patterns:
    """The patterns (rows, columns) of the cells (arrays, slices, rows, columns)."""
    arrays, slices, rows, columns = stuck.shape
    found = no_patterns(arrays * slices, rows, columns)
    for part in (part for array in stuck for part in array):
        found *= 3
        found += part
    return found


@compiled
def add_drawn(words: NDArray[np.uint32], high: int, low: int, patterns: Patterns) -> None:
    """Add a digit to each of the flat `patterns`: 2 for words of at least `low`, 1 for those below `high`."""
    for i in range(len(patterns)):
        digit = 2 if words[i] >= low else (1 if words[i] < high else 0)
        patterns[i] = 3 * patterns[i] + digit
