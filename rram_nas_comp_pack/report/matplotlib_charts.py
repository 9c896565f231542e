"""Charts as matplotlib figures, for paper: PNG and SVG, the same bytes for the same chart."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from functools import singledispatch
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from .chart_values import (
    GREY,
    MARKS,
    SHADES,
    Axis,
    Bars,
    Chart,
    Front,
    Grid,
    Lines,
    Parallel,
    Scatter,
    Timeline,
)

STYLE: Any = {
    "font.size": 11,
    "axes.titlesize": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "legend.fontsize": 10,
    "legend.handlelength": 1.5,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.8,
    "text.parse_math": False,  # names of layers may hold a dollar sign
    "svg.hashsalt": "rram_nas_comp_pack",
}
"""Large enough to be read at half a page's width."""

LINE = {"solid": "-", "dash": "--", "dot": ":"}
MARKERS = dict(zip(MARKS, "os^DvPp", strict=True))
WIDTH = 5.0  # inches


def png_and_svg(figure: Figure) -> dict[str, bytes]:
    """The figure as files, by suffix."""
    found = {"png": _bytes(figure, "png", dpi=200, metadata={"Software": None})}
    figure.set_layout_engine("none")  # it stays as the PNG has it; arranging it anew takes as long as drawing
    return {**found, "svg": _bytes(figure, "svg", metadata={"Date": None, "Creator": None})}


def _bytes(figure: Figure, kind: str, **options: Any) -> bytes:
    FigureCanvasAgg(figure)
    file = BytesIO()
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that the font lacks
        figure.savefig(file, format=kind, **options)
    return file.getvalue()


def draw(*charts: Chart, width: float = WIDTH) -> Figure:
    """Charts as a figure so many inches wide, two in a row."""
    rows = [charts[i : i + 2] for i in range(0, len(charts), 2)]
    heights = [min(max(map(_height, row)), TALLEST) for row in rows]
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Attempting to set identical")  # all values of an axis are equal
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(rows), len(rows[0]), squeeze=False, height_ratios=heights)
        drawn = [_drawn(chart, part) for chart, part in zip(charts, parts.flat, strict=False)]
        same = len({tuple(axes.get_legend_handles_labels()[1]) for axes in drawn}) == 1
        for axes in drawn[:1] if same else drawn:
            _legend(axes, figure if same else axes.figure)
    return figure


def _drawn(chart: Chart, part: Any) -> Axes:
    axes: Axes = part.add_subplot()
    axes.set_title(chart.title)
    _draw(chart, axes)
    return axes


