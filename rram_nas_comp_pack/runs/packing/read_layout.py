"""Reads the layout of a packing run: partition files and pack.csv. Whatever is unsound raises BadInput."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ...errors import BadInput
from ...reload.whole import RESIDENT, slots_of
from ...values import Box, Layer, Mapping, Placement
from ..checked_json import JsonObject, read_json, read_text

HEADER = [f.name for f in fields(Placement)]
SEGMENT = "segment"
"""One more column of pack.csv, where a network is run in segments."""


def read_mappings(run_dir: Path) -> tuple[Mapping, ...]:
    """The run's layers: those after duplication where there are any."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    return read_partition(partition_file(run_dir))


def partition_file(run_dir: Path) -> Path:
    """The partition that counts."""
    optimized = run_dir / "partition_optimized.json"
    return optimized if optimized.exists() else run_dir / "partition.json"


def read_partition(path: Path) -> tuple[Mapping, ...]:
    """The layers of one partition file."""
    entries = read_json(path)
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{path}: allowed is a list with an object for every layer")
    places = [JsonObject(path, f"layer {i}", entry) for i, entry in enumerate(entries)]
    mappings = tuple(_mapping(place, i) for i, place in enumerate(places))
    for place, m in zip(places, mappings, strict=True):
        _require_store(place, m, mappings[m.layer.stored_in])
    return mappings


def read_layers(run_dir: Path) -> tuple[Layer, ...]:
    """The layers of a run of this program, which tells a depthwise one by its `mapping`.

    They are those of the network: weights that a run in segments stores again are stored once.
    """
    entries = [JsonObject(run_dir, "layer", entry) for entry in read_json(partition_file(run_dir))]
    layers = (m.layer for m in read_mappings(run_dir))
    return tuple(
        replace(layer, depthwise=entry.has("mapping"), stored_in=_weights_of(layer, entry))
        for layer, entry in zip(layers, entries, strict=True)
    )


def _weights_of(layer: Layer, entry: JsonObject) -> int:
    if not entry.has("weights_of"):
        return layer.stored_in
    return entry.count("weights_of", 0, layer.index)


def _require_store(place: JsonObject, mapping: Mapping, store: Mapping) -> None:
    """A layer that runs again reads the boxes that its store brought."""
    if not store.stored:
        place.fail("stored_in", mapping.layer.stored_in, "a layer that stores its own weights")
    if mapping.copies != store.copies:
        place.fail("multiply", mapping.copies, f"that of layer {store.layer.index}, {store.copies}")
    if [(b.h, b.w) for b in mapping.boxes] != [(b.h, b.w) for b in store.boxes]:
        place.fail("boxes", f"{len(mapping.boxes)} boxes", f"boxes of the sizes of layer {store.layer.index}")


def _boxes(place: JsonObject, key: str, values: Any) -> tuple[Box, ...]:
    """At least one box."""
    if not isinstance(values, list) or not values:
        place.fail(key, values, "a list of boxes")
    names = (f"{place.name}, {key}, box {i}" for i in range(len(values)))
    return tuple(_box(JsonObject(place.source, *each)) for each in zip(names, values, strict=True))


def _box(place: JsonObject) -> Box:
    return Box(place.count("h"), place.count("w"), place.count("cycle"))


def _mapping(place: JsonObject, index: int) -> Mapping:
    layer = _layer(place, index)
    boxes, copies = _boxes(place, "boxes", place.entries("boxes")), place.count("multiply")
    replicas = place.entries("child_boxes")
    for i, replica in enumerate(replicas):
        if replica != place.value["boxes"] and _boxes(place, f"child_boxes {i}", replica) != boxes:
            place.fail(f"child_boxes {i}", replica, "a copy of boxes")
    if len(replicas) != copies:
        place.fail("child_boxes", f"{len(replicas)} replicas", f"as many as multiply says, {copies}")
    if place.has("mapping"):
        _require_mapping(place, layer, boxes)
    return Mapping(layer, boxes, copies)


def _layer(place: JsonObject, index: int) -> Layer:
    label = place.label("idx")
    kind, _, number = label.rpartition("_")
    if not kind or number != str(index):
        place.fail("idx", label, f"a text like 'Conv2d_{index}'")
    stored_in = place.count("stored_in", 0) if place.has("stored_in") else index
    if stored_in > index:
        place.fail("stored_in", stored_in, f"a layer up to {index}")
    name, raw, positions = place.text("name"), _box(place.within("box_raw")), place.count("positions")
    layer = Layer(index, kind, name, raw, positions, place.count("groups"), stored_in)
    if layer.columns_per_read < 1:
        place.fail("positions", layer.positions, "at least cycle / w of box_raw")
    # Partitions of other programs do not say which layers are depthwise. A layer that only looks like one
    # (groups of one column) does no harm: its boxes are no taller than its raw box, so they count as dense.
    return replace(layer, depthwise=layer.groups > 1 and layer.columns_per_read == 1)


