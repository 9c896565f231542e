"""Partition: from a layer's raw box to boxes that fit a crossbar (RNC section 3).

Every weight lies in exactly one box. The order of the boxes is part of the files' format: full tiles row by
row, then the corner, the bottom edge and the right edge. A depthwise layer is mapped dense, in strips that
are read a column at a time, or diagonally, in larger boxes that are read whole.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

from ..errors import BadInput
from ..values import Box, CrossbarSize, Layer, Mapping


def partition(
    layers: Iterable[Layer],
    size: CrossbarSize,
    depth_split: int = 1,
    diagonal: bool = False,
    diagonal_rows: int | None = None,
) -> tuple[Mapping, ...]:
    """Cut all layers for crossbars of this size; depthwise ones into `depth_split` parts.

    With `diagonal` depthwise layers get the fewest diagonal boxes, their channels spread evenly; where
    `diagonal_rows` is given, boxes of no more rows, but of at least one channel. Raises BadInput where a
    depthwise kernel has more rows than a crossbar: it is cut along columns only.
    """
    return tuple(_mapping(layer, size, depth_split, diagonal, diagonal_rows) for layer in layers)


@lru_cache(maxsize=16384)  # subnets of a search share most of their layers
def _mapping(
    layer: Layer, size: CrossbarSize, depth_split: int, diagonal: bool, diagonal_rows: int | None
) -> Mapping:
    if diagonal and layer.depthwise:
        return Mapping(layer, _fewest_diagonal(layer, size, diagonal_rows))
    return Mapping(layer, cut(layer, size, depth_split))


def cut(layer: Layer, size: CrossbarSize, depth_split: int = 1) -> tuple[Box, ...]:
    """The boxes of one replica of a layer, in order."""
    if layer.depthwise:
        part = min(size.columns, max(1, layer.raw.w // depth_split))
        return cut_strips(layer, size, part)
    return tuple(Box(h, w, _reads(layer, first, w)) for h, w, _, first in _tiles(layer.raw, size))


def cut_strips(layer: Layer, size: CrossbarSize, width: int) -> tuple[Box, ...]:
    """A dense depthwise layer in parts of `width` columns and a remainder; a part needs a read per column.

    Raises BadInput where the kernel has more rows than a crossbar.
    """
    _require_whole_kernel(layer, size)
    full, rest = divmod(layer.raw.w, width)
    widths = [width] * full + [rest] * (rest > 0)
    return tuple(Box(layer.raw.h, part, part * layer.positions) for part in widths)


def most_channels(layer: Layer, size: CrossbarSize, rows: int | None = None) -> int:
    """Channels of a depthwise layer that the largest diagonal box holds; of so many rows, but at least one.

    Raises BadInput where the layer is not depthwise or its kernel has more rows than a crossbar.
    """
    if not layer.depthwise:
        raise BadInput(f"layer {layer.label} ({layer.name}): only a depthwise layer can be mapped diagonally")
    _require_whole_kernel(layer, size)
    limit = size.rows if rows is None else min(rows, size.rows)
    return min(max(1, limit // layer.raw.h), size.columns, layer.raw.w)


def cut_diagonal(layer: Layer, size: CrossbarSize, channels: int) -> tuple[Box, ...]:
    """The boxes of one replica of a depthwise layer with `channels` channels a box, the rest in the last.

    A box of g channels has raw.h * g rows and g columns: each channel has rows of its own, and the cells off
    the diagonal blocks hold zeros, so that one read serves all g. It needs a read per position. Raises
    BadInput where a crossbar cannot hold so many channels (`most_channels`).
    """
    most = most_channels(layer, size)
    if not 1 <= channels <= most:
        raise BadInput(
            f"layer {layer.label} ({layer.name}): channels in a diagonal box: "
            f"found {channels}, allowed is 1 to {most}"
        )
    full, rest = divmod(layer.raw.w, channels)
    widths = [channels] * full + [rest] * (rest > 0)
    return tuple(Box(layer.raw.h * width, width, layer.positions) for width in widths)


def _fewest_diagonal(layer: Layer, size: CrossbarSize, rows: int | None) -> tuple[Box, ...]:
    boxes = -(-layer.raw.w // most_channels(layer, size, rows))
    return cut_diagonal(layer, size, -(-layer.raw.w // boxes))


def _require_whole_kernel(layer: Layer, size: CrossbarSize) -> None:
    if layer.raw.h > size.rows:
        raise BadInput(
            f"layer {layer.label} ({layer.name}): its depthwise kernel has {layer.raw.h} rows; "
            f"a crossbar has {size.rows} (Xbar_Size), and such a kernel cannot be cut along rows"
        )


def corners(mapping: Mapping, size: CrossbarSize) -> tuple[tuple[int, int], ...]:
    """(first row, first column) of every box of one replica, in the layer's raw matrix.

    A diagonal box begins at row 0 of each of its channels. Raises BadInput where the boxes are not those of
    this page's order, so that nobody can say which weights they hold.
    """
    layer, sizes = mapping.layer, [(box.h, box.w) for box in mapping.boxes]
    if layer.depthwise:
        ends = list(accumulate(box.w for box in mapping.boxes))
        firsts = [(0, end - box.w) for end, box in zip(ends, mapping.boxes, strict=True)]
        heights = {layer.raw.h * (box.w if mapping.diagonal else 1) == box.h for box in mapping.boxes}
        if ends[-1] == layer.raw.w and heights == {True}:
            return tuple(firsts)
    else:
        tiles = _tiles(layer.raw, size)
        if sizes == [(tile.h, tile.w) for tile in tiles]:
            return tuple((tile.row, tile.column) for tile in tiles)
    raise BadInput(
        f"layer {layer.label} ({layer.name}): found boxes that another program cut, so that it is not known "
        "which weights they hold; allowed are those of this toolkit's partition"
    )


class _Tile(NamedTuple):
    """A rectangle of a matrix: its size and where it begins."""

    h: int
    w: int
    row: int
    column: int


def _tiles(raw: Box, size: CrossbarSize) -> list[_Tile]:
    rows, columns = min(size.rows, raw.h), min(size.columns, raw.w)
    full_rows, bottom = divmod(raw.h, rows)
    full_columns, right = divmod(raw.w, columns)
    below, beside = full_rows * rows, full_columns * columns
    across, down = range(0, beside, columns), range(0, below, rows)
    tiles = [_Tile(rows, columns, row, column) for row in down for column in across]
    if bottom and right:
        tiles.append(_Tile(bottom, right, below, beside))
    if bottom:
        tiles += [_Tile(bottom, columns, below, column) for column in across]
    if right:
        tiles += [_Tile(rows, right, row, beside) for row in down]
    return tiles


def _reads(layer: Layer, first: int, width: int) -> int:
    """Reads of a tile: one a position for every group whose columns it holds."""
    group = layer.columns_per_read
    return layer.positions * ((first + width - 1) // group - first // group + 1)
