"""The hardware of a run: what result.json or front.json holds, its own copy, or the one at hand.

What is unsound raises BadInput.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ..errors import BadInput
from ..hardware.config.change import NO_SETTINGS, OPTION, Settings, changed, load_changed
from ..hardware.config.read import SHIPPED, Hardware, SimConfig, config_of, load_config
from .checked_json import JsonObject
from .origin import CONFIG_COPY

KEY = "simconfig"


class Chosen(NamedTuple):
    """Hardware, and a line that says where it comes from; nothing where it is the run's own."""

    hardware: Hardware
    note: str


def default_config() -> Path:
    """SimConfig.ini of the working folder, or the one that comes along."""
    here = Path("SimConfig.ini")
    return here if here.exists() else SHIPPED


def hardware_of(
    run_dir: Path, own: SimConfig | None, config: Path | None, settings: Settings = NO_SETTINGS
) -> Chosen:
    """What `--config` gives, or what the run holds, or what is at hand for a run that holds none.

    `settings` replace values of it.
    """
    also = f" with {OPTION}" if settings.texts else ""
    if config is not None:
        given = load_changed(config, settings)
        same = own is not None and own.digest == given.digest
        used = f"the hardware that {run_dir} was made with" if same else f"not the hardware of {run_dir}"
        return Chosen(given.hardware, f"--config: {config}{also} is used, {used}")
    if own is not None:
        note = f"{OPTION}: the hardware of {run_dir} is used with other values" if also else ""
        return Chosen(changed(own, settings).hardware, note or copy_note(run_dir, own))
    copy = run_dir / CONFIG_COPY
    usual = copy if copy.exists() else default_config()
    note = f"{run_dir} does not hold its hardware: {usual}{also} is used; --config chooses another"
    return Chosen(load_changed(usual, settings).hardware, note)


def config_of_run(run_dir: Path, own: SimConfig | None, config: Path | None) -> SimConfig:
    """The whole configuration that `hardware_of` takes the hardware from."""
    copy = run_dir / CONFIG_COPY
    if config is not None:
        return load_config(config)
    return own or load_config(copy if copy.exists() else default_config())


def copy_note(run_dir: Path, own: SimConfig | None) -> str:
    """Where the configuration in a run's folder is another than that of its results, a line that says so."""
    path = run_dir / CONFIG_COPY
    if own is None or not path.exists():
        return ""
    try:
        same = load_config(path).digest == own.digest
    except BadInput:
        same = False
    return (
        "" if same else f"{path} is not the hardware that the run was made with; that of its results is used"
    )


def read_simconfig(place: JsonObject) -> SimConfig | None:
    """The configuration that the run was made with; None in a file of version 0.1.0, which holds none."""
    return require_simconfig(place) if place.has(KEY) else None


def require_simconfig(place: JsonObject) -> SimConfig:
    """The configuration that an object holds."""
    held = place.within(KEY)
    found = _config(held)
    if held.text("sha256") != found.digest:
        held.fail("sha256", held.text("sha256"), f"that of the values, {found.digest}")
    return found


def _config(held: JsonObject) -> SimConfig:
    values = held.within("values")
    sections = {}
    for name in values.value:
        section = values.within(name)
        sections[name] = {key: section.text(key) for key in section.value}
    try:
        return config_of(sections, f"{held.source}: {held.name}")
    except BadInput as error:
        first, *others = error.args
        more = f"; and {len(others)} more fault{'s' * (len(others) > 1)}" if others else ""
        raise BadInput(f"{first}{more}") from None
