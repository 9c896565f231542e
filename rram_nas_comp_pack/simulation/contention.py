"""What waits for what: a schedule read layer by layer and crossbar by crossbar (RNC section 5)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..kernels.arrays import Floats, Ints, offsets
from ..values import Box, Layer, Mapping, Packing, RowGraph, Schedule

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


def contention(
    mappings: Sequence[Mapping], packing: Packing, schedule: Schedule, graph: RowGraph | None = None
) -> Contention:
    """Account for the schedule of a packing; mappings are those of layers 0, 1, 2 … in order.

    In a schedule of rows, which runs by `graph`, a layer is taken to run from the start of its first row to
    the end of its last: it waits where it has none of its rows running, be it for crossbars or for rows of
    others; `waited_ns` is the waiting for crossbars alone, and `waits_for` that before its first row.

    Exact for layers of one round that take all their replicas. The schedule does not tell where the rounds of
    a layer lie between its start and its end, nor which replicas were taken where there is a choice. So
    `waits_for` takes a layer to run from start to end, on the crossbars of all its replicas; `busy_ns`
    may exceed the truth where samples overlap in a layer of several rounds; for loads see `_held`.
    """
    held = _held(mappings, packing, graph)
    running = [_union(*times) for times in zip(schedule.started_ns.T, schedule.finished_ns.T, strict=True)]
    waits = _waits(schedule, running, _sharing(held))
    rows = tuple(_row(schedule, index, ran, waits[index]) for index, ran in enumerate(running))
    load = held.T @ schedule.busy_ns.sum(axis=0) / schedule.latency_ns
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


class Waits(NamedTuple):
    """For how long, in ns, a layer's samples waited while others ran: both (culprits,), by rising number."""

    culprits: Ints
    ns: Floats


def _row(schedule: Schedule, index: int, running: Intervals, waits: Waits) -> LayerContention:
    present = _length(_union(schedule.asked_ns[:, index], schedule.finished_ns[:, index]))
    busy = _busy(running, schedule.started_ns[:, index], schedule.busy_ns[:, index])
    largest = np.argsort(-waits.ns, kind="stable")[:CULPRITS]
    return LayerContention(
        layer=index,
        busy_ns=busy,
        waiting_ns=max(present - busy, 0.0),
        idle_ns=max(schedule.latency_ns - present, 0.0),
        waited_ns=float(schedule.waited_ns[:, index].sum()),
        waits_for=tuple((int(waits.culprits[k]), float(waits.ns[k])) for k in largest if waits.ns[k] > 0),
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


def _waits(schedule: Schedule, running: Sequence[Intervals], sharing: Sequence[Ints]) -> list[Waits]:
    """How long samples waited to start in each layer while others ran on its crossbars.

    `sharing` are the layers that share a crossbar with each one.
    """
    victims = np.concatenate(sharing)
    culprits = np.repeat(np.arange(len(sharing)), [len(each) for each in sharing])
    ns = np.concatenate([_waited(schedule, *each) for each in zip(running, sharing, strict=True)])
    order = np.argsort(victims, kind="stable")
    ends = np.cumsum(np.bincount(victims, minlength=len(sharing)))[:-1]
    parts = np.split(culprits[order], ends), np.split(ns[order], ends)
    return [Waits(*each) for each in zip(*parts, strict=True)]


def _waited(schedule: Schedule, running: Intervals, victims: Ints) -> Floats:
    """How long samples waited to start in the `victims` while a layer ran in these intervals, ns."""
    starts, ends = running
    times = np.column_stack([starts, ends]).ravel()
    lengths = ends - starts
    ran = np.cumsum(np.column_stack([np.zeros_like(lengths), lengths]).ravel())
    before = np.interp(schedule.asked_ns[:, victims], times, ran)
    return np.asarray((np.interp(schedule.started_ns[:, victims], times, ran) - before).sum(axis=0))


def _sharing(held: csr_array) -> list[Ints]:
    """The layers that hold a crossbar of each layer, by rising number; itself is one of them."""
    holds = (held > 0).astype(np.int64)
    shared = (holds @ holds.T).tocsr()
    shared.sort_indices()
    return [shared.indices[a:b] for a, b in pairwise(shared.indptr.tolist())]


def _held(mappings: Sequence[Mapping], packing: Packing, graph: RowGraph | None) -> csr_array:
    """Share of a layer's (row) running time in which it holds a crossbar (column), 0 to 1.

    A layer that takes only some replicas takes each equally often here (the simulation prefers the first),
    and holds their crossbars until its end. Rounds are weighed by reads, which is off where reads differ in
    length.
    """
    columns = [(p.layer_idx, p.replica, p.box, p.crossbar_idx) for p in packing.placements]
    places = np.array(sorted(columns), dtype=np.int64).reshape(-1, 4)
    at = np.searchsorted(places[:, 0], np.arange(len(mappings) + 1))
    parts = [1] * len(mappings) if graph is None else [each.rows for each in graph]
    found = [
        _held_by(m, places[at[m.layer.stored_in] : at[m.layer.stored_in + 1]], rows)
        for m, rows in zip(mappings, parts, strict=True)
    ]
    crossbars, shares = (np.concatenate(each) for each in zip(*found, strict=True))
    rows = offsets([len(each) for each, _ in found])
    return csr_array((shares, crossbars, rows), shape=(len(mappings), packing.crossbars))


def _held_by(m: Mapping, places: Ints, rows: int) -> tuple[Ints, Floats]:
    """As `_held`, for one layer of so many rows: its crossbars by rising number, and their shares.

    `places` are lines of layer, replica, box and crossbar, in order.
    """
    crossbars, own, counts = np.unique(places[:, 3], return_inverse=True, return_counts=True)
    takes = min(m.copies, -(-m.layer.raw.cycles // rows))
    if takes < m.copies:
        return crossbars, np.minimum(counts * (takes / m.copies), 1.0)
    cycles = -(-np.array([box.cycles for box in m.boxes]) // rows)
    reads = -(-cycles[places[:, 2]] // takes)
    return crossbars, _held_by_rounds(own, counts, reads)


def _held_by_rounds(places: Ints, counts: Ints, reads: Ints) -> Floats:
    """Shares of crossbars with so many boxes; place and reads of the boxes in the order of dealing rounds.

    The k-th box on a crossbar is in round k, so a crossbar of n boxes is held for the first n rounds.
    """
    order = np.argsort(places, kind="stable")
    turns = np.empty_like(places)
    turns[order] = np.arange(len(places)) - np.repeat(np.cumsum(counts) - counts, counts)
    longest = np.zeros(int(counts.max()), dtype=np.int64)
    np.maximum.at(longest, turns, reads)
    until = np.append(0, np.cumsum(longest))
    return np.asarray(until[counts] / until[-1], dtype=np.float64)
