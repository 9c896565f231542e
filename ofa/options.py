"""Options of `python -m ofa`, as values; torch is not needed to refuse what is wrong."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from ofa.architecture import LARGEST, Configuration, configuration
from ofa.errors import BadInput
from ofa.parser import Parser, path, word
from ofa.recipe import OPTIMIZERS, default_recipe


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of a command by name, and with `train` the `recipe` that they make.

    `device` is None for a GPU where there is one. Raises BadInput, in one line; Answered after --help.
    """
    given = new_parser().parse_args(argv)
    if given.command == "train":
        given.recipe = default_recipe(given.dataset, given.epochs, given.optimizer, given.seed)
    return given


def new_parser() -> Parser:
    """Return the parser of both commands."""
    parser = Parser("ofa", description="Train a once-for-all supernet, and judge its subnets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    train = commands.add_parser("train", help="train a supernet by progressive shrinking")
    evaluate = commands.add_parser("evaluate", help="print the accuracy of a subnet as a line of JSON")
    for command, own in ((train, _TRAIN), (evaluate, _EVALUATE)):
        for name, settings in (_COMMON | own).items():
            command.add_argument(name, **settings)
    return parser


def _checked(pattern: str, allowed: str, convert: Callable[[str], Any] = str) -> Callable[[str], Any]:
    """Return the conversion of an option's text, refused where it does not match."""

    def checked(text: str) -> Any:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise argparse.ArgumentTypeError(f"found {text!r}, allowed {allowed}")
        return convert(word(text))

    return checked


def _four(text: str) -> tuple[int, ...]:
    numbers = [int(part) for part in text.split(",")]
    return tuple(numbers * (4 // len(numbers)))


def subnet(text: str) -> Configuration:
    """Return the subnet that a JSON object describes; what it lacks is the largest."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not found.keys() <= {"ks", "e", "d"}:
        allowed = 'allowed is a JSON object like {"ks": 3, "e": 4, "d": [2, 3, 4, 2]}'
        raise argparse.ArgumentTypeError(f"found {text!r}, {allowed}")
    try:
        return configuration(**(LARGEST._asdict() | found))
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from error


_dataset = _checked("digits|cifar10|folder:.+", "are digits, cifar10 and folder:PATH")
_epochs = _checked(
    r"0*[1-9]\d{0,5}(,\d{1,6}){3}|0*[1-9]\d{0,5}",
    "is one number or four like 12,4,4,8, the first at least 1",
    _four,
)
_seed = _checked(r"\d{1,18}", "is a whole number from 0, of 18 digits", int)
_COMMON: dict[str, dict[str, Any]] = {
    "--dataset": {"default": "digits", "type": _dataset, "metavar": "NAME",
                  "help": "images: digits, cifar10 (in dataset/cifar10, or downloaded) or folder:PATH "
                          "(default: digits)"},
    "--device": {"type": word, "metavar": "NAME",
                 "help": "device that computes: cpu, cuda or cuda:N (default: a GPU if there is one)"},
}  # fmt: skip
_TRAIN: dict[str, dict[str, Any]] = {
    "--out": {"type": path, "required": True, "metavar": "FILE",
              "help": "checkpoint, which is written after every epoch"},
    "--epochs": {"type": _epochs, "metavar": "N[,N,N,N]",
                 "help": "epochs of the full network, and of elastic kernels, depths and expansions; "
                         "a single number counts for each of the four (default: by data set)"},
    "--optimizer": {"choices": tuple(OPTIMIZERS), "default": "adamw",
                    "help": "optimizer of the training (default: adamw)"},
    "--seed": {"type": _seed, "default": 0, "metavar": "N",
               "help": "seed of everything that is random (default: 0)"},
    "--resume": {"action": "store_true", "help": "continue the training in FILE, given the same options"},
    "--half": {"action": "store_true", "help": "store weights in half precision when the training ends"},
}  # fmt: skip
_EVALUATE: dict[str, dict[str, Any]] = {
    "--checkpoint": {"type": path, "required": True, "metavar": "FILE", "help": "checkpoint of a supernet"},
    "--subnet": {"type": subnet, "default": LARGEST, "metavar": "JSON",
                 "help": 'subnet, such as \'{"ks": 3, "e": 4, "d": [2, 3, 4, 2]}\'; what it does not say is '
                         "as large as possible (default: the largest subnet)"},
    "--split": {"choices": ("validation", "test"), "default": "validation",
                "help": "images on which the accuracy is measured (default: validation)"},
}  # fmt: skip
