"""Options of what executes a network: its weights, and what its integers are found on."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ofa.parser import path

from ...errors import BadInput
from ...execution import CALIBRATION, RANDOM_INPUTS
from ...hardware.config.change import Settings, find_key
from ...hardware.config.several import Several, several_of
from .converters import at_least, dataset
from .shared import add_other_config, add_settings, settings_of

if TYPE_CHECKING:
    from ...execution.converters import AdcKind
    from ...execution.encoding import Encoding

ENCODINGS = ("plain", "fault-aware", "fault-aware-codes")
ADC_KINDS = ("ideal", "fixed", "calibrated")
INSTANCES = 10
"""Chips of a Monte Carlo."""
SWEEP = "--sweep"


def add_image(parser: argparse.ArgumentParser) -> None:
    """Options of `image`."""
    parser.add_argument("run_dir", type=path, metavar="RUN_DIR", help="folder of the run")
    add_weights(parser)


@dataclass(frozen=True, slots=True)
class AccuracyOptions:
    """Options of `accuracy` by their names.

    With `sweep` chips are judged at each of its values.
    """

    run_dir: Path
    dataset: str | None
    images: int | None
    split: Literal["validation", "test"]
    instances: int
    chip: tuple[Path, ...]
    encoding: Encoding
    adc: AdcKind
    assign: bool
    settings: Settings
    sweep: Several | None
    weights: Path | None
    calibration: int | None
    config: Path | None
    out: Path | None
    command_line: str

    @property
    def results(self) -> Path:
        """The folder that results are written into."""
        return self.out or self.run_dir


def accuracy_options(values: Mapping[str, Any], command_line: str) -> AccuracyOptions:
    """All of them. Raises BadInput where two contradict each other."""
    if values["chip"] and values["instances"] is not None:
        raise BadInput("--instances: found with --chip, allowed is one of them")
    own = _with_settings(values)
    own["chip"] = tuple(own["chip"] or ())
    own["instances"] = own["instances"] or INSTANCES
    own["sweep"] = _swept(own["sweep"], own) if own["sweep"] else None
    return AccuracyOptions(**own, command_line=command_line)


def _with_settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values, with those of --set as a record. Raises BadInput."""
    own = {name: value for name, value in values.items() if name not in ("set", "set_consistent")}
    return {**own, "settings": settings_of(values)}


def _swept(texts: Sequence[str], values: Mapping[str, Any]) -> Several:
    """The key and its values. Raises BadInput where the key is settled by an option or by the layout."""
    if len(texts) > 1:
        raise BadInput(f"{SWEEP}: found {len(texts)} times, allowed is one key")
    several = several_of(texts[0], SWEEP)
    name = several.key.name
    if name == "Xbar_Size":
        raise BadInput(f"{SWEEP}: found {name}, which the layout is made for; allowed are all other keys")
    if name in (find_key(text.partition("=")[0], "--set")[1].name for text in values["settings"].texts):
        raise BadInput(f"{SWEEP}: found {name}, which --set sets too; allowed is one of them")
    if name == "Device_SAF" and values["chip"]:
        raise BadInput(
            f"{SWEEP}: found {name} with --chip, whose files say which cells are stuck; allowed is with "
            "--instances"
        )
    return several


def add_accuracy(parser: argparse.ArgumentParser) -> None:
    """Options of `accuracy`."""
    add = parser.add_argument
    add("run_dir", type=path, metavar="RUN_DIR", help="folder of a packing run")
    add(
        "--dataset",
        type=dataset,
        metavar="NAME",
        help="clutter, digits, cifar10 or folder:PATH (default: that of the search for an ofa: model, random "
        "inputs for others)",
    )
    add("--images", type=at_least(1), metavar="N", help="the first N of the split (default: all of them)")
    add("--split", choices=("validation", "test"), default="test", help="images to judge by (default: test)")
    add(
        "--instances",
        type=at_least(1, 10_000),
        metavar="N",
        help=f"chips, drawn from the seeds 0 to N-1 (default: {INSTANCES})",
    )
    add(
        "--chip",
        type=path,
        nargs="+",
        metavar="FILE",
        help="these chips instead, in files as `chip` writes them",
    )
    add(
        "--encoding",
        choices=ENCODINGS,
        default="fault-aware",
        help="how weights are programmed: as plain digits, or around stuck cells: with codes and scales of "
        "channels that suit them, or with codes alone (default: fault-aware)",
    )
    add(
        "--adc",
        choices=ADC_KINDS,
        default="calibrated",
        help="ideal converters, MNSIM's fixed range, or a step for each layer (default: calibrated)",
    )
    add(
        "--assign", action="store_true", help="choose the physical crossbar of each logical one by its faults"
    )
    add_settings(parser)
    add(
        SWEEP,
        action="append",
        metavar="KEY=V1,V2,…",
        help="judge the chips at each of these values of a key; where a value itself has commas, slashes "
        "separate them: Device_Variation=0,5,10 or Device_SAF=0,0/0.1,0.1/1,1",
    )
    add_weights(parser)
    add_other_config(parser)
    add(
        "--out",
        type=path,
        metavar="DIR",
        help="folder for accuracy.json and the other files of results (default: RUN_DIR)",
    )


@dataclass(frozen=True, slots=True)
class FaultsOptions:
    """Options of `faults` by their names."""

    run_dir: Path
    seed: int
    chip: Path | None
    out: Path
    weights: Path | None
    settings: Settings
    config: Path | None


def faults_options(values: Mapping[str, Any], _command_line: str) -> FaultsOptions:
    """All of them. Raises BadInput where two contradict each other."""
    if values["chip"] is not None and values["seed"] is not None:
        raise BadInput("--seed: found with --chip, allowed is one of them")
    own = _with_settings(values)
    own["seed"] = own["seed"] or 0
    return FaultsOptions(**own)


def add_faults(parser: argparse.ArgumentParser) -> None:
    """Options of `faults`."""
    add = parser.add_argument
    add("run_dir", type=path, metavar="RUN_DIR", help="folder of a packing run of an ofa: model")
    add("--seed", type=at_least(0), metavar="K", help="chip, drawn from this seed (default: 0)")
    add("--chip", type=path, metavar="FILE", help="this chip instead, in a file as `chip` writes it")
    add(
        "--out",
        type=path,
        default=Path("faults.npz"),
        metavar="FILE",
        help="file to write (default: faults.npz)",
    )
    add(
        "--weights",
        type=path,
        metavar="FILE",
        help="supernet of the run's network (default: the shipped one)",
    )
    add_settings(parser)
    add_other_config(parser)


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
