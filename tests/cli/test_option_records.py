"""Options of the command line become the compiler's own records, and a run tells them by their names."""

import argparse
from dataclasses import replace
from typing import get_args

import pytest

from rram_nas_comp_pack.cli.options.parse import new_parser, parse
from rram_nas_comp_pack.compiler import CompileOptions
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings
from rram_nas_comp_pack.nas.generations import Method, SearchOptions
from rram_nas_comp_pack.nas.ofa_space import AccuracyMethod
from rram_nas_comp_pack.packing.pack import Packer, PackingSettings
from rram_nas_comp_pack.runs.shipped import SUPERNETS
from rram_nas_comp_pack.simulation.row_graph import ScheduleKind
from rram_nas_comp_pack.tuning.settings import DepthwiseMapping, Effort, Tuner, Tuning
from rram_nas_comp_pack.values import NO_RULES, Rules

PACK = {
    *("exp_id", "model", "input_size", "strict", "num_crossbars", "find_solution", "depth_split_factor"),
    *("layer_threshold", "xbar_max_load", "no_pack_heuristic", "duplicate", "tuner", "depthwise_mapping"),
    *("objective", "num_sample", "tune_effort", "tune_seconds", "packer", "pack_effort", "pack_seconds"),
    *("seed", "sim_log_samples", "no_report", "trace", "verbose", "log_dir", "config"),
    *("image", "weights", "calibration", "diagonal_rows", "schedule"),
    *("data_movement", "leakage"),
}
EVOLVE = {
    *("exp_id", "method", "objectives", "population", "generations", "mutate_prob", "mutation_ratio"),
    *(
        "coef_acc",
        "coef_latency",
        "accuracy",
        "predictor_subnets",
        "predictor_tau",
        "predictor_from",
        "checkpoint",
        "dataset",
    ),
    *("device", "num_crossbars", "area_budget", "depth_split_factor", "layer_threshold", "xbar_max_load"),
    *("no_pack_heuristic", "duplicate", "tuner", "depthwise_mapping", "num_sample", "tune_effort"),
    *("instances", "chip_images", "robust", "encoding", "images"),
    *("diagonal_rows", "workers", "scheduler", "resume", "seed", "no_report", "verbose", "log_dir", "config"),
}


def options(*argv):
    return parse(argv)[1]["options"]


@pytest.mark.parametrize(
    ("command", "option", "allowed"),
    [
        ("pack", "--packer", Packer),
        ("pack", "--tuner", Tuner),
        ("pack", "--depthwise-mapping", DepthwiseMapping),
        ("pack", "--schedule", ScheduleKind),
        ("evolve", "--tuner", Tuner),
        ("evolve", "--schedule", ScheduleKind),
        ("evolve", "--accuracy", AccuracyMethod),
    ],
)
def test_what_an_option_allows_is_what_the_compiler_takes(command, option, allowed):
    assert set(choices(command, option)) == set(get_args(allowed))


def test_a_method_of_search_is_the_compiler_s_or_the_paper_s_name_of_one():
    assert set(choices("evolve", "--evolute-method")) == {*get_args(Method), "ndga"}
    assert options("evolve", "--evolute-method", "ndga").search.method == "nsga2"


def choices(command, option):
    (inner,) = (a for a in new_parser()._actions if isinstance(a, argparse._SubParsersAction))
    return inner.choices[command]._option_string_actions[option].choices


def test_pack_without_options_asks_for_what_the_compiler_does_by_itself():
    goal = PackingSettings(seed=123)
    assert options("pack").settings == CompileOptions(goal=goal, depthwise="dense")
    assert CompileOptions().packer == goal
    found, goal = options("pack", "--num-crossbars", "10").settings, PackingSettings(budget=10, seed=123)
    assert found == CompileOptions(budget=10, goal=goal, depthwise="dense")
    assert CompileOptions(budget=10).packer == goal
    found = options("pack", "--num-crossbars", "82", "--duplicate").settings
    usual = CompileOptions(budget=82, duplicate=True)
    assert found == replace(usual, goal=usual.packer)


def test_options_of_pack_come_where_they_belong():
    found = options(
        *("pack", "--num-crossbars", "82", "--duplicate", "--objective", "latency", "--num-sample", "4"),
        *("--tune-effort", "7", "--tune-seconds", "2.5", "--no-pack-heuristic", "--packer", "fast"),
        *("--pack-effort", "9", "--pack-seconds", "3", "--seed", "5", "--sim-log-samples", "2"),
    )
    assert found.settings == CompileOptions(
        depthwise="auto",
        tuning=Tuning("joint", Effort(1, 7, 2.5, 5)),
        budget=82,
        rules=NO_RULES,
        goal=PackingSettings("fast", 82, 9, 3.0, 5),
        traced_samples=2,
        watched_samples=4,
    )
    assert options("pack", "--find-solution", "--num-crossbars", "82").settings.budget is None


def test_options_of_evolve_come_where_they_belong():
    found = options(
        *(
            "evolve",
            "--quick",
            "--population",
            "8",
            "--coef-acc",
            "2",
            "--seed",
            "4",
            "--layer-threshold",
            "3",
        ),
        *("--num-crossbars", "211", "--num-sample", "2", "--duplicate", "--tuner", "margin"),
    )
    assert found.search == SearchOptions(8, 10, weights=(2.0, 0.005), seed=4)
    hardware = load_hardware()
    same = {"depthwise": "auto", "duplicate": True, "tuner": "margin", "seed": 4}
    assert found.settings(hardware, 211) == CompileSettings(hardware, 211, 2, rules=Rules(3, 6), **same)
    assert found.tune_effort == 3000


def test_a_search_is_for_clutter_unless_it_is_told_others_and_takes_the_supernet_for_its_images():
    assert options("evolve").dataset == "clutter"
    assert options("evolve").checkpoint == SUPERNETS["clutter"]
    assert options("evolve", "--dataset", "digits").checkpoint == SUPERNETS["digits"]


def test_a_run_tells_its_options_by_the_published_names():
    assert options("pack").run.written.keys() == PACK
    assert options("evolve").run.written.keys() == EVOLVE
    assert options("evolve", "--schedule", "row").run.written["schedule"] == "row"
    assert options("pack", "--duplicate").run.written["depthwise_mapping"] == "auto"
    assert options("pack", "--num-sample", "3").run.written["objective"] == 3
