"""Options of `sweep`: its own, and those of a command, of which each may have several values."""

from __future__ import annotations

import argparse
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from ofa.parser import Parser

from ...errors import BadInput
from ...hardware.config.change import OPTION
from ...hardware.config.several import several_of
from ...report.figure_options import FigureOptions
from .converters import exp_id
from .figures import NAMES as FIGURE_NAMES
from .figures import add_figures, figure_options
from .shared import Container, add_log_dir, add_workers

COMMANDS = ("pack", "evolve", "accuracy")
MOST_POINTS = 10_000

_RANGE = re.compile(r"(\d{1,18}):(\d{1,18})(?::(\d{1,18}))?")
_WITH_COMMAS = {"--input-size", "--objectives", "--diagonal-rows"}
"""Options whose values have commas themselves: slashes separate these."""

_REFUSED = {
    "--sweep": "several values of --set",
    "--out": "--exp-id and --log-dir",
}
"""Options of `accuracy` that a sweep has no use for, and what takes their place."""

_OWN = {"--exp-id", "--log-dir", "--workers", "--scheduler", "--in-step", "--no-report"} | {
    f"--{name.replace('_', '-')}" for name in FIGURE_NAMES
}
_NAMES = {option.removeprefix("--").replace("-", "_") for option in _OWN}


class Point(NamedTuple):
    """One run of a sweep: the values that it has of what is swept, by name, and its command line.

    The command line lacks what says where its files go.
    """

    values: tuple[str, ...]
    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """Options of `sweep` by their names; `swept` are the names of what has several values, in order.

    Every value occurs in one of the command lines `samples`: what is wrong with one can be told at once.
    """

    command: str
    swept: tuple[str, ...]
    points: tuple[Point, ...]
    samples: tuple[tuple[str, ...], ...]
    exp_id: str
    log_dir: Path
    workers: int
    scheduler: str | None
    no_report: bool
    figures: FigureOptions
    command_line: str


class _Choice(NamedTuple):
    """What a part of the command line may be: a name where there are several ways, and the words of each."""

    name: str
    ways: tuple[tuple[str, tuple[str, ...]], ...]


def add_sweep(parser: argparse.ArgumentParser) -> None:
    """Add the command and its options; `sweep_options` takes the sweep's own out of these."""
    add = parser.add_argument
    add(
        "command_swept",
        choices=COMMANDS,
        metavar="COMMAND",
        help="command that makes the runs: pack or evolve; or accuracy, which judges the chips of a run",
    )
    add(
        "rest",
        nargs=argparse.REMAINDER,
        metavar="OPTIONS",
        help="options of this command, of accuracy behind one RUN_DIR or several, and those below; an option "
        "may have several values: 150,200 or, of whole numbers, FROM:TO:STEP, and --set KEY=V1,V2; where a "
        "value itself has commas, slashes separate them: --set Xbar_Size=64,64/128,128",
    )
    for action in _add_own(parser.add_argument_group("options of the sweep")):
        action.default = argparse.SUPPRESS  # what stands before COMMAND is told from what does not


def _one_id(text: str) -> str:
    """The name of the sweep's folder: it is no option to have several values."""
    if "," in text:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is one name without commas: all points of a sweep lie in one folder"
        )
    return exp_id(text)


def _add_own(parser: Container) -> tuple[argparse.Action, ...]:
    """Add the sweep's own options to a parser or a group."""
    add = parser.add_argument
    return (
        add(
            "--exp-id",
            type=_one_id,
            default="sweep",
            metavar="ID",
            help="name of its folder (default: sweep)",
        ),
        add_log_dir(parser),
        add(
            "--in-step",
            action="store_true",
            help="take the first values together, then the second ones, and so on, not all combinations",
        ),
        *add_workers(parser, "makes the runs"),
        add("--no-report", action="store_true", help="write no report.html and no figures"),
        *add_figures(parser),
    )


def sweep_options(values: Mapping[str, Any], command_line: str) -> SweepOptions:
    """The options that these stand for. Raises BadInput where they contradict."""
    command = values["command_swept"]
    own: list[tuple[str, ...]] = []
    others: list[tuple[str, ...]] = []
    for each in _parts(values["rest"]):
        (own if each[0].partition("=")[0] in _OWN else others).append(each)
    parser = Parser("rram_nas_comp_pack sweep")
    parser.refusal = BadInput
    _add_own(parser)
    behind = vars(parser.parse_args([text for each in own for text in each]))
    found = {**behind, **{name: values[name] for name in _NAMES if name in values}}
    in_step = found.pop("in_step")
    found = {n: v for n, v in found.items() if n not in FIGURE_NAMES} | {"figures": figure_options(found)}
    if command == "accuracy":
        _require_run(others)
    choices = [choice for each in others for choice in _choices(each)]
    points = tuple(_points(command, choices, in_step))
    swept = tuple(choice.name for choice in choices if choice.name)
    if len(set(swept)) < len(swept):
        raise BadInput(f"sweep: found several values of {', '.join(swept)}, allowed is each option once")
    samples = tuple(dict.fromkeys(_samples(command, choices)))
    return SweepOptions(command, swept, points, samples, command_line=command_line, **found)


