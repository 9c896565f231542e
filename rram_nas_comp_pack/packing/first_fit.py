"""The paper's packing rule (RNC section 3): boxes in random order, each into the first crossbar with room.

In that crossbar a box goes into the empty maximal space whose far corner is farthest from the origin. Where
many copies may not share crossbars, it soon packs what takes our packer long.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.random import PCG64, Generator

from ..kernels.arrays import Ints
from ..kernels.jit import compiled
from ..values import Rules
from .bounds import lower_bound
from .fill import BIN, Problem, X, Y, clashes, problem_of
from .items import Items
from .pack import BinAssignment
from .spaces import empty_bin, occupy

MOST_ORDERS, LONGEST = 20, 6_000_000
"""Random orders that are tried at most, and the most pairs of boxes in all of them: many boxes get fewer."""

MOST_SPACES = 256
"""Rows for the empty spaces of a crossbar; a dozen are in use where six boxes share it."""


class _Bins(NamedTuple):
    """Crossbars being filled: empty `spaces` (bins, rows, 4) and how many there are (`spaces_left`), the
    items in them (`content` (bins, 1, items)) and how many (`load`); `places` (3, items) of the items.
    """

    spaces: Ints
    spaces_left: Ints
    content: Ints
    load: Ints
    places: Ints


def first_fit(items: Items, rules: Rules, budget: int, seed: int) -> BinAssignment | None:
    """Pack into at most `budget` crossbars by the first random order that does; None where none is found.

    The seed decides the orders. Too many boxes are not tried at all.
    """
    problem = problem_of(items, rules)
    for turn in range(min(MOST_ORDERS, LONGEST // len(items) ** 2)):
        order = Generator(PCG64([seed, turn])).permutation(len(items))
        bins, places = in_order(problem, order, budget)
        if bins <= budget:
            return BinAssignment(
                places[BIN], places[X], places[Y], bins, lower_bound(items, rules), "budget", "first-fit"
            )
    return None


def in_order(problem: Problem, order: Ints, budget: int) -> tuple[int, Ints]:
    """Pack in this order: crossbars, or budget + 1 where those do not do; places of the items (3, items)."""
    bins, load = min(budget, len(order)), min(problem.max_load, len(order))
    return _fill(
        problem,
        order,
        _Bins(
            spaces=np.zeros((bins, MOST_SPACES, 4), np.int64),
            spaces_left=np.zeros(bins, np.int64),
            content=np.zeros((bins, 1, load), np.int64),
            load=np.zeros(bins, np.int64),
            places=np.zeros((3, len(order)), np.int64),
        ),
    )


@compiled
def _fill(problem: Problem, order: Ints, bins: _Bins) -> tuple[int, Ints]:
    used = 0
    for i in order:
        b, s = 0, -1
        while s < 0:
            if b == len(bins.load):
                return b + 1, bins.places
            if b == used:
                bins.spaces_left[b], bins.load[b] = empty_bin(bins.spaces[b], problem.columns, problem.rows)
                used += 1
            if bins.load[b] < problem.max_load and not clashes(problem, bins.content[b], bins.load[b], i):
                s = _farthest(bins.spaces[b], bins.spaces_left[b], problem.widths[i], problem.heights[i])
            b += 1
        b -= 1
        x, y = bins.spaces[b, s, 0], bins.spaces[b, s, 1]
        bins.places[BIN, i], bins.places[X, i], bins.places[Y, i] = b, x, y
        taken = (x, y, x + problem.widths[i], y + problem.heights[i])
        bins.spaces_left[b] = occupy(bins.spaces[b], bins.spaces_left[b], taken)
        bins.content[b, 0, bins.load[b]] = i
        bins.load[b] += 1
    return used, bins.places


@compiled
def _farthest(spaces: Ints, n: int, width: int, height: int) -> int:
    """The space with room whose far corner is farthest, of several the leftmost, then the lowest; or -1."""
    best, most = -1, -1
    for k in range(n):
        x0, y0, x1, y1 = spaces[k, 0], spaces[k, 1], spaces[k, 2], spaces[k, 3]
        if x1 - x0 < width or y1 - y0 < height:
            continue
        far = x1 * x1 + y1 * y1
        nearer = far == most and (x0, y0) < (spaces[best, 0], spaces[best, 1])
        if far > most or nearer:
            best, most = k, far
    return best
