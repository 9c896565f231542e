"""The bottom-left rule (Baker, Coffman and Rivest, "Orthogonal packings in two dimensions", 1980)."""

from __future__ import annotations

from ..values import CrossbarSize
from .arrays import Ints
from .jit import inlined


@inlined
def is_free(taken: Ints, space: tuple[int, int, int, int]) -> bool:
    """Whether no rectangle of `taken` (n, 4) reaches into `space` (x0, y0, x1, y1)."""
    x0, y0, x1, y1 = space
    for j in range(len(taken)):
        if x0 < taken[j, 2] and taken[j, 0] < x1 and y0 < taken[j, 3] and taken[j, 1] < y1:
            return False
    return True


@inlined
def bottom_left(taken: Ints, n: int, width: int, height: int, size: CrossbarSize) -> tuple[int, int]:
    """Column and row of the lowest corner, of several the leftmost, where a box fits, or (-1, -1).

    The first `n` rows of `taken` are the rectangles (x0, y0, x1, y1) in the way. Tried are the corner of the
    crossbar and those to the right of or above a rectangle.
    """
    best_x, best_y = -1, size.rows
    for below in range(-1, n):
        y = taken[below, 3] if below >= 0 else 0
        if y + height > size.rows or y > best_y:
            continue
        for beside in range(-1, n):
            x = taken[beside, 2] if beside >= 0 else 0
            if x + width > size.columns or (y == best_y and x >= best_x):
                continue
            if is_free(taken[:n], (x, y, x + width, y + height)):
                best_x, best_y = x, y
    return (best_x, best_y) if best_x >= 0 else (-1, -1)
