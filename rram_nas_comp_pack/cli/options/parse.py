"""The command line as frozen values. Nothing heavy is imported before the options are sound."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from ofa.parser import Parser, path, word

from ...errors import BadInput
from ...values import InputSize
from .converters import at_least, exp_id, objective, seconds, sizes
from .evolve import EvolveOptions, add_evolve, complete_evolve
from .shared import (
    add_config,
    add_duplication,
    add_ignored,
    add_no_report,
    add_other_config,
    add_packing,
    add_places,
    depthwise_mapping,
)

Command = Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class PackOptions:
    """Options of `pack`; names are those of the command line. `objective` is a number of samples."""

    exp_id: str
    model: str
    input_size: InputSize | None
    strict: bool
    num_crossbars: int
    find_solution: bool
    depth_split_factor: int
    layer_threshold: int
    xbar_max_load: int
    no_pack_heuristic: bool
    duplicate: bool
    tuner: str
    depthwise_mapping: str
    objective: int
    num_sample: int
    tune_effort: int | None
    tune_seconds: float | None
    packer: str
    pack_effort: int
    pack_seconds: float | None
    seed: int
    sim_log_samples: int
    no_report: bool
    trace: bool
    verbose: bool
    log_dir: Path
    config: Path
    command_line: str = ""


@dataclass(frozen=True, slots=True)
class SimulateOptions:
    """Options of `simulate`; without `config` the hardware is that of the run."""

    run_dir: Path
    num_sample: tuple[int, ...]
    config: Path | None


@dataclass(frozen=True, slots=True)
class VerifyOptions:
    """Options of `verify`; without `config` the hardware is that of the run."""

    run_dir: Path
    config: Path | None


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Options of `report`; without `out` a report lies in its run's folder."""

    run_dirs: tuple[Path, ...]
    out: Path | None


@dataclass(frozen=True, slots=True)
class CompareOptions:
    """Options of `compare`; `format` is "csv", "markdown", "html" or what the name of `out` says."""

    run_dirs: tuple[Path, ...]
    format: str | None
    out: Path | None


@dataclass(frozen=True, slots=True)
class HardwareOptions:
    """Options of `hardware`."""

    rows: int
    columns: int
    input_bits: int
    config: Path


@dataclass(frozen=True, slots=True)
class ChipOptions:
    """Options of `chip`."""

    crossbars: int
    seed: int
    out: Path
    config: Path


@dataclass(frozen=True, slots=True)
class DoctorOptions:
    """Options of `doctor`."""

    json: bool


@dataclass(frozen=True, slots=True)
class ReproduceOptions:
    """Options of `reproduce`."""

    quick: bool
    out: Path
    config: Path


class _Parser(Parser):
    """Raises the toolkit's own error."""

    refusal = BadInput


def parse(argv: Sequence[str]) -> tuple[Command, object]:
    """The command to run and its options. Raises BadInput; Answered after --help."""
    parser = new_parser()
    values = vars(parser.parse_args(argv))
    command, kind = values.pop("command"), values.pop("kind")
    if kind is PackOptions:
        _complete(values)
    if kind is EvolveOptions:
        complete_evolve(values)
    if kind in (PackOptions, EvolveOptions):
        values["command_line"] = shlex.join((parser.prog, *argv))
    return _command(command), kind(**values)


def new_parser() -> Parser:
    """The parser of all commands."""
    parser = _Parser("rram_nas_comp_pack", description="Compile neural networks onto few RRAM crossbars.")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)
    _add_pack(commands.add_parser("pack", help="network to layout and latency"))
    _add_simulate(commands.add_parser("simulate", help="latency of a run's layout"))
    _add_verify(commands.add_parser("verify", help="check a run's layout from its files"))
    add_evolve(commands.add_parser("evolve", help="search subnets of a supernet"))
    _add_report(commands.add_parser("report", help="figures and a page of runs"))
    _add_compare(commands.add_parser("compare", help="runs side by side"))
    _add_hardware(commands.add_parser("hardware", help="one processing element"))
    _add_chip(commands.add_parser("chip", help="the stuck cells of one chip"))
    _add_doctor(commands.add_parser("doctor", help="what is here and what is missing"))
    _add_reproduce(commands.add_parser("reproduce", help="the paper's claims, measured"))
    return parser


def _complete(values: dict[str, Any]) -> None:
    """Put in the defaults that depend on other options. Raises BadInput where options contradict."""
    duplicate = values["duplicate"]
    if duplicate and values["find_solution"]:
        raise BadInput("--duplicate fills a budget: found --find-solution, allowed is --num-crossbars N")
    values["depthwise_mapping"] = depthwise_mapping(values["depthwise_mapping"], duplicate)
    values["objective"] = values["objective"] or values["num_sample"]
    values["input_size"] = _input_size(values["input_size"])


