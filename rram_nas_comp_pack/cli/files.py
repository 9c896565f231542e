"""Reads the files of a run back. Whatever does not hold what it must raises BadInput, with file and place."""

from __future__ import annotations

import json
import math
import re
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, NoReturn

from ..errors import BadInput
from ..hardware.config import Hardware, load_hardware
from ..values import Box, Layer, Mapping, Placement

HEADER = [f.name for f in fields(Placement)]
SIM_LOG_HEADER = ("sample", "layer", "asked_ns", "start_ns", "finish_ns", "busy_ns", "waited_ns", "crossbars")


def read_hardware(path: Path) -> Hardware:
    """The hardware, with its warnings on standard error."""
    hardware = load_hardware(path)
    for warning in hardware.warnings:
        print(warning, file=sys.stderr)
    return hardware


def read_json(path: Path) -> Any:
    """One JSON document; not-a-number and infinity are refused."""

    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number")

    try:
        return json.loads(read_text(path), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not valid JSON: {error}") from error


def read_text(path: Path) -> str:
    """A text file."""
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise BadInput(f"{path}: {reason}") from error


def read_mappings(run_dir: Path) -> tuple[Mapping, ...]:
    """The run's layers: those after duplication where there are any."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    optimized = run_dir / "partition_optimized.json"
    return read_partition(optimized if optimized.exists() else run_dir / "partition.json")


def read_partition(path: Path) -> tuple[Mapping, ...]:
    """The layers of one partition file."""
    entries = read_json(path)
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{path}: allowed is a list with an object for every layer")
    places = [Place(path, f"layer {i}", entry) for i, entry in enumerate(entries)]
    mappings = tuple(_mapping(place, i) for i, place in enumerate(places))
    for place, m in zip(places, mappings, strict=True):
        _require_store(place, m, mappings[m.layer.stored_in])
    return mappings


def _require_store(place: Place, mapping: Mapping, store: Mapping) -> None:
    """A layer that runs again reads the boxes that its store brought."""
    if not store.stored:
        place.fail("stored_in", mapping.layer.stored_in, "a layer that stores its own weights")
    if mapping.copies != store.copies:
        place.fail("multiply", mapping.copies, f"that of layer {store.layer.index}, {store.copies}")
    if [(b.h, b.w) for b in mapping.boxes] != [(b.h, b.w) for b in store.boxes]:
        place.fail("boxes", f"{len(mapping.boxes)} boxes", f"boxes of the sizes of layer {store.layer.index}")


class Place:
    """An object within a JSON file, and how to call it."""

    def __init__(self, path: Path, name: str, value: Any) -> None:
        """`name` is how messages call it."""
        self.path, self.name, self.value = path, name, value

    def has(self, key: str) -> bool:
        """Whether the object says anything for a key, null included."""
        return isinstance(self.value, dict) and key in self.value

    def within(self, key: str) -> Place:
        """The object under a key."""
        return Place(self.path, f"{self.name}, {key}", self.get(key, dict, "an object"))

    def items(self, key: str) -> list[Place]:
        """The objects of the list under a key."""
        found = self.get(key, list, "a list")
        return [Place(self.path, f"{self.name}, {key}, entry {i}", value) for i, value in enumerate(found)]

    def text(self, key: str) -> str:
        """The text under a key."""
        return str(self.get(key, str, "a text"))

    def number(self, key: str, least: float = 0.0) -> float:
        """The number under a key; infinity is none."""
        number = self.get(key, (int, float), f"a number from {least:g}")
        if not least <= number < math.inf:
            self.fail(key, number, f"a number from {least:g}")
        return float(number)

    def shares(self, key: str) -> dict[str, float]:
        """Names and shares from 0 to 1."""
        inner = self.within(key)
        return {name: min(inner.number(name), 1.0) for name in inner.value}

    def fail(self, key: str, found: object, allowed: str) -> NoReturn:
        """Raise BadInput: what was found under a key, and what is allowed."""
        raise BadInput(f"{self.path}: {self.name}, {key}: found {found!r:.60}, allowed is {allowed}")

    def get(self, key: str, kind: type[Any] | tuple[type[Any], ...], allowed: str) -> Any:
        """What lies under a key, of a kind."""
        if not isinstance(self.value, dict):
            self.fail("itself", self.value, "an object")
        found = self.value.get(key)
        if not isinstance(found, kind) or isinstance(found, bool):
            self.fail(key, found, allowed)
        return found

    def count(self, key: str, least: int = 1) -> int:
        """A whole number."""
        number: int = self.get(key, int, f"a whole number from {least}")
        if not least <= number < 2**31:
            self.fail(key, number, f"a whole number from {least}")
        return number

    def box(self, key: str) -> Box:
        """A box."""
        return _box(Place(self.path, f"{self.name}, {key}", self.get(key, dict, "a box")))

    def boxes(self, key: str) -> tuple[Box, ...]:
        """At least one box."""
        return self._boxes(key, self.get(key, list, "a list of boxes"))

    def replicas(self, key: str) -> list[tuple[Box, ...]]:
        """Lists of boxes."""
        lists = self.get(key, list, "a list of replicas")
        return [self._boxes(f"{key} {i}", replica) for i, replica in enumerate(lists)]

    def _boxes(self, key: str, values: Any) -> tuple[Box, ...]:
        if not isinstance(values, list) or not values:
            self.fail(key, values, "a list of boxes")
        return tuple(_box(Place(self.path, f"{self.name}, {key}, box {i}", v)) for i, v in enumerate(values))


def _box(place: Place) -> Box:
    return Box(place.count("h"), place.count("w"), place.count("cycle"))


def _mapping(place: Place, index: int) -> Mapping:
    layer = _layer(place, index)
    boxes, copies = place.boxes("boxes"), place.count("multiply")
    replicas = place.replicas("child_boxes")
    if any(replica != boxes for replica in replicas):
        place.fail("child_boxes", "replicas that differ from boxes", "copies of boxes")
    if len(replicas) != copies:
        place.fail("child_boxes", f"{len(replicas)} replicas", f"as many as multiply says, {copies}")
    if "mapping" in place.value:
        _require_mapping(place, layer, boxes)
    return Mapping(layer, boxes, copies)


def _layer(place: Place, index: int) -> Layer:
    label = place.get("idx", str, f"a text like 'Conv2d_{index}'")
    kind, _, number = label.rpartition("_")
    if not kind or number != str(index):
        place.fail("idx", label, f"a text like 'Conv2d_{index}'")
    stored_in = place.count("stored_in", 0) if "stored_in" in place.value else index
    if stored_in > index:
        place.fail("stored_in", stored_in, f"a layer up to {index}")
    name, raw, positions = place.get("name", str, "a text"), place.box("box_raw"), place.count("positions")
    layer = Layer(index, kind, name, raw, positions, place.count("groups"), stored_in)
    if layer.columns_per_read < 1:
        place.fail("positions", layer.positions, "at least cycle / w of box_raw")
    # Partitions of other programs do not say which layers are depthwise. A layer that only looks like one
    # (groups of one column) does no harm: its boxes are no taller than its raw box, so they count as dense.
    return replace(layer, depthwise=layer.groups > 1 and layer.columns_per_read == 1)


def _require_mapping(place: Place, layer: Layer, boxes: tuple[Box, ...]) -> None:
    """The boxes of a depthwise layer are what its declared mapping makes of their columns."""
    mapping = place.get("mapping", str, "'dense' or 'diagonal'")
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
    """The rows of pack.csv."""
    path = run_dir / "pack.csv"
    rows = [line.split(",") for line in read_text(path).splitlines()]
    if not rows or rows[0] != HEADER:
        raise BadInput(f"{path}: line 1: allowed is the header {','.join(HEADER)}")
    return tuple(_placement(path, line, row) for line, row in enumerate(rows[1:], start=2))


def _placement(path: Path, line: int, row: list[str]) -> Placement:
    if len(row) != len(HEADER):
        raise BadInput(f"{path}: line {line}: found {len(row)} fields, allowed are {len(HEADER)}")
    for name, text in zip(HEADER, row, strict=True):
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise BadInput(f"{path}: line {line}: {name}: found {text!r:.60}, allowed is a whole number")
    return Placement(*(int(text) for text in row))
