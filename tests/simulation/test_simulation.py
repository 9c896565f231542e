"""The event loop: golden latencies, a case by hand, and a slow oracle."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simpy_oracle import Oracle

from rram_nas_comp_pack.simulation import event_loop
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.values import Box, Layer, Mapping, Placement

GOLDEN = Path(__file__).parents[1] / "golden"
READ_NS = 152.77319047999998


def read_ns(_layer, _box):
    return READ_NS


def one_ns(_layer, _box):
    return 1.0


def layer(index, cycles, stored_in=None):
    return Layer(
        index, "Linear", f"fc{index}", Box(1, 1, cycles), cycles, 1, index if stored_in is None else stored_in
    )


def at(layer_idx, replica, box, crossbar):
    return Placement(layer_idx, crossbar, 0, 0, 1, 1, replica, box)


def mappings_of(boxes):
    """Un-duplicated mappings from the golden files' flat list of boxes."""
    groups = {}
    for b in boxes:
        groups.setdefault(b["layer"], []).append(Box(b["h"], b["w"], b["cycle"]))
    return [Mapping(layer(i, max(b.cycles for b in groups[i])), tuple(groups[i])) for i in sorted(groups)]


def placements_of(boxes, crossbar):
    seen = {}
    found = []
    for k, b in enumerate(boxes):
        box = seen[b["layer"]] = seen.get(b["layer"], -1) + 1
        found.append(at(b["layer"], 0, box, crossbar(k, b)))
    return found


@pytest.fixture(scope="module", params=["mbv3_small", "squeezenet"])
def golden(request):
    """(golden file, packed program, ideal program) of one network."""
    data = json.loads((GOLDEN / f"sim_{request.param}.json").read_text())
    mappings = mappings_of(data["boxes"])
    packed = program(mappings, read_ns, placements_of(data["boxes"], lambda _, b: b["xbar"]))
    return data, packed, program(mappings, read_ns)


def test_one_packed_sample_matches_the_published_program(golden):
    data, packed, _ = golden
    (wanted,) = [e["latency"] for e in data["evaluations"] if e["num_sample"] == 1]
    assert simulate(packed, 1).latency_ns == pytest.approx(wanted, rel=1e-9)


def test_more_packed_samples_are_within_a_tenth_of_the_published_program(golden):
    data, packed, _ = golden
    for e in data["evaluations"]:
        assert simulate(packed, e["num_sample"]).latency_ns == pytest.approx(e["latency"], rel=0.1)


def test_the_tie_rule_reproduces_every_published_latency(golden):
    data, packed, _ = golden
    assert [e["num_sample"] for e in data["evaluations"]] == [2**k for k in range(10)]
    for e in data["evaluations"]:
        assert simulate(packed, e["num_sample"]).latency_ns == pytest.approx(e["latency"], rel=1e-9)


def test_ideal_latency_matches_the_published_program(golden):
    data, _, ideal = golden
    for e in data["evaluations"]:
        assert simulate(ideal, e["num_sample"]).latency_ns == pytest.approx(e["ideal_latency"], rel=1e-9)


def test_ideal_latency_grows_by_the_slowest_layer_per_further_sample(golden):
    data, _, ideal = golden
    slowest = max(b["cycle"] for b in data["boxes"]) * READ_NS
    latencies = [simulate(ideal, s).latency_ns for s in range(1, 9)]
    assert np.diff(latencies) == pytest.approx(slowest, rel=1e-9)


@pytest.mark.parametrize("name", ["mbv3_small_dsf1", "mbv3_small_dsf5", "squeezenet_dsf1", "resnet18_dsf1"])
def test_a_box_per_crossbar_is_the_published_baseline(name):
    wanted = json.loads((GOLDEN / "isaac_like.json").read_text())[name]
    boxes = json.loads((GOLDEN / f"partition_{name}.json").read_text())["boxes"]
    mappings = mappings_of(boxes)
    spread = program(mappings, read_ns, placements_of(boxes, lambda k, _: k))
    ideal = program(mappings, read_ns)
    assert len(boxes) == wanted["crossbars"]
    for e in wanted["evaluations"]:
        assert simulate(spread, e["num_sample"]).latency_ns == pytest.approx(e["latency"], rel=1e-9)
        assert simulate(ideal, e["num_sample"]).latency_ns == pytest.approx(e["ideal_latency"], rel=1e-9)


