"""The pipeline with duplication: soundness, speed and files, whichever tuner is asked."""

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuning_cases import MODES, depthwise, faults, layers, networks

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import convolution, linear
from rram_nas_comp_pack.compiler import CompileOptions, CompileResult, Watch, compile_network
from rram_nas_comp_pack.hardware.chip_costs import read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.runs.packing.read_layout import read_mappings
from rram_nas_comp_pack.runs.packing.write import layer_entry
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.settings import Effort, Target, Tuning
from rram_nas_comp_pack.values import (
    NO_RULES,
    CrossbarSize,
    Network,
    NoFit,
    Placement,
    Rules,
    cells_with_weights,
)

ROOT = Path(__file__).parents[2]
LARGE = load_hardware(ROOT / "SimConfig.ini")
SMALL = replace(LARGE, rows=18, columns=16, subarray_rows=18)
SLOW_ADCS = replace(SMALL, adcs_per_subarray=2)  # reads of more columns take longer
TUNERS = ("joint", "margin")
QUICK = CompileOptions(
    goal=PackingSettings("fast"),
    samples=(1, 4),
    tuning=Tuning(effort=Effort(samples=4, steps=100, seed=1)),
    budget=20,
)

MIXED = Network(
    "mixed",
    layers(
        linear(18, 12, 5),
        depthwise(12, 3, 6),
        linear(20, 20, 3),
        convolution((12, 4, 1), 3, 4),
        depthwise(12, 3, 2),
        linear(9, 5, 7),
        reused={4: 1},
    ),
    (),
)


def asked(tuner, **changes):
    tuning = replace(QUICK.tuning, tuner=tuner)
    return replace(QUICK, tuning=tuning, **changes)


def latencies(report):
    return {e.num_sample: e.latency_ns for e in report.evaluations}


@given(
    layers=networks(),
    budget=st.integers(1, 60),
    rules=st.builds(Rules, threshold=st.integers(-1, 2), max_load=st.sampled_from([0, 2, 6])),
    mode=st.sampled_from(MODES),
    tuner=st.sampled_from(TUNERS),
    samples=st.integers(1, 8),
    hardware=st.sampled_from([SMALL, SLOW_ADCS]),
    split=st.integers(1, 5),
)
@settings(max_examples=80, deadline=None)
def test_duplication_is_sound_and_never_slower_for_the_samples_it_was_asked_for(
    layers, budget, rules, mode, tuner, samples, hardware, split
):
    network = Network("random", layers, ())
    tuning = Tuning(tuner, Effort(samples=samples, steps=40))
    options = CompileOptions(split, mode, tuning, budget, rules, PackingSettings("fast"), samples=(samples,))
    found = compile_network(network, hardware, options)
    plain = compile_network(network, hardware, replace(options, tuning=None))
    if isinstance(found, NoFit):
        assert found.lower_bound <= found.found
        assert found.found > found.budget == budget
        assert isinstance(plain, NoFit)
        return
    assert faults(found.mappings, found.packing, Target(budget, CrossbarSize(18, 16), rules, mode)) == []
    (evaluation,) = found.evaluations
    assert evaluation.latency_ns == found.duplication.latency_ns <= found.duplication.plain_ns
    if all(layer.stored_in == layer.index for layer in layers):
        assert evaluation.ideal_latency_ns <= evaluation.latency_ns * (1 + 1e-9)
    assert found.duplication.latency_ns <= found.duplication.margin_tuner_ns
    if isinstance(plain, CompileResult):
        assert plain.evaluations[0].latency_ns == found.duplication.plain_ns
        assert plain.evaluations[0].baseline_latency_ns == evaluation.baseline_latency_ns
        assert plain.mappings == found.plain


def test_waiting_for_crossbars_can_help_where_a_module_is_called_again():
    """So that the latency without waiting, the ideal, is no bound there. Four layers of 1, 4, 1 and 4 reads,
    the third in the second's boxes; the first two share a crossbar.
    """
    reads = layers(*(linear(1, 1, n) for n in (1, 4, 1, 4)), reused={2: 1})
    mappings = partition(reads, CrossbarSize(18, 16))
    places = [Placement(layer, crossbar, 0, 0, 1, 1, 0, 0) for layer, crossbar in ((0, 0), (1, 0), (3, 1))]
    assert simulate(program(mappings, lambda *_: 1.0), 3).latency_ns == 26
    assert simulate(program(mappings, lambda *_: 1.0, places), 3).latency_ns == 25


