"""The joint tuner: what comes out is a sound layout, whatever ends the search, and the same for a seed."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuning_cases import (
    MIXED,
    MODES,
    depthwise,
    faults,
    layers,
    networks,
    one_ns,
    packed,
    sized_ns,
    target_of,
)

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.kernels import chunked
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.joint import multi_start
from rram_nas_comp_pack.tuning.joint.multi_start import tune
from rram_nas_comp_pack.tuning.settings import Effort
from rram_nas_comp_pack.values import NO_RULES, CrossbarSize, Rules

EFFORT = Effort(samples=8, steps=400, seed=3)


def tuned(network, more, effort, *, rules=None, mode="auto", read_ns=one_ns, split=1, progress=None):
    """What the tuner makes of some crossbars more than the packing takes; checked."""
    plain = packed(network, rules, split=split, diagonal=mode == "diagonal")
    target = target_of(plain.packing.crossbars + more, rules, mode)
    found = tune(plain, target, read_ns, effort, progress)
    if found is not None:
        assert faults(found.layout.mappings, found.layout.packing, target) == []
        assert [m.layer for m in found.layout.mappings] == list(network)
        assert {p.crossbar_idx for p in found.layout.packing.placements} == set(
            range(found.layout.packing.crossbars)
        )
        assert found.layout.packing.lower_bound <= found.layout.packing.crossbars
        assert (found.layout.packing.packer, found.layout.packing.stopped) == ("joint", found.stopped)
    return found


def latency(found, read_ns, samples):
    return simulate(
        program(found.layout.mappings, read_ns, found.layout.packing.placements), samples
    ).latency_ns


rules = st.builds(Rules, threshold=st.integers(0, 2), max_load=st.sampled_from([0, 1, 2, 6]))


@given(
    network=networks(),
    more=st.integers(0, 25),
    rules=rules,
    mode=st.sampled_from(MODES),
    effort=st.builds(
        Effort, samples=st.integers(1, 9), steps=st.sampled_from([0, 7, 60, 300]), seed=st.integers(0, 99)
    ),
    read_ns=st.sampled_from([one_ns, sized_ns]),
    split=st.integers(1, 9),
)
@settings(max_examples=60, deadline=None)
def test_the_checker_finds_nothing_wrong_and_no_copy_is_without_work(
    network, more, rules, mode, effort, read_ns, split
):
    found = tuned(network, more, effort, rules=rules, mode=mode, read_ns=read_ns, split=split)
    assert (found.stopped, found.steps) == ("effort", effort.steps)
    for m in found.layout.mappings:
        assert m.copies <= max(box.cycles for box in m.boxes)


def test_the_same_seed_gives_the_same_result():
    assert tuned(MIXED, 8, EFFORT) == tuned(MIXED, 8, EFFORT)


def test_another_seed_gives_another_layout():
    results = [tuned(MIXED, 8, replace(EFFORT, seed=seed)).layout.packing for seed in range(4)]
    assert any(result != results[0] for result in results)


@pytest.mark.parametrize(("first", "seconds"), [(1, 0.0), (7, 1e9), (10**6, 0.05)])
def test_how_often_the_search_pauses_changes_nothing(monkeypatch, first, seconds):
    wanted = tuned(MIXED, 8, EFFORT)
    monkeypatch.setattr(multi_start, "FIRST_CHUNK", first)
    monkeypatch.setattr(chunked, "CHUNK_SECONDS", seconds)
    assert tuned(MIXED, 8, EFFORT) == wanted


# What ends the search


@pytest.mark.parametrize("seconds", [0.0, 0.02])
def test_when_the_time_is_over_the_best_so_far_is_returned(seconds):
    found = tuned(MIXED, 8, replace(EFFORT, steps=10**9, seconds=seconds))
    assert found.stopped == "time"
    assert found.steps < 10**9


def test_time_that_is_not_used_up_changes_nothing():
    assert tuned(MIXED, 8, replace(EFFORT, seconds=1e6)) == tuned(MIXED, 8, EFFORT)


@pytest.mark.parametrize("calls", [1, 2, 4, 5, 6, 9])
def test_an_interrupt_returns_the_best_so_far(monkeypatch, calls):
    monkeypatch.setattr(multi_start, "FIRST_CHUNK", 20)
    monkeypatch.setattr(chunked, "CHUNK_SECONDS", 1e-9)  # many pauses
    seen = []

    def progress(*news):
        seen.append(news)
        if len(seen) == calls:
            raise KeyboardInterrupt

    found = tuned(MIXED, 8, EFFORT, read_ns=sized_ns, progress=progress)
    done, total, best_ns = seen[-1]
    assert len(seen) == calls
    assert found.stopped == "interrupt"
    assert found.steps == done < total == 400
    assert latency(found, sized_ns, 8) == pytest.approx(best_ns, rel=1e-9)


def test_an_interrupt_before_there_is_anything_is_passed_on(monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(multi_start, "from_packing", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tuned(MIXED, 8, EFFORT)


@pytest.mark.parametrize("samples", [1, 8, 100])
def test_progress_tells_of_all_steps_and_the_latency_that_is_found(samples):
    """Also of samples beyond those that the search simulates, as far as their latency can be told."""
    seen = []
    effort = replace(EFFORT, samples=samples)
    found = tuned(MIXED, 8, effort, read_ns=sized_ns, progress=lambda *news: seen.append(news))
    done, totals, best = zip(*seen, strict=True)
    assert list(done) == sorted(done)
    assert (done[-1], set(totals)) == (400, {400})
    assert list(best) == sorted(best, reverse=True)
    accuracy = 1e-9 if samples <= multi_start.MOST_SIMULATED[0] else 0.02
    assert best[-1] == pytest.approx(latency(found, sized_ns, samples), rel=accuracy)


def test_without_effort_there_is_a_first_answer():
    plain = packed(MIXED)
    found = tuned(MIXED, 8, replace(EFFORT, steps=0))
    assert (found.stopped, found.steps) == ("effort", 0)
    before = simulate(program(plain.mappings, one_ns, plain.packing.placements), 8).latency_ns
    assert latency(found, one_ns, 8) < before


def test_by_default_there_are_the_fewer_steps_the_more_layers_a_step_simulates(monkeypatch):
    """Six layers of 8 samples, and of as many as are simulated at most."""
    monkeypatch.setattr(multi_start, "EFFORT", 24_800)
    assert tuned(MIXED, 8, Effort(samples=8)).steps == 24_800 // (200 + 6 * 8) == 100
    assert tuned(MIXED, 8, Effort(samples=512)).steps == 24_800 // (200 + 6 * 512)
    assert tuned(MIXED, 8, Effort(samples=900)).steps == 24_800 // (200 + 6 * (4096 // 6))


# Where there is nothing to start from


SPLIT = layers(linear(20, 8, 3))  # a box of eighteen rows and one of two: without rules on one crossbar


@pytest.mark.parametrize("samples", [1, 8])
def test_a_layer_with_boxes_on_the_only_crossbar_is_left_alone(samples):
    assert packed(SPLIT, NO_RULES)[1].crossbars == 1
    assert tuned(SPLIT, 0, replace(EFFORT, samples=samples), rules=NO_RULES) is None


@pytest.mark.parametrize("samples", [1, 8])
def test_with_more_crossbars_its_boxes_part(samples):
    found = tuned(SPLIT, 5, replace(EFFORT, samples=samples), rules=NO_RULES)
    assert found.layout.mappings[0].copies == 3
    assert found.layout.packing.crossbars == 6


# How depthwise layers are mapped


@given(network=networks(), more=st.integers(0, 25), mode=st.sampled_from(["dense", "diagonal"]))
@settings(max_examples=60, deadline=None)
def test_a_depthwise_mapping_that_was_asked_for_is_kept(network, more, mode):
    for m in tuned(network, more, replace(EFFORT, steps=100), mode=mode).layout.mappings:
        for box in m.boxes if m.layer.depthwise else ():
            assert box.w == 1 or m.layer.lies_diagonally(box) == (mode == "diagonal")


def test_auto_maps_one_layer_diagonally_and_another_densely():
    """24 channels of nine rows lie in twelve diagonal boxes or more, on as many crossbars, of which there are
    eight; six channels of three rows lie in one.
    """
    network = layers(depthwise(24, 9, 20), linear(2, 2, 1), depthwise(6, 3, 20))
    plain = partition(network, CrossbarSize(18, 16))
    assert not any(m.diagonal for m in plain)
    more = 8 - packed(network)[1].crossbars
    found = tuned(network, more, EFFORT)
    assert [m.diagonal for m in found.layout.mappings] == [False, False, True]
