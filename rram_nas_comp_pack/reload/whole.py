"""The segments of a pass as one layout and one schedule of the whole network.

The boxes of segment s on crossbar c count as those of crossbar s * crossbars + c: every rule of a layout
holds for such *slots*, and whatever checks a layout needs to know nothing of segments.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from ..simulation.contention import CULPRITS, Contention, LayerContention, contention
from ..simulation.event_loop import Executions
from ..simulation.schedules import executions_of, prepared, schedule_of
from ..values import CrossbarSize, Layer, Mapping, Packing, Placement, ReadTime, Schedule
from .units import Unit, joined, numbers_of


class Loaded(NamedTuple):
    """What lies on the chip at one time: units as layers 0, 1, 2 …, and when the pass has written them.

    Crossbars are numbered as those of the chip. `write_ns` is the time of writing, `latency_ns` that of the
    batch after it. Layers that are `kept` lie on the chip all the time.
    """

    units: tuple[Unit, ...]
    mappings: tuple[Mapping, ...]
    placements: tuple[Placement, ...]
    write_ns: float
    latency_ns: float
    kept: tuple[int, ...] = ()

    @property
    def written(self) -> tuple[Placement, ...]:
        """The boxes that the segment writes."""
        return tuple(p for p in self.placements if p.layer_idx not in self.kept)


RESIDENT = -1
"""The segment of boxes that stay on the chip."""


class Split(NamedTuple):
    """The layout of the whole network: its layers, all boxes on crossbars of the chip, their segments."""

    mappings: tuple[Mapping, ...]
    placements: tuple[Placement, ...]
    segments: tuple[int, ...]

    def slots(self, crossbars: int) -> tuple[Placement, ...]:
        """The boxes on crossbars that are numbered through all segments, those that stay as one more."""
        return slots_of(self.placements, self.segments, crossbars)


def slots_of(
    placements: Sequence[Placement], segments: Sequence[int], crossbars: int
) -> tuple[Placement, ...]:
    """The boxes on crossbars that are numbered through all segments, of which each has so many."""
    last = max(segments, default=0) + 1
    return tuple(
        replace(p, crossbar_idx=(last if segment == RESIDENT else segment) * crossbars + p.crossbar_idx)
        for p, segment in zip(placements, segments, strict=True)
    )


def whole_mappings(
    layers: Sequence[Layer], parts: Sequence[tuple[Sequence[Unit], Sequence[Mapping]]], size: CrossbarSize
) -> tuple[Mapping, ...]:
    """All layers as they are mapped in segments of these units and mappings."""
    found: dict[int, list[Mapping]] = defaultdict(list)
    store: dict[int, int] = {}
    for units, mappings in parts:
        for unit, m in zip(units, mappings, strict=True):
            found[unit.layer.index].append(m)
            store[unit.layer.index] = units[m.layer.stored_in].layer.index
    return tuple(
        _whole(replace(layer, stored_in=store[layer.index]), found[layer.index], size) for layer in layers
    )


def _whole(layer: Layer, parts: Sequence[Mapping], size: CrossbarSize) -> Mapping:
    if len(parts) > 1:
        return joined(layer, parts, size)
    return Mapping(layer, parts[0].boxes, parts[0].copies)


def split_layout(layers: Sequence[Layer], loaded: Sequence[Loaded], size: CrossbarSize) -> Split:
    """The layout of all segments."""
    mappings = whole_mappings(layers, [(each.units, each.mappings) for each in loaded], size)
    placements, segments = [], []
    for number, each in enumerate(loaded):
        boxes = _box_numbers(each, mappings, size)
        for p in each.placements:
            layer = each.units[p.layer_idx].layer.index
            placements.append(replace(p, layer_idx=layer, box=boxes[p.layer_idx][p.box]))
            segments.append(RESIDENT if p.layer_idx in each.kept else number)
    return Split(mappings, tuple(placements), tuple(segments))


def _box_numbers(each: Loaded, whole: Sequence[Mapping], size: CrossbarSize) -> list[tuple[int, ...]]:
    """Of every unit's boxes, which boxes of the whole layer they are."""
    return [
        tuple(range(len(m.boxes))) if unit.whole else numbers_of(whole[unit.layer.index], unit, m, size)
        for unit, m in zip(each.units, each.mappings, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class Running:
    """Segments that are run: each for itself, one after another, with a `batch` of samples."""

    loaded: tuple[Loaded, ...]
    read_ns: ReadTime
    batch: int

    def pass_ns(self, samples: int) -> float:
        """Writing every segment and running so many samples through it."""
        return sum(each.write_ns + self.schedule(each, samples).latency_ns for each in self.loaded)

    def ideal_pass_ns(self, samples: int) -> float:
        """The same where no crossbar is shared."""
        ideal = (schedule_of(prepared(e.mappings, self.read_ns, None), samples) for e in self.loaded)
        return sum(each.write_ns + s.latency_ns for each, s in zip(self.loaded, ideal, strict=True))

    def latencies_ns(self, samples: int) -> tuple[float, float]:
        """Of so many samples in passes of a batch, and the same where no crossbar is shared."""
        passes, rest = divmod(samples, self.batch)
        parts = [(n, times) for n, times in ((self.batch, passes), (rest, 1)) if n * times]
        packed = sum(self.pass_ns(n) * times for n, times in parts)
        return packed, sum(self.ideal_pass_ns(n) * times for n, times in parts)

    def schedule(self, each: Loaded, samples: int) -> Schedule:
        """Of one segment, from the time when it is written."""
        return schedule_of(prepared(each.mappings, self.read_ns, None, each.placements), samples)

    def starts_ns(self) -> list[float]:
        """When each segment begins to be written."""
        starts = [0.0]
        for each in self.loaded[:-1]:
            starts.append(starts[-1] + each.write_ns + each.latency_ns)
        return starts


def schedule_of_pass(running: Running, samples: int, layers: int) -> Schedule:
    """When the first samples of a batch ran in each layer; of a divided one from first part to last."""
    shape = samples, layers
    asked, started = np.full(shape, np.inf), np.full(shape, np.inf)
    finished, busy, waited = (np.zeros(shape) for _ in range(3))
    for each, start in zip(running.loaded, running.starts_ns(), strict=True):
        own, at = running.schedule(each, running.batch), start + each.write_ns
        for index, unit in enumerate(each.units):
            layer = unit.layer.index
            asked[:, layer] = np.minimum(asked[:, layer], at + own.asked_ns[:samples, index])
            started[:, layer] = np.minimum(started[:, layer], at + own.started_ns[:samples, index])
            finished[:, layer] = np.maximum(finished[:, layer], at + own.finished_ns[:samples, index])
            busy[:, layer] += own.busy_ns[:samples, index]
            waited[:, layer] += own.waited_ns[:samples, index]
    return Schedule(asked, started, finished, busy, waited)


def executions_of_pass(
    running: Running, whole: Sequence[Mapping], size: CrossbarSize, samples: int
) -> Executions:
    """Every box that was read for the first samples; rounds of a divided layer count on from part to part."""
    found, rounds = [], [0] * len(whole)
    for each, start in zip(running.loaded, running.starts_ns(), strict=True):
        ran = prepared(each.mappings, running.read_ns, None, each.placements)
        every, at = executions_of(ran, running.batch), start + each.write_ns
        own = _of_first(every, samples)
        layers = np.array([unit.layer.index for unit in each.units])
        numbers = _box_numbers(each, whole, size)
        boxes = [numbers[layer][box] for layer, box in zip(own.layer.tolist(), own.box.tolist(), strict=True)]
        ahead = np.array([rounds[layer] for layer in layers.tolist()])
        for index, layer in enumerate(layers.tolist()):
            rounds[layer] += 1 + int(own.round[own.layer == index].max(initial=-1))
        times = own.start_ns + at, own.end_ns + at
        found.append(
            Executions(
                own.sample,
                layers[own.layer],
                own.round + ahead[own.layer],
                own.replica,
                np.array(boxes, dtype=np.int64),
                *times,
            )
        )
    return Executions(*(np.concatenate(column) for column in zip(*found, strict=True)))


def _of_first(every: Executions, samples: int) -> Executions:
    kept = every.sample < samples
    return Executions(
        every.sample[kept],
        every.layer[kept],
        every.round[kept],
        every.replica[kept],
        every.box[kept],
        every.start_ns[kept],
        every.end_ns[kept],
    )


class _Spent:
    """How the layers of the whole network spent their time, added up segment by segment."""

    def __init__(self, layers: int) -> None:
        self.busy, self.waiting, self.waited = ([0.0] * layers for _ in range(3))
        self.culprits: list[dict[int, float]] = [defaultdict(float) for _ in range(layers)]

    def add(self, each: Loaded, rows: Sequence[LayerContention]) -> None:
        for row, unit in zip(rows, each.units, strict=True):
            layer = unit.layer.index
            self.busy[layer] += row.busy_ns
            self.waiting[layer] += row.waiting_ns
            self.waited[layer] += row.waited_ns
            for other, ns in row.waits_for:
                self.culprits[layer][each.units[other].layer.index] += ns

    def rows(self, total_ns: float) -> Iterator[LayerContention]:
        for layer, (busy, waiting) in enumerate(zip(self.busy, self.waiting, strict=True)):
            idle = max(total_ns - busy - waiting, 0.0)
            largest = sorted(self.culprits[layer].items(), key=lambda item: -item[1])[:CULPRITS]
            yield LayerContention(layer, busy, waiting, idle, self.waited[layer], tuple(largest))


def contention_of_pass(running: Running, layers: int, crossbars: int) -> Contention:
    """Who waits for whom within the segments; loads are shares of the whole pass, writing included.

    `crossbars` are those of the chip up to the last one in use.
    """
    total, spent, load = running.pass_ns(running.batch), _Spent(layers), np.zeros(crossbars)
    for each in running.loaded:
        schedule = running.schedule(each, running.batch)
        numbers = sorted({p.crossbar_idx for p in each.placements})
        own = contention(each.mappings, _packing(each, numbers), schedule)
        load[numbers] += np.array(own.load) * schedule.latency_ns / total
        spent.add(each, own.layers)
    return Contention(tuple(spent.rows(total)), tuple(np.minimum(load, 1.0).tolist()))


def _packing(each: Loaded, numbers: Sequence[int]) -> Packing:
    """The boxes on crossbars that are numbered without gaps."""
    number = {crossbar: n for n, crossbar in enumerate(numbers)}
    placements = tuple(replace(p, crossbar_idx=number[p.crossbar_idx]) for p in each.placements)
    return Packing(placements, CrossbarSize(0, 0), len(numbers), 0, "", "")
