"""Options of `evolve`."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ofa.parser import path, word

from ...errors import BadInput
from ...nas.chips import Chips
from ...runs.origin import cores
from ...runs.plain_text import plain
from ...runs.shipped import SUPERNET, SUPERNETS, USUAL_IMAGES
from ...values import rules_of
from .converters import at_least, dataset, number, objectives
from .execution import ENCODINGS
from .shared import (
    CROSSBARS,
    RunOptions,
    add_duplication,
    add_ignored,
    add_packing,
    add_run,
    add_schedule,
    depthwise_mapping,
    run_options,
)

if TYPE_CHECKING:
    from ...hardware.config.read import Hardware
    from ...nas.compile_subnet import CompileSettings
    from ...nas.generations import SearchOptions
    from ...nas.ofa_space import AccuracyMethod

INSTANCES, CHIP_IMAGES = 4, 500
"""Chips on which a network is executed, and images."""

MOST_FILES = 16
"""Configurations among which networks may choose: the costs of so many are remembered at once."""

QUICK = {
    "population": 20,
    "generations": 10,
    "tune_effort": 3000,
    "accuracy": "calibrate",
    "images": 500,
}
"""What `--quick` stands for."""

THOROUGH = {
    "population": 50,
    "generations": 100,
    "tune_effort": None,
    "accuracy": None,
    "images": None,
}
"""The paper's search (RNC section 6), the joint tuner's default effort, and what suits the hardware."""


def _quick_told() -> str:
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in QUICK.items())


@dataclass(frozen=True, slots=True)
class EvolveOptions:
    """Options of `evolve`: those of its run, of the search and of the compiler, which lacks the hardware.

    `diagonal_rows` are all that are given, None where none are. The budget is `crossbars`, or an
    `area_budget` in mm². `configs` are the files of the hardware, of which the run's own is the first.
    """

    run: RunOptions
    search: SearchOptions
    settings: Callable[[Hardware, int], CompileSettings]
    configs: tuple[Path, ...]
    crossbars: int
    area_budget: float | None
    accuracy: AccuracyMethod | None
    images: int | None
    chips: Chips
    diagonal_rows: tuple[int, ...] | None
    predictor_subnets: int
    predictor_tau: float
    predictor_from: Path | None
    checkpoint: Path
    dataset: str
    device: str | None
    tune_effort: int | None
    workers: int
    scheduler: str | None
    resume: bool


def add_evolve(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add_run(parser, searched=True)
    _add_search(parser)
    _add_accuracy(parser)
    add_packing(parser, searched=True)
    add_duplication(parser, searched=True)
    add_schedule(parser)
    add(
        "--workers",
        type=at_least(1, 1024),
        default=cores(),
        metavar="N",
        help="number of processes on this machine (default: one per core)",
    )
    add(
        "--scheduler",
        type=word,
        metavar="ADDRESS",
        help="address of a dask cluster that evaluates the networks instead, such as tcp://host:8786",
    )
    add("--resume", "-r", action="store_true", help="continue the search of this ID, given the same options")
    add_ignored(parser, ("--log-pack",))


def _add_search(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--evolute-method",
        dest="method",
        choices=("ndga", "nsga2", "ga", "random"),
        default="ndga",
        help="method of the search: NSGA-II (ndga or nsga2), a weighted sum (ga), or random "
        "networks (random) (default: ndga)",
    )
    add(
        "--objectives",
        type=objectives,
        default=("acc", "speed"),
        metavar="NAMES",
        help="objectives of the search: acc,speed, to which energy, crossbars and area may be added "
        "(default: acc,speed)",
    )
    add(
        "--population",
        type=at_least(2, 10_000),
        metavar="N",
        help="number of networks in a generation (default: 50)",
    )
    add(
        "--generations",
        type=at_least(1, 100_000),
        metavar="N",
        help="number of generations, including the first, which is random (default: 100)",
    )
    add(
        "--quick",
        action="store_true",
        help=f"search for some minutes, the same as {_quick_told()}",
    )
    add(
        "--mutate-prob",
        type=number(0, 1),
        default=0.1,
        metavar="P",
        help="average probability that a gene mutates; each child draws its own from an "
        "exponential distribution (default: 0.1)",
    )
    add(
        "--mutation-ratio",
        type=number(0, 1),
        default=0.5,
        metavar="P",
        help="share of children made by mutation; the others are made by crossover (default: 0.5)",
    )
    add(
        "--coef-acc",
        type=number(0),
        default=1.0,
        metavar="W",
        help="weight of the accuracy in the weighted sum (default: 1)",
    )
    add(
        "--coef-latency",
        type=number(0),
        default=0.005,
        metavar="W",
        help="weight of the speed in the weighted sum (default: 0.005)",
    )


def _add_accuracy(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add(
        "--accuracy",
        choices=("chip", "calibrate", "finetune", "predictor"),
        help="which accuracies count: those on chips, or of float networks: after recalibrating norms, after "
        "fine-tuning as in the paper, or by prediction (default: chip where the hardware has stuck cells or "
        "variation, else calibrate; with --quick calibrate)",
    )
    add(
        "--images",
        type=at_least(1),
        metavar="N",
        help="validation images on which float networks are judged, the first N "
        f"(default: all of them; with --quick {QUICK['images']})",
    )
    add(
        "--instances",
        type=at_least(1, 1000),
        default=INSTANCES,
        metavar="N",
        help="chips that judge a network: those of the seeds 0 to N-1 while searching, the next N for the "
        f"front (default: {INSTANCES})",
    )
    add(
        "--chip-images",
        type=at_least(1),
        default=CHIP_IMAGES,
        metavar="N",
        help="images on which chips judge a network, the first N of validation and of test images "
        f"(default: {CHIP_IMAGES})",
    )
    add(
        "--robust",
        choices=("mean", "worst"),
        default="mean",
        help="what the accuracies of several chips count as (default: mean)",
    )
    add(
        "--encoding",
        choices=ENCODINGS,
        default="fault-aware",
        help="how weights are programmed, as in accuracy (default: fault-aware)",
    )
    add(
        "--no-fine-tune",
        dest="accuracy",
        action="store_const",
        const="calibrate",
        help="the same as --accuracy calibrate",
    )
    add(
        "--predictor-subnets",
        type=at_least(10, 100_000),
        default=300,
        metavar="N",
        help="number of networks that the predictor learns from (default: 300)",
    )
    add(
        "--predictor-tau",
        type=number(-1, 1),
        default=0.7,
        metavar="T",
        help="lowest rank correlation (Kendall's tau) at which the predictor may be used (default: 0.7)",
    )
    add(
        "--predictor-from",
        type=path,
        metavar="RUN_DIR",
        help="search whose networks the predictor learns from, instead of judging as many anew; it has the "
        "same supernet and images (default: none)",
    )
    add(
        "--checkpoint",
        type=path,
        metavar="FILE",
        help="checkpoint of the supernet (default: the shipped one)",
    )
    add(
        "--dataset",
        type=dataset,
        default=USUAL_IMAGES,
        metavar="NAME",
        help="images: clutter, digits, cifar10 (in dataset/cifar10) or folder:PATH "
        f"(default: {USUAL_IMAGES})",
    )
    add(
        "--device",
        type=word,
        metavar="NAME",
        help="device on which networks run: cpu, cuda or cuda:N (default: a GPU if there is one)",
    )
    add("--no-cuda", dest="device", action="store_const", const="cpu", help="the same as --device cpu")


def evolve_options(values: dict[str, Any], command_line: str) -> EvolveOptions:
    """The options that these values stand for. Raises BadInput where they contradict."""
    values["checkpoint"] = values["checkpoint"] or SUPERNETS.get(values["dataset"], SUPERNET)
    usual = QUICK if values.pop("quick") else THOROUGH
    for name, value in usual.items():
        if values[name] is None:
            values[name] = value
    if values["method"] == "ndga":  # what the paper's program calls it
        values["method"] = "nsga2"
    values["depthwise_mapping"] = depthwise_mapping(values)
    configs = _hardware_and_budget(values)
    rows = _diagonal_rows(values)
    own = {f.name for f in fields(EvolveOptions)} & values.keys() - {"diagonal_rows"}
    chips = {"images": values["chip_images"], **{n: values[n] for n in ("instances", "encoding", "robust")}}
    return EvolveOptions(
        run=_run(values, configs, command_line),
        search=_search(values),
        settings=_settings(values),
        chips=Chips(**chips),
        diagonal_rows=rows,
        configs=configs,
        crossbars=values["num_crossbars"] or CROSSBARS,
        **{name: values[name] for name in own},
    )


def _hardware_and_budget(values: dict[str, Any]) -> tuple[Path, ...]:
    """Return the files of the hardware, and set the usual budget where none is given.

    Raises BadInput where there are two budgets, or only one of crossbars for several files.
    """
    configs, area, crossbars = tuple(values["config"]), values["area_budget"], values["num_crossbars"]
    if area is not None and crossbars is not None:
        raise BadInput(f"--area-budget: found {area:g} with --num-crossbars {crossbars}, allowed is either")
    if len(configs) > 1 and area is None:
        raise BadInput(
            f"--config: found {len(configs)} files without --area-budget, allowed is one: crossbars of "
            "different hardware are no common budget"
        )
    if len(configs) > MOST_FILES:
        raise BadInput(f"--config: found {len(configs)} files, allowed are at most {MOST_FILES}")
    names = [config.stem for config in configs]
    if len(set(names)) < len(names):
        raise BadInput(f"--config: found the names {', '.join(names)}, allowed are different ones")
    values["config"] = configs[0]
    if area is None and crossbars is None:
        values["num_crossbars"] = CROSSBARS
    return configs


def _run(values: dict[str, Any], configs: tuple[Path, ...], command_line: str) -> RunOptions:
    """Options of the run; what it writes names all files of the hardware."""
    run = run_options(values, command_line)
    several = {"config": [plain(str(each)) for each in configs]} if len(configs) > 1 else {}
    written = {**run.written, **several}
    if values["schedule"] == "layer":  # a search by the paper's schedule is as it always was
        del written["schedule"]
    return replace(run, written=written)


def _diagonal_rows(values: dict[str, Any]) -> tuple[int, ...] | None:
    """All that are given. Raises BadInput where there are several and nothing chooses the mapping."""
    given = values["diagonal_rows"]
    if not isinstance(given, tuple):
        return None if given is None else (given,)
    for name, needed in (("depthwise_mapping", "auto"), ("tuner", "joint")):
        if values[name] != needed:
            raise BadInput(
                f"--diagonal-rows: found {','.join(map(str, given))} with --{name.replace('_', '-')} "
                f"{values[name]}, allowed is --depthwise-mapping auto with --tuner joint for several numbers"
            )
    return given


def _search(v: dict[str, Any]) -> SearchOptions:
    from ...nas.generations import SearchOptions

    weights = v["coef_acc"], v["coef_latency"]
    same = ("population", "generations", "method", "objectives", "mutate_prob", "mutation_ratio", "seed")
    return SearchOptions(**{name: v[name] for name in same}, weights=weights)


def _settings(v: dict[str, Any]) -> Callable[[Hardware, int], CompileSettings]:
    """How the search compiles: the quick way."""
    from ...nas.compile_subnet import CompileSettings

    return partial(
        CompileSettings,
        samples=v["num_sample"],
        rules=rules_of(v["no_pack_heuristic"], v["layer_threshold"], v["xbar_max_load"]),
        depth_split=v["depth_split_factor"],
        depthwise=v["depthwise_mapping"],
        diagonal_rows=None if isinstance(v["diagonal_rows"], tuple) else v["diagonal_rows"],
        duplicate=v["duplicate"],
        tuner=v["tuner"],
        seed=v["seed"],
        schedule=v["schedule"],
    )
