"""The boxes of a layer as blocks of weights that share their inputs, and how many of them are read at once.

A dense box of several groups falls into a piece a group, because each group has inputs of its own. A diagonal
box is one piece: all its rows are driven.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

import numpy as np
import torch

from ..kernels.arrays import Ints
from ..values import Layer
from .image import PlacedBox
from .moves import Array, Turn

_AT_ONCE = 1 << 18  # values of one product: few enough to stay in the cache until they are used


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
    for first, last in pairwise(firsts):
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


class Room:
    """Arrays that are used again: new ones of this size would cost as much as what is done in them."""

    def __init__(self) -> None:
        """None so far."""
        self._kept: dict[tuple[str, np.dtype[Any]], Array] = {}

    def array(self, name: str, shape: tuple[int, ...], kind: np.dtype[Any]) -> Array:
        """An array whose values are anything."""
        kept = self._kept.get((name, kind))
        if kept is None or kept.size < prod(shape):
            kept = self._kept[name, kind] = np.empty(prod(shape), kind)
        return kept[: prod(shape)].reshape(shape)


def multiply(x: Array, weights: Array, out: Array) -> None:
    """Write x (members, n, h) @ weights (members, h, w) into `out`, on torch's threads."""
    torch.bmm(torch.from_numpy(x), torch.from_numpy(weights), out=torch.from_numpy(out))
