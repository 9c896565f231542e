"""Options of networks that are larger than the chip."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from ...errors import BadInput
from .converters import MOST_SAMPLES, at_least, number

if TYPE_CHECKING:
    from ...reload.segments import ReloadSettings

DEFAULTS = {"batch": None, "write_parallel": None, "write_pulses": 1, "endurance": 1e6, "rate": 30.0}
"""Values of options that belong to `--reload`; the batch is that of `--num-sample`."""

NAMES = ("reload", *DEFAULTS)


def add_reload(parser: argparse.ArgumentParser) -> None:
    """Add the options; those of how to reload stay None where they are not given."""
    add = parser.add_argument
    add(
        "--reload",
        choices=("no", "auto", "always"),
        nargs="?",
        const="auto",
        default="no",
        help="cut a network into segments that are written and run one after another: auto: if it does not "
        "fit, which --reload alone means too; always: also where that is faster (default: no)",
    )
    add(
        "--batch",
        type=at_least(1, MOST_SAMPLES),
        metavar="N",
        help="number of samples that run through a segment before the next one is written "
        "(default: that of --num-sample)",
    )
    add(
        "--write-parallel",
        type=at_least(1),
        metavar="N",
        help="number of crossbars that can be written at once (default: all)",
    )
    add(
        "--write-pulses",
        type=at_least(1, 100_000),
        metavar="N",
        help="number of pulses for each phase of a row, as of write and verify (default: 1)",
    )
    add(
        "--endurance",
        type=number(1, 1e18),
        metavar="N",
        help="number of writes that a cell survives (default: 1e6)",
    )
    add(
        "--rate",
        type=number(1e-6, 1e12),
        metavar="F",
        help="inferences a second, by which the life of the chip is told (default: 30)",
    )


def reload_values(values: dict[str, Any]) -> dict[str, Any]:
    """The values of these options with their defaults. Raises BadInput where they lack `--reload`."""
    own = {name: values[name] for name in NAMES}
    if own["reload"] == "no":
        given = next((name for name in DEFAULTS if own[name] is not None), None)
        if given is not None:
            raise BadInput(f"--{given.replace('_', '-')}: found without --reload, allowed is with it")
    elif values["find_solution"]:
        raise BadInput("--reload needs a chip: found --find-solution, allowed is --num-crossbars N")
    found = {name: default if own[name] is None else own[name] for name, default in DEFAULTS.items()}
    return {"reload": own["reload"], **found, "batch": found["batch"] or values["num_sample"]}


def reload_settings(own: dict[str, Any]) -> ReloadSettings:
    """What the values stand for."""
    from ...hardware.writing import WriteSettings
    from ...reload.segments import ReloadSettings

    writing = WriteSettings(own["write_parallel"], own["write_pulses"])
    return ReloadSettings(own["batch"], writing, own["endurance"], own["rate"], own["reload"] == "always")
