"""Empty maximal spaces of one crossbar: every empty rectangle that no other empty rectangle contains.

A space is a row (x0, y0, x1, y1) of an int64 array, maxima exclusive; x counts columns, y rows. Kernels work
on a caller's scratch array and return the number of its rows in use.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled

Ints = NDArray[np.int64]
Rectangle = tuple[int, int, int, int]

LOWEST, LEFTMOST, SHORT_SIDE, AREA = range(4)
RULES = 4


@compiled
def _copy(spaces: Ints, source: int, target: int) -> None:
    for c in range(4):
        spaces[target, c] = spaces[source, c]


@compiled
def _append(spaces: Ints, n: int, space: Rectangle) -> int:
    if n == len(spaces):  # a space less is a worse packing, never a wrong one
        return n
    spaces[n, 0], spaces[n, 1], spaces[n, 2], spaces[n, 3] = space
    return n + 1


@compiled
def _prune(spaces: Ints, first_new: int, n: int) -> int:
    """Drop new spaces (from row `first_new` on) that another space contains. Old ones are maximal already."""
    k = first_new
    while k < n:
        inside = False
        for j in range(n):
            if (
                j != k
                and spaces[j, 0] <= spaces[k, 0]
                and spaces[j, 1] <= spaces[k, 1]
                and spaces[j, 2] >= spaces[k, 2]
                and spaces[j, 3] >= spaces[k, 3]
            ):
                inside = True
                break
        if inside:
            n -= 1
            _copy(spaces, n, k)
        else:
            k += 1
    return n


@compiled
def best_space(spaces: Ints, n: int, w: int, h: int, rule: int) -> int:
    """The space to put a w x h box into (at its corner of least x and y), or -1 where none holds it."""
    best = -1
    best_score = np.int64(1) << 60
    for k in range(n):
        spare_w = spaces[k, 2] - spaces[k, 0] - w
        spare_h = spaces[k, 3] - spaces[k, 1] - h
        if spare_w < 0 or spare_h < 0:
            continue
        if rule == LOWEST:
            score = (spaces[k, 1] + h << 24) + spaces[k, 0]
        elif rule == LEFTMOST:
            score = (spaces[k, 0] + w << 24) + spaces[k, 1]
        elif rule == SHORT_SIDE:
            score = (min(spare_w, spare_h) << 24) + max(spare_w, spare_h)
        else:
            score = (spare_w + w) * (spare_h + h) - w * h
        if score < best_score:
            best_score = score
            best = k
    return best


@compiled
def occupy(spaces: Ints, n: int, taken: Rectangle) -> int:
    """Take a rectangle (x0, y0, x1, y1) out of all spaces; returns the new number of spaces."""
    x, y, x1, y1 = taken
    total = n
    k = 0
    # Pieces are appended behind `total`; the spaces they come from are overwritten by the last old one.
    old = n
    while k < old:
        a0, b0, a1, b1 = spaces[k, 0], spaces[k, 1], spaces[k, 2], spaces[k, 3]
        if x >= a1 or x1 <= a0 or y >= b1 or y1 <= b0:
            k += 1
            continue
        old -= 1
        total -= 1
        _copy(spaces, old, k)
        _copy(spaces, total, old)
        if x > a0:
            total = _append(spaces, total, (a0, b0, x, b1))
        if x1 < a1:
            total = _append(spaces, total, (x1, b0, a1, b1))
        if y > b0:
            total = _append(spaces, total, (a0, b0, a1, y))
        if y1 < b1:
            total = _append(spaces, total, (a0, y1, a1, b1))
    return _prune(spaces, old, total)
