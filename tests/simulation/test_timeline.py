"""The timeline of a run: what viewers of the trace-event format require, and that it is the schedule."""

from itertools import groupby, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.simulation.chrome_trace import CROSSBARS, FIRST_TRACK, SAMPLES, timeline
from rram_nas_comp_pack.simulation.event_loop import executions, program, simulate
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer, Mapping, Packing, Placement

REQUIRED = {"M": {"name", "ph", "pid", "tid", "args"}, "X": {"name", "cat", "ph", "pid", "tid", "ts", "dur"}}
METADATA = {"process_name", "process_sort_index", "thread_name", "thread_sort_index"}


def assert_valid(document):
    """Keys by phase, tracks named, and no slice that begins before the one before it on its track ended."""
    assert document["displayTimeUnit"] in ("ms", "ns")
    for event in document["traceEvents"]:
        assert REQUIRED[event["ph"]] <= event.keys()
        assert type(event["pid"]) is int
        assert type(event["tid"]) is int
    assert all(e["tid"] not in (0, e["pid"]) for e in slices(document))
    named = {(e["pid"], e["tid"]) for e in document["traceEvents"] if e["name"] == "thread_name"}
    assert {e["name"] for e in document["traceEvents"] if e["ph"] == "M"} <= METADATA
    ordered = sorted(slices(document), key=track_and_time)
    for track, row in groupby(ordered, key=lambda e: (e["pid"], e["tid"])):
        assert track in named
        row = list(row)
        assert all(e["ts"] >= 0 and e["dur"] >= 0 for e in row)
        assert all(a["ts"] + a["dur"] <= b["ts"] for a, b in pairwise(row))


def track_and_time(event):
    return event["pid"], event["tid"], event["ts"]


def slices(document, pid=None, category=None):
    return [
        e
        for e in document["traceEvents"]
        if e["ph"] == "X" and pid in (None, e["pid"]) and category in (None, e["cat"])
    ]


def total_ns(events, shape, once=False):
    """Durations by sample and layer, in ns; `once`: of slices that differ in their crossbar only, one."""
    total = np.zeros(shape)
    chosen = {tuple(e["args"][k] for k in ("sample", "layer", "round")): e for e in events} if once else None
    for e in chosen.values() if once else events:
        total[e["args"]["sample"], e["args"]["layer"]] += e["dur"] * 1e3
    return total


def assert_is_schedule(document, schedule):
    shape = schedule.busy_ns.shape
    reads, runs = slices(document, CROSSBARS, "read"), slices(document, SAMPLES, "run")
    waits = slices(document, SAMPLES, "wait")
    assert total_ns(reads, shape, once=True) == pytest.approx(schedule.busy_ns)
    assert total_ns(runs, shape) == pytest.approx(schedule.busy_ns)
    assert total_ns(waits, shape) == pytest.approx(schedule.waited_ns, abs=1e-6)
    for events in (reads, runs):
        last = max(e["ts"] + e["dur"] for e in events) * 1e3
        assert last == pytest.approx(schedule.latency_ns, rel=1e-12)


def packed(mappings, crossbars):
    """Boxes dealt onto so many crossbars, layer by layer."""
    keys = [
        (m.layer.index, r, b)
        for m in mappings
        if m.stored
        for r in range(m.copies)
        for b in range(len(m.boxes))
    ]
    placements = (Placement(i, n % crossbars, 0, 0, 1, 1, r, b) for n, (i, r, b) in enumerate(keys))
    return Packing(tuple(placements), CrossbarSize(128, 128), min(crossbars, len(keys)), 1, "fast", "effort")


def mapping(index, reads, copies, height=1):
    raw = Box(height, len(reads), max(reads))
    layer = Layer(index, "Linear", f"fc{index}", raw, max(reads), 1, index)
    return Mapping(layer, tuple(Box(height, 1, n) for n in reads), copies)


def traced(mappings, crossbars, samples, read_ns):
    packing = packed(mappings, crossbars)
    ran = program(mappings, read_ns, packing.placements)
    schedule = simulate(ran, samples)
    return timeline(mappings, packing, schedule, executions(ran, samples)), schedule


def test_by_hand():
    """Two samples through two layers of one box each, on one crossbar; a read takes 1000 ns."""
    document, schedule = traced((mapping(0, [2], 1), mapping(1, [1], 1)), 1, 2, lambda *_: 1000.0)
    assert_valid(document)
    assert_is_schedule(document, schedule)
    shown = [
        (e["name"], e["cat"], e["tid"] - FIRST_TRACK, e["ts"], e["dur"]) for e in slices(document, SAMPLES)
    ]
    assert shown == [
        ("Linear_0", "run", 0, 0.0, 2.0),
        ("Linear_1 waits", "wait", 0, 2.0, 2.0),
        ("Linear_1", "run", 0, 4.0, 1.0),
        ("Linear_0", "run", 1, 2.0, 2.0),
        ("Linear_1 waits", "wait", 1, 4.0, 1.0),
        ("Linear_1", "run", 1, 5.0, 1.0),
    ]
    assert slices(document, CROSSBARS)[0]["args"] == {
        **{"layer": 0, "sample": 0, "replica": 0, "box": 0, "round": 0, "cycles": 2}
    }
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in document["traceEvents"] if "_name" in e["name"]}
    assert names[CROSSBARS, FIRST_TRACK] == "crossbar 0"
    assert names[SAMPLES, FIRST_TRACK + 1] == "sample 1"


def test_a_box_says_the_reads_of_its_replica():
    document, _ = traced((mapping(0, [5, 3], 2),), 4, 1, lambda *_: 1.0)
    reads = slices(document, CROSSBARS)
    cycles = sorted((e["tid"] - FIRST_TRACK, e["args"]["replica"], e["args"]["cycles"]) for e in reads)
    assert cycles == [(0, 0, 3), (1, 0, 2), (2, 1, 3), (3, 1, 2)]


LAYERS = st.lists(
    st.tuples(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(1, 3), st.integers(1, 3)),
    min_size=1,
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(LAYERS, st.integers(1, 6), st.integers(1, 4), st.sampled_from([1.0, 152.77319047999998, 0.3]))
def test_any_schedule(layers, crossbars, samples, ns):
    """Layers share crossbars with themselves and each other; heights differ, and with them the reads."""
    mappings = [mapping(i, *layer) for i, layer in enumerate(layers)]
    document, schedule = traced(mappings, crossbars, samples, lambda _, box: ns * box.h)
    assert_valid(document)
    assert_is_schedule(document, schedule)
