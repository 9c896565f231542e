"""Single values of a configuration replaced: `KEY=VALUE` or `SECTION.KEY=VALUE`, as the file has them."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ...errors import BadInput
from .ini import shown
from .keys import KEYS, TILE, Key
from .read import SimConfig, config_of


def changed(config: SimConfig, settings: Sequence[str], option: str) -> SimConfig:
    """The configuration with these values, checked as a file is; `option` names them in errors.

    Raises BadInput, in one line.
    """
    if not settings:
        return config
    sections = {name: dict(values) for name, values in config.sections.items()}
    for text in settings:
        _put(sections, text, option)
    try:
        return config_of(sections, option)
    except BadInput as error:
        first, *others = error.args
        more = f"; and {len(others)} more fault{'s' * (len(others) > 1)}" if others else ""
        raise BadInput(f"{first}{more}") from None


def _put(sections: dict[str, dict[str, str]], text: str, option: str) -> None:
    place, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"{option}: found {shown(text)!r}, allowed is KEY=VALUE or SECTION.KEY=VALUE")
    home, key = find_key(place, option)
    sections.setdefault(home, {})[key.name] = value.strip()


def find_key(place: str, option: str) -> tuple[str, Key]:
    """The section and the key that KEY or SECTION.KEY names, in whatever case; `option` names it in errors.

    Raises BadInput, with the nearest key, where there is none.
    """
    section, _, name = place.strip().rpartition(".")
    homes = {
        key.name.lower(): (home, key)
        for home, keys in reversed(list(KEYS.items()))
        for key in keys
        if (home != TILE and not section) or home.lower() == section.lower()
    }
    found = homes.get(name.lower())
    if found is None:
        near = get_close_matches(name.lower(), homes, 1, 0.0)
        allowed = homes[near[0]][1].name if near else f"a section of {', '.join(KEYS)}"
        raise BadInput(f"{option}: found {shown(place)!r}, no key of SimConfig.ini; the nearest is {allowed}")
    return found
