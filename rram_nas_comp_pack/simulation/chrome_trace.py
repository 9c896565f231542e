"""A schedule as a timeline in the Chrome trace-event format, which Perfetto and chrome://tracing open.

Two processes: the crossbars, where every read box is a slice as long as its round holds the crossbar; and the
samples, where the time from asking to finishing of every layer is divided into slices of running and waiting.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

from ..values import Mapping, Packing, Schedule
from .event_loop import Executions

CROSSBARS, SAMPLES = 1, 2
"""Process ids."""

FIRST_TRACK = 10
"""Id of the first track: viewers take 0 for an idle thread, and the id of its process for a main thread."""

Event = dict[str, object]


class Track(NamedTuple):
    """A line of the timeline: its process, and its number there."""

    process: int
    number: int


class Interval(NamedTuple):
    """From when to when, in ns."""

    start: float
    end: float


def timeline(
    mappings: Sequence[Mapping], packing: Packing, schedule: Schedule, reads: Executions
) -> dict[str, object]:
    """The timeline of a schedule, as a JSON value; `reads` are the executions of the same samples.

    Mappings are those of layers 0, 1, 2 … in order; its times are in microseconds.
    """
    events = [
        *_process(CROSSBARS, "crossbars", "crossbar", range(packing.crossbars)),
        *_process(SAMPLES, "samples", "sample", range(len(schedule.asked_ns))),
        *_box_slices(mappings, packing, reads),
        *_layer_slices(mappings, schedule, reads),
    ]
    return {"traceEvents": events, "displayTimeUnit": "ns"}


def _process(pid: int, name: str, track: str, numbers: Sequence[int]) -> Iterator[Event]:
    """Names of a process and its tracks, and their order."""
    yield {"ph": "M", "name": "process_name", "pid": pid, "tid": pid, "args": {"name": name}}
    yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": pid, "args": {"sort_index": pid}}
    for n in numbers:
        where = {"ph": "M", "pid": pid, "tid": FIRST_TRACK + n}
        yield {"name": "thread_name", **where, "args": {"name": f"{track} {n}"}}
        yield {"name": "thread_sort_index", **where, "args": {"sort_index": n}}


def _box_slices(mappings: Sequence[Mapping], packing: Packing, reads: Executions) -> Iterator[Event]:
    """A slice per read box; `cycles` are the reads of its share of the positions."""
    home = {(p.layer_idx, p.replica, p.box): p.crossbar_idx for p in packing.placements}
    for row in zip(*(column.tolist() for column in reads), strict=True):
        sample, layer, turn, replica, box, start, end = row
        m = mappings[layer]
        cycles = -(-m.boxes[box].cycles // min(m.copies, m.layer.raw.cycles))
        track = Track(CROSSBARS, home[m.layer.stored_in, replica, box])
        args = {"layer": layer, "sample": sample, "replica": replica, "box": box, "round": turn}
        yield a_slice(m.layer.label, "read", track, Interval(start, end), {**args, "cycles": cycles})


def _layer_slices(mappings: Sequence[Mapping], schedule: Schedule, reads: Executions) -> Iterator[Event]:
    """Per sample and layer: it waits, a round runs, perhaps it waits and runs again."""
    columns = zip(*(column.tolist() for column in (*reads[:3], *reads[5:])), strict=True)
    asked, started, finished = (
        times.tolist() for times in (schedule.asked_ns, schedule.started_ns, schedule.finished_ns)
    )
    for (sample, layer), rounds in groupby(sorted(set(columns)), key=lambda row: row[:2]):
        label, now = mappings[layer].layer.label, asked[sample][layer]
        times = {"asked": now, "started": started[sample][layer], "finished": finished[sample][layer]}
        args = {"layer": layer, "sample": sample, **{f"{name}_us": ns / 1e3 for name, ns in times.items()}}
        for *_, turn, start, end in rounds:
            if start > now:
                yield a_slice(f"{label} waits", "wait", Track(SAMPLES, sample), Interval(now, start), args)
            yield a_slice(label, "run", Track(SAMPLES, sample), Interval(start, end), {**args, "round": turn})
            now = end


def a_slice(name: str, category: str, track: Track, ns: Interval, args: Event) -> Event:
    """A complete event. Viewers drop slices that overlap, so that it must not end late by rounding either."""
    start, end = (time / 1e3 for time in ns)
    length = end - start
    while start + length > end:
        length = math.nextafter(length, 0.0)
    ids = {"pid": track.process, "tid": FIRST_TRACK + track.number}
    return {"name": name, "cat": category, "ph": "X", "ts": start, "dur": length, **ids, "args": args}
