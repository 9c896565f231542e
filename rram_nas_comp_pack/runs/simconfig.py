"""Reads the hardware that a run holds, in result.json or front.json. What is unsound raises BadInput."""

from __future__ import annotations

from ..errors import BadInput
from ..hardware.config.read import SimConfig, config_of
from .checked_json import JsonObject

KEY = "simconfig"


def read_simconfig(place: JsonObject) -> SimConfig | None:
    """The configuration that the run was made with; None in a file of version 0.1.0, which holds none."""
    if not place.has(KEY):
        return None
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
