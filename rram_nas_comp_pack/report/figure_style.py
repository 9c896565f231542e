"""A style file of matplotlib: which of its settings count for figures, each checked."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from matplotlib import RcParams, rcParamsDefault
from matplotlib.font_manager import fontManager

from ..errors import BadInput
from .figure_options import LEAST_WIDTH, MOST_WIDTH

_LINE = re.compile(r"""(?P<key>[^:#\s"']+)\s*:\s*(?P<value>(?:"[^"]*"|'[^']*'|[^#"'])*)(?:\#.*)?""")
_OTHERS = (
    "animation",
    "backend",
    "date",
    "interactive",
    "keymap",
    "macosx",
    "timezone",
    "tk",
    "toolbar",
    "webagg",
)
"""Groups of settings that concern no figure."""

_LIMITS = {"font.size": (4.0, 24.0), "savefig.dpi": (50.0, 1200.0)}
_GENERIC = ("serif", "sans-serif", "cursive", "fantasy", "monospace")


def style_of(text: str, name: str) -> dict[str, Any]:
    """The settings in the text of a style file, by matplotlib's names; `name` is what the file is called.

    Raises BadInput at the first line that is wrong, or where none of its fonts is installed.
    """
    known: Any = RcParams()
    found: dict[str, Any] = {}
    for number, key, value in _lines(text, name):
        place = f"{name}: line {number}"
        if key.partition(".")[0] in _OTHERS:
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # names that matplotlib will drop
            try:
                known[key] = value
            except KeyError:
                raise BadInput(f"{place}: found {key!r}, allowed are the settings of matplotlib") from None
            except (ValueError, TypeError) as error:
                reason = " ".join(str(error).split())
                raise BadInput(f"{place}: {key}: found {value!r}, which is not allowed: {reason}") from None
            found[key] = known[key]
        _require(place, key, found[key])
    if any(key.startswith("font.") for key in found):
        found |= _installed(found, name)
    return found


def _lines(text: str, name: str) -> Iterator[tuple[int, str, str]]:
    """The number, the key and the value of every line that has any."""
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        parts = _LINE.fullmatch(stripped)
        if parts is None:
            raise BadInput(f"{name}: line {number}: found {stripped[:60]!r}, allowed is KEY: VALUE")
        value = parts["value"].strip()
        yield number, parts["key"], value[1:-1] if re.fullmatch(r'"[^"]*"', value) else value


def _require(place: str, key: str, value: Any) -> None:
    """Refuse what could not be drawn."""
    if key == "text.usetex" and value:
        raise BadInput(f"{place}: {key}: found {value}, allowed is False: names of layers are no TeX")
    if key == "figure.figsize" and not LEAST_WIDTH <= value[0] <= MOST_WIDTH:
        wide = f"a width from {LEAST_WIDTH:g} to {MOST_WIDTH:g} inches"
        raise BadInput(f"{place}: {key}: found {value[0]:g}, allowed is {wide}")
    low, high = _LIMITS.get(key, (0.0, 0.0))
    if high and value != "figure" and not low <= value <= high:
        raise BadInput(f"{place}: {key}: found {value:g}, allowed is a number from {low:g} to {high:g}")


def _installed(style: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The fonts that are installed, so that none is replaced in silence."""
    usual: dict[str, Any] = {str(key): value for key, value in rcParamsDefault.items()}
    families = style.get("font.family", usual["font.family"])
    asked = [each for family in families for each in _members(family, style, usual)]
    here = {font.name for font in fontManager.ttflist}
    found = [font for font in dict.fromkeys(asked) if font in here]
    if not found:
        told = ", ".join(asked[:5])
        raise BadInput(f"{name}: fonts: found {told}, allowed is at least one that is installed here")
    return {"font.family": [*found, *({"DejaVu Sans"} - {*found})]}


def _members(family: str, style: Mapping[str, Any], usual: Mapping[str, Any]) -> list[str]:
    key = f"font.{'sans-serif' if family in ('sans', 'sans serif') else family}"
    return [*(style.get(key) or usual[key])] if key[5:] in _GENERIC else [family]
