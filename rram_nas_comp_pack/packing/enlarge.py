"""Enlarging boxes by the space beside them that nothing can use, which makes every bound stronger.

Where a box leaves no room above or below, what shares its crossbar stands left and right of it and can be
pushed to the edges; so the box may grow until the rest is a sum of partners' widths (Boschetti and Mingozzi,
"The two-dimensional finite bin packing problem. Part I", 2003). Here partners are only those that may share
its crossbar. Boxes of one layer never do, so they grow together; layers grow one after another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..values import Rules
from .items import Items

Ints = NDArray[np.int64]

MOST_ITEMS = 400
"""The work grows with the square of the items; beyond this many they stay as they are."""


def enlarged(items: Items, rules: Rules) -> Items:
    """Items of at least the same size that fit the same number of crossbars, and no fewer."""
    if len(items) > MOST_ITEMS:
        return items
    widths, heights = items.widths.copy(), items.heights.copy()
    for group, partners in _groups(items, rules):
        widths[group] = _grown(widths, heights, (group, partners), (items.columns, items.rows))
        heights[group] = _grown(heights, widths, (group, partners), (items.rows, items.columns))
    return replace(items, widths=widths, heights=heights)


def _groups(items: Items, rules: Rules) -> Iterator[tuple[Ints, Ints]]:
    """Items that never share a crossbar with each other, the largest first, and those they may share with."""
    everyone = np.arange(len(items))
    if rules.threshold < 0:
        for i in np.argsort(-items.widths * items.heights, kind="stable"):
            yield everyone[i : i + 1], np.delete(everyone, i)
        return
    for layer in np.unique(items.layers):
        near = np.abs(items.layers - layer) <= rules.threshold
        yield everyone[items.layers == layer], everyone[~near]


def _grown(sizes: Ints, across: Ints, who: tuple[Ints, Ints], bin_size: tuple[int, int]) -> Ints:
    """New sizes of a group along one axis; `across` are the sizes along the other."""
    group, partners = who
    whole, whole_across = bin_size
    blocked = across[group] + across[partners].min(initial=whole_across + 1) > whole_across
    if not blocked.any():
        return sizes[group]
    sums = _sums(sizes[partners], whole - int(sizes[group][blocked].min()))
    rooms = whole - sizes[group]
    used = np.array([_largest(sums, int(room)) for room in rooms])
    return np.asarray(np.where(blocked, whole - used, sizes[group]))


def _sums(sizes: Ints, most: int) -> int:
    """Bit s is set where some of the sizes add up to s, up to `most`."""
    within = (1 << (most + 1)) - 1
    sums = 1
    for size in sizes[sizes <= most].tolist():
        sums |= (sums << size) & within
        if sums == within:
            break
    return sums


def _largest(sums: int, most: int) -> int:
    return (sums & ((1 << (most + 1)) - 1)).bit_length() - 1
