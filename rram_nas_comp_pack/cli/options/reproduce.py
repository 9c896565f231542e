"""Options of `reproduce`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ofa.parser import path

from ...errors import BadInput
from ...hardware.config.change import Settings
from .shared import add_config, add_settings, settings_of


@dataclass(frozen=True, slots=True)
class ReproduceOptions:
    """Options of `reproduce` by their names."""

    quick: bool
    out: Path
    resume: bool
    config: Path
    settings: Settings
    command_line: str


def add_reproduce(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    add = parser.add_argument
    add(
        "--quick",
        action="store_true",
        help="measure few cases with little effort, which takes some minutes on two cores",
    )
    add(
        "--out",
        type=path,
        default=Path("log/reproduce"),
        metavar="DIR",
        help="folder for the results (default: log/reproduce)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on where the measurements of this folder were interrupted, given the same options",
    )
    add_config(parser)
    add_settings(parser)


def reproduce_options(values: Mapping[str, Any], command_line: str) -> ReproduceOptions:
    """All of them. Raises BadInput for a folder that cannot be."""
    own = {name: value for name, value in values.items() if name not in ("set", "set_consistent")}
    out = own["out"]
    if not out.name or out.name.startswith("."):
        raise BadInput(f"--out: found {str(out)!r}, allowed is a folder whose name has no leading dot")
    return ReproduceOptions(**own, settings=settings_of(values), command_line=command_line)
