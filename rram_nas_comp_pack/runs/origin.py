"""Where a run comes from: its hardware, the command, the time and the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

from .. import __version__
from ..hardware.config.change import NO_SETTINGS, Settings, load_changed
from ..hardware.config.read import SimConfig

CONFIG_COPY = "SimConfig.ini"
"""The name of a run's copy of its configuration."""


OFFERED = "hardware"
"""The folder in that of a search which holds the configurations that networks chose from."""


class OfferedConfig(NamedTuple):
    """A configuration that networks may choose, by its file's name, and how many crossbars may be used."""

    name: str
    crossbars: int
    config: SimConfig


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run is made from. `date` is UTC; with `host` it is all that equal runs differ in, but times.

    `offered` are all configurations where networks choose among several; `config` is the first of them.
    """

    config: SimConfig
    command: str
    date: str
    host: str
    offered: tuple[OfferedConfig, ...] = ()


def begin(config: Path, command: str, settings: Settings = NO_SETTINGS) -> Origin:
    """Read the configuration of a run that begins now, with other values. Raises BadInput."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Origin(load_changed(config, settings), command, now, platform.node())


def write_config(folder: Path, config: SimConfig) -> None:
    """Write the configuration as it was given, byte for byte."""
    (folder / CONFIG_COPY).write_bytes(config.content)


def write_configs(folder: Path, origin: Origin) -> None:
    """Write the configuration, and in a folder of their own all that networks chose from."""
    write_config(folder, origin.config)
    for own in origin.offered:
        path = folder / offered_place(own.name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(own.config.content)


def offered_place(name: str) -> str:
    """Where a configuration that networks chose lies, as a path from the run's folder."""
    return f"{OFFERED}/{name}.ini"


def config_entry(config: SimConfig) -> dict[str, object]:
    """The configuration as result.json and front.json hold it: the digest, and every value as text."""
    return {"sha256": config.digest, "values": {name: dict(keys) for name, keys in config.sections.items()}}


def versions() -> Iterator[tuple[str, str]]:
    """Of this toolkit, Python and the libraries that results depend on."""
    yield "rram_nas_comp_pack", __version__
    yield "python", platform.python_version()
    for package in ("numpy", "numba", "torch", "ortools"):
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
