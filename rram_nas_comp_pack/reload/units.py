"""What segments are made of: layers, and parts of layers that are too large for the whole chip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from math import gcd

from ..box_converter.partition import corners, cut
from ..values import Box, CrossbarSize, Layer, Mapping


@dataclass(frozen=True, slots=True)
class Unit:
    """A layer, or a rectangle of its weight matrix, which is a layer of its own in its segment.

    `layer` has the index of the whole layer; `raw` is the rectangle's, which begins at `row` and `column`.
    `part` and `parts` count those of a layer, in order.
    """

    layer: Layer
    row: int = 0
    column: int = 0
    part: int = 0
    parts: int = 1

    @property
    def whole(self) -> bool:
        """Whether it is a whole layer."""
        return self.parts == 1


def units_of(mappings: Sequence[Mapping], size: CrossbarSize, most: Sequence[int]) -> tuple[Unit, ...]:
    """The layers in order; one of more boxes than `most` says (layers,) in parts of at most so many boxes."""
    return tuple(
        unit for m, boxes in zip(mappings, most, strict=True) for unit in _units(m, size, max(1, boxes))
    )


def _units(m: Mapping, size: CrossbarSize, most: int) -> Iterator[Unit]:
    if len(m.boxes) <= most:
        yield Unit(m.layer)
        return
    rectangles = _strips(m, most) if m.layer.depthwise else _rectangles(m.layer, size, most)
    for part, (rows, columns) in enumerate(rectangles):
        layer = part_of(m.layer, rows, columns)
        yield Unit(layer, rows.start, columns.start, part, len(rectangles))


def part_of(layer: Layer, rows: range, columns: range) -> Layer:
    """The rectangle as a layer of its own: its reads are those of the groups whose columns it holds."""
    group = layer.columns_per_read
    groups = columns[-1] // group - columns[0] // group + 1
    raw = Box(len(rows), len(columns), layer.positions * groups)
    held = len(columns) if layer.depthwise else groups if layer.groups > 1 else 1
    return replace(layer, raw=raw, groups=held, stored_in=layer.index)


def _strips(m: Mapping, most: int) -> list[tuple[range, range]]:
    """Columns of a depthwise layer, in runs of whole boxes as equal as can be."""
    firsts = [0, *accumulate(box.w for box in m.boxes)]
    starts = [firsts[n] for n in _starts(len(m.boxes), most)]
    ends = [*starts[1:], m.layer.raw.w]
    return [(range(m.layer.raw.h), range(a, b)) for a, b in zip(starts, ends, strict=True)]


def _rectangles(layer: Layer, size: CrossbarSize, most: int) -> list[tuple[range, range]]:
    """Rectangles of whole tiles: full columns where that needs no more parts, since their sums are whole."""
    down, across = -(-layer.raw.h // size.rows), -(-layer.raw.w // size.columns)
    step = _aligned(layer, size)
    choices = []
    for rows in sorted({down, min(down, most), min(down, max(1, most // across))}, reverse=True):
        columns = most // rows
        if columns >= across or columns < step:
            columns = min(columns, across)
        else:
            columns -= columns % step
        if columns:
            choices.append((-(-down // rows) * -(-across // columns), -rows, rows, columns))
    _, _, rows, columns = min(choices)
    return [
        (_cells(r, size.rows, layer.raw.h), _cells(c, size.columns, layer.raw.w))
        for r in _runs(down, rows, 1)
        for c in _runs(across, columns, step if columns >= step else 1)
    ]


def _aligned(layer: Layer, size: CrossbarSize) -> int:
    """Tiles across after which a group of columns ends with a tile; 1 where groups do not matter."""
    group = layer.columns_per_read
    if layer.groups == 1 or group % size.columns == 0:
        return 1
    return group // gcd(group, size.columns)


def _runs(count: int, most: int, step: int) -> list[range]:
    """`count` tiles in runs of at most `most`, as equal as can be, that begin at multiples of `step`."""
    starts = _starts(count, most) if step == 1 else list(range(0, count, most))
    return [range(a, b) for a, b in zip(starts, [*starts[1:], count], strict=True)]


def _starts(count: int, most: int) -> list[int]:
    parts = -(-count // most)
    return [count * k // parts for k in range(parts)]


def _cells(tiles: range, tile: int, end: int) -> range:
    return range(tiles.start * tile, min(tiles.stop * tile, end))


def numbers_of(whole: Mapping, unit: Unit, own: Mapping, size: CrossbarSize) -> tuple[int, ...]:
    """Which boxes of the whole layer the boxes of a unit's own mapping are."""
    number = {corner: n for n, corner in enumerate(corners(whole, size))}
    return tuple(number[unit.row + row, unit.column + column] for row, column in corners(own, size))


def joined(layer: Layer, parts: Sequence[Mapping], size: CrossbarSize) -> Mapping:
    """The whole layer as its parts are cut; one copy, since each part holds crossbars of its own segment."""
    if layer.depthwise:
        return Mapping(layer, tuple(box for own in parts for box in own.boxes))
    return Mapping(layer, cut(layer, size))
