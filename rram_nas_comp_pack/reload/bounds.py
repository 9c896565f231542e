"""What no layout of a segment can beat, by counting alone: most segments need not be laid out then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass
from typing import NamedTuple

from ..box_converter.partition import most_channels
from ..hardware.config.read import Hardware
from ..hardware.writing import WriteSettings, row_ns
from ..values import Box, Mapping, ReadTime, Rules
from .units import Unit


class Room(NamedTuple):
    """The chip that segments are for, how it is written, and for how many samples.

    `copied`: layers may have copies; `diagonal`: depthwise layers may be mapped diagonally, in boxes of at
    most `diagonal_rows` rows (None: those of a crossbar).
    """

    hardware: Hardware
    read_ns: ReadTime
    crossbars: int
    rules: Rules
    writing: WriteSettings
    batch: int
    copied: bool
    diagonal: bool
    diagonal_rows: int | None = None


class _Floor(NamedTuple):
    """The least that a unit takes: time of a sample, crossbars for that time, and room."""

    sample_ns: float
    work_ns: float  # of all crossbars together, for a sample
    cells: int
    boxes: int
    rows: int  # of its tallest box
    store: int  # index of the layer that holds the weights


@dataclass(frozen=True, slots=True)
class SegmentBounds:
    """Lower bounds of segments of the units (n,) that it was made for; infinite where boxes are too many."""

    room: Room
    floors: tuple[_Floor, ...]

    def latency_ns(self, first: int, end: int) -> float:
        """Of the batch."""
        own, batch = self.floors[first:end], self.room.batch
        busy = batch * math.fsum(f.work_ns for f in own) / self.room.crossbars
        times = [f.sample_ns for f in own]
        # a sample enters when the one before has left the first layer; without copies, so in every layer
        ahead = times[0] if self.room.copied else max(times)
        return max(busy, math.fsum(times) + (batch - 1) * ahead)

    def write_ns(self, first: int, end: int) -> float:
        """Of writing the segment."""
        stored = self._stored(first, end)
        size, writers = self.room.hardware.size, self.room.writing.parallel or self.room.crossbars
        rows = sum(f.cells for f in stored) / size.columns
        writers = min(writers, self.room.crossbars)
        return max(rows / writers, max((f.rows for f in stored), default=0)) * row_ns(
            self.room.hardware, self.room.writing
        )

    def fits(self, first: int, end: int) -> bool:
        """Whether counting does not refute it."""
        stored, room = self._stored(first, end), self.room
        cells = sum(f.cells for f in stored) <= room.crossbars * room.hardware.size.cells
        load = room.rules.max_load
        loaded = not load or sum(f.boxes for f in stored) <= load * room.crossbars
        return cells and loaded and self._apart(first, end) <= room.crossbars

    def total_ns(self, first: int, end: int) -> float:
        """Writing and running the batch."""
        if not self.fits(first, end):
            return math.inf
        # rounding must not lift a bound above the truth
        return (self.latency_ns(first, end) + self.write_ns(first, end)) * (1 - 1e-9)

    def _apart(self, first: int, end: int) -> int:
        """Boxes of neighbours that may not share a crossbar, of those that are most."""
        seen, counts = set(), [0]
        for f in self.floors[first:end]:
            counts.append(counts[-1] + (0 if f.store in seen else f.boxes))
            seen.add(f.store)
        near = self.room.rules.threshold + 1
        return max(counts[min(k + near, len(counts) - 1)] - counts[k] for k in range(len(counts) - 1))

    def _stored(self, first: int, end: int) -> list[_Floor]:
        """One of all that share weights."""
        return list({f.store: f for f in reversed(self.floors[first:end])}.values())


def segment_bounds(
    units: Sequence[Unit],
    mapping_of: Callable[[Unit], Mapping],
    room: Room,
    resident_ns: Dictionary[int, float],
) -> SegmentBounds:
    """Prepare the bounds of all segments of the units; `mapping_of` cuts one by itself, without copies.

    `resident_ns` are times of a sample in layers that lie on crossbars of their own, by number.
    """
    return SegmentBounds(
        room,
        tuple(
            _Floor(resident_ns[unit.layer.index], 0.0, 0, 0, 0, unit.layer.stored_in)
            if unit.layer.index in resident_ns
            else _floor(unit, mapping_of(unit), room)
            for unit in units
        ),
    )


def _floor(unit: Unit, m: Mapping, room: Room) -> _Floor:
    layer = unit.layer
    store = layer.stored_in if unit.whole else -1 - layer.index
    cells, rows = layer.raw.h * layer.raw.w, min(layer.raw.h, room.hardware.rows)
    if layer.depthwise and room.copied:
        sample, work = _depthwise_ns(unit, m, room)
        boxes = -(-layer.raw.w // room.hardware.columns)
    else:
        work = math.fsum(box.cycles * room.read_ns(layer, box) for box in m.boxes)
        slowest, boxes = max(m.boxes, key=lambda box: box.cycles), len(m.boxes)
        if layer.depthwise and not m.diagonal:  # it may do without the depth split
            boxes = -(-layer.raw.w // room.hardware.columns)
        sample = -(-slowest.cycles // _copies(room, unit, boxes)) * room.read_ns(layer, slowest)
    return _Floor(max(sample, work / room.crossbars), work, cells, boxes, rows, store)


def _depthwise_ns(unit: Unit, m: Mapping, room: Room) -> tuple[float, float]:
    """Least time of a sample, and of all crossbars together, whatever the cut."""
    layer = unit.layer
    read = room.read_ns(layer, Box(layer.raw.h, 1, layer.positions))  # no other read is shorter
    cuts = [(k, -(-layer.raw.w // k)) for k in range(1, min(layer.raw.w, room.crossbars) + 1)]
    cuts = [(k, width) for k, width in cuts if width <= room.hardware.columns]
    work = layer.raw.cycles
    if room.diagonal and (unit.whole or m.diagonal):
        fewest = -(-layer.raw.w // most_channels(layer, room.hardware.size, room.diagonal_rows))
        cuts.append((fewest, 1))
        work = layer.positions * fewest
    if room.rules.threshold < 0 or not cuts:
        return 0.0, work * read
    reads = (-(-width * layer.positions // _copies(room, unit, boxes)) for boxes, width in cuts)
    return min(reads) * read, work * read


def _copies(room: Room, unit: Unit, boxes: int) -> int:
    """Most copies of so many boxes: by the rules, boxes of a layer lie on different crossbars."""
    if not room.copied or not unit.whole:
        return 1
    if room.rules.threshold < 0:
        return max(1, room.crossbars * room.hardware.size.cells // (unit.layer.raw.h * unit.layer.raw.w))
    return max(1, room.crossbars // boxes)