def _require_run(parts: Sequence[Sequence[str]]) -> None:
    """Raise BadInput where no run stands before the options of `accuracy`, or an option has no use here."""
    names = [each[0].partition("=")[0] for each in parts]
    if {"-h", "--help"} & {*names}:
        return
    if not names or names[0].startswith("-"):
        raise BadInput("sweep accuracy: found no RUN_DIR, allowed is one or several before all options")
    for name in names:
        if name in _REFUSED:
            raise BadInput(f"sweep accuracy: found {name}, allowed instead: {_REFUSED[name]}")


def _parts(words: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Options with their values, and words before the first option by themselves."""
    part: list[str] = []
    for text in words:
        if text.startswith("-") and part:
            yield tuple(part)
            part = []
        part.append(text)
    if part:
        yield tuple(part)


def _choices(part: Sequence[str]) -> Iterator[_Choice]:
    """The ways that an option with its values may be read."""
    if not part[0].startswith("-"):
        yield _Choice("run_dir" if len(part) > 1 else "", tuple((each, (each,)) for each in part))
        return
    option, equals, value = part[0].partition("=")
    words = ([value] if equals else []) + list(part[1:])
    if option == OPTION and len(words) == 1:
        several = several_of(words[0], OPTION)
        ways = tuple((each, (OPTION, several.setting(each))) for each in several.values)
        yield _Choice(several.key.name if len(ways) > 1 else "", ways)
        return
    found = _values(option, words[0]) if len(words) == 1 and option.startswith("--") else []
    if len(found) > 1:
        name = option.lstrip("-").replace("-", "_")
        yield _Choice(name, tuple((each, (option, each)) for each in found))
    else:
        yield _Choice("", (("", (option, *found) if found else tuple(part)),))


def _values(option: str, text: str) -> list[str]:
    """Several values in a text, or the text alone."""
    numbers = _RANGE.fullmatch(text)
    if numbers:
        first, last, step = (int(each or 1) for each in numbers.groups())
        if step < 1 or last < first or (last - first) // step >= MOST_POINTS:
            raise BadInput(
                f"{option}: found {text!r}, allowed is FROM:TO or FROM:TO:STEP, rising, with at most "
                f"{MOST_POINTS} values"
            )
        if (last - first) % step:
            reached = last + step - (last - first) % step
            raise BadInput(
                f"{option}: found {text!r}, whose steps pass by {last}; allowed is, for one, "
                f"{first}:{reached}:{step}"
            )
        return [str(number) for number in range(first, last + 1, step)]
    parts = [each.strip() for each in text.split("/" if option in _WITH_COMMAS else ",")]
    if len(parts) > 1 and ("" in parts or len(set(parts)) < len(parts)):
        what = "an empty value" if "" in parts else "a value twice"
        raise BadInput(
            f"{option}: found {what} in {text!r}, allowed are different values, none of them empty"
        )
    if len(parts) > 1 and any(map(_RANGE.fullmatch, parts)):
        raise BadInput(f"{option}: found a range among values, {text!r}, allowed is either")
    return parts


def _points(command: str, choices: Sequence[_Choice], in_step: bool) -> Iterator[Point]:
    """The points in order. Raises BadInput where there are too many, or lists that do not go in step."""
    ways = [choice.ways for choice in choices]
    lengths = {len(choice.ways) for choice in choices if choice.name}
    if in_step and len(lengths) > 1:
        told = ", ".join(f"{len(choice.ways)} of {choice.name}" for choice in choices if choice.name)
        raise BadInput(f"--in-step: found {told}, allowed are as many values of each")
    longest = max(lengths, default=1)
    count = longest if in_step else prod(map(len, ways))
    if count > MOST_POINTS:
        raise BadInput(f"sweep: found {count} points, allowed are at most {MOST_POINTS}")
    rows: Iterable[tuple[tuple[str, tuple[str, ...]], ...]] = itertools.product(*ways)
    if in_step:
        rows = zip(*(each * (longest // len(each)) for each in ways), strict=True)
    for row in rows:
        values = tuple(value for (value, _), choice in zip(row, choices, strict=True) if choice.name)
        yield Point(values, (command, *(text for _, words in row for text in words)))


def _samples(command: str, choices: Sequence[_Choice]) -> Iterator[tuple[str, ...]]:
    """Command lines in which every value occurs."""
    first = [choice.ways[0] for choice in choices]
    for place, choice in enumerate(choices):
        for way in choice.ways:
            row = [*first[:place], way, *first[place + 1 :]]
            yield (command, *(text for _, words in row for text in words))
