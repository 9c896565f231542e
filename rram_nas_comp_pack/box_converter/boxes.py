"""Partition: from a layer's raw box to boxes that fit a crossbar (RNC section 3).

Every weight lies in exactly one box. The order of the boxes is part of the files' format: full tiles row by
row, then the corner, the bottom edge and the right edge.
"""

from __future__ import annotations

from ..errors import BadInput
from ..values import Box, Layer, Mapping


def partition(
    layers: tuple[Layer, ...], rows: int, columns: int, depth_split: int = 1
) -> tuple[Mapping, ...]:
    """Cut all layers for crossbars of `rows` x `columns` cells; depthwise ones into `depth_split` parts.

    Raises BadInput where a depthwise kernel has more rows than a crossbar: it is cut along columns only.
    """
    return tuple(Mapping(layer, cut(layer, rows, columns, depth_split)) for layer in layers)


def cut(layer: Layer, rows: int, columns: int, depth_split: int = 1) -> tuple[Box, ...]:
    """The boxes of one replica of a layer, in order."""
    if layer.depthwise:
        return _strips(layer, rows, columns, depth_split)
    return tuple(
        Box(h, w, _reads(layer, first, w)) for h, w, first in _tiles(layer.raw.h, layer.raw.w, rows, columns)
    )


def _strips(layer: Layer, rows: int, columns: int, depth_split: int) -> tuple[Box, ...]:
    """A depthwise layer in parts of equal width and a remainder; a part needs a read per column."""
    h, w = layer.raw.h, layer.raw.w
    if h > rows:
        raise BadInput(
            f"layer {layer.label} ({layer.name}): its depthwise kernel has {h} rows; "
            f"a crossbar has {rows} (Xbar_Size), and such a kernel cannot be cut along rows"
        )
    part = min(columns, max(1, w // depth_split))
    widths = [part] * (w // part) + [w % part] * (w % part > 0)
    return tuple(Box(h, width, width * layer.positions) for width in widths)


def _tiles(h: int, w: int, rows: int, columns: int) -> list[tuple[int, int, int]]:
    """(height, width, first column) of the tiles of an h x w matrix."""
    rows, columns = min(rows, h), min(columns, w)
    full_rows, bottom = divmod(h, rows)
    full_columns, right = divmod(w, columns)
    edge = full_columns * columns
    tiles = [(rows, columns, c * columns) for _ in range(full_rows) for c in range(full_columns)]
    if bottom and right:
        tiles.append((bottom, right, edge))
    if bottom:
        tiles += [(bottom, columns, c * columns) for c in range(full_columns)]
    if right:
        tiles += [(rows, right, edge)] * full_rows
    return tiles


def _reads(layer: Layer, first: int, width: int) -> int:
    """Reads of a tile: one a position for every group whose columns it holds."""
    group = layer.columns_per_read
    return layer.positions * ((first + width - 1) // group - first // group + 1)
