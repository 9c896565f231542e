"""Options that several commands share."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ofa.parser import path, word

from ...errors import BadInput
from ...hardware.config.change import CONSISTENT, OPTION, Settings
from ...report.figure_options import FigureOptions
from ...runs.origin import cores
from ...runs.plain_text import plain
from ...runs.simconfig import default_config
from ...tuning.settings import DepthwiseMapping
from .converters import MOST_SAMPLES, at_least, exp_id, number, one_or_several
from .figures import NAMES as FIGURE_NAMES
from .figures import add_figures, figure_options

Container = argparse.ArgumentParser | argparse._ArgumentGroup
"""What options are added to."""

MOST_AREA_MM2 = 1e6
"""More than any wafer has."""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Where a run goes, on which hardware it is made, and what is told of it.

    `written` are all options of its command as JSON values, by the names of the command line, but for those
    that only say how figures look.
    """

    exp_id: str
    log_dir: Path
    config: Path
    settings: Settings
    no_report: bool
    figures: FigureOptions
    verbose: bool
    command_line: str
    written: Mapping[str, object]


def run_options(values: Mapping[str, Any], command_line: str) -> RunOptions:
    """Those among all options of a command; what `--set` gives is written where it is used."""
    settings = settings_of(values)
    figures = figure_options(values)
    left_out = {*FIGURE_NAMES, *(() if settings.texts else ("set", "set_consistent"))}
    values = {n: v for n, v in values.items() if n not in left_out}
    written = {n: plain(str(v)) if isinstance(v, str | Path) else v for n, v in values.items()}
    own = {name: values[name] for name in ("exp_id", "log_dir", "config", "no_report", "verbose")}
    more: dict[str, Any] = {"settings": settings, "figures": figures, "written": written}
    return RunOptions(**own, **more, command_line=command_line)


def settings_of(values: Mapping[str, Any]) -> Settings:
    """Values that replace those of the file. Raises BadInput where only their consistency is asked."""
    texts = tuple(values["set"] or ())
    if values["set_consistent"] and not texts:
        raise BadInput(f"{CONSISTENT}: found without {OPTION}, allowed is with it")
    return Settings(texts, values["set_consistent"])


def add_run(parser: argparse.ArgumentParser, *, searched: bool = False) -> None:
    """Options of every command that makes a run; where networks are searched, hardware may be a choice."""
    add = parser.add_argument
    add("--exp-id", type=exp_id, default="dev", metavar="ID", help="name of the run's folder (default: dev)")
    add_log_dir(parser)
    add_config(parser, several=searched)
    add_settings(parser)
    add("--seed", type=at_least(0), default=123, help="seed of all random numbers (default: 123)")
    add("--no-report", action="store_true", help="write no report.html and no figures")
    add_figures(parser)
    add("--verbose", action="store_true", help="copy logs.log to standard error")


def add_log_dir(parser: Container) -> argparse.Action:
    """Add where runs are written."""
    return parser.add_argument(
        "--log-dir",
        type=path,
        default=Path("log"),
        metavar="DIR",
        help="folder in which runs are written (default: log)",
    )


def add_workers(parser: Container, does: str) -> tuple[argparse.Action, argparse.Action]:
    """Add who works; `does` says what a cluster does instead of this machine."""
    return (
        parser.add_argument(
            "--workers",
            type=at_least(1, 1024),
            default=cores(),
            metavar="N",
            help="number of processes on this machine (default: one per core)",
        ),
        parser.add_argument(
            "--scheduler",
            type=word,
            metavar="ADDRESS",
            help=f"address of a dask cluster that {does} instead, such as tcp://host:8786",
        ),
    )


CROSSBARS = 10
"""The usual budget."""


def add_packing(parser: argparse.ArgumentParser, *, searched: bool = False) -> None:
    """Options of the crossbars and of what may share one; where networks are searched, area may count."""
    add = parser.add_argument
    positive = at_least(1)
    of_pack = f"the fewest, as with --find-solution; {CROSSBARS} with --reload"
    add(
        "--num-crossbars",
        type=positive,
        metavar="N",
        help=f"number of crossbars that may be used (default: {CROSSBARS if searched else of_pack})",
    )
    if searched:
        add(
            "--area-budget",
            type=number(0, MOST_AREA_MM2),
            metavar="MM2",
            help="area that the crossbars may take up with all that belongs to them, in mm², instead of "
            "their number; several files of --config need it",
        )
    add(
        "--depth-split-factor",
        type=positive,
        default=1,
        metavar="F",
        help="number of parts into which a depthwise layer is cut; they are read in parallel (default: 1)",
    )
    add(
        "--layer-threshold",
        type=at_least(0),
        default=1,
        metavar="T",
        help="layers that share a crossbar must be more than T apart (default: 1)",
    )
    add(
        "--xbar-max-load",
        type=positive,
        default=6,
        metavar="L",
        help="highest number of boxes in one crossbar (default: 6)",
    )
    add(
        "--no-pack-heuristic",
        action="store_true",
        help="drop the rules of --layer-threshold and --xbar-max-load",
    )


