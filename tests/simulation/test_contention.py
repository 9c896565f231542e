"""What waits for what: cases by hand, and an oracle that looks at every nanosecond."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.simulation.contention import contention, roofline_ns
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer, Mapping, Packing, Placement, Schedule


def one_ns(_layer, _box):
    return 1.0


def height_ns(_layer, box):
    return float(box.h)


def mapping(index, *reads, copies=1, stored_in=None, height=1):
    """A layer whose boxes need so many reads each."""
    raw = Box(height, len(reads), max(reads))
    layer = Layer(
        index, "Linear", f"fc{index}", raw, max(reads), 1, index if stored_in is None else stored_in
    )
    return Mapping(layer, tuple(Box(height, 1, n) for n in reads), copies)


def packing(mappings, *crossbars):
    """Boxes on these crossbars, in order of layer, replica and box."""
    keys = [
        (m.layer.index, r, b)
        for m in mappings
        if m.stored
        for r in range(m.copies)
        for b in range(len(m.boxes))
    ]
    placements = tuple(
        Placement(i, c, 0, 0, 1, 1, r, b) for (i, r, b), c in zip(keys, crossbars, strict=True)
    )
    return Packing(placements, CrossbarSize(128, 128), max(crossbars) + 1, 1, "fast", "effort")


def run(mappings, packed, samples, read_ns=one_ns):
    schedule = simulate(program(mappings, read_ns, packed.placements), samples)
    return schedule, contention(mappings, packed, schedule)


def account(mappings, crossbars, samples, read_ns=one_ns):
    """Rows of (layer, busy, waiting, idle, waited, waits for) and loads."""
    _, found = run(mappings, packing(mappings, *crossbars), samples, read_ns)
    return [astuple(row) for row in found.layers], found.load


# By hand


def test_two_layers_in_one_crossbar_wait_for_each_other():
    """Layer 0 runs in 0..2 and 2..4, layer 1 in 4..7 and 7..10.

    Sample 0 asks for layer 1 at 2 and waits for sample 1's layer 0 until 4; sample 1 asks for layer 1 at 4
    and waits for sample 0 until 7. In 2..4 layer 1 waits; in 4..7 it runs, though a sample waits for it.
    """
    rows, load = account([mapping(0, 2), mapping(1, 3)], [0, 0], 2)
    assert rows == [
        (0, 4, 0, 6, 0, ()),
        (1, 6, 2, 2, 5, ((1, 3), (0, 2))),
    ]
    assert load == (1,)


def test_without_sharing_layers_wait_for_their_own_replicas_only():
    """Layer 1 runs in 1..4, 4..7, 7..10; samples 1 and 2 ask at 2 and 3, and wait 2 and 4."""
    rows, load = account([mapping(0, 1), mapping(1, 3)], [0, 1], 3)
    assert rows == [
        (0, 3, 0, 7, 0, ()),
        (1, 9, 0, 1, 6, ((1, 6),)),
    ]
    assert load == pytest.approx((0.3, 0.9))


def test_nobody_waits_where_the_first_layer_is_the_slowest():
    rows, load = account([mapping(0, 3), mapping(1, 2)], [0, 1], 2)
    assert rows == [(0, 6, 0, 2, 0, ()), (1, 4, 0, 4, 0, ())]
    assert load == (0.75, 0.5)


def test_rounding_does_not_show_as_waiting():
    mappings = [mapping(0, 5), mapping(1, 3, 1)]
    _, found = run(mappings, packing(mappings, 0, 1, 1), 99, lambda *_: 152.77319048)
    assert [row.waiting_ns for row in found.layers] == [0, 0]
    assert [row.waits_for for row in found.layers] == [(), ()]


def test_a_short_stay_within_a_long_one_counts_once():
    """Samples run in a layer of three copies in 0..9, 1..3, 5..6 and 11..12."""
    started, finished = np.array([[0.0], [1.0], [5.0], [11.0]]), np.array([[9.0], [3.0], [6.0], [12.0]])
    busy = finished - started
    mappings = [mapping(0, 1, copies=3)]
    schedule = Schedule(started, started, finished, busy, np.zeros((4, 1)))
    found = contention(mappings, packing(mappings, 0, 1, 2), schedule)
    assert astuple(found.layers[0]) == (0, 10, 0, 2, 0, ())


def test_samples_that_run_side_by_side_in_replicas_count_once():
    """A sample needs one read of 3 ns in one of two replicas: samples run in 1..4, 2..5 and 4..7.

    Sample 2 asks at 3 and waits until 4. Together they hold two crossbars for 9 ns of 7 each.
    """
    rows, load = account([mapping(0, 1), mapping(1, 1, copies=2, height=3)], [0, 1, 2], 3, height_ns)
    assert rows[1] == (1, 6, 0, 1, 1, ((1, 1),))
    assert load == pytest.approx((3 / 7, 4.5 / 7, 4.5 / 7))


def test_a_layer_called_again_waits_for_the_first_call():
    """One crossbar: layer 0 in 0..2 and 2..4, then layer 1 in 4..7 and 7..10."""
    rows, load = account([mapping(0, 2), mapping(1, 3, stored_in=0)], [0], 2)
    assert rows[1] == (1, 6, 2, 2, 5, ((1, 3), (0, 2)))
    assert load == (1,)


def test_a_layer_of_two_rounds_holds_a_crossbar_in_those_in_which_it_has_boxes():
    """Boxes of 3 and 1 reads share crossbar 0, one of 2 reads lies in crossbar 1: rounds of 3 and 1."""
    rows, load = account([mapping(0, 3, 1, 2)], [0, 0, 1], 1)
    assert rows == [(0, 4, 0, 0, 0, ())]
    assert load == (1, 0.75)


def test_waiting_between_rounds_is_waiting():
    """One crossbar, layer 1 in two rounds of 2: 2..4 and 5..7 for sample 0, with sample 2's layer 0 between.

    Layer 0 runs in 0..1, 1..2 and 4..5, layer 1 of samples 1 and 2 in 7..11 and 11..15. While sample 1 waits
    for sample 0 to leave layer 1, in 2..7, layer 0 runs for one of the five.
    """
    rows, load = account([mapping(0, 1), mapping(1, 2, 2)], [0, 0, 0], 3)
    assert rows == [
        (0, 3, 2, 10, 2, ((1, 2),)),
        (1, 12, 2, 1, 13, ((1, 11), (0, 2))),
    ]
    assert load == (1,)


def test_the_roofline_shares_all_reads_among_the_crossbars():
    """Layers of 6 and 2 + 4 reads on three crossbars; copies add no reads."""
    mappings = [mapping(0, 6, copies=2), mapping(1, 2, 4, height=2)]
    assert roofline_ns(mappings, one_ns, 3) == 4
    assert roofline_ns(mappings, height_ns, 3) == 6


# For every case


@st.composite
def cases(draw, simple=False):
    """(mappings, packing, samples) with copies and layers called again.

    Simple layers take all their copies and run them in one round.
    """
    mappings, where = [], []
    most = draw(st.integers(0, 12))
    for index in range(draw(st.integers(1, 5))):
        stored = [m for m in mappings if m.stored]
        if stored and draw(st.integers(0, 3)) == 0:
            first = draw(st.sampled_from(stored))
            reads = [box.cycles * draw(st.integers(1, 2)) for box in first.boxes]
            height, store = first.boxes[0].h, first.layer.index
            mappings.append(mapping(index, *reads, copies=first.copies, stored_in=store, height=height))
            continue
        reads = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
        copies = draw(st.integers(1, min(3, max(reads)) if simple else 3))
        mappings.append(mapping(index, *reads, copies=copies, height=draw(st.integers(1, 3))))
        n = copies * len(reads)
        crossbars = st.integers(0, max(most, n) if simple else most)
        where += draw(st.lists(crossbars, min_size=n, max_size=n, unique=simple))
    return mappings, packing(mappings, *where), draw(st.integers(1, 5))


def dealt(mappings, packed, index):
    """[(longest reads, crossbars)] of the rounds of a layer that takes all its replicas."""
    m = mappings[index]
    home = {(p.layer_idx, p.replica, p.box): p.crossbar_idx for p in packed.placements}
    rounds = []
    for replica in range(m.copies):
        for b, box in enumerate(m.boxes):
            crossbar = home[m.layer.stored_in, replica, b]
            k = next((k for k, (_, held) in enumerate(rounds) if crossbar not in held), len(rounds))
            longest, held = rounds[k] if k < len(rounds) else (0, [])
            rounds[k : k + 1] = [(max(longest, -(-box.cycles // m.copies)), [*held, crossbar])]
    return rounds


def takes_all(m):
    return m.copies <= m.layer.raw.cycles


@given(case=cases(), read_ns=st.sampled_from([one_ns, height_ns, lambda *_: 152.77319048]))
@settings(max_examples=100, deadline=None)
def test_busy_waiting_and_idle_are_the_latency_and_loads_are_shares(case, read_ns):
    mappings, packed, samples = case
    schedule, found = run(mappings, packed, samples, read_ns)
    for row in found.layers:
        assert row.busy_ns + row.waiting_ns + row.idle_ns == pytest.approx(schedule.latency_ns, rel=1e-12)
        assert row.busy_ns > 0
        assert row.waiting_ns >= 0
        assert row.idle_ns >= 0
        assert row.busy_ns <= schedule.busy_ns[:, row.layer].sum() * (1 + 1e-12)
        assert row.waited_ns == pytest.approx(schedule.waited_ns[:, row.layer].sum())
    assert len(found.load) == packed.crossbars
    assert all(0 <= share <= 1 for share in found.load)


@given(case=cases())
@settings(max_examples=100, deadline=None)
def test_layers_that_run_one_sample_at_a_time_are_busy_for_all_their_rounds(case):
    mappings, packed, samples = case
    schedule, found = run(mappings, packed, samples)
    for m, row in zip(mappings, found.layers, strict=True):
        if takes_all(m):
            assert row.busy_ns == pytest.approx(schedule.busy_ns[:, row.layer].sum())


@given(case=cases())
@settings(max_examples=100, deadline=None)
def test_loads_are_the_rounds_of_every_crossbar(case):
    mappings, packed, samples = case
    assume(all(takes_all(m) for m in mappings))
    schedule, found = run(mappings, packed, samples)
    held = [0] * packed.crossbars
    for index in range(len(mappings)):
        for reads, crossbars in dealt(mappings, packed, index):
            for crossbar in crossbars:
                held[crossbar] += samples * reads
    assert found.load == pytest.approx([ns / schedule.latency_ns for ns in held])


@given(case=cases(simple=True), read_ns=st.sampled_from([one_ns, height_ns]))
@settings(max_examples=100, deadline=None)
def test_loads_add_up_to_the_busy_times_of_all_boxes(case, read_ns):
    mappings, packed, samples = case
    schedule, found = run(mappings, packed, samples, read_ns)
    boxes = [m.copies * len(m.boxes) for m in mappings]
    wanted = sum(schedule.busy_ns[:, i].sum() * n for i, n in enumerate(boxes))
    assert sum(found.load) * schedule.latency_ns == pytest.approx(wanted)


@given(case=cases(), read_ns=st.sampled_from([one_ns, height_ns]))
@settings(max_examples=100, deadline=None)
def test_no_packing_is_faster_than_the_roofline(case, read_ns):
    mappings, packed, samples = case
    schedule, _ = run(mappings, packed, samples, read_ns)
    roofline = roofline_ns(mappings, read_ns, packed.crossbars)
    assert schedule.latency_ns / samples >= roofline * (1 - 1e-12)


def every_ns(mappings, packed, schedule):
    """(busy, waiting, idle) per layer and {layer: ns} of those it waits for, one nanosecond at a time."""
    where = {
        m.layer.index: {p.crossbar_idx for p in packed.placements if p.layer_idx == m.layer.stored_in}
        for m in mappings
    }
    times = [each.tolist() for each in (schedule.asked_ns, schedule.started_ns, schedule.finished_ns)]
    spent = [[0, 0, 0] for _ in mappings]
    waits = [dict.fromkeys(where, 0) for _ in mappings]
    for now in range(int(schedule.latency_ns)):
        runs, stands = [], []
        for asked, started, finished in zip(*times, strict=True):
            for i in where:
                if started[i] <= now < finished[i]:
                    runs.append(i)
                elif asked[i] <= now < started[i]:
                    stands.append(i)
        for i in where:
            spent[i][0 if i in runs else 1 if i in stands else 2] += 1
        for i in stands:
            for other in set(runs):
                waits[i][other] += bool(where[i] & where[other])
    return spent, waits


@given(case=cases(simple=True), read_ns=st.sampled_from([one_ns, height_ns]))
@settings(max_examples=100, deadline=None)
def test_simple_layers_spend_every_nanosecond_as_told(case, read_ns):
    mappings, packed, samples = case
    schedule, found = run(mappings, packed, samples, read_ns)
    spent, _ = every_ns(mappings, packed, schedule)
    assert [[row.busy_ns, row.waiting_ns, row.idle_ns] for row in found.layers] == spent


@given(case=cases(), read_ns=st.sampled_from([one_ns, height_ns]))
@settings(max_examples=100, deadline=None)
def test_who_is_waited_for_runs_in_those_nanoseconds(case, read_ns):
    mappings, packed, samples = case
    schedule, found = run(mappings, packed, samples, read_ns)
    for row, waits in zip(found.layers, every_ns(mappings, packed, schedule)[1], strict=True):
        wanted = sorted(((i, ns) for i, ns in waits.items() if ns), key=lambda pair: -pair[1])
        assert list(row.waits_for) == wanted[:3]
