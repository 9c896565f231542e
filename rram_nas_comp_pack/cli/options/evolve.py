"""Options of `evolve`: what they stand for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...errors import BadInput
from ...nas.chips import Chips
from ...runs.plain_text import plain
from ...runs.shipped import SUPERNET, SUPERNETS
from ...values import rules_of
from .shared import (
    CROSSBARS,
    RunOptions,
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
