"""Charts as matplotlib figures, for paper: PNG and SVG, the same bytes for the same chart."""

from __future__ import annotations

import warnings
from functools import singledispatch
from io import BytesIO
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from .chart_values import Axis, Bars, Chart, Grid, Lines, Span, Timeline

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

LINE = {"solid": "-", "dash": "--", "dot": ":", "points": "", "steps": "-"}
WIDTH = 5.0  # inches


def png_and_svg(figure: Figure) -> dict[str, bytes]:
    """The figure as files, by suffix."""
    found = {"png": png(figure)}
    figure.set_layout_engine("none")  # it stays as the PNG has it; arranging it anew takes as long as drawing
    return {**found, "svg": _bytes(figure, "svg", metadata={"Date": None, "Creator": None})}


def png(figure: Figure, dpi: int = 200) -> bytes:
    """The figure as pixels."""
    return _bytes(figure, "png", dpi=dpi, metadata={"Software": None})


def _bytes(figure: Figure, kind: str, **options: Any) -> bytes:
    FigureCanvasAgg(figure)
    file = BytesIO()
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that the font lacks
        figure.savefig(file, format=kind, **options)
    return file.getvalue()


def draw(chart: Chart) -> Figure:
    """A chart as a figure."""
    with rc_context(STYLE), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Attempting to set identical")  # all values of an axis are equal
        figure = Figure(figsize=(WIDTH, _height(chart)), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(chart.title)
        _draw(chart, axes)
    return figure


def _height(chart: Chart) -> float:
    """In inches; of thousands of rows, what an image can hold."""
    return min(_wanted_height(chart), TALLEST)


def _wanted_height(chart: Chart) -> float:
    if isinstance(chart, Bars):
        return 1.4 + _rows_height(len(chart.categories) * (1 if chart.stacked else len(chart.portions)))
    if isinstance(chart, Timeline):
        return 1.4 + _rows_height(len(chart.rows))
    if isinstance(chart, Grid):
        return 1.0 + 0.75 * WIDTH * -(-len(chart.values) // chart.columns) / chart.columns
    return 3.6


def _rows_height(count: int) -> float:
    return count * (0.2 if count <= FEW else 0.11)


TALLEST = 100.0

FEW = 24
"""Rows that each have room for a name."""


@singledispatch
def _draw(chart: Chart, axes: Axes) -> None:
    raise TypeError(chart)


@_draw.register
def _(chart: Lines, axes: Axes) -> None:
    for s in chart.series:
        mark = {"marker": "o", "markersize": 4} if s.style != "steps" else {"drawstyle": "steps-post"}
        axes.plot(s.x, s.y, LINE[s.style], color=s.colour, label=s.name, **mark)
    _axis(axes, "x", chart.x)
    _axis(axes, "y", chart.y)
    _legend(axes, len(chart.series))


@_draw.register
def _(chart: Bars, axes: Axes) -> None:
    count = len(chart.categories)
    left, height = [0.0] * count, 0.8 if chart.stacked else 0.8 / len(chart.portions)
    for k, portion in enumerate(chart.portions):
        shift = 0.0 if chart.stacked else (k - (len(chart.portions) - 1) / 2) * height
        middles = [i + shift for i in range(count)]
        axes.barh(middles, portion.values, height, left=left, color=portion.colour, label=portion.name)
        if chart.stacked:
            left = [a + b for a, b in zip(left, portion.values, strict=True)]
    _rows(axes, chart.categories)
    _axis(axes, "x", chart.value)
    _legend(axes, len(chart.portions))


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
    for k, group in enumerate(chart.groups):
        spans = [s for s in chart.spans if s.group == k]
        corners = [_corners(s, chart.middle(s), chart.thickness / 2) for s in spans]
        alpha = 0.35 if group.faint else 1.0
        outline = 0.0 if group.faint else 0.6  # however short, it is seen
        found = PolyCollection(corners, color=group.colour, alpha=alpha, lw=outline, label=group.name)
        axes.add_collection(found)
    axes.set_xlim(0, max((s.end for s in chart.spans), default=1.0))
    _rows(axes, chart.rows)
    _axis(axes, "x", chart.time)
    _legend(axes, len(chart.groups))


def _corners(span: Span, middle: float, half: float) -> list[tuple[float, float]]:
    top, bottom = middle - half, middle + half
    return [(span.start, top), (span.end, top), (span.end, bottom), (span.start, bottom)]


def _rows(axes: Axes, names: tuple[str, ...]) -> None:
    """Names down the side; every second of many, for which there is room."""
    small: Any = {"fontsize": 9} if len(names) > FEW else {}
    named = range(0, len(names), 1 if len(names) <= FEW else 2)
    axes.set_yticks(named, [_short(names[i]) for i in named], **small)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.grid(visible=False, axis="y")


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _axis(axes: Axes, which: str, axis: Axis) -> None:
    getattr(axes, f"set_{which}label")(axis.title)
    if axis.log:
        getattr(axes, f"set_{which}scale")("log")
        getattr(axes, f"{which}axis").set_major_formatter("{x:g}")
    if axis.ticks:
        getattr(axes, f"set_{which}ticks")(axis.ticks, [f"{tick:g}" for tick in axis.ticks])
        getattr(axes, f"{which}axis").set_minor_locator(NullLocator())
    if axis.percent:
        getattr(axes, f"{which}axis").set_major_formatter(PercentFormatter(1, decimals=0))


def _legend(axes: Axes, count: int) -> None:
    if count > 1:
        axes.figure.legend(
            *axes.get_legend_handles_labels(), loc="outside lower center", ncols=count if count <= 4 else 3
        )
