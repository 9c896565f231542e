"""Single values of a configuration replaced: `KEY=VALUE` or `SECTION.KEY=VALUE`, as the file has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from fractions import Fraction
from pathlib import Path
from typing import Final, NamedTuple

from ...errors import BadInput
from .ini import Sections, shown
from .keys import KEYS, TILE, Key
from .read import SimConfig, config_of, load_config, read_sections

OPTION: Final = "--set"
CONSISTENT: Final = "--set-consistent"

_OF_SIZE: Final = (("Subarray_Size", 0), ("DAC_Num", 0), ("ADC_Num", 1))
"""Keys that go with the rows (0) or the columns (1) of Xbar_Size."""


class Settings(NamedTuple):
    """Values that replace those of a file, and whether others that go with them follow."""

    texts: tuple[str, ...] = ()
    consistent: bool = False


NO_SETTINGS: Final = Settings()


def load_changed(path: Path, settings: Settings) -> SimConfig:
    """Read a configuration file with other values; keys that are set may be missing in it.

    Its `content` is then a file that says all values. Where the size of crossbars is set, the sizes and
    numbers that go with it grow alike if `settings` are `consistent`; else a warning says which they are.
    Raises BadInput, one line for each fault, or one for a setting that is none.
    """
    if not settings.texts:
        return load_config(path)
    sections, hint = _replaced(read_sections(path), settings, OPTION)
    source = f"{path} with {OPTION}"
    try:
        found = config_of(sections, source, _ini(path, sections))
    except BadInput as error:
        first, *others = error.args
        raise BadInput(_hinted(first, hint), *others) from None
    return _warned(found, source, hint)


def _replaced(before: Sections, settings: Settings, option: str) -> tuple[dict[str, dict[str, str]], str]:
    """The sections with other values, and a hint where others would go with them; "" for none."""
    sections = {name: dict(values) for name, values in before.items()}
    own = {_put(sections, text, option) for text in settings.texts}
    dragged = {name: value for name, value in _dragged(before, sections) if name not in own}
    if settings.consistent:
        for name, value in dragged.items():
            _put(sections, f"{name}={value}", option)
    also = ", ".join(f"{name}={value}" for name, value in dragged.items())
    return sections, f"{CONSISTENT} also sets {also}" if also and not settings.consistent else ""


def _hinted(text: str, hint: str) -> str:
    return f"{text}; {hint}" if hint else text


def _warned(config: SimConfig, source: str, hint: str) -> SimConfig:
    """The configuration with a warning where something would have to go with the size of crossbars."""
    if not hint:
        return config
    alone = f"{source}: Xbar_Size is set without what goes with it; {hint}"
    return replace(config, hardware=replace(config.hardware, warnings=(*config.hardware.warnings, alone)))


def _dragged(before: Sections, after: Sections) -> Iterator[tuple[str, str]]:
    """Keys that no longer go with the size of crossbars, and the values that would."""
    home, _ = find_key("Xbar_Size", OPTION)
    sizes = [each.get(home, {}).get("Xbar_Size", "").split(",") for each in (before, after)]
    for name, place in _OF_SIZE:
        own, _ = find_key(name, OPTION)
        try:
            growth = Fraction(sizes[1][place].strip()) / Fraction(sizes[0][place].strip())
            grown = Fraction(after.get(own, {}).get(name, "").strip()) * growth
        except (ValueError, IndexError, ZeroDivisionError):
            continue  # told where the values are read
        size = Fraction(sizes[1][place].strip())
        if growth != 1 and grown >= 1 and grown.denominator == 1:
            yield name, str(min(grown, size))  # no more converters than rows or columns


def _ini(path: Path, sections: Mapping[str, Mapping[str, str]]) -> bytes:
    """A file that says all values."""
    lines = [f"# {path.name} with other values."]
    for name, values in sections.items():
        lines += ["", f"[{name}]", *(f"{key} = {value}" for key, value in values.items())]
    return ("\n".join(lines) + "\n").encode("utf-8", "backslashreplace")


def changed(config: SimConfig, settings: Settings, option: str = OPTION) -> SimConfig:
    """The configuration with other values as `load_changed` has them; `option` names them in errors.

    Raises BadInput, in one line.
    """
    if not settings.texts:
        return config
    sections, hint = _replaced(config.sections, settings, option)
    try:
        return _warned(config_of(sections, option), option, hint)
    except BadInput as error:
        first, *others = error.args
        more = f"; and {len(others)} more fault{'s' * (len(others) > 1)}" if others else ""
        raise BadInput(_hinted(f"{first}{more}", hint)) from None


def _put(sections: dict[str, dict[str, str]], text: str, option: str) -> str:
    """Set a value, and return its key."""
    place, equals, value = text.partition("=")
    if not equals:
        raise BadInput(f"{option}: found {shown(text)!r}, allowed is KEY=VALUE or SECTION.KEY=VALUE")
    home, key = find_key(place, option)
    sections.setdefault(home, {})[key.name] = value.strip()
    return key.name


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