@pytest.mark.parametrize(("samples", "wanted"), [(1, 16_525_170), (8, 40_616_892), (512, 1_775_220_807)])
def test_the_baseline_of_mbv3_small_is_the_one_of_the_specification(samples, wanted):
    boxes = json.loads((GOLDEN / "partition_mbv3_small_dsf1.json").read_text())["boxes"]
    assert round(simulate(program(mappings_of(boxes), read_ns), samples).latency_ns) == wanted


# Worked out by hand. Layer 0: two copies of boxes of 3 and 5 reads, so 2 and 3 reads each. Its first copy is
# on crossbar 0 twice, its second on 0 and 1. Rounds: {copy 0 box 0 on 0, copy 1 box 1 on 1}, 3 reads; {copy 0
# box 1 on 0}, 3 reads; {copy 1 box 0 on 0}, 2 reads. Layer 1: a box of 4 reads on crossbar 1.
BY_HAND = (
    Mapping(layer(0, 5), (Box(1, 1, 3), Box(1, 1, 5)), copies=2),
    Mapping(layer(1, 4), (Box(1, 1, 4),)),
)
BY_HAND_PLACES = [at(0, 0, 0, 0), at(0, 0, 1, 0), at(0, 1, 0, 0), at(0, 1, 1, 1), at(1, 0, 0, 1)]


def test_one_sample_by_hand():
    found = simulate(program(BY_HAND, read_ns, BY_HAND_PLACES), 1)
    assert (found.asked_ns / READ_NS).tolist() == [[0, 8]]
    assert (found.finished_ns / READ_NS).tolist() == [[8, 12]]
    assert (found.busy_ns / READ_NS).tolist() == [[8, 4]]


def test_two_samples_by_hand():
    """At 8 both the second sample's first round and layer 1 of the first want crossbar 1; the second sample
    was scheduled first.
    """
    found = simulate(program(BY_HAND, one_ns, BY_HAND_PLACES), 2)
    assert found.asked_ns.tolist() == [[0, 8], [8, 16]]
    assert found.started_ns.tolist() == [[0, 11], [8, 16]]
    assert found.finished_ns.tolist() == [[8, 15], [16, 20]]
    assert found.waited_ns.tolist() == [[0, 3], [0, 0]]
    assert found.latency_ns == 20


def test_without_placements_every_box_runs_in_one_round():
    assert simulate(program(BY_HAND, one_ns), 1).latency_ns == 3 + 4


def test_a_layer_takes_no_more_copies_than_it_has_cycles():
    """Two cycles keep two of the three copies busy; the third waits for a fellow."""
    mappings = [Mapping(layer(0, 2), (Box(1, 1, 2),), copies=3)]
    assert simulate(program(mappings, one_ns), 1).latency_ns == 1
    assert simulate(program(mappings, one_ns), 2).latency_ns == 2


def test_reads_are_rounded_up_over_the_copies():
    mappings = [Mapping(layer(0, 7), (Box(1, 1, 7),), copies=3)]
    assert simulate(program(mappings, one_ns), 1).latency_ns == 3


def test_a_layer_that_runs_again_waits_for_its_one_store():
    """Layers 0 and 1 share one copy: sample 1's layer 0 and sample 0's layer 1 take turns."""
    mappings = [Mapping(layer(0, 2), (Box(1, 1, 2),)), Mapping(layer(1, 3, stored_in=0), (Box(1, 1, 3),))]
    found = simulate(program(mappings, one_ns), 2)
    assert found.finished_ns.tolist() == [[2, 7], [4, 10]]


def test_times_of_samples_do_not_depend_on_how_many_follow_without_contention():
    few, many = (simulate(program(BY_HAND, one_ns), s).finished_ns for s in (3, 9))
    assert np.array_equal(few, many[:3])


