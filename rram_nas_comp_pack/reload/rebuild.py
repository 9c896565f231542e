"""Segments from a layout of the whole network: the way back from `whole.split_layout`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..box_converter.partition import corners, cut
from ..errors import BadInput
from ..values import CrossbarSize, Layer, Mapping, Placement
from .segments import own_layers
from .units import Unit, numbers_of, part_of
from .whole import RESIDENT, Split

Numbers = dict[int, dict[int, int]]  # of each unit in a segment: box of the whole layer -> its own


class Piece(NamedTuple):
    """What lies on the chip at one time: units as layers 0, 1, 2 …, on crossbars of the chip."""

    units: tuple[Unit, ...]
    mappings: tuple[Mapping, ...]
    placements: tuple[Placement, ...]
    kept: tuple[int, ...] = ()


def pieces_of(split: Split, layers: Sequence[Sequence[int]], size: CrossbarSize) -> tuple[Piece, ...]:
    """The segments of a layout; `layers` are the numbers of those that run in each.

    Raises BadInput where a layer lacks its boxes or has some that make no rectangle of its weights.
    """
    held: list[dict[int, set[int]]] = [defaultdict(set) for _ in layers]
    own: list[list[Placement]] = [[] for _ in layers]
    parts: dict[int, list[int]] = defaultdict(list)
    for segment, numbers in enumerate(layers):
        for layer in numbers:
            parts[layer].append(segment)
    for p, where in zip(split.placements, split.segments, strict=True):
        segments = parts[p.layer_idx] if where == RESIDENT else [where]
        for segment in segments:
            held[segment][p.layer_idx].add(p.box)
            own[segment].append(p)
    residents = {p.layer_idx for p, s in zip(split.placements, split.segments, strict=True) if s == RESIDENT}
    return tuple(
        _piece(split.mappings, Segmented(s, numbers, own[s], held[s], residents), parts, size)
        for s, numbers in enumerate(layers)
    )


class Segmented(NamedTuple):
    """One segment as files tell it: its layers, its boxes, those of each layer, and what stays."""

    number: int
    layers: Sequence[int]
    placements: Sequence[Placement]
    held: dict[int, set[int]]
    residents: set[int]


def _piece(
    mappings: Sequence[Mapping], found: Segmented, parts: dict[int, list[int]], size: CrossbarSize
) -> Piece:
    units = tuple(_unit(mappings[layer], found, parts[layer], size) for layer in found.layers)
    own = tuple(
        _own(mappings[unit.layer.index], unit, layer, size)
        for unit, layer in zip(units, own_layers(units), strict=True)
    )
    local = {unit.layer.index: index for index, unit in enumerate(units)}
    boxes = {}
    for index, (unit, m) in enumerate(zip(units, own, strict=True)):
        if not unit.whole:
            numbers = numbers_of(mappings[unit.layer.index], unit, m, size)
            boxes[index] = {number: box for box, number in enumerate(numbers)}
    placements = []
    for p in found.placements:
        if p.layer_idx not in local:
            raise BadInput(f"segment {found.number}: layer {p.layer_idx} has boxes there and does not run")
        index = local[p.layer_idx]
        box = boxes[index][p.box] if index in boxes else p.box
        placements.append(replace(p, layer_idx=index, box=box))
    kept = tuple(i for i, unit in enumerate(units) if unit.layer.index in found.residents)
    return Piece(units, own, tuple(placements), kept)


def _own(whole: Mapping, unit: Unit, layer: Layer, size: CrossbarSize) -> Mapping:
    """How a unit is mapped in its segment."""
    if unit.whole:
        return Mapping(layer, whole.boxes, whole.copies)
    if not layer.depthwise:
        return Mapping(layer, cut(layer, size))
    ends = unit.column, unit.column + layer.raw.w
    columns = [column for _, column in corners(whole, size)]
    return Mapping(
        layer,
        tuple(b for b, c in zip(whole.boxes, columns, strict=True) if ends[0] <= c < ends[1]),
    )


def _unit(m: Mapping, found: Segmented, segments: Sequence[int], size: CrossbarSize) -> Unit:
    layer = m.layer
    if layer.stored_in not in found.layers:
        raise BadInput(f"segment {found.number}: the weights of layer {layer.index} lie in another one")
    if len(segments) == 1:
        return Unit(layer)
    where, held = corners(m, size), sorted(found.held.get(layer.index, ()))
    if not held:
        raise BadInput(f"segment {found.number}: layer {layer.index} has no boxes there")
    rows, columns = [where[n][0] for n in held], [where[n][1] for n in held]
    height = max(where[n][0] + (layer.raw.h if layer.depthwise else m.boxes[n].h) for n in held)
    width = max(where[n][1] + m.boxes[n].w for n in held)
    part = part_of(layer, range(min(rows), height), range(min(columns), width))
    if sum(m.weight_cells(m.boxes[n]) for n in held) != part.raw.h * part.raw.w:
        raise BadInput(
            f"segment {found.number}: the boxes of layer {layer.index} make no rectangle of its weights"
        )
    return Unit(part, min(rows), min(columns), segments.index(found.number), len(segments))
