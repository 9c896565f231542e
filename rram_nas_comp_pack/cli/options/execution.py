"""Options of what executes a network: its weights, and what its integers are found on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from ofa.parser import path

from ...errors import BadInput
from ...execution import CALIBRATION, RANDOM_INPUTS
from .converters import at_least


def add_image(parser: argparse.ArgumentParser) -> None:
    """Options of `image`."""
    parser.add_argument("run_dir", type=path, metavar="RUN_DIR", help="folder of the run")
    add_weights(parser)


def add_weights(parser: argparse.ArgumentParser) -> None:
    """Weights of a network that is executed, and what the ranges of inputs are found on."""
    parser.add_argument(
        "--weights",
        type=path,
        metavar="FILE",
        help="state_dict in a .pth, .npz or .safetensors file; of an ofa: model its supernet, or what "
        "ofa-rnc finetune wrote (default: the shipped supernet, random weights of --seed for other models)",
    )
    parser.add_argument(
        "--calibration",
        type=at_least(1),
        metavar="N",
        help="samples that the ranges of inputs are found on "
        f"(default: {CALIBRATION} training images of an ofa: model, {RANDOM_INPUTS} random inputs of others)",
    )


def require_image(values: Mapping[str, Any]) -> None:
    """Raise BadInput where options of `pack --image` are given without it."""
    for name in ("weights", "calibration"):
        if values[name] is not None and not values["image"]:
            raise BadInput(f"--{name}: found without --image, allowed is with it")