def _height(chart: Chart) -> float:
    """In inches."""
    if isinstance(chart, Bars):
        rows = len(chart.categories) * (1 if chart.stacked else len(chart.portions))
    elif isinstance(chart, Timeline):
        rows = len(chart.rows)
    elif isinstance(chart, Grid):
        return 1.0 + 0.75 * WIDTH * -(-len(chart.values) // chart.columns) / chart.columns
    else:
        return 5.0 if isinstance(chart, Scatter) else 3.6
    return 1.4 + rows * (0.2 if rows <= FEW else 0.11)


TALLEST = 40.0
"""Inches of an image of thousands of rows: higher ones take seconds to compress, and no page shows them."""

FEW = 24
"""Rows that each have room for a name."""


@singledispatch
def _draw(chart: Chart, axes: Axes) -> None:
    raise TypeError(chart)


@_draw.register
def _(chart: Lines, axes: Axes) -> None:
    for s in chart.series:
        mark: Any = {"marker": MARKERS[s.mark], "ms": 4, "markevery": s.every}
        axes.plot(s.x, s.y, LINE[s.style], color=s.colour, label=s.name, **mark)
    _axis(axes, "x", chart.x, chart.x.limits(v for s in chart.series for v in s.x))
    _axis(axes, "y", chart.y, chart.y.limits(v for s in chart.series for v in s.y))


@_draw.register
def _(chart: Scatter, axes: Axes) -> None:
    x, y = chart.limits()
    # Thousands of dots as pixels, also in the SVG file.
    axes.plot(*chart.cloud.T, "o", color=GREY, alpha=0.35, ms=5, mew=0, rasterized=True, label=chart.named[0])
    for front in chart.fronts:
        _front(axes, front, front.stairs(x[0], y[0]))
    axes.plot([], [], "o", color=GREY, alpha=0.55, ms=4, mew=0, label=chart.named[1])
    _axis(axes, "x", chart.x, x)
    _axis(axes, "y", chart.y, y)


def _front(axes: Axes, front: Front, stairs: list[tuple[float, float]]) -> None:
    colour, mark = front.look
    axes.plot([x for x, _ in stairs], [y for _, y in stairs], color=colour, alpha=0.6)
    moved = [(p.before, p.x, p.y) for p in front.points if p.before is not None]
    axes.hlines([y for *_, y in moved], [a for a, *_ in moved], [b for _, b, _ in moved], colour, ":", lw=1)
    axes.plot([a for a, *_ in moved], [y for *_, y in moved], "o", color=colour, alpha=0.55, ms=4, mew=0)
    xs, ys = [p.x for p in front.points], [p.y for p in front.points]
    axes.plot(xs, ys, MARKERS[mark], color=colour, ms=8, mec="white", label=front.name)


@_draw.register
def _(chart: Parallel, axes: Axes) -> None:
    # Dark is fast: yellow lines would vanish on paper.
    colours: Any = colormaps["cividis_r"](np.linspace(0, 1, SHADES))
    at = [rail.x for rail in chart.rails]
    lines = [list(zip(at, row, strict=True)) for row in chart.places.tolist()]
    axes.add_collection(
        LineCollection(lines, colors=colours[list(chart.shades)], lw=0.8, alpha=0.6, rasterized=True)
    )
    axes.vlines(at, 0, 1, "#57606a", lw=1)
    steps = np.linspace(0, 1, SHADES + 1)
    axes.vlines([at[-1]] * SHADES, steps[:-1], steps[1:], colours, lw=6)
    for x, rail in zip(at, chart.rails, strict=True):
        for y, text, size in ((1.02, rail.high, 10), (-0.08, rail.low, 10), (-0.17, rail.name, 9)):
            axes.text(x, y, text, ha="center", fontsize=size)
    for middle, name in chart.headings():
        axes.text(middle, 1.11, name, ha="center")
    axes.set(xlim=(at[0] - 0.5, at[-1] + 0.5), ylim=(-0.18, 1.18))
    axes.set_axis_off()


@_draw.register
def _(chart: Bars, axes: Axes) -> None:
    count = len(chart.categories)
    left, widest, height = [0.0] * count, 0.0, 0.8 if chart.stacked else 0.8 / len(chart.portions)
    for k, portion in enumerate(chart.portions):
        shift = 0.0 if chart.stacked else (k - (len(chart.portions) - 1) / 2) * height
        middles = [i + shift for i in range(count)]
        ends = [a + b for a, b in zip(left, portion.values, strict=True)]
        boxes = zip(left, ends, middles, strict=True)
        spans = [(a, b, middle - height / 2, middle + height / 2) for a, b, middle in boxes]
        axes.add_artist(_boxes(spans, color=portion.colour, lw=0, label=portion.name))
        widest = max(widest, *ends) if ends else widest
        left = ends if chart.stacked else left
    axes.set_xlim(0, 1.05 * widest or 1.0)
    _rows(axes, chart.categories)
    _axis(axes, "x", chart.value)


@_draw.register
def _(chart: Grid, axes: Axes) -> None:
    rest = -len(chart.values) % chart.columns
    cells = [*chart.values, *[float("nan")] * rest]
    rows = [cells[i : i + chart.columns] for i in range(0, len(cells), chart.columns)]
    image = axes.imshow(rows, cmap="cividis", vmin=0, vmax=1, aspect="equal", interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xlabel(f"crossbar, in rows of {chart.columns}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_yticks(range(len(rows)), [str(i * chart.columns) for i in range(len(rows))], fontsize=9)
    bar = axes.figure.colorbar(image, ax=axes, label=chart.value.title, shrink=0.8)
    if chart.value.percent:
        bar.ax.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))


@_draw.register
def _(chart: Timeline, axes: Axes) -> None:
    half = chart.thickness / 2
    for k, group in enumerate(chart.groups):
        spans = [s for s in chart.spans if s.group == k]
        boxes = [(s.start, s.end, chart.middle(s) - half, chart.middle(s) + half) for s in spans]
        alpha = 0.35 if group.faint else 1.0
        outline = 0.0 if group.faint else 0.6  # however short, it is seen
        axes.add_artist(_boxes(boxes, color=group.colour, alpha=alpha, lw=outline, label=group.name))
    axes.set_xlim(0, max((s.end for s in chart.spans), default=1.0))
    _rows(axes, chart.rows)
    _axis(axes, "x", chart.time)


def _boxes(spans: Iterable[tuple[float, float, float, float]], **look: Any) -> PathPatch:
    """Boxes (left, right, bottom, top) as one path: as thousands of artists they would take minutes."""
    ends = np.array(list(spans), dtype=float).reshape(-1, 4)
    corners = ends[:, [0, 2, 1, 2, 1, 3, 0, 3, 0, 2]].reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return PathPatch(Path(corners, codes * len(ends)), snap=True, **look)


MOST_NAMES = 100
"""Down one side: each takes milliseconds."""

MOST_TICK_LABELS = 60
"""More are texts of their own: matplotlib measures every label of a tick some ten times a drawing."""

LABEL_PAD = 7.0
"""Points between an axis and its names: the tick and the space behind it."""


def _rows(axes: Axes, names: tuple[str, ...]) -> None:
    """Names down the side; every second of many, for which there is room, and no more than MOST_NAMES."""
    small: Any = {"fontsize": 9} if len(names) > FEW else {}
    named = range(0, len(names), 1 if len(names) <= FEW else max(2, -(-len(names) // MOST_NAMES)))
    shown = [_short(names[i]) for i in named]
    if len(shown) <= MOST_TICK_LABELS:
        axes.set_yticks(named, shown, **small)
    else:
        _place_names(axes, named, shown)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _place_names(axes: Axes, at: Sequence[int], names: Sequence[str]) -> None:
    """Names as texts at their ticks; the longest one alone is a label of a tick, which keeps room for all."""
    longest = max(range(len(names)), key=lambda i: len(names[i]))
    axes.set_yticks(at, [name if i == longest else "" for i, name in enumerate(names)], fontsize=9)
    place, vertical, horizontal = axes.get_yaxis_text1_transform(LABEL_PAD)
    for i, name in enumerate(names):
        if i != longest:
            text = axes.text(0, at[i], name, fontsize=9, transform=place, va=vertical, ha=horizontal)
            text.set_in_layout(False)


def _short(name: str) -> str:
    """A name of a line or two, cut where a line is too long."""
    return "\n".join(line if len(line) <= 25 else f"{line[:24]}…" for line in name.splitlines())


def _axis(axes: Axes, which: str, axis: Axis, limits: tuple[float, float] | None = None) -> None:
    """Title, ticks and, of a linear axis, the `limits`."""
    ticked = getattr(axes, f"{which}axis")
    ticked.set_label_text(axis.title)
    if axis.log:
        getattr(axes, f"set_{which}scale")("log")
        ticked.set_major_formatter("{x:g}")
    elif limits:
        getattr(axes, f"set_{which}lim")(limits)
        ticked.set_major_locator(MaxNLocator("auto", integer=axis.whole, steps=[1, 2, 5, 10]))
    if axis.ticks:
        ticked.set_ticks(axis.ticks, map(_short, axis.marked))
        ticked.set_minor_locator(NullLocator())
    if axis.percent:
        ticked.set_major_formatter(PercentFormatter(1, decimals=0))


def _legend(axes: Axes, figure: Any) -> None:
    """What several colours stand for, in as many columns as there is room for."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        room, widths = figure.bbox.width / figure.dpi * LETTERS, [len(label) + 5 for label in labels]
        columns = len(labels) if sum(widths) <= room else max(1, int(room / max(widths)))
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)


LETTERS = 12
"""Of a legend, on an inch."""
