"""Where a run comes from: its hardware, the command, the time and the machine."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..hardware.config.read import SimConfig, load_config

CONFIG_COPY = "SimConfig.ini"
"""The name of a run's copy of its configuration."""


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run is made from. `date` is UTC; with `host` it is all that equal runs differ in, but times."""

    config: SimConfig
    command: str
    date: str
    host: str


def begin(config: Path, command: str) -> Origin:
    """Read the configuration of a run that begins now. Raises BadInput."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Origin(load_config(config), command, now, platform.node())


def write_config(folder: Path, config: SimConfig) -> None:
    """Write the configuration as it was given, byte for byte."""
    (folder / CONFIG_COPY).write_bytes(config.content)


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
