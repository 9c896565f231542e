"""The parser of the command line: a command's name and what it is called with."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ofa.parser import Parser, path

from ... import __version__
from ...errors import BadInput
from .converters import at_least
from .evolve import evolve_options
from .evolve_parser import add_evolve
from .execution import accuracy_options, add_accuracy, add_faults, add_image, faults_options
from .figures import NAMES, add_figures, figure_options
from .pack import add_pack, pack_options
from .reproduce import add_reproduce, reproduce_options
from .shared import add_config, add_other_config, add_settings, settings_of
from .simulate import add_simulate, simulate_options
from .sweep import add_sweep, sweep_options

OPTIONS = {
    "pack": pack_options,
    "evolve": evolve_options,
    "accuracy": accuracy_options,
    "faults": faults_options,
    "simulate": simulate_options,
    "reproduce": reproduce_options,
    "sweep": sweep_options,
}
"""Commands whose many options are a record; all others are called with their options by name."""


class _Parser(Parser):
    """Raises the toolkit's own error."""

    refusal = BadInput


def parse(argv: Sequence[str]) -> tuple[str, dict[str, Any]]:
    """The command to run and its arguments by name. Raises BadInput; Answered after --help."""
    parser = new_parser()
    values = vars(parser.parse_args(argv))
    command = values.pop("command")
    if command in OPTIONS:
        return command, {"options": OPTIONS[command](values, shlex.join((parser.prog, *argv)))}
    if "figure_width" in values:
        figures = figure_options(values)
        values = {n: v for n, v in values.items() if n not in NAMES} | {"figures": figures}
    if "set" in values:
        values["settings"] = settings_of(values)
        del values["set"], values["set_consistent"]
    return command, values


def new_parser() -> Parser:
    """The parser of all commands."""
    parser = _Parser("rram_nas_comp_pack", description="Compile neural networks onto few RRAM crossbars.")
    parser.add_argument(
        "--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="show the version and exit"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    add_pack(commands.add_parser("pack", help="compile a network to a layout with its latency"))
    add_image(commands.add_parser("image", help="write what a run's crossbars are loaded with"))
    add_accuracy(commands.add_parser("accuracy", help="measure what a run's chips get right"))
    add_simulate(commands.add_parser("simulate", help="compute latencies of a run's layout"))
    _add_verify(commands.add_parser("verify", help="check a run's layout from its files alone"))
    add_evolve(commands.add_parser("evolve", help="search a supernet for networks that suit the chip"))
    add_sweep(commands.add_parser("sweep", help="run a command at all values of some options"))
    _add_report(commands.add_parser("report", help="draw figures and a page of runs"))
    _add_compare(commands.add_parser("compare", help="show runs side by side"))
    _add_hardware(commands.add_parser("hardware", help="show the costs of one processing element"))
    _add_chip(commands.add_parser("chip", help="write the stuck cells of one chip"))
    add_faults(
        commands.add_parser("faults", help="write the stuck cells that a run's weights meet on a chip")
    )
    _add_doctor(commands.add_parser("doctor", help="show what is installed and what is missing"))
    add_reproduce(commands.add_parser("reproduce", help="measure the paper's claims on this machine"))
    return parser


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(__version__, flush=True)
        parser.exit()


class _Tuple(argparse.Action):
    def __call__(self, _p: object, namespace: argparse.Namespace, values: Any, _o: str | None = None) -> None:
        setattr(namespace, self.dest, tuple(values))


def _add_verify(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run_dir", type=path, metavar="RUN_DIR", help="folder of the run")
    add(
        "--execute",
        action="store_true",
        help="also run one sample through the crossbars and compare every integer with the integer network",
    )
    add(
        "--weights",
        type=path,
        metavar="FILE",
        help="with --execute: the weights that the image was made from",
    )
    add_other_config(parser)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "run_dirs", type=path, nargs="+", action=_Tuple, metavar="RUN_DIR", help="folders of runs"
    )
    parser.add_argument(
        "--out",
        type=path,
        metavar="DIR",
        help="folder for the report; several runs get a folder each in it (default: the folder of the run)",
    )
    add_figures(parser)


def _add_compare(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("run_dirs", type=path, nargs="+", action=_Tuple, metavar="RUN_DIR", help="folders of runs")
    add(
        "--format",
        choices=("csv", "markdown", "html"),
        help="format of the table (default: by the name of --out, else markdown)",
    )
    add("--out", type=path, metavar="FILE", help="file for the table (default: standard output)")


def _add_hardware(parser: argparse.ArgumentParser) -> None:
    positive = at_least(1)
    parser.add_argument("--rows", type=positive, required=True, metavar="H", help="number of active rows")
    parser.add_argument(
        "--columns", type=positive, required=True, metavar="W", help="number of active columns"
    )
    parser.add_argument(
        "--input-bits", type=positive, default=8, metavar="P", help="number of bits of the input (default: 8)"
    )
    add_config(parser)
    add_settings(parser)


def _add_chip(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--crossbars", type=at_least(1), required=True, metavar="N", help="number of logical crossbars")
    add("--seed", type=at_least(0), default=0, metavar="K", help="seed of the chip (default: 0)")
    add(
        "--out", type=path, default=Path("chip.npz"), metavar="FILE", help="file to write (default: chip.npz)"
    )
    add_config(parser)
    add_settings(parser)


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
