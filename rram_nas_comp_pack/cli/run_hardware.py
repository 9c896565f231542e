"""The hardware of a run: its own, unless `--config` gives another."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from ofa.streams import printable

from ..errors import BadInput
from ..hardware.config.read import Hardware, SimConfig, load_config
from .options.shared import default_config

CONFIG_COPY = "SimConfig.ini"
"""The name of a run's copy of its configuration."""


class Chosen(NamedTuple):
    """Hardware, and a line that says where it comes from; nothing where it is the run's own."""

    hardware: Hardware
    note: str


def hardware_of(run_dir: Path, own: SimConfig | None, config: Path | None) -> Chosen:
    """What `--config` gives, or what the run holds, or what is at hand for a run that holds none."""
    if config is not None:
        given = load_config(config)
        if own is not None and own.digest == given.digest:
            return Chosen(
                given.hardware, f"--config: {config} is used, the hardware that {run_dir} was made with"
            )
        return Chosen(given.hardware, f"--config: {config} is used in place of the hardware of {run_dir}")
    if own is not None:
        return Chosen(own.hardware, copy_note(run_dir, own))
    copy = run_dir / CONFIG_COPY
    usual = copy if copy.exists() else default_config()
    note = f"{run_dir} does not hold its hardware: {usual} is used, --config gives another"
    return Chosen(load_config(usual).hardware, note)


def copy_note(run_dir: Path, own: SimConfig | None) -> str:
    """Where the configuration in a run's folder is another than that of its results, a line that says so."""
    path = run_dir / CONFIG_COPY
    if own is None or not path.exists():
        return ""
    try:
        same = load_config(path).digest == own.digest
    except BadInput:
        same = False
    return "" if same else f"{path} is not the hardware that the run was made with: its results hold that one"


def say(note: str) -> None:
    """Print a line on standard error where there is something to say."""
    if note:
        print(printable(note), file=sys.stderr)
