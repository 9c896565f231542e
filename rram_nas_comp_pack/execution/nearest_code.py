"""The code nearest to a weight that its cells can hold, some of which are stuck.

Arrays are (1, slices, n) of an offset code or (2, slices, n) of pairs; an offset code is a pair whose second
array is at level 0. Slice j of a pair holds a digit d_j = P_j - M_j from an interval that its stuck cells
leave, and the pair holds the sum of d_j * r^j, r being the number of levels. Digits are chosen from the
highest slice down. What is left of the weight must lie between the lowest and the highest sum of the lower
slices if they are to reach it; if it does not, the nearest code with these higher digits has all lower digits
at that end of their intervals, and its error is known at once. All remainders of a slice are the weight minus
multiples of r^j, and the range is narrower than 2 r^j: no more than two of them lie within, so that following
both finds every code that matters. Among codes of equal error the smallest sum of levels is taken.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..kernels.jit import compiled

Stuck = NDArray[np.int8]
Levels = NDArray[np.int8]

_FREE = -1  # otherwise the level at which a cell is stuck
_WORK_ROWS = 15


@compiled
def write_codes(targets: Ints, stuck: Stuck, top: int, levels: Levels) -> None:
    """Write into `levels` (arrays, slices, n) the nearest codes of `targets` (n,) around `stuck`, of that
    shape.
    """
    slices = stuck.shape[1]
    digits = np.zeros(slices, np.int64)
    free = np.zeros((2, slices), np.int64)
    work = np.zeros((_WORK_ROWS, slices + 1), np.int64)
    most = np.abs(targets).max() if len(targets) else 0
    known = np.zeros(2 * most + 1, np.bool_)
    codes = np.zeros((2 * most + 1, slices), np.int64)
    for n in range(len(targets)):
        target = targets[n]
        healthy = _read_stuck(stuck, n, top, free)
        if not healthy or not known[target + most]:
            _nearest_digits(target, free, top, digits, work)
            if healthy:
                known[target + most] = True
                codes[target + most] = digits
        else:
            digits[:] = codes[target + most]
        for j in range(slices):
            p, m = free[0, j], free[1, j]
            both = p == _FREE and m == _FREE
            levels[0, j, n] = max(digits[j], 0) if both else (p if p != _FREE else digits[j] + m)
            if len(levels) == 2:
                levels[1, j, n] = max(-digits[j], 0) if both else (m if m != _FREE else p - digits[j])


@compiled
def summed_squares(targets: Ints, stuck: Stuck, top: int) -> int:
    """Sum of the squared errors of the nearest codes of `targets` (n,) around `stuck` (arrays, slices, n).

    A weight without stuck cells has none: it must lie within the device's range.
    """
    slices = stuck.shape[1]
    digits = np.zeros(slices, np.int64)
    free = np.zeros((2, slices), np.int64)
    work = np.zeros((_WORK_ROWS, slices + 1), np.int64)
    total = 0
    for n in range(len(targets)):
        if not _read_stuck(stuck, n, top, free):
            error = _nearest_digits(targets[n], free, top, digits, work)
            total += error * error
    return total


@compiled
def nearest_values(targets: Ints, stuck: Stuck, top: int) -> Ints:
    """The values (n,) of the nearest codes of `targets` (n,) around `stuck` (arrays, slices, n).

    A weight without stuck cells has its target: that must lie within the device's range.
    """
    slices = stuck.shape[1]
    digits = np.zeros(slices, np.int64)
    free = np.zeros((2, slices), np.int64)
    work = np.zeros((_WORK_ROWS, slices + 1), np.int64)
    values = targets.copy()
    for n in range(len(targets)):
        if not _read_stuck(stuck, n, top, free):
            _nearest_digits(targets[n], free, top, digits, work)
            values[n] = 0
            for j in range(slices):
                values[n] += digits[j] * work[6, j]
    return values


@compiled
def _read_stuck(stuck: Stuck, n: int, top: int, free: Ints) -> bool:
    """Write the level at which each cell of weight n is stuck, or _FREE; returns whether none is."""
    healthy = True
    free[1] = 0
    for a in range(len(stuck)):
        for j in range(stuck.shape[1]):
            state = stuck[a, j, n]
            free[a, j] = _FREE if state == 0 else (0 if state == 1 else top)
            healthy = healthy and state == 0
    return healthy


@compiled
def _cost(p: int, m: int, digit: int) -> int:
    """Sum of the levels of a pair of cells that holds a digit, as low as it can be."""
    if p == _FREE and m == _FREE:
        return abs(digit)
    if p == _FREE:
        return digit + 2 * m
    if m == _FREE:
        return 2 * p - digit
    return p + m


@compiled
def _nearest_digits(target: int, free: Ints, top: int, digits: Ints, work: Ints) -> int:
    """Write the digits of the nearest code, least significant first; returns the size of its error.

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
        low = (0 if p == _FREE else p) - (top if m == _FREE else m)
        high = (top if p == _FREE else p) - (0 if m == _FREE else m)
        worth = work[6, j]
        work[0, j], work[1, j] = low, high
        work[2, j + 1] = work[2, j] + low * worth
        work[3, j + 1] = work[3, j] + high * worth
        work[4, j + 1] = work[4, j] + _cost(p, m, low)
        work[5, j + 1] = work[5, j] + _cost(p, m, high)
        work[6, j + 1] = worth * (top + 1)
