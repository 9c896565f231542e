"""What `pack` prints of a layout: whole sentences, which say what is proved and what is not."""

from dataclasses import replace

import pytest

from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.compiler import CompileOptions, compile_network
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.packing.pack import Goal
from rram_nas_comp_pack.runs.packing.log import STOPPED, summary, tuned_for
from rram_nas_comp_pack.values import Duplication, Evaluation, Layer, MarginTrial, Network


@pytest.fixture(scope="module")
def report():
    shape = linear(64, 64, 1)
    layers = tuple(Layer(i, "Linear", f"fc{i}", shape.raw, 1, 1, i) for i in range(3))
    network = Network("small", layers, ())
    return compile_network(network, load_hardware(), CompileOptions(goal=Goal(effort=20), samples=(1, 8)))


def with_packing(report, **changes):
    layout = report.layout._replace(packing=replace(report.packing, **changes))
    return replace(report, layout=layout)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"crossbars": 104, "lower_bound": 103, "stopped": "effort"},
            "104 crossbars (128 x 128 cells each); at least 103 are needed, not proved: the search ended at "
            "its limit of steps",
        ),
        (
            {"crossbars": 45, "lower_bound": 45, "stopped": "bound"},
            "45 crossbars (128 x 128 cells each); proved to be the fewest",
        ),
        (
            {"crossbars": 211, "lower_bound": 103, "packer": "joint", "stopped": "effort"},
            "211 crossbars (128 x 128 cells each), filled with copies",
        ),
        ({"crossbars": 1, "lower_bound": 1}, "1 crossbar (128 x 128 cells each); proved to be the fewest"),
    ],
)
def test_crossbars_are_told_with_what_is_proved(report, changes, said):
    assert said in list(summary(with_packing(report, **changes)))


def test_every_end_of_a_search_has_its_words(report):
    for stopped, words in STOPPED.items():
        lines = list(summary(with_packing(report, crossbars=3, lower_bound=2, stopped=stopped)))
        assert f"3 crossbars (128 x 128 cells each); at least 2 are needed, not proved: {words}" in lines


@pytest.mark.parametrize(
    ("ns", "said"),
    [
        (16_525_170.5, "16.53 ms"),
        (415_848.6, "0.4158 ms"),
        (6_467_800_000.0, "6468 ms"),
        (64_678_000_000.0, "64678 ms"),
        (52.0, "5.2e-05 ms"),
    ],
)
def test_a_latency_has_four_digits_and_its_number_of_samples(report, ns, said):
    lines = list(
        summary(replace(report, evaluations=(Evaluation(1, ns, ns, ns), Evaluation(8, ns, ns, 2 * ns))))
    )
    assert f"latency, 1 sample: {said} (1.00 x the baseline's speed)" in lines
    assert f"latency, 8 samples: {said} (2.00 x the baseline's speed)" in lines


TRIALS = (MarginTrial(0.5, 9, False, None), MarginTrial(0.4, 7, True, 50.0))


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (
            Duplication("joint", 8, None, TRIALS, 100.0, 200.0, 25.0, steps=9),
            "the joint tuner reaches 4.00 x the baseline's speed for 8 samples; our version of the paper's "
            "tuner reaches 2.00 x, the layout without copies reaches 0.50 x; the search ended at its limit "
            "of steps",
        ),
        (
            Duplication("margin", 1, 0.4, TRIALS, 100.0, 200.0, 50.0),
            "our version of the paper's tuner (margin 0.40) reaches 2.00 x the baseline's speed for 1 "
            "sample; the layout without copies reaches 0.50 x",
        ),
        (
            Duplication("none", 8, None, (*TRIALS, MarginTrial(None, 3, True, 200.0)), 100.0, 200.0, 200.0),
            "no copies, 0.50 x the baseline's speed for 8 samples; our version of the paper's tuner finds no "
            "margin that packs",
        ),
    ],
)
def test_what_copies_bring_is_told_beside_the_other_ways(report, found, said):
    assert tuned_for(replace(report, duplication=found)) == said