def _require_mapping(place: JsonObject, layer: Layer, boxes: tuple[Box, ...]) -> None:
    """The boxes of a depthwise layer are what its declared mapping makes of their columns."""
    mapping = place.text("mapping")
    if mapping not in ("dense", "diagonal"):
        place.fail("mapping", mapping, "'dense' or 'diagonal'")
    if not layer.depthwise:
        place.fail("mapping", mapping, "none for a layer that is not depthwise")
    for i, box in enumerate(boxes):
        channels, reads = (box.w, 1) if mapping == "diagonal" else (1, box.w)
        wanted = Box(layer.raw.h * channels, box.w, reads * layer.positions)
        if box != wanted:
            sizes = (f"h {b.h}, w {b.w}, cycle {b.cycles}" for b in (box, wanted))
            place.fail(f"boxes, box {i}", next(sizes), f"{next(sizes)} in a {mapping} mapping")


def read_placements(run_dir: Path) -> tuple[Placement, ...]:
    """The rows of pack.csv; in a run in segments, crossbars are numbered through all segments."""
    placements, segments = read_segments(run_dir)
    return placements if segments is None else all_slots(placements, segments)


def all_slots(placements: Sequence[Placement], segments: Sequence[int]) -> tuple[Placement, ...]:
    """The boxes on crossbars that are numbered through all segments."""
    return slots_of(placements, segments, 1 + max((p.crossbar_idx for p in placements), default=0))


def segment_crossbars(run_dir: Path) -> int | None:
    """Crossbars of the chip, of which each segment of a run has as many; None for a run of one segment."""
    placements, segments = read_segments(run_dir)
    return None if segments is None else 1 + max((p.crossbar_idx for p in placements), default=0)


def read_segments(run_dir: Path) -> tuple[tuple[Placement, ...], tuple[int, ...] | None]:
    """The rows of pack.csv, and the segment of each; None where a run has none."""
    path = run_dir / "pack.csv"
    rows = [line.split(",") for line in read_text(path).splitlines()]
    header = rows[0] if rows else []
    if header not in (HEADER, [*HEADER, SEGMENT]):
        raise BadInput(f"{path}: line 1: allowed is the header {','.join(HEADER)}")
    found = [_numbers(path, line, header, row) for line, row in enumerate(rows[1:], start=2)]
    placements = tuple(Placement(*row[: len(HEADER)]) for row in found)
    if header == HEADER:
        return placements, None
    for line, row in enumerate(found, start=2):
        crossbar, segment = row[HEADER.index("crossbar_idx")], row[-1]
        if segment < RESIDENT or crossbar < 0:
            raise BadInput(
                f"{path}: line {line}: found crossbar {crossbar} and segment {segment}, "
                f"allowed are crossbars from 0 and segments from {RESIDENT}"
            )
    return placements, tuple(row[-1] for row in found)


def _numbers(path: Path, line: int, header: Sequence[str], row: Sequence[str]) -> list[int]:
    if len(row) != len(header):
        raise BadInput(f"{path}: line {line}: found {len(row)} fields, allowed are {len(header)}")
    for name, text in zip(header, row, strict=True):
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise BadInput(f"{path}: line {line}: {name}: found {text!r:.60}, allowed is a whole number")
    return [int(text) for text in row]


def changed_layers(run_dir: Path, mappings: Sequence[Mapping]) -> Iterator[str]:
    """Layers that duplication may not change, but are not those of partition.json."""
    if partition_file(run_dir).name != "partition_optimized.json":
        return
    plain = read_partition(run_dir / "partition.json")
    if len(plain) != len(mappings):
        yield f"partition.json has {len(plain)} layers, found {len(mappings)}"
        return
    for before, after in zip(plain, mappings, strict=True):
        if before.layer != after.layer:
            yield f"layer {after.layer.index} is not that of partition.json: {after.layer}"
        elif not after.layer.depthwise and before.boxes != after.boxes:
            yield f"layer {after.layer.index} is cut otherwise than in partition.json"
