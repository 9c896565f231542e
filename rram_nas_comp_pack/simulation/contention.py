"""What waits for what: a schedule read layer by layer and crossbar by crossbar (RNC section 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from ..values import Box, Layer, Mapping, Packing, Schedule

CULPRITS = 3


@dataclass(frozen=True, slots=True)
class LayerContention:
    """How one layer (execution) spent the latency: `busy_ns + waiting_ns + idle_ns` is all of it.

    - `busy_ns`: at least one sample runs in the layer. Samples that run side by side count once.
    - `waiting_ns`: samples are in the layer (they asked and have not finished), but none of them runs.
    - `idle_ns`: no sample is in the layer.
    - `waited_ns`: waiting of all samples, added up as in sim.log, so that it may exceed the latency.
    - `waits_for`: (layer, ns) of up to three layers that ran on crossbars of this one while samples waited to
      start here, added up over those samples, largest first. The layer itself is among them where samples
      wait for replicas in use. Two layers that run at once are both named, so the times may add up to more
      than `waited_ns`; and to less, since a crossbar may be promised to a layer that still waits for others.
    """

    layer: int
    busy_ns: float
    waiting_ns: float
    idle_ns: float
    waited_ns: float
    waits_for: tuple[tuple[int, float], ...]


@dataclass(frozen=True, slots=True)
class Contention:
    """Where the latency goes: a row per layer (execution), and of every crossbar the share of the latency
    (0 to 1) in which it is held by a round that runs.
    """

    layers: tuple[LayerContention, ...]
    load: tuple[float, ...]


def contention(mappings: Sequence[Mapping], packing: Packing, schedule: Schedule) -> Contention:
    """Account for the schedule of a packing; mappings are those of layers 0, 1, 2 … in order.

    Exact for layers of one round that take all their replicas. The schedule does not tell where the rounds of
    a layer lie between its start and its end, nor which replicas were taken where there is a choice. So
    `waits_for` takes a layer to run from start to end, on the crossbars of all its replicas; `busy_ns`
    may exceed the truth where samples overlap in a layer of several rounds; for loads see `_held`.
    """
    held = _held(mappings, packing)
    running = [_union(*times) for times in zip(schedule.started_ns.T, schedule.finished_ns.T, strict=True)]
    waits = _waits(schedule, running, (held > 0) @ (held > 0).T)
    rows = tuple(_row(schedule, index, ran, waits[index]) for index, ran in enumerate(running))
    load = schedule.busy_ns.sum(axis=0) @ held / schedule.latency_ns
    return Contention(rows, tuple(np.minimum(load, 1.0).tolist()))


def roofline_ns(mappings: Sequence[Mapping], read_ns: Callable[[Layer, Box], float], crossbars: int) -> float:
    """Time per sample, in ns, if so many crossbars read all the time: no schedule takes less on average.

    `read_ns` is the time of one read of a box. Replicas share the reads and add none.
    """
    return sum(box.cycles * read_ns(m.layer, box) for m in mappings for box in m.boxes) / crossbars


class Intervals(NamedTuple):
    """Intervals of time that do not touch, in order: their starts and ends, each (intervals,), in ns."""

    starts: Floats
    ends: Floats


def _row(schedule: Schedule, index: int, running: Intervals, waits: Floats) -> LayerContention:
    present = _length(_union(schedule.asked_ns[:, index], schedule.finished_ns[:, index]))
    busy = _busy(running, schedule.started_ns[:, index], schedule.busy_ns[:, index])
    largest = np.argsort(-waits, kind="stable")[:CULPRITS]
    return LayerContention(
        layer=index,
        busy_ns=busy,
        waiting_ns=max(present - busy, 0.0),
        idle_ns=max(schedule.latency_ns - present, 0.0),
        waited_ns=float(schedule.waited_ns[:, index].sum()),
        waits_for=tuple((int(k), float(waits[k])) for k in largest if waits[k] > 0),
    )


def _union(starts: Floats, ends: Floats) -> Intervals:
    """Starts and ends of the union of intervals, in order; those that touch become one."""
    order = np.argsort(starts, kind="stable")
    starts, ends = starts[order], np.maximum.accumulate(ends[order])
    apart = starts[1:] > ends[:-1]
    return Intervals(starts[np.append(True, apart)], ends[np.append(apart, True)])


def _length(union: Intervals) -> float:
    starts, ends = union
    return float((ends - starts).sum())


def _busy(running: Intervals, started: Floats, busy: Floats) -> float:
    """Time in which samples run: in each interval of the union, no more than the rounds of its samples."""
    starts, ends = running
    rounds = np.bincount(np.searchsorted(starts, started, side="right") - 1, weights=busy)
    length = ends - starts
    # rounds that fill their interval are shorter than it by rounding only, which would show as waiting
    gaps = rounds < length * (1 - 1e-9)
    return float(np.where(gaps, rounds, length).sum())


def _waits(schedule: Schedule, running: Sequence[Intervals], share: NDArray[np.bool_]) -> Floats:
    """How long samples waited to start in a layer (row) while another (column) ran on its crossbars, ns."""
    waits = np.zeros(share.shape)
    for culprit, (starts, ends) in enumerate(running):
        times = np.column_stack([starts, ends]).ravel()
        lengths = ends - starts
        ran = np.cumsum(np.column_stack([np.zeros_like(lengths), lengths]).ravel())
        victims = np.flatnonzero(share[:, culprit])
        before = np.interp(schedule.asked_ns[:, victims], times, ran)
        waits[victims, culprit] = (np.interp(schedule.started_ns[:, victims], times, ran) - before).sum(
            axis=0
        )
    return waits


def _held(mappings: Sequence[Mapping], packing: Packing) -> Floats:
    """Share of a layer's (row) running time in which it holds a crossbar (column), 0 to 1.

    A layer that takes only some replicas takes each equally often here (the simulation prefers the first),
    and holds their crossbars until its end. Rounds are weighed by reads, which is off where reads differ in
    length.
    """
    held = np.zeros((len(mappings), packing.crossbars))
    columns = [(p.layer_idx, p.replica, p.box, p.crossbar_idx) for p in packing.placements]
    places = np.array(sorted(columns), dtype=np.int64).reshape(-1, 4)
    at = np.searchsorted(places[:, 0], np.arange(len(mappings) + 1))
    for row, m in zip(held, mappings, strict=True):
        mine = places[at[m.layer.stored_in] : at[m.layer.stored_in + 1]]
        boxes, crossbars = mine[:, 2], mine[:, 3]
        takes = min(m.copies, m.layer.raw.cycles)
        if takes < m.copies:
            row += np.minimum(np.bincount(crossbars, minlength=len(row)) * (takes / m.copies), 1.0)
        else:
            reads = -(-np.array([box.cycles for box in m.boxes])[boxes] // takes)
            row += _held_by_rounds(crossbars, reads, len(row))
    return held


def _held_by_rounds(places: Ints, reads: Ints, crossbars: int) -> Floats:
    """As `_held`, for one layer: crossbar and reads of its boxes in the order in which rounds are dealt.

    The k-th box on a crossbar is in round k, so a crossbar of n boxes is held for the first n rounds.
    """
    counts = np.bincount(places, minlength=crossbars)
    order = np.argsort(places, kind="stable")
    turns = np.empty_like(places)
    turns[order] = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    longest = np.zeros(int(counts.max()), dtype=np.int64)
    np.maximum.at(longest, turns, reads)
    until = np.append(0, np.cumsum(longest))
    return np.asarray(until[counts] / until[-1], dtype=np.float64)
