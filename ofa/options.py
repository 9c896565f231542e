"""Options of `python -m ofa`, as values; torch is not needed to refuse what is wrong."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ofa.architecture import LARGEST, Configuration, configuration
from ofa.errors import BadInput
from ofa.parser import Parser, path, word
from ofa.recipe import ENCODINGS, OPTIMIZERS, Encoding, FineTuning, Noise, default_recipe


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Return the options of a command by name, and with those that train the `recipe` that they make.

    `device` is None for a GPU where there is one. Raises BadInput, in one line; Answered after --help.
    """
    given = new_parser().parse_args(argv)
    if given.command == "train":
        noise = _noise_of(given.noise, given.encoding)
        given.recipe = default_recipe(given.dataset, given.epochs, given.optimizer, given.seed)
        given.recipe = replace(given.recipe, noise=noise)
    elif given.command == "finetune":
        noise = _cells_of(given.noise, given.encoding, given.chip)
        given.recipe = FineTuning(given.dataset, given.subnet, noise, given.epochs, seed=given.seed)
    return given


def new_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser("ofa", description="Train a once-for-all supernet, and judge its subnets.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND", dest="command")
    train = commands.add_parser("train", help="train a supernet by progressive shrinking")
    finetune = commands.add_parser("finetune", help="fine-tune a subnet for cells that are stuck and vary")
    evaluate = commands.add_parser("evaluate", help="print the accuracy of a subnet as a line of JSON")
    for command, own in ((train, _TRAIN), (finetune, _FINETUNE), (evaluate, _EVALUATE)):
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


def _noise(text: str) -> Noise:
    """Return the noise that two or three percentages describe."""
    high, low, variation = (float(part) / 100 for part in f"{text},0".split(",")[:3])
    try:
        return Noise(high, low, variation)
    except BadInput as error:
        raise argparse.ArgumentTypeError(f"found {text!r}: {error}") from error


def _noise_of(noise: Noise | None, encoding: Encoding | None) -> Noise | None:
    """Return the noise with its encoding. Raises BadInput for an encoding alone."""
    if noise is None and encoding is not None:
        raise BadInput(f"--encoding: found {encoding!r} without noise, allowed is with --noise")
    return noise and replace(noise, encoding=encoding or "plain")


def _cells_of(noise: Noise | None, encoding: Encoding | None, chip: Path | None) -> Noise:
    """Return the noise of fine-tuning. Raises BadInput where stuck cells are drawn and known."""
    if chip is None:
        return replace(noise or Noise(0.01, 0.01, 0.01), encoding=encoding or "plain")
    if noise is not None and noise.stuck_high + noise.stuck_low > 0:
        raise BadInput("--noise: found stuck cells with --chip, which has its own; allowed is 0,0,P")
    return replace(noise or Noise(variation=0.01), encoding=encoding or "fault-aware")


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


_dataset = _checked("clutter|digits|cifar10|folder:.+", "are clutter, digits, cifar10 and folder:PATH")
_epochs = _checked(
    r"0*[1-9]\d{0,5}(,\d{1,6}){3}|0*[1-9]\d{0,5}",
    "is one number or four like 12,4,4,8, the first at least 1",
    _four,
)
_seed = _checked(r"\d{1,18}", "is a whole number from 0, of 18 digits", int)
_percent = r"\d{1,3}(\.\d{1,12})?"
_noisy = _checked(
    f"{_percent},{_percent}(,{_percent})?",
    "is percentages like 1,1 or 1,1,5: stuck high, stuck low, and variation",
    _noise,
)
_few_epochs = _checked(r"0*[1-9]\d{0,5}", "is a whole number from 1", int)
_COMMON: dict[str, dict[str, Any]] = {
    "--dataset": {"default": "digits", "type": _dataset, "metavar": "NAME",
                  "help": "images: clutter, digits, cifar10 (in dataset/cifar10, or downloaded) or "
                          "folder:PATH (default: digits)"},
    "--device": {"type": word, "metavar": "NAME",
                 "help": "device that computes: cpu, cuda or cuda:N (default: a GPU if there is one)"},
}  # fmt: skip
_ENCODING: dict[str, Any] = {
    "choices": ENCODINGS,
    "help": "how weights are programmed: plain, or around faults that are known (default: plain)",
}
_SEED: dict[str, Any] = {
    "type": _seed, "default": 0, "metavar": "N", "help": "seed of everything that is random (default: 0)"
}  # fmt: skip
_TRAIN: dict[str, dict[str, Any]] = {
    "--out": {"type": path, "required": True, "metavar": "FILE",
              "help": "checkpoint, which is written after every epoch"},
    "--epochs": {"type": _epochs, "metavar": "N[,N,N,N]",
                 "help": "epochs of the full network, and of elastic kernels, depths and expansions; "
                         "a single number counts for each of the four (default: by data set)"},
    "--optimizer": {"choices": tuple(OPTIMIZERS), "default": "adamw",
                    "help": "optimizer of the training (default: adamw)"},
    "--noise": {"type": _noisy, "metavar": "P,P[,P]",
                "help": "percent of the cells stuck at the highest and at the lowest resistance, and "
                        "variation, drawn anew for every batch (default: none, exact products)"},
    "--encoding": _ENCODING,
    "--seed": _SEED,
    "--resume": {"action": "store_true", "help": "continue the training in FILE, given the same options"},
    "--half": {"action": "store_true", "help": "store weights in half precision when the training ends"},
}  # fmt: skip
_SUBNET: dict[str, Any] = {
    "type": subnet, "default": LARGEST, "metavar": "JSON",
    "help": 'subnet, such as \'{"ks": 3, "e": 4, "d": [2, 3, 4, 2]}\'; what it does not say is '
            "as large as possible (default: the largest subnet)",
}  # fmt: skip
_FINETUNE: dict[str, dict[str, Any]] = {
    "--checkpoint": {"type": path, "required": True, "metavar": "FILE", "help": "checkpoint of a supernet"},
    "--subnet": _SUBNET,
    "--out": {"type": path, "required": True, "metavar": "FILE",
              "help": "state_dict of the subnet, which is written after every epoch"},
    "--noise": {"type": _noisy, "metavar": "P,P[,P]",
                "help": "percent of the cells stuck at the highest and at the lowest resistance, and "
                        "variation, drawn anew for every batch (default: 1,1,1, as SimConfig.ini has them; "
                        "0,0,1 with --chip)"},
    "--chip": {"type": path, "metavar": "FILE",
               "help": "train for one chip, whose stuck cells are known: a file that rnc faults wrote "
                       "(default: none, stuck cells are drawn)"},
    "--encoding": {"choices": ENCODINGS,
                   "help": "how weights are programmed: plain, or around faults that are known (default: "
                           "plain, fault-aware with --chip)"},
    "--epochs": {"type": _few_epochs, "default": 8, "metavar": "N",
                 "help": "epochs of the training (default: 8)"},
    "--seed": _SEED,
    "--resume": {"action": "store_true", "help": "continue the training in FILE, given the same options"},
}  # fmt: skip
_EVALUATE: dict[str, dict[str, Any]] = {
    "--checkpoint": {"type": path, "required": True, "metavar": "FILE", "help": "checkpoint of a supernet"},
    "--subnet": _SUBNET,
    "--split": {"choices": ("validation", "test"), "default": "validation",
                "help": "images on which the accuracy is measured (default: validation)"},
}  # fmt: skip