def _input_size(given: Sequence[tuple[str, tuple[int, ...]]] | None) -> InputSize | None:
    """What `--input-size` says, None if nothing; the last one of a name wins, as with every option."""
    if not given:
        return None
    by_name = dict(given)
    return by_name[""] if [*by_name] == [""] else by_name


def _command(name: str) -> Command:
    """The command of that name; its module is imported only when it runs, with torch and numba behind it."""

    def run(options: Any) -> int:
        status: int = import_module(f"..commands.{name}", __package__).run(options)
        return status

    return run


def _add_pack(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=PackOptions)
    add = parser.add_argument
    add("--exp-id", type=exp_id, default="dev", metavar="ID", help="name of the run's folder (default: dev)")
    add(
        "--model",
        type=word,
        default="mbv3_small",
        help="shipped name, torchvision:NAME, timm:NAME, ofa:front.json#K, package.module:callable or "
        "a .onnx file (default: mbv3_small)",
    )
    add(
        "--input-size",
        type=sizes,
        action="append",
        metavar="[NAME=]C,H,W",
        help="one sample, without the batch (default: 3,64,64); once for each input by name where there are "
        "several",
    )
    add("--strict", action="store_true", help="fail where a part of the network cannot be mapped")
    add_packing(parser)
    add("--find-solution", action="store_true", help="seek the fewest crossbars, whatever the budget")
    add("--packer", choices=("fast", "best", "exact"), default="best", help="default: best")
    add(
        "--pack-effort",
        type=at_least(0),
        default=None,
        metavar="N",
        help="iterations of the improvement search",
    )
    add("--pack-seconds", type=seconds, default=None, metavar="S", help="cut packing short (default: never)")
    add_duplication(parser)
    add(
        "--objective",
        type=objective,
        default=None,
        metavar="GOAL",
        help="latency (of one sample), throughput, or samples:N (default: samples of --num-sample)",
    )
    add("--tune-seconds", type=seconds, default=None, metavar="S", help="cut tuning short (default: never)")
    add(
        "--sim-log-samples",
        type=at_least(1),
        default=4,
        metavar="N",
        help="samples traced in sim.log (default: 4)",
    )
    add("--trace", action="store_true", help="write their timeline too, trace.json, for Perfetto")
    add("--seed", type=at_least(0), default=123, help="of packer and tuners (default: 123)")
    add_no_report(parser)
    add("--verbose", action="store_true", help="copy logs.log to standard error")
    add_places(parser)
    unused = ("--device", "--coef-acc", "--coef-latency")
    add_ignored(parser, ("--log-pack", "--no-cuda", "--no-fine-tune", "-r"), unused)


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=SimulateOptions)
    parser.add_argument("run_dir", type=path, metavar="RUN_DIR")
    parser.add_argument(
        "--num-sample", type=at_least(1), nargs="+", action=_Tuple, required=True, metavar="N"
    )
    add_other_config(parser)


class _Tuple(argparse.Action):
    def __call__(self, _p: object, namespace: argparse.Namespace, values: Any, _o: str | None = None) -> None:
        setattr(namespace, self.dest, tuple(values))


def _add_verify(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=VerifyOptions)
    parser.add_argument("run_dir", type=path, metavar="RUN_DIR")
    add_other_config(parser)


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=ReportOptions)
    parser.add_argument("run_dirs", type=path, nargs="+", action=_Tuple, metavar="RUN_DIR")
    parser.add_argument(
        "--out",
        type=path,
        metavar="DIR",
        help="where it is written; with several runs, a folder for each there (default: in RUN_DIR)",
    )


def _add_compare(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=CompareOptions)
    add = parser.add_argument
    add("run_dirs", type=path, nargs="+", action=_Tuple, metavar="RUN_DIR")
    add("--format", choices=("csv", "markdown", "html"), help="default: by the name of --out, else markdown")
    add("--out", type=path, metavar="FILE", help="where it is written (default: printed)")


def _add_hardware(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=HardwareOptions)
    positive = at_least(1)
    parser.add_argument("--rows", type=positive, required=True, metavar="H", help="active rows")
    parser.add_argument("--columns", type=positive, required=True, metavar="W", help="active columns")
    parser.add_argument("--input-bits", type=positive, default=8, metavar="P", help="default: 8")
    add_config(parser)


def _add_chip(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=ChipOptions)
    add = parser.add_argument
    add("--crossbars", type=at_least(1), required=True, metavar="N", help="logical crossbars")
    add("--seed", type=at_least(0), default=0, metavar="K", help="which chip (default: 0)")
    add("--out", type=path, default=Path("chip.npz"), metavar="FILE", help="default: chip.npz")
    add_config(parser)


def _add_doctor(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=DoctorOptions)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def _add_reproduce(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(kind=ReproduceOptions)
    add = parser.add_argument
    add("--quick", action="store_true", help="few cases, little effort: some minutes on two cores")
    add("--out", type=path, default=Path("log/reproduce"), metavar="DIR", help="default: log/reproduce")
    add_config(parser)