@st.composite
def cases(draw):
    """(mappings, read time of a box, placements, samples): all that may make layers wait."""
    mappings = []
    for index in range(draw(st.integers(1, 5))):
        stored = [m for m in mappings if m.stored]
        if stored and draw(st.integers(0, 3)) == 0:
            first = draw(st.sampled_from(stored))
            times = draw(st.integers(1, 3))
            boxes = tuple(Box(b.h, b.w, b.cycles * times) for b in first.boxes)
            raw = layer(index, first.layer.raw.cycles * times, first.layer.index)
            mappings.append(Mapping(raw, boxes, first.copies))
            continue
        reads = draw(st.lists(st.integers(1, 7), min_size=1, max_size=4))
        heights = st.integers(1, 3)
        boxes = tuple(Box(draw(heights), 1, c) for c in reads)
        cycles = draw(st.sampled_from([max(reads), sum(reads)]))
        mappings.append(Mapping(layer(index, cycles), boxes, draw(st.integers(1, 4))))
    crossbars = st.integers(0, draw(st.integers(0, 8)))
    placements = [
        at(m.layer.index, replica, box, draw(crossbars))
        for m in mappings
        if m.stored
        for replica in range(m.copies)
        for box in range(len(m.boxes))
    ]
    return mappings, placements, draw(st.integers(1, 6))


def uneven_ns(_layer, box):
    return (1.0, 0.75, 1.375)[box.h - 1]  # sums of them are exact, so that equal times are equal


def as_arrays(oracle, mappings, samples):
    shape = (samples, len(mappings))
    return [
        np.array([times[s, i] for s in range(samples) for i in range(len(mappings))]).reshape(shape)
        for times in (oracle.asked, oracle.finished)
    ]


@pytest.mark.parametrize("time_of_read", [one_ns, uneven_ns])
@given(case=cases())
@settings(max_examples=70, deadline=None)
def test_the_kernel_agrees_with_the_oracle_on_every_start_and_end(time_of_read, case):
    mappings, placements, samples = case
    for places in (placements, None):
        oracle = Oracle(mappings, time_of_read, places)
        latency = oracle.run(samples)
        found = simulate(program(mappings, time_of_read, places), samples)
        asked, finished = as_arrays(oracle, mappings, samples)
        assert found.latency_ns == latency
        assert np.array_equal(found.asked_ns, asked)
        assert np.array_equal(found.finished_ns, finished)


@given(case=cases())
@settings(max_examples=80, deadline=None)
def test_layers_of_a_sample_follow_each_other_and_never_overlap(case):
    mappings, placements, samples = case
    found = simulate(program(mappings, uneven_ns, placements), samples)
    assert np.array_equal(found.asked_ns[:, 1:], found.finished_ns[:, :-1])
    assert np.array_equal(found.asked_ns[1:, 0], found.finished_ns[:-1, 0])
    assert (found.asked_ns <= found.started_ns).all()
    assert (found.started_ns < found.finished_ns).all()
    assert (found.waited_ns >= -1e-9).all()
    assert (found.busy_ns > 0).all()


@given(case=cases())
@settings(max_examples=60, deadline=None)
def test_the_ideal_never_waits_for_a_crossbar_and_so_runs_shortest_for_one_sample(case):
    mappings, placements, _ = case
    packed, ideal = (simulate(program(mappings, one_ns, p), 1) for p in (placements, None))
    assert ideal.latency_ns <= packed.latency_ns
    assert ideal.waited_ns.tolist() == [[0] * len(mappings)]
    assert packed.waited_ns.tolist() == [[0] * len(mappings)]  # one sample has nobody to wait for


@given(case=cases(), scale=st.sampled_from([0.1, READ_NS, 3.7e5]))
@settings(max_examples=50, deadline=None)
def test_where_all_reads_take_equally_long_their_time_only_scales(case, scale):
    mappings, placements, samples = case
    one = simulate(program(mappings, one_ns, placements), samples)
    scaled = simulate(program(mappings, lambda *_: scale, placements), samples)
    assert np.array_equal(scaled.finished_ns, one.finished_ns * scale)


@pytest.mark.parametrize("time_of_read", [one_ns, uneven_ns])
@given(case=cases(), samples=st.integers(1, 9))
@settings(max_examples=60, deadline=None)
def test_the_shortcut_where_nothing_is_shared_is_the_event_loop_to_the_bit(time_of_read, case, samples):
    mappings = case[0]
    free = program(mappings, time_of_read)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(event_loop, "_flows_freely", lambda _program: False)
        wanted = simulate(free, samples)
    found = simulate(free, samples)
    for name in ("asked_ns", "started_ns", "finished_ns", "busy_ns", "waited_ns"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name))
