"""Options of `python -m ofa`, as values; torch is not needed to refuse what is wrong."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ofa.architecture import DEPTHS, EXPANSIONS, KERNELS, Configuration, configuration
from ofa.errors import BadInput
from ofa.recipe import OPTIMIZERS, Recipe, customary


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Train by a recipe into the file `out`, at last in half precision where `half` says so.

    `device` is None for a GPU where there is one.
    """

    recipe: Recipe
    out: Path
    resume: bool
    half: bool
    device: str | None


@dataclass(frozen=True, slots=True)
class EvaluateOptions:
    """Judge a subnet of a checkpoint, on the images for testing where `test` says so, else for validation."""

    checkpoint: Path
    dataset: str
    subnet: Configuration
    test: bool
    device: str | None


Options = TrainOptions | EvaluateOptions


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{' '.join(message.split())} (see {self.prog} --help)")


def parse(argv: Sequence[str] | None = None) -> Options:
    """Return the options of a command. Raises BadInput, in one line; SystemExit after --help."""
    parser = _Parser("ofa", description="Train a once-for-all supernet, and judge its subnets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    _add_train(commands.add_parser("train", help="progressive shrinking, into a checkpoint"))
    _add_evaluate(commands.add_parser("evaluate", help="a subnet's accuracy, as a line of JSON"))
    given = parser.parse_args(argv)
    device = given.device
    if given.command == "train":
        recipe = customary(given.dataset, given.epochs, given.optimizer, given.seed)
        return TrainOptions(recipe, given.out, given.resume, given.half, device)
    return EvaluateOptions(given.checkpoint, given.dataset, given.subnet, given.split == "test", device)


def _add_common(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--dataset", default="digits", type=_dataset, metavar="NAME",
        help="digits (default), cifar10 (in dataset/cifar10, or downloaded) or folder:PATH")  # fmt: skip
    add("--device", metavar="NAME", help="cpu, cuda or cuda:N (default: a GPU if there is one)")


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    add = parser.add_argument
    add("--out", type=Path, required=True, metavar="FILE", help="checkpoint, written after every epoch")
    add("--epochs", type=_epochs, metavar="N[,N,N,N]",
        help="of full network, kernel, depth and expansion, or of each (default: by data set)")  # fmt: skip
    add("--optimizer", choices=tuple(OPTIMIZERS), default="adamw", help="default: adamw")
    add("--seed", type=_seed, default=0, metavar="N", help="of all that is random (default: 0)")
    add("--resume", action="store_true", help="go on with the run in FILE, given the same options")
    add("--half", action="store_true", help="halve the finished file: weights in half precision")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_common(parser)
    add = parser.add_argument
    add("--checkpoint", type=Path, required=True, metavar="FILE", help="a supernet")
    add("--subnet", type=subnet, default=subnet("{}"), metavar="JSON",
        help='such as \'{"ks": 3, "e": 4, "d": [2, 3, 4, 2]}\'; what is missing is the largest')  # fmt: skip
    add("--split", choices=("validation", "test"), default="validation", help="default: validation")


def _dataset(text: str) -> str:
    if text in ("digits", "cifar10") or (text.startswith("folder:") and text != "folder:"):
        return text
    raise argparse.ArgumentTypeError(f"found {text!r}, allowed are digits, cifar10 and folder:PATH")


def _epochs(text: str) -> tuple[int, int, int, int]:
    parts = text.split(",")
    numbers = [int(part) for part in parts if part.strip().isdecimal() and len(part) < 7]
    if len(numbers) != len(parts) or len(parts) not in (1, 4) or numbers[0] < 1:
        allowed = "allowed is one number or four like 12,4,4,8, the first at least 1"
        raise argparse.ArgumentTypeError(f"found {text!r}, {allowed}")
    full, kernel, depth, expansion = numbers * (4 // len(numbers))
    return full, kernel, depth, expansion


def _seed(text: str) -> int:
    if not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a whole number from 0, of 18 digits")
    return int(text)


def subnet(text: str) -> Configuration:
    """Return the subnet that a JSON object describes; what it lacks is the largest."""
    allowed = 'allowed is a JSON object like {"ks": 3, "e": 4, "d": [2, 3, 4, 2]}'
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found.keys() <= {"ks", "e", "d"}:
        raise argparse.ArgumentTypeError(f"found {text!r}, {allowed}")
    largest = {"ks": KERNELS[-1], "e": EXPANSIONS[-1], "d": DEPTHS[-1]}
    try:
        return configuration(**(largest | found))
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from error
