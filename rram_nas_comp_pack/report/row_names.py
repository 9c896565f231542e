"""Room for names: down the side of a chart, one for every row, and in its legend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path

from .figure_options import USUAL_FONT, small

FEW, MANY, MOST = 24, 100, 200
"""Rows with names in the usual font, in a small one, and in the smallest; of more rows some have none."""

SMALLEST = 6.0
"""Points."""

UNNAMED = 0.05
"""Inches of a row where not every one has a name."""

MOST_TICK_LABELS = 60
"""More are texts of their own: matplotlib measures every label of a tick some ten times a drawing."""

LABEL_PAD = 7.0
"""Points between an axis and its names: the tick and the space behind it."""


def rows_height(names: int, bars: int = 1) -> float:
    """The height in inches of a chart of so many named rows, each of so many bars."""
    font = float(rcParams["font.size"])
    scale = font / USUAL_FONT
    if names <= FEW:
        row = max(0.2, bars * (0.2 if names * bars <= FEW else 0.11)) * scale
    elif names <= MOST:
        row = max(1.2 * _size(names, font) / 72, bars * 0.08 * scale)
    else:
        row = UNNAMED * bars
    return 1.5 * scale + max(names, 2) * row


def _size(names: int, font: float) -> float:
    """Of so many names, in points."""
    if names <= FEW:
        return font
    return small(font) if names <= MANY else min(font, SMALLEST)


def name_rows(axes: Axes, names: Sequence[str], kind: str) -> None:
    """Names down the side; of more than MOST rows every second or third has one, which the label tells."""
    step = -(-len(names) // MOST) or 1
    named, size = range(0, len(names), step), _size(len(names), float(rcParams["font.size"]))
    figure: Any = axes.figure
    letters = int(0.45 * figure.bbox.width / figure.dpi * 72 / (0.6 * size))
    shown = [short(names[i], max(letters, 12)) for i in named]
    if len(shown) <= MOST_TICK_LABELS:
        axes.set_yticks(named, shown, fontsize=size)
    else:
        _place_names(axes, named, shown, size)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")
    if kind or step > 1:
        axes.set_ylabel(kind if step == 1 else f"{kind or 'row'} (only one in {step} is named)")


def _place_names(axes: Axes, at: Sequence[int], names: Sequence[str], size: float) -> None:
    """Names as texts at their ticks; the longest one alone is a label of a tick, which keeps room for all."""
    longest = max(range(len(names)), key=lambda i: len(names[i]))
    axes.set_yticks(at, [name if i == longest else "" for i, name in enumerate(names)], fontsize=size)
    place, vertical, horizontal = axes.get_yaxis_text1_transform(LABEL_PAD)
    for i, name in enumerate(names):
        if i != longest:
            text = axes.text(0, at[i], name, fontsize=size, transform=place, va=vertical, ha=horizontal)
            text.set_in_layout(False)


def short(name: str, letters: int) -> str:
    """A name of a line or two, each cut in its middle where it is too long: ends tell layers apart."""
    return "\n".join(_short(line, letters) for line in name.splitlines())


def _short(line: str, letters: int) -> str:
    if len(line) <= letters:
        return line
    tail = (letters - 1) * 3 // 5
    return f"{line[: letters - 1 - tail]}…{line[-tail:]}"


def legend_columns(labels: Sequence[str], room: float) -> int:
    """The most columns of a legend, which is filled column by column, in so many points across."""
    font = FontProperties(size=rcParams["legend.fontsize"])
    em = font.get_size_in_points()
    beside = (rcParams["legend.handlelength"] + rcParams["legend.handletextpad"]) * em
    between, around = rcParams["legend.columnspacing"] * em, 3 * em
    widths = [text_to_path.get_text_width_height_descent(label, font, ismath=False)[0] for label in labels]

    def across(columns: int) -> float:
        longest = (max(part) + beside for part in np.array_split(widths, columns))
        return float(sum(longest) + (columns - 1) * between + around)

    return next((n for n in range(len(labels), 1, -1) if across(n) <= room), 1)
