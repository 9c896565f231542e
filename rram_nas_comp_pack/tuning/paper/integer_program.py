"""How many copies of each layer: the paper's integer program (RNC section 4, spec section 4).

It maximises the throughput of the slowest layer within an area. It knows areas only, so whoever calls it has
to see whether the copies pack, and falls to the next margin where they do not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

from ...values import CrossbarSize, Mapping

MARGINS = tuple(percent / 100 for percent in range(95, 55, -5))


def duplicate(
    mappings: Sequence[Mapping], crossbars: int, size: CrossbarSize, margin: float
) -> tuple[Mapping, ...] | None:
    """Set the copies of all layers for `margin` of the area of so many crossbars, 0 to 1.

    Cycles and areas are those of the raw boxes, as in the paper, however the layers are cut. A layer that is
    called again lies in the copies of its first call: its area counts once, and the slowest of its
    executions decides how many copies it wants. None where not even one copy of each layer has room.
    """
    # Margins are meant as decimal numbers: 0.95 of 20 cells is 19, which the product of floats can miss.
    capacity = Fraction(str(margin)) * crossbars * size.cells
    cycles: dict[int, int] = defaultdict(int)
    for m in mappings:
        cycles[m.layer.stored_in] = max(cycles[m.layer.stored_in], m.layer.raw.cycles)
    areas = {m.layer.index: m.layer.weights for m in mappings if m.stored}
    found = copies_within([cycles[store] for store in areas], list(areas.values()), int(capacity))
    if found is None:
        return None
    copies = dict(zip(areas, found, strict=True))
    return tuple(replace(m, copies=copies[m.layer.stored_in]) for m in mappings)


def copies_within(cycles: Sequence[int], areas: Sequence[int], capacity: float) -> tuple[int, ...] | None:
    """Copies that make the slowest layer as fast as it gets: the integer program of the paper, exactly.

    `cycles` are reads per sample of each layer, `areas` the cells of one copy, `capacity` the cells there
    are. With rate 1 / cycles and b the layer of most cycles, it maximises x_b * rate_b subject to
    x_i >= 1, x_i * rate_i >= x_b * rate_b, sum x_i * area_i <= capacity, and x_b <= cycles_b, since a copy
    beyond a layer's reads gets no work. Among equals it buys the least copies. None where nothing fits.
    """
    slowest = max(cycles)

    def least(copies: int) -> tuple[int, ...]:
        return tuple(-(-copies * reads // slowest) for reads in cycles)

    def area(copies: int) -> int:
        return sum(x * cells for x, cells in zip(least(copies), areas, strict=True))

    # For a given x_b every x_i is at least x_b * cycles_i / cycles_b, rounded up. Its least area never falls
    # as x_b rises, so the largest x_b that fits is found by bisection.
    most = bisect_right(range(1, slowest + 1), capacity, key=area)
    return least(most) if most else None
