"""Empty maximal spaces of one crossbar: every empty rectangle that no other empty rectangle contains.

Lai and Chan, "Developing a simulated annealing algorithm for the cutting stock problem" (1997); Jylänki, "A
thousand ways to pack the bin" (2010), calls them maximal rectangles. A space is a row (x0, y0, x1, y1) of an
int64 array, maxima exclusive; x counts columns, y rows. Kernels work on a caller's scratch array and return
the number of its rows in use.
"""

from __future__ import annotations

from ..kernels.arrays import Ints
from ..kernels.jit import compiled

Rectangle = tuple[int, int, int, int]


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
def empty_bin(spaces: Ints, columns: int, rows: int) -> tuple[int, int]:
    """Begin with an empty bin; returns its number of spaces and of items."""
    spaces[0, 0], spaces[0, 1], spaces[0, 2], spaces[0, 3] = 0, 0, columns, rows
    return 1, 0


@compiled
def first_space(spaces: Ints, n: int, upward: bool) -> int:
    """The lowest space, of several the leftmost; or, not `upward`, the leftmost, of several the lowest."""
    along, across = (0, 1) if upward else (1, 0)
    best = 0
    for k in range(1, n):
        ahead = spaces[k, across] - spaces[best, across]
        if ahead < 0 or (ahead == 0 and spaces[k, along] < spaces[best, along]):
            best = k
    return best


@compiled
def drop(spaces: Ints, n: int, k: int) -> int:
    """Forget space `k`; returns the new number of spaces."""
    _copy(spaces, n - 1, k)
    return n - 1


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