def add_duplication(parser: argparse.ArgumentParser, *, searched: bool = False) -> None:
    """Options of copies; where networks are searched, some take several values to choose from."""
    add = parser.add_argument
    add(
        "--duplicate",
        action="store_true",
        help="fill the budget with copies of slow layers; other options of tuning apply only with it",
    )
    add(
        "--tuner",
        choices=("joint", "margin"),
        default="joint",
        help="tuner that chooses the copies: joint, or margin, our version of the paper's (default: joint)",
    )
    add(
        "--depthwise-mapping",
        choices=("dense", "diagonal", "auto"),
        help="mapping of depthwise layers: one channel per read (dense), several (diagonal), or "
        "both (auto) (default: auto with --duplicate, else dense)",
    )
    choices = (
        "; of several numbers, such as 0,64,128, the search chooses one for each network (default: none, "
        "half or all of a crossbar's rows are the choice with --accuracy chip, else all)"
    )
    add(
        "--diagonal-rows",
        type=one_or_several(at_least(0)) if searched else at_least(0),
        metavar="N[,N...]" if searched else "N",
        help="most rows of a diagonal box, all of which are driven at once: fewer rows mean smaller errors "
        "on faulty chips, and more reads; 0 allows no diagonal boxes"
        + (choices if searched else " (default: those of a crossbar)"),
    )
    add(
        "--num-sample",
        type=at_least(1, MOST_SAMPLES),
        default=8,
        metavar="N",
        help="number of samples whose latency counts (default: 8)",
    )
    add(
        "--tune-effort",
        type=at_least(0),
        metavar="N",
        help="number of steps of the joint tuner; 0 keeps its first layouts as they are "
        "(default: as many as take about 20 s)",
    )


def add_config(parser: argparse.ArgumentParser, *, several: bool = False) -> None:
    """The hardware; `several` files may be given where it is a choice, as a list."""
    choice = "; of several files, the search chooses one for each network" if several else ""
    parser.add_argument(
        "--config",
        type=path,
        nargs="+" if several else None,
        default=[default_config()] if several else default_config(),
        metavar="INI",
        help=f"configuration of the hardware{choice} (default: SimConfig.ini, or the installed one if there "
        "is no such file)",
    )


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Single values of the configuration."""
    parser.add_argument(
        OPTION,
        action="append",
        metavar="KEY=VALUE",
        help="another value of the configuration, also as SECTION.KEY=VALUE; may be repeated",
    )
    parser.add_argument(
        CONSISTENT,
        action="store_true",
        help="with a size of crossbars in --set, also set the size of subarrays and the numbers of "
        "converters that go with it",
    )


def add_other_config(parser: argparse.ArgumentParser) -> None:
    """Other hardware than that of the run at hand."""
    parser.add_argument(
        "--config",
        type=path,
        metavar="INI",
        help="configuration of other hardware (default: the hardware of the run, or as for pack if "
        "the run holds none)",
    )


def add_ignored(parser: argparse.ArgumentParser, flags: Sequence[str], options: Sequence[str] = ()) -> None:
    """Options of earlier scripts that mean nothing here: flags, and options with a value."""
    for flag in flags:
        parser.add_argument(flag, action=_Ignore, nargs=0, help=argparse.SUPPRESS)
    for option in options:
        parser.add_argument(option, action=_Ignore, help=argparse.SUPPRESS)


class _Ignore(argparse.Action):
    """Accepts an option and leaves no trace of it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "dest": argparse.SUPPRESS, "default": argparse.SUPPRESS})

    def __call__(self, *_: object) -> None:
        pass


def depthwise_mapping(values: dict[str, Any]) -> DepthwiseMapping:
    """What `--depthwise-mapping` means.

    Raises BadInput where it needs `--duplicate`, or where `--diagonal-rows` contradicts it.
    """
    given: DepthwiseMapping | None = values["depthwise_mapping"]
    if given == "auto" and not values["duplicate"]:
        raise BadInput(
            "--depthwise-mapping: found 'auto' without --duplicate, allowed are dense and diagonal"
        )
    chosen = given or ("auto" if values["duplicate"] else "dense")
    rows = values["diagonal_rows"]
    if isinstance(rows, int) and chosen == "dense":
        raise BadInput(
            f"--diagonal-rows: found {rows} with --depthwise-mapping dense, allowed is with diagonal or auto"
        )
    if rows == 0 and chosen == "diagonal":
        raise BadInput(
            "--diagonal-rows: found 0 with --depthwise-mapping diagonal, allowed is a number from 1"
        )
    return chosen


SCHEDULES = ("layer", "branch", "row")
"""Of `--schedule`."""


def add_schedule(parser: argparse.ArgumentParser, default: str | None = "layer") -> None:
    """Add what of a sample may run at once; `default` None is that of the run."""
    parser.add_argument(
        "--schedule",
        choices=SCHEDULES,
        default=default,
        help="what of a sample may run at once: layer: one layer, as in the paper; branch: layers of "
        "different branches; row: rows of any layers, as soon as the rows that they need are there "
        f"(default: {default or 'that of the run'})",
    )


def add_data_movement(parser: argparse.ArgumentParser, *, of_run: bool = False) -> None:
    """Add the charge for what moves; `of_run`: a run that was made with it keeps it."""
    parser.add_argument(
        "--data-movement",
        action="store_true",
        help="also charge the time that results take between layers and that digital operators take, by the "
        "bandwidths of SimConfig.ini" + (" (default: as for the run)" if of_run else ""),
    )