@pytest.mark.parametrize("tuner", TUNERS)
def test_a_budget_that_is_too_small_says_how_many_crossbars_would_do(tuner):
    found = compile_network(MIXED, SMALL, asked(tuner, budget=2))
    assert isinstance(found, NoFit)
    assert (found.budget, found.found >= found.lower_bound > 2) == (2, True)
    assert isinstance(compile_network(MIXED, SMALL, asked(tuner, budget=found.found)), CompileResult)
    assert isinstance(compile_network(MIXED, SMALL, asked(tuner, budget=found.found - 1)), NoFit)


def test_the_joint_tuner_falls_back_to_whole_layers_where_split_ones_do_not_fit():
    """Twelve depthwise channels one by one take twelve crossbars, in a box one."""
    network = Network("split", layers(depthwise(12, 3, 6)), ())
    assert compile_network(network, SMALL, asked("margin", depth_split=12, budget=3)) == NoFit(3, 12, 12)
    found = compile_network(network, SMALL, asked("joint", depth_split=12, budget=3))
    assert [len(m.boxes) for m in found.plain] == [1]
    assert found.packing.crossbars <= 3


@pytest.mark.parametrize("tuner", TUNERS)
def test_copies_without_a_budget_fill_the_crossbars_that_are_in_use_without_copies(tuner):
    fewest = compile_network(MIXED, SMALL, replace(QUICK, tuning=None)).crossbars
    found = compile_network(MIXED, SMALL, asked(tuner, budget=None))
    assert found.crossbars <= fewest
    assert found.duplication.latency_ns <= found.duplication.plain_ns


@pytest.mark.parametrize(("tuner", "budget"), [("joint", 40), ("margin", 100)])
def test_the_report_holds_the_layers_before_and_after(tuner, budget):
    report = compile_network(MIXED, SMALL, asked(tuner, budget=budget))
    assert all(m.copies == 1 for m in report.plain)
    assert [m.layer for m in report.plain] == [m.layer for m in report.mappings] == list(MIXED.layers)
    assert report.mappings[4].copies == report.mappings[1].copies
    stored = [m for m in report.mappings if m.stored]
    assert cells_with_weights(report.mappings) == sum(m.copies * m.layer.weights for m in stored)
    assert report.chip.weights.count == cells_with_weights(report.mappings)
    assert len(report.packing.placements) == sum(m.copies * len(m.boxes) for m in stored)
    assert (report.duplication.method, report.duplication.samples) == (tuner, 4)
    assert sum(m.copies for m in report.mappings) > len(report.mappings)
    assert "duplication" in report.timing_s


def test_without_tuning_nothing_is_duplicated():
    report = compile_network(MIXED, SMALL, replace(QUICK, tuning=None))
    assert report.duplication is None
    assert report.mappings == report.plain


@pytest.mark.parametrize("tuner", TUNERS)
def test_the_same_seed_gives_the_same_report(tuner):
    first, second = (compile_network(MIXED, SMALL, asked(tuner)) for _ in range(2))
    assert (first.mappings, first.packing) == (second.mappings, second.packing)
    assert (first.duplication, first.evaluations) == (second.duplication, second.evaluations)


def test_the_tuner_tells_how_far_it_is():
    seen = []
    compile_network(MIXED, SMALL, QUICK, Watch(tuning=lambda *news: seen.append(news)))
    assert seen[-1][:2] == (100, 100)


@pytest.mark.parametrize("hardware", [SMALL, SLOW_ADCS])
@pytest.mark.parametrize("mode", MODES)
def test_layers_read_back_from_their_file_have_the_same_latency(tmp_path, mode, hardware):
    report = compile_network(MIXED, hardware, asked("joint", budget=40, depthwise=mode))
    entries = [layer_entry(m) for m in report.mappings]
    (tmp_path / "partition_optimized.json").write_text(json.dumps(entries))
    again = read_mappings(tmp_path)
    assert [(m.boxes, m.copies, m.diagonal) for m in again] == [
        (m.boxes, m.copies, m.diagonal) for m in report.mappings
    ]
    assert any(m.diagonal for m in again) == (mode != "dense")
    run = program(again, partial(read_ns, hardware), report.packing.placements)
    assert {n: simulate(run, n).latency_ns for n in (1, 4)} == latencies(report)


def test_boxes_of_a_layer_on_one_crossbar_leave_the_papers_tuner():
    """Without rules two boxes of a layer lie on the one crossbar, which the joint tuner cannot work on."""
    network = Network("one", layers(linear(20, 8, 3)), ())
    report = compile_network(network, SMALL, asked("joint", budget=1, rules=NO_RULES))
    assert report.duplication.method in ("none", "margin")
    assert report.packing.crossbars == 1
