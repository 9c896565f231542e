"""Wear levelling: where each segment lies, so that the cell that is written most often is written less.

A layout stays as good if its crossbars change places, and if a crossbar's boxes are mirrored. So the fullest
crossbar of a segment goes where fewest cells have been written so far, in the way that meets the least worn
cells.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..hardware.writing import most_writes
from ..values import CrossbarSize, Placement
from .whole import Loaded

Counts = NDArray[np.uint16]  # (crossbars, rows, columns), writes of each cell in a pass


def levelled(loaded: Sequence[Loaded], crossbars: int, size: CrossbarSize) -> tuple[Loaded, ...]:
    """The segments on a chip of so many crossbars, none of which is written more often than before.

    Layers that stay keep their places, and nothing is written there.
    """
    stay = {p.crossbar_idx for each in loaded for p in each.placements if p.layer_idx in each.kept}
    free = np.array([c for c in range(crossbars) if c not in stay], dtype=np.int64)
    counts: Counts = np.zeros((crossbars, *size), np.uint16)
    found = tuple(_moved(each, counts, free) for each in loaded)
    before, after = (most_writes((each.written for each in way), size) for way in (loaded, found))
    return found if after < before else tuple(loaded)


def _moved(each: Loaded, counts: Counts, free: NDArray[np.int64]) -> Loaded:
    """A segment in its new places, whose writes are added to the counts."""
    own: dict[int, list[Placement]] = {}
    for p in each.written:
        own.setdefault(p.crossbar_idx, []).append(p)
    fullest = sorted(own, key=lambda c: (-sum(_cells(p) for p in own[c]), c))
    worn = counts[free].sum(axis=(1, 2), dtype=np.int64)
    places = free[np.argsort(worn, kind="stable")]
    new: dict[tuple[int, int, int], Placement] = {}
    for crossbar, place in zip(fullest, places.tolist(), strict=False):
        best = min(_mirrored(own[crossbar], counts[place].shape), key=lambda way: _worn(way, counts[place]))
        for p in best:
            counts[place, p.loc_y : p.max_y, p.loc_x : p.max_x] += 1
            new[p.layer_idx, p.replica, p.box] = replace(p, crossbar_idx=place)
    return each._replace(
        placements=tuple(new.get((p.layer_idx, p.replica, p.box), p) for p in each.placements)
    )


def _cells(p: Placement) -> int:
    return (p.max_x - p.loc_x) * (p.max_y - p.loc_y)


def _mirrored(boxes: Sequence[Placement], size: tuple[int, ...]) -> Iterator[list[Placement]]:
    """The boxes of a crossbar as they are, and mirrored along one side or both."""
    rows, columns = size
    for across in (False, True):
        for down in (False, True):
            yield [
                replace(
                    p,
                    loc_x=columns - p.max_x if across else p.loc_x,
                    max_x=columns - p.loc_x if across else p.max_x,
                    loc_y=rows - p.max_y if down else p.loc_y,
                    max_y=rows - p.loc_y if down else p.max_y,
                )
                for p in boxes
            ]


def _worn(boxes: Sequence[Placement], counts: NDArray[np.uint16]) -> tuple[int, int]:
    """Most writes of a cell under the boxes, and writes of all of them."""
    under = [counts[p.loc_y : p.max_y, p.loc_x : p.max_x] for p in boxes]
    return max(int(c.max()) for c in under), sum(int(c.sum()) for c in under)
