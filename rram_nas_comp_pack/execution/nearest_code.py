"""The code nearest to a weight that its cells can hold, some of which are stuck.

An offset code is a pair whose second array is at level 0. Slice j of a pair holds a digit d_j = P_j - M_j
from an interval that its stuck cells leave, and the pair holds the sum of d_j * r^j, r being the number of
levels. Digits are chosen from the highest slice down. What is left of the weight must lie between the lowest
and the highest sum of the lower slices if they are to reach it; if it does not, the nearest code with these
higher digits has all lower digits at that end of their intervals, and its error is known at once. All
remainders of a slice are the weight minus multiples of r^j, and the range is narrower than 2 r^j: no more
than two of them lie within, so that following both finds every code that matters. Among codes of equal error
the smallest sum of levels is taken.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from ..kernels.arrays import Ints
from ..kernels.jit import compiled

FREE: Final = -1
"""In place of the level at which a cell is stuck."""

WORK_ROWS: Final = 15


@compiled
def _cost(p: int, m: int, digit: int) -> int:
    """Sum of the levels of a pair of cells that holds a digit, as low as it can be."""
    if p == FREE and m == FREE:
        return abs(digit)
    if p == FREE:
        return digit + 2 * m
    if m == FREE:
        return 2 * p - digit
    return p + m


@compiled
def nearest_digits(target: int, free: Ints, top: int, digits: Ints, work: Ints) -> int:
    """Write the digits of the nearest code, least significant first; returns the size of its error.

    `free` (2, slices) has the level at which each cell is stuck, or FREE.
    `work` (15, slices + 1) is scratch space: rows 0 to 6 belong to `_set_ranges`, rows 7 to 14 hold up to two
    remainders a slice with the costs, digits and origins by which they are reached.
    """
    slices = len(digits)
    _set_ranges(free, top, work)
    below_low, below_high, cost_low, cost_high = work[2], work[3], work[4], work[5]
    rest, cost, digit, origin = work[7:9], work[9:11], work[11:13], work[13:15]
    rest[0, slices], cost[0, slices] = target, 0
    # The best end so far: its error, cost, the lowest slice that was chosen and where that came from, and
    # whether all slices below are at the upper ends of their intervals.
    error, paid, at, chosen, source, upper = np.int64(2**62), 0, slices, 0, 0, False
    states = 1
    if not below_low[slices] <= target <= below_high[slices]:
        upper = target > below_high[slices]
        error = target - below_high[slices] if upper else below_low[slices] - target
        states = 0
    for j in range(slices - 1, -1, -1):
        found = 0
        for s in range(states):
            for d in range(work[0, j], work[1, j] + 1):
                left = rest[s, j + 1] - d * work[6, j]
                spent = cost[s, j + 1] + _cost(free[0, j], free[1, j], d)
                over, under = left - below_high[j], below_low[j] - left
                if j == 0 or over > 0 or under > 0:
                    off = max(over, under, 0)
                    spent += cost_high[j] if over > 0 else cost_low[j]
                    if off < error or (off == error and spent < paid):
                        error, paid, at, chosen, source, upper = off, spent, j, d, s, over > 0
                    continue
                t = 0
                while t < found and rest[t, j] != left:
                    t += 1
                if t == found or spent < cost[t, j]:
                    rest[t, j], cost[t, j], digit[t, j], origin[t, j] = left, spent, d, s
                    found = max(found, t + 1)
        states = found
    for j in range(at):
        digits[j] = work[1, j] if upper else work[0, j]
    for j in range(at, slices):
        digits[j] = chosen if j == at else digit[source, j]
        source = source if j == at else origin[source, j]
    return error  # type: ignore[return-value]


@compiled
def _set_ranges(free: Ints, top: int, work: Ints) -> None:
    """Row by row of `work`: the lowest and the highest digit of slice j, the lowest and the highest sum of
    all slices below j, the costs of these two sums, and what a digit of slice j is worth.
    """
    work[2:6, 0] = 0
    work[6, 0] = 1
    for j in range(free.shape[1]):
        p, m = free[0, j], free[1, j]
        low = (0 if p == FREE else p) - (top if m == FREE else m)
        high = (top if p == FREE else p) - (0 if m == FREE else m)
        worth = work[6, j]
        work[0, j], work[1, j] = low, high
        work[2, j + 1] = work[2, j] + low * worth
        work[3, j + 1] = work[3, j] + high * worth
        work[4, j + 1] = work[4, j] + _cost(p, m, low)
        work[5, j + 1] = work[5, j] + _cost(p, m, high)
        work[6, j + 1] = worth * (top + 1)
