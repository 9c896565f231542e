"""Enlarging boxes by the space beside them that nothing can use, which makes every bound stronger.

Where a box leaves no room above or below, what shares its crossbar stands left and right of it and can be
pushed to the edges; so the box may grow until the rest is a sum of partners' widths (Boschetti and Mingozzi,
"The two-dimensional finite bin packing problem. Part I", 2003). Here partners are only those that may share
its crossbar. Boxes of one layer never do, so they grow together; layers grow one after another.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Ints
from ..kernels.jit import compiled
from ..values import Rules
from .items import Items

MOST_ITEMS = 1000
"""The work grows with the square of the items; beyond this many they stay as they are."""


def enlarged(items: Items, rules: Rules) -> Items:
    """Items of at least the same size that fit the same number of crossbars, and no fewer."""
    if len(items) > MOST_ITEMS:
        return items
    sizes = np.stack([items.widths, items.heights]).astype(np.int64)
    if rules.threshold < 0:  # any two may share: one by one, the largest first
        groups = np.argsort(np.argsort(-sizes[0] * sizes[1], kind="stable"))
    else:
        groups = np.unique(items.layers, return_inverse=True)[1]
    bins = np.array([items.size.columns, items.size.rows])
    order = np.argsort(groups, kind="stable")
    _grow_all(sizes, _Groups(groups, order), items.layers, rules.threshold, bins)
    return replace(items, widths=sizes[0], heights=sizes[1])


class _Groups(NamedTuple):
    """The group of every item, and the items in order of their groups, each (items,)."""

    groups: Ints
    members: Ints


@compiled
def _grow_all(sizes: Ints, grouping: _Groups, layers: Ints, threshold: int, bins: Ints) -> None:
    """Grow one group after another, first in width, then in height; members never share a crossbar."""
    groups, members = grouping
    n = len(groups)
    partners = np.empty(n, np.int64)
    first = 0
    while first < n:
        last = first
        while last < n and groups[members[last]] == groups[members[first]]:
            last += 1
        layer = layers[members[first]]
        count = 0
        for j in range(n):
            if groups[j] != groups[members[first]] and abs(layers[j] - layer) > threshold:
                partners[count] = j
                count += 1
        for axis in range(2):
            _grow(sizes, bins, axis, members[first:last], partners[:count])
        first = last


@compiled
def _grow(sizes: Ints, bins: Ints, axis: int, members: Ints, partners: Ints) -> None:
    """Grow along one axis those members that leave no room for a partner along the other."""
    lowest = bins[1 - axis] + 1
    for j in partners:
        lowest = min(lowest, sizes[1 - axis, j])
    room = -1
    for i in members:
        if sizes[1 - axis, i] + lowest > bins[1 - axis]:
            room = max(room, bins[axis] - sizes[axis, i])
    if room <= 0:
        return
    reached = np.zeros(room + 1, np.bool_)  # sums of partners' sizes
    reached[0] = True
    lacking = room
    for j in partners:
        size = sizes[axis, j]
        for total in range(room, size - 1, -1):
            if reached[total - size] and not reached[total]:
                reached[total] = True
                lacking -= 1
        if lacking == 0:
            return
    for i in members:
        if sizes[1 - axis, i] + lowest > bins[1 - axis]:
            used = bins[axis] - sizes[axis, i]
            while not reached[used]:
                used -= 1
            sizes[axis, i] = bins[axis] - used
