"""The text of a `SimConfig.ini` as sections, keys and values, and what of it is unknown."""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Final

from ...errors import BadInput
from .keys import KEYS

Sections = Mapping[str, Mapping[str, str]]
"""The value of every key of every section, as text."""

_SPELLED: Final = {key.name.lower(): key.name for keys in KEYS.values() for key in keys}
_NO_DEFAULT_SECTION: Final = "\n"  # which no line can name
_MOST_SHOWN: Final = 60
_MOST_TOLD: Final = 20


def sections_of(text: str, source: str) -> Sections:
    """Split a text as MNSIM does: whole lines of comment begin with `#` or `;`, nothing is interpolated.

    Known keys are spelled as in KEYS, others as in the text. `source` names the file in errors. Raises
    BadInput.
    """
    for number, line in enumerate(text.split("\n"), start=1):
        odd = next((c for c in line if c < " " and c not in "\t\r"), None)
        if odd is not None:
            raise BadInput(
                f"{source}: line {number}: found {odd!r}; allowed: text without control characters"
            )
    parser = configparser.ConfigParser(
        interpolation=None,
        comment_prefixes=("#", ";"),
        default_section=_NO_DEFAULT_SECTION,
        empty_lines_in_values=False,
    )
    parser.optionxform = _spelled  # type: ignore[method-assign]
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise BadInput(f"{source}: {_syntax_fault(error, text)}") from None
    return {section: dict(parser.items(section)) for section in parser.sections()}


def _spelled(optionstr: str) -> str:
    return _SPELLED.get(optionstr.lower(), optionstr)


def shown(text: str) -> str:
    """A text of the file on one line, shortened, with what cannot be printed escaped."""
    line = "".join(c if c.isprintable() else repr(c)[1:-1] for c in " ".join(text.split())[: _MOST_SHOWN + 1])
    return line if len(line) <= _MOST_SHOWN else line[:_MOST_SHOWN] + "..."


def _syntax_fault(error: configparser.Error, text: str) -> str:
    if isinstance(error, configparser.DuplicateOptionError):
        where = f"[{shown(error.section)}] {shown(error.option)}"
        return f"{where}: found again in line {error.lineno}; allowed: once"
    if isinstance(error, configparser.DuplicateSectionError):
        return f"[{shown(error.section)}]: found again in line {error.lineno}; allowed: once"
    if isinstance(error, configparser.MissingSectionHeaderError):
        number, allowed = error.lineno, "a [section]"
    elif isinstance(error, configparser.ParsingError):
        number, allowed = error.errors[0][0], "key = value"
    else:
        raise error
    line = shown(text.split("\n")[number - 1])
    return f"line {number}: found {line!r}; allowed: {allowed}"


def unknown(sections: Sections) -> Iterator[str]:
    """A line for each section and key that nothing reads, with the nearest known one; many become few."""
    strangers = list(_strangers(sections))
    for section, name in strangers[:_MOST_TOLD]:
        if name is None:
            kind, where, nearest = "section", f"[{shown(section)}]", f"[{_nearest(section, KEYS)}]"
        else:
            kind, where, nearest = "key", f"[{section}] {shown(name)}", _nearest_key(section, name)
        yield f"{where}: found an unknown {kind}, not read; the nearest known one is {nearest}"
    if strangers[_MOST_TOLD:]:
        yield f"found {len(strangers) - _MOST_TOLD} more unknown sections and keys, not read"


def _strangers(sections: Sections) -> Iterator[tuple[str, str | None]]:
    """Section and key; no key where the section itself is unknown."""
    for section, given in sections.items():
        if section in KEYS:
            own = {key.name for key in KEYS[section]}
            yield from ((section, name) for name in given if name not in own)
        else:
            yield section, None


def _nearest_key(section: str, name: str) -> str:
    """One of the same section where one is near, or else of any."""
    own = [key.name.lower() for key in KEYS[section]]
    return _SPELLED[
        (get_close_matches(name[:_MOST_SHOWN].lower(), own, 1) or [_nearest(name.lower(), _SPELLED)])[0]
    ]


def _nearest(name: str, known: Iterable[str]) -> str:
    return get_close_matches(name[:_MOST_SHOWN], [*known], 1, cutoff=0.0)[0]
