"""Duplication: whichever layout the simulation finds fastest, and never a slower one than there was."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuning_cases import MIXED, MODES, SIZE, faults, layers, networks, one_ns, packed, sized_ns, target_of

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning import tuner as tuners
from rram_nas_comp_pack.tuning.joint.multi_start import TuningResult, tune
from rram_nas_comp_pack.tuning.joint.quick import quick_layout
from rram_nas_comp_pack.tuning.paper.margin_tuner import margin_trials
from rram_nas_comp_pack.tuning.settings import Effort, Tuning
from rram_nas_comp_pack.tuning.tuner import tune_layout
from rram_nas_comp_pack.values import NO_RULES, Layout, Rules

rules = st.builds(Rules, threshold=st.integers(-1, 2), max_load=st.sampled_from([0, 1, 2, 6]))
tunings = st.builds(
    Tuning,
    tuner=st.sampled_from(["joint", "margin"]),
    effort=st.builds(
        Effort, samples=st.integers(1, 9), steps=st.sampled_from([0, 40]), seed=st.integers(0, 9)
    ),
)


def latency(layout, read_ns, samples):
    mappings, packing = layout
    return simulate(program(mappings, read_ns, packing.placements), samples).latency_ns


@given(
    network=networks(),
    more=st.integers(0, 25),
    rules=rules,
    mode=st.sampled_from(MODES),
    tuning=tunings,
    read_ns=st.sampled_from([one_ns, sized_ns]),
    split=st.integers(1, 9),
)
@settings(max_examples=70, deadline=None)
def test_what_is_chosen_is_sound_and_never_slower_than_what_was_given(
    network, more, rules, mode, tuning, read_ns, split
):
    plain = packed(network, rules, split=split, diagonal=mode == "diagonal")
    target = target_of(plain.packing.crossbars + more, rules, mode)
    layout, found = tune_layout(plain, target, read_ns, tuning)
    samples = tuning.effort.samples
    assert faults(*layout, target) == []
    baseline = program(partition(network, SIZE), read_ns)
    assert found.baseline_ns == simulate(baseline, samples).latency_ns
    assert found.plain_ns == latency(plain, read_ns, samples)
    assert found.latency_ns == latency(layout, read_ns, samples) <= found.plain_ns
    assert found.latency_ns <= found.margin_tuner_ns
    assert found.samples == samples
    trials = tuple(
        t for t, _ in margin_trials(plain, target, tuning.effort.seed, lambda x: latency(x, read_ns, samples))
    )
    assert found.trials == trials
    assert found.margin == (trials[-1].margin if found.method == "margin" else None)
    if found.method == "none":
        assert layout == plain
        assert found.latency_ns == found.plain_ns
    drawn = quick_layout(plain[0], target, read_ns, tuning.effort)
    if tuning.tuner == "joint" and drawn is not None:
        assert found.latency_ns <= latency(drawn.values(), read_ns, samples)
    if tuning.tuner == "margin":
        assert found.method != "joint"
        assert (found.stopped, found.steps) == ("effort", 0)


PLAIN = packed(MIXED)
TARGET = target_of(PLAIN[1].crossbars + 8)
EFFORT = Effort(samples=8, steps=200, seed=3)


def test_the_joint_tuners_layout_is_taken_where_it_is_fastest():
    layout, found = tune_layout(PLAIN, TARGET, one_ns, Tuning("joint", EFFORT))
    tuned = tune(PLAIN, TARGET, one_ns, EFFORT)
    assert found.method == "joint"
    assert layout == tuned.layout
    assert (found.stopped, found.steps) == ("effort", 200)
    assert found.latency_ns < min(found.plain_ns, found.margin_tuner_ns)


def test_a_joint_tuner_that_finds_worse_is_not_heard(monkeypatch):
    """It hands in the given layout with all boxes on one crossbar."""
    wanted = tune_layout(PLAIN, TARGET, one_ns, Tuning("margin", EFFORT))[0]
    crowded = tuple(replace(p, crossbar_idx=0) for p in PLAIN[1].placements)
    worse = TuningResult(Layout(PLAIN[0], replace(PLAIN[1], placements=crowded)), "time", 7)
    monkeypatch.setattr(tuners, "tune", lambda *_: worse)
    monkeypatch.setattr(tuners, "quick_layout", lambda *_: None)
    layout, found = tune_layout(PLAIN, TARGET, one_ns, Tuning("joint", EFFORT))
    assert found.method in ("none", "margin")
    assert layout == wanted
    assert (found.stopped, found.steps) == ("time", 7)


def test_a_joint_tuner_that_cannot_work_is_done_without(monkeypatch):
    monkeypatch.setattr(tuners, "tune", lambda *_: None)
    monkeypatch.setattr(tuners, "quick_layout", lambda *_: None)
    joint, margin = (
        tune_layout(PLAIN, TARGET, one_ns, Tuning(tuner, EFFORT)) for tuner in ("joint", "margin")
    )
    assert joint == (margin[0], replace(margin[1], stopped="no start"))


def test_a_sketch_that_is_faster_than_what_tuning_finds_is_kept(monkeypatch):
    """Tuning hands in the layout that was given."""
    drawn = quick_layout(PLAIN[0], TARGET, one_ns, EFFORT).values()
    for no_better in (TuningResult(PLAIN, "effort", 200), None):
        monkeypatch.setattr(tuners, "tune", lambda *_, no_better=no_better: no_better)
        layout, found = tune_layout(PLAIN, TARGET, one_ns, Tuning("joint", EFFORT))
        assert (layout, found.method, found.stopped) == (drawn, "joint", "effort")


def test_the_papers_tuner_is_chosen_where_it_packs():
    """180 cells of 288: four copies fit 0.85 of three crossbars by area, three fit 0.8, and can be placed."""
    plain = packed(layers(linear(18, 10, 10)))
    layout, found = tune_layout(plain, target_of(3), one_ns, Tuning("margin", Effort(samples=1)))
    assert (found.method, found.margin) == ("margin", 0.8)
    assert [m.copies for m in layout[0]] == [3]
    assert (found.plain_ns, found.latency_ns, found.margin_tuner_ns) == (10, 4, 4)


def test_copies_that_pack_but_make_a_layer_slower_are_refused():
    """Sixteen copies on one crossbar take sixteen rounds of seven reads, one copy takes 100 reads."""
    plain = packed(layers(linear(4, 4, 100)), NO_RULES)
    layout, found = tune_layout(plain, target_of(1, NO_RULES), one_ns, Tuning("margin", Effort(samples=1)))
    assert (found.method, found.margin, layout) == ("none", None, plain)
    assert (found.latency_ns, found.margin_tuner_ns) == (100, 16 * 7)


def test_where_nothing_can_be_gained_nothing_changes():
    """Two full crossbars of two."""
    plain = packed(layers(linear(18, 16, 4), linear(18, 16, 4)))
    for tuner in ("joint", "margin"):
        layout, found = tune_layout(plain, target_of(2), one_ns, Tuning(tuner, EFFORT))
        assert (layout, found.method, found.margin) == (plain, "none", None)
        assert found.latency_ns == found.plain_ns == found.margin_tuner_ns


def test_trials_of_the_papers_tuner_stand_beside_either_tuner():
    both = [tune_layout(PLAIN, TARGET, one_ns, Tuning(tuner, EFFORT))[1] for tuner in ("joint", "margin")]
    assert both[0].trials == both[1].trials
    assert both[0].margin_tuner_ns == both[1].latency_ns


@pytest.mark.parametrize("tuner", ["joint", "margin"])
def test_the_same_seed_gives_the_same_duplication(tuner):
    first, second = (tune_layout(PLAIN, TARGET, one_ns, Tuning(tuner, EFFORT)) for _ in range(2))
    assert first == second
