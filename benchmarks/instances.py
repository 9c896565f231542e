"""The 500 standard instances of two-dimensional bin packing, generated.

Classes 1-6: Berkey and Wang, "Two-dimensional finite bin-packing algorithms" (1987); classes 7-10: Martello
and Vigo, "Exact solution of the two-dimensional finite bin packing problem" (1998). Items keep their
orientation. The generator computes in 32-bit floats, rounded at every step, as the published instances do.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

SIZES = (20, 40, 60, 80, 100)
BEST_KNOWN = {1: 997, 2: 124, 3: 695, 4: 120, 5: 892, 6: 109, 7: 826, 8: 833, 9: 2130, 10: 499}
AREA_BOUND = {1: 927, 2: 124, 3: 629, 4: 119, 5: 786, 6: 108, 7: 719, 8: 721, 9: 1371, 10: 476}
DFF_BOUND = {1: 991, 2: 124, 3: 683, 4: 119, 5: 873, 6: 108, 7: 811, 8: 823, 9: 2120, 10: 486}

_UNIFORM = {1: (10, 10), 2: (30, 10), 3: (40, 35), 4: (100, 35), 5: (100, 100), 6: (300, 100)}
_MIXES = {7: (0.7, 0.1, 0.1), 8: (0.1, 0.7, 0.1), 9: (0.1, 0.1, 0.7), 10: (0.1, 0.1, 0.1)}
_RANGES = (((66, 100), (1, 50)), ((1, 50), (66, 100)), ((50, 100), (50, 100)), ((1, 50), (1, 50)))  # (w, h)


class Instance(NamedTuple):
    """Square bins of side `side`; item i is `widths[i]` by `heights[i]`."""

    group: int
    side: int
    widths: np.ndarray
    heights: np.ndarray


def draws(n: int, p: int) -> Iterator[np.float32]:
    """The stream of uniform numbers of instance `p` (1 … 10) with `n` items."""
    state = 0
    skip = int(np.float32(np.float32(n * p) * np.float32(31.47)) + np.float32(2000)) + 1
    while True:
        state = (7141 * state + 54773) % 259200
        skip -= 1
        if skip < 0:
            yield np.float32(np.float32(state) / np.float32(259200))


def _between(u: np.float32, low: int, high: int) -> int:
    return int(np.float32(np.float32(high - low + 1) * u)) + low


def _mixed_type(u: np.float32, mix: tuple[float, float, float]) -> int:
    p1, p2, p3 = (np.float32(p) for p in mix)
    limits = (p1, np.float32(p1 + p2), np.float32(np.float32(p1 + p2) + p3))
    return next((kind for kind, limit in enumerate(limits) if u < limit), 3)


def instance(group: int, n: int, p: int) -> Instance:
    """Instance `p` (1 … 10) with `n` items of class `group` (1 … 10)."""
    stream = draws(n, p)
    widths, heights = [], []
    for _ in range(n):
        if group in _UNIFORM:
            side, largest = _UNIFORM[group]
            ranges = ((1, largest), (1, largest))
        else:
            side = 100
            ranges = _RANGES[_mixed_type(next(stream), _MIXES[group])]
        heights.append(_between(next(stream), *ranges[1]))
        widths.append(_between(next(stream), *ranges[0]))
    return Instance(group, side, np.array(widths), np.array(heights))


def instances() -> Iterator[Instance]:
    """All 500, class by class."""
    for group in range(1, 11):
        for n in SIZES:
            for p in range(1, 11):
                yield instance(group, n, p)
