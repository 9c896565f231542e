"""Options of commands that draw figures for paper."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ofa.parser import path

from ...report.figure_options import LEAST_WIDTH, MOST_WIDTH, FigureOptions
from ...runs.text_files import read_given

INCHES = {"in": 1.0, "cm": 1 / 2.54, "mm": 1 / 25.4}

NAMES = ("figure_width", "figure_style", "no_title")

_LENGTH = re.compile(r" *([0-9]{1,6}(?:\.[0-9]{0,6})?|\.[0-9]{1,6}) *(in|cm|mm) *")


def length(text: str) -> float:
    """A width in inches."""
    parts = _LENGTH.fullmatch(text)
    found = float(parts[1]) * INCHES[parts[2]] if parts else 0.0
    if not LEAST_WIDTH <= round(found, 6) <= MOST_WIDTH:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is a length with its unit, such as 3.5in, 8.9cm or 89mm, from "
            f"{LEAST_WIDTH:g}in to {MOST_WIDTH:g}in"
        )
    return found


def add_figures(parser: argparse.ArgumentParser | argparse._ArgumentGroup) -> tuple[argparse.Action, ...]:
    """Add how figures look."""
    add = parser.add_argument
    return (
        add(
            "--figure-width",
            type=length,
            metavar="LENGTH",
            help="width of the figures, such as 3.5in, 7in, 89mm or 17.8cm, with texts of 8 points "
            "(default: that of the style, else 5in or 6in with larger texts)",
        ),
        add(
            "--figure-style",
            type=path,
            metavar="FILE",
            help="style of the figures, a .mplstyle file of matplotlib",
        ),
        add("--no-title", action="store_true", help="figures have no titles; captions say what they show"),
    )


def figure_options(values: Mapping[str, Any]) -> FigureOptions:
    """What the options say. Raises BadInput where the style cannot be read or is wrong."""
    width, file = values["figure_width"], values["figure_style"]
    style = {} if file is None else _style(file)
    if width is None and "figure.figsize" in style:
        width = style["figure.figsize"][0]
    return FigureOptions(width, style, not values["no_title"])


def _style(file: Path) -> dict[str, Any]:
    """Matplotlib is imported only for this."""
    from ...report.figure_style import style_of

    return style_of(read_given(file, "--figure-style"), f"--figure-style: {file}")
