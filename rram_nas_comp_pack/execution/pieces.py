"""The boxes of a layer as blocks of weights that share their inputs, and how many of them are read at once.

A dense box of several groups falls into a piece a group, because each group has inputs of its own. A diagonal
box is one piece: all its rows are driven.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Ints
from ..values import Layer
from .image import PlacedBox
from .moves import Turn

_AT_ONCE = 1 << 16  # values of one product: few enough to stay in the cache until they are used


class Piece(NamedTuple):
    """Some columns of a box of one copy, and the rows that they see."""

    copy: int
    rows: Ints  # (h,) numbers among all rows of all groups
    columns: Ints  # (w,) numbers of columns of the layer
    own: slice  # the same columns among those of the box


def pieces_of(layer: Layer, copy: int, box: PlacedBox) -> Iterator[Piece]:
    """Yield the pieces of a box."""
    height, width = box.weights.shape
    columns = np.arange(box.raw_column, box.raw_column + width)
    groups = columns // (layer.raw.w // layer.groups)
    if box.diagonal_rows is not None:
        rows = groups[:, None] * layer.raw.h + np.arange(box.diagonal_rows)
        yield Piece(copy, rows.reshape(-1), columns, slice(0, width))
        return
    rows = np.arange(box.raw_row, box.raw_row + height)
    firsts = [0, *(np.flatnonzero(np.diff(groups)) + 1).tolist(), width]
    for first, last in zip(firsts, firsts[1:], strict=False):
        own = slice(first, last)
        yield Piece(copy, groups[first] * layer.raw.h + rows, columns[own], own)


def turns(copy: Ints, copies: int, vectors: int, values: int) -> Iterator[tuple[slice, Turn]]:
    """Yield blocks of members and of their vectors, each vector of a member making so many values."""
    members = max(1, _AT_ONCE // max(1, vectors * values))
    count = max(1, min(vectors, _AT_ONCE // max(1, values)))
    for first_member in range(0, len(copy), members):
        own = slice(first_member, first_member + members)
        for first in range(0, vectors, count):
            yield own, Turn(copy[own], copies, first, min(count, vectors - first))
