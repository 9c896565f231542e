"""Options of `evolve`."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ofa.parser import path, word

from .converters import at_least, dataset, exp_id, number, objectives
from .shared import (
    add_duplication,
    add_ignored,
    add_no_report,
    add_packing,
    add_places,
    depthwise_mapping,
)

QUICK = {"population": 20, "generations": 10, "tune_effort": 3000}
"""What `--quick` stands for."""

THOROUGH = {"population": 50, "generations": 100, "tune_effort": None}
"""The paper's search (RNC section 6), and the joint tuner's default effort."""

SHIPPED = Path(__file__).parents[3] / "ofa" / "checkpoint" / "digits_mbv3_small.pth"
"""The supernet that comes with the toolkit, trained on digits."""


@dataclass(frozen=True, slots=True)
class EvolveOptions:
    """Options of `evolve`; names are those of the command line. `method` is "nsga2", "ga" or "random"."""

    exp_id: str
    method: str
    objectives: tuple[str, ...]
    population: int
    generations: int
    mutate_prob: float
    mutation_ratio: float
    coef_acc: float
    coef_latency: float
    accuracy: str
    predictor_subnets: int
    predictor_tau: float
    checkpoint: Path
    dataset: str
    device: str | None
    num_crossbars: int
    depth_split_factor: int
    layer_threshold: int
    xbar_max_load: int
    no_pack_heuristic: bool
    duplicate: bool
    tuner: str
    depthwise_mapping: str
    num_sample: int
    tune_effort: int | None
    workers: int
    scheduler: str | None
    resume: bool
    seed: int
    no_report: bool
    verbose: bool
    log_dir: Path
    config: Path
    command_line: str = ""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def add_evolve(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    parser.set_defaults(kind=EvolveOptions)
    add = parser.add_argument
    add("--exp-id", type=exp_id, default="dev", metavar="ID", help="name of the run's folder (default: dev)")
    _add_search(parser)
    _add_accuracy(parser)
    add_packing(parser)
    add_duplication(parser)
    add("--workers", type=at_least(1, 1024), default=cores(), metavar="N",
        help="processes on this machine (default: one per core)")  # fmt: skip
    add(
        "--scheduler",
        type=word,
        metavar="ADDRESS",
        help="run on a dask cluster instead, such as tcp://host:8786",
    )
    add("--resume", "-r", action="store_true", help="go on with the search of this ID")
    add("--seed", type=at_least(0), default=123, help="of all that is random (default: 123)")
    add_no_report(parser)
    add("--verbose", action="store_true", help="copy logs.log to standard error")
    add_places(parser)
    add_ignored(parser, ("--log-pack",))


def _add_search(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--evolute-method", dest="method", choices=("ndga", "nsga2", "ga", "random"), default="ndga",
        help="NSGA-II (ndga or nsga2, default), a weighted sum (ga), or chance (random)")  # fmt: skip
    add("--objectives", type=objectives, default=("acc", "speed"), metavar="NAMES",
        help="acc,speed (default), and energy and crossbars if wanted")  # fmt: skip
    add("--population", type=at_least(2, 10_000), metavar="N", help="subnets a generation (default: 50)")
    add("--generations", type=at_least(1, 100_000), metavar="N",
        help="with the first, which is drawn (default: 100)")  # fmt: skip
    add("--quick", action="store_true",
        help="population 20, generations 10, tune effort 3000: 2 minutes on two cores")  # fmt: skip
    add(
        "--mutate-prob",
        type=number(0, 1),
        default=0.1,
        metavar="P",
        help="of a gene, on average (default: 0.1)",
    )
    add("--mutation-ratio", type=number(0, 1), default=0.5, metavar="P",
        help="share of children by mutation, the rest by crossover (default: 0.5)")  # fmt: skip
    add("--coef-acc", type=number(0), default=1.0, metavar="W", help="of accuracy, for ga (default: 1)")
    add(
        "--coef-latency", type=number(0), default=0.005, metavar="W", help="of speed, for ga (default: 0.005)"
    )


def _add_accuracy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--accuracy", choices=("calibrate", "finetune", "predictor"), default="calibrate",
        help="with norms recalibrated (default), fine-tuned as in the paper, or predicted")  # fmt: skip
    add("--no-fine-tune", dest="accuracy", action="store_const", const="calibrate",
        help="the same as --accuracy calibrate")  # fmt: skip
    add("--predictor-subnets", type=at_least(10, 100_000), default=300, metavar="N",
        help="that the predictor learns from (default: 300)")  # fmt: skip
    add("--predictor-tau", type=number(-1, 1), default=0.7, metavar="T",
        help="least rank correlation of a predictor that may be used (default: 0.7)")  # fmt: skip
    add("--checkpoint", type=path, default=None, metavar="FILE", help="supernet (default: the shipped one)")
    add("--dataset", type=dataset, default="digits", metavar="NAME",
        help="digits (default), cifar10 (in dataset/cifar10) or folder:PATH")  # fmt: skip
    add("--device", type=word, metavar="NAME", help="cpu, cuda or cuda:N (default: a GPU if there is one)")
    add("--no-cuda", dest="device", action="store_const", const="cpu", help="the same as --device cpu")


def complete_evolve(values: dict[str, Any]) -> None:
    """Put in the defaults that depend on other options. Raises BadInput where they contradict."""
    values["checkpoint"] = values["checkpoint"] or SHIPPED
    usual = QUICK if values.pop("quick") else THOROUGH
    for name, value in usual.items():
        if values[name] is None:
            values[name] = value
    if values["method"] == "ndga":  # what the paper's program calls it
        values["method"] = "nsga2"
    values["depthwise_mapping"] = depthwise_mapping(values["depthwise_mapping"], values["duplicate"])
