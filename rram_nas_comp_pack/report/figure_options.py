"""How the figures for paper look: their width, their style, and whether they have titles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LEAST_WIDTH, MOST_WIDTH = 2.0, 20.0
"""Inches: a narrower figure has no room for its names, a wider one for its pixels."""

USUAL_FONT, PAPER_FONT = 11.0, 8.0
"""Points: of figures that are made smaller in print, and of those that are printed as they are."""


@dataclass(frozen=True, slots=True)
class FigureOptions:
    """What a reader of figures may choose.

    `width` is in inches, None for the usual one of each figure; heights follow from what is shown. `style`
    are settings of matplotlib, by its names, that were found sound; they count more than the toolkit's own,
    but for those that keep the files reproducible and text as text.
    """

    width: float | None = None
    style: Mapping[str, Any] = field(default_factory=dict)
    titles: bool = True

    def settings(self) -> Any:  # matplotlib types every key
        """All settings of matplotlib that differ from its own."""
        font = self.style.get("font.size", USUAL_FONT if self.width is None else PAPER_FONT)
        sizes = {
            "font.size": font,
            "axes.titlesize": font + 1,
            "legend.fontsize": small(font + 1),
            "lines.linewidth": 1.8 * font / USUAL_FONT,
            "axes.linewidth": 0.8 * font / USUAL_FONT,
        }
        return {**_OWN, **sizes, **self.style, **_FIXED}


USUAL = FigureOptions()


def small(font: float) -> float:
    """The size of second texts beside a font of so many points: not below 8 unless the font itself is."""
    return min(font, max(PAPER_FONT, 0.82 * font))


_OWN = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "legend.handlelength": 1.5,
    "legend.columnspacing": 1.2,
    "savefig.dpi": 200,
}

_FIXED = {
    "text.parse_math": False,  # names of layers may hold a dollar sign
    "text.usetex": False,
    "svg.hashsalt": "rram_nas_comp_pack",
    "svg.fonttype": "none",
    "pdf.fonttype": 42,
    "pdf.use14corefonts": False,
    "savefig.bbox": None,  # a figure is as wide as it was asked for
    "figure.autolayout": False,
    "figure.constrained_layout.use": False,
}
"""The same bytes each time; text stays text."""
