"""From mapped layers to a packing: what the packers' rectangles stand for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from ..values import Box, CrossbarSize, Mapping, Packing, Placement, Rules
from .items import Items
from .pack import BinAssignment, PackingSettings, Progress, pack


def items_of(mappings: Sequence[Mapping], size: CrossbarSize) -> Items:
    """The boxes of all replicas as rectangles, layer by layer, replica by replica."""
    found = [
        sizes if m.copies == 1 else np.tile(sizes, (m.copies, 1))
        for m in mappings
        if m.stored
        for sizes in [_sizes(m.boxes)]
    ]
    widths, heights = np.concatenate(found).T
    layers = np.repeat([m.layer.index for m in mappings if m.stored], [len(sizes) for sizes in found])
    return Items(widths, heights, layers, size)


@lru_cache(maxsize=16384)
def _sizes(boxes: tuple[Box, ...]) -> NDArray[np.int64]:
    """(width, height) of every box; callers do not write into it."""
    return np.array([(box.w, box.h) for box in boxes], dtype=np.int64)


def pack_mappings(
    mappings: Sequence[Mapping],
    size: CrossbarSize,
    rules: Rules,
    goal: PackingSettings,
    progress: Progress | None = None,
) -> Packing:
    """Give every box of every replica its place on crossbars of `size`."""
    return packing_of(mappings, size, pack(items_of(mappings, size), rules, goal, progress))


def packing_of(mappings: Sequence[Mapping], size: CrossbarSize, layout: BinAssignment) -> Packing:
    """The packing that this layout of `items_of` the mappings stands for."""
    places = zip(layout.bins.tolist(), layout.xs.tolist(), layout.ys.tolist(), strict=True)
    placements = tuple(
        Placement(m.layer.index, bin_, x, y, x + m.boxes[box].w, y + m.boxes[box].h, replica, box)
        for (m, replica, box), (bin_, x, y) in zip(_keys(mappings), places, strict=True)
    )
    return Packing(placements, size, layout.crossbars, layout.lower_bound, layout.packer, layout.stopped)


def _keys(mappings: Sequence[Mapping]) -> Iterator[tuple[Mapping, int, int]]:
    """(mapping, replica, box) of every box to be placed."""
    for m in mappings:
        if m.stored:
            yield from ((m, replica, box) for replica in range(m.copies) for box in range(len(m.boxes)))
