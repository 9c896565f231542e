"""Where a run comes from: its hardware, its options, the command, the time and the machine."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from ..hardware.config.read import SimConfig, load_config
from ..runs.plain_text import plain
from ..values import DEFAULT_SIZE, InputSize, Network
from .options.evolve import EvolveOptions
from .options.parse import PackOptions
from .run_hardware import CONFIG_COPY


@dataclass(frozen=True, slots=True)
class Origin:
    """What a run is made from. `date` is UTC; with `host` it is all that equal runs differ in, but times."""

    config: SimConfig
    command: str
    date: str
    host: str


def begin(config: Path, command: str) -> Origin:
    """Read the configuration of a run that begins now, its warnings on standard error. Raises BadInput."""
    found = load_config(config)
    for warning in found.hardware.warnings:
        print(warning, file=sys.stderr)
    return Origin(found, command, datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"), platform.node())


def write_config(folder: Path, config: SimConfig) -> None:
    """Write the configuration as it was given, byte for byte."""
    (folder / CONFIG_COPY).write_bytes(config.content)


def config_entry(config: SimConfig) -> dict[str, object]:
    """The configuration as result.json and front.json hold it: the digest, and every value as text."""
    return {"sha256": config.digest, "values": {name: dict(keys) for name, keys in config.sections.items()}}


def origin_lines(origin: Origin) -> Iterator[str]:
    """The section of logs.log that says who made the run."""
    yield "[run]"
    yield f"command = {plain(origin.command)}"
    yield f"date = {origin.date}"
    yield f"host = {origin.host}"
    yield f"hardware = {origin.config.digest}"


def option_entry(options: PackOptions | EvolveOptions) -> dict[str, object]:
    """Options as JSON values."""
    entry = asdict(options)
    entry.pop("command_line")
    return {n: plain(str(v)) if isinstance(v, str | Path) else v for n, v in entry.items()}


def pack_option_entry(options: PackOptions, network: Network) -> dict[str, object]:
    """Options of `pack` as JSON values; the input size is None where the network states its own."""
    return {**option_entry(options), "input_size": used_size(options.input_size or DEFAULT_SIZE, network)}


def used_size(given: InputSize, network: Network) -> InputSize | None:
    """What of the given sizes a network was traced on, None for nothing; all where it does not say."""
    if not network.inputs:
        return given
    sizes = dict(network.inputs)
    every = [*sizes.values()]
    if isinstance(given, tuple):
        return given if any(_is_size(given, size) for size in every) else None
    used = {
        name: size
        for name, size in given.items()
        if any(_is_size(size, each) for each in ([sizes[name]] if name in sizes else every))
    }
    return used or None


def _is_size(given: tuple[int, ...], traced: tuple[int, ...]) -> bool:
    """Whether a size without the batch is that of an input with it."""
    return given in (traced[1:], traced)
