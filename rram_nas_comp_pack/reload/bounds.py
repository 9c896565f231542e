"""What no layout of a segment can beat, by counting alone: most segments need not be laid out then."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
        ahead = 0.0 if self.room.copied else (batch - 1) * max(times)
        return max(busy, math.fsum(times) + ahead)

    def write_ns(self, first: int, end: int) -> float:
        """Of writing the segment."""
        stored = self._stored(first, end)
        size, writers = self.room.hardware.size, self.room.writing.parallel or self.room.crossbars
        rows = sum(f.cells for f in stored) / size.columns
        writers = min(writers, self.room.crossbars)
        return max(rows / writers, max(f.rows for f in stored)) * row_ns(
            self.room.hardware, self.room.writing
        )

    def fits(self, first: int, end: int) -> bool:
        """Whether counting does not refute it."""
        stored, room = self._stored(first, end), self.room
        cells = sum(f.cells for f in stored) <= room.crossbars * room.hardware.size.cells
        load = room.rules.max_load
        return cells and (not load or sum(f.boxes for f in stored) <= load * room.crossbars)

    def total_ns(self, first: int, end: int) -> float:
        """Writing and running the batch."""
        if not self.fits(first, end):
            return math.inf
        # rounding must not lift a bound above the truth
        return (self.latency_ns(first, end) + self.write_ns(first, end)) * (1 - 1e-9)

    def _stored(self, first: int, end: int) -> list[_Floor]:
        """One of all that share weights."""
        return list({f.store: f for f in reversed(self.floors[first:end])}.values())


def segment_bounds(units: Sequence[Unit], mapping_of: Callable[[Unit], Mapping], room: Room) -> SegmentBounds:
    """Prepare the bounds of all segments of the units; `mapping_of` cuts one by itself, without copies."""
    return SegmentBounds(room, tuple(_floor(unit, mapping_of(unit), room) for unit in units))


def _floor(unit: Unit, m: Mapping, room: Room) -> _Floor:
    layer = unit.layer
    store = layer.stored_in if unit.whole else -1 - layer.index
    own = m.boxes
    if layer.depthwise and room.diagonal and unit.whole:
        own = _fewest_reads(m, room)
    work = math.fsum(box.cycles * _read(room, m, box) for box in own)
    copies = _most_copies(m, room, unit)
    slowest = max(own, key=lambda box: box.cycles)
    alone = -(-slowest.cycles // copies) * _read(room, m, slowest)
    if layer.depthwise and room.copied:
        alone = 0.0  # it may be cut into more boxes: what it takes of all crossbars is what counts
    cells = layer.raw.h * layer.raw.w
    boxes = len(own) if not layer.depthwise else -(-layer.raw.w // room.hardware.columns)
    rows = min(layer.raw.h, room.hardware.rows)
    return _Floor(max(alone, work / room.crossbars), work, cells, boxes, rows, store)


def _read(room: Room, m: Mapping, box: Box) -> float:
    """Time of a read; of a depthwise layer the least of any cut."""
    if m.layer.depthwise and room.copied:
        return room.read_ns(m.layer, Box(m.layer.raw.h, 1, m.layer.positions))
    return room.read_ns(m.layer, box)


def _fewest_reads(m: Mapping, room: Room) -> tuple[Box, ...]:
    layer = m.layer
    most = most_channels(layer, room.hardware.size, room.diagonal_rows)
    return (Box(layer.raw.h, 1, layer.positions),) * -(-layer.raw.w // most)


def _most_copies(m: Mapping, room: Room, unit: Unit) -> int:
    """Copies that have room: boxes of a layer lie on different crossbars, by the rules."""
    if not room.copied or not unit.whole:
        return 1
    if room.rules.threshold < 0:
        return max(1, room.crossbars * room.hardware.size.cells // m.layer.weights)
    return max(1, room.crossbars // len(m.boxes))
