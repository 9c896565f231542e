"""Charts as matplotlib figures, for paper: PNG, SVG and PDF, the same bytes for the same chart."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from functools import singledispatch
from io import BytesIO
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib import colormaps, rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import MaxNLocator, NullLocator, PercentFormatter

from .chart_values import SHADES, TESTED, Axis, Bars, Chart, Front, Grid, Lines, Parallel, Scatter, Timeline
from .figure_options import USUAL, USUAL_FONT, FigureOptions, small
from .palette import MARKS, SEARCHED, TEST
from .pdf_fonts import shapes_alone
from .row_names import legend_columns, name_rows, rows_height, short

LINE = {"solid": "-", "dash": "--", "dot": ":"}
MARKERS = dict(zip(MARKS, "os^DvPp", strict=True))
WIDTH = 5.0  # inches
NARROW = 4.8
"""Inches: narrower figures have one chart in a row."""

FILES: dict[str, dict[str, Any]] = {
    "png": {"metadata": {"Software": None}},
    "svg": {"metadata": {"Date": None, "Creator": None}},
    "pdf": {"metadata": {"CreationDate": None, "Creator": None, "Producer": None}},
}
"""Kinds of files, and how each is written."""


def files_of(figure: Figure, options: FigureOptions = USUAL) -> dict[str, bytes]:
    """The figure as files, by suffix."""
    with rc_context(options.settings()), warnings.catch_warnings(), shapes_alone():
        warnings.filterwarnings("ignore", "Glyph")  # a name in letters that the font lacks
        arrange(figure)
        return {kind: _bytes(figure, kind, **more) for kind, more in FILES.items()}


def arrange(figure: Figure) -> None:
    """Put everything in its place once for all files: matplotlib would draw all of it for that, each time."""
    FigureCanvasAgg(figure)
    engine = figure.get_layout_engine()
    if engine is not None:
        dpi = rcParams["savefig.dpi"]
        figure.set_dpi(figure.dpi if dpi == "figure" else dpi)
        engine.execute(figure)
        figure.set_layout_engine(None)


def _bytes(figure: Figure, kind: str, **more: Any) -> bytes:
    file = BytesIO()
    figure.savefig(file, format=kind, **more)
    return file.getvalue()


def draw(*charts: Chart, usual: float = WIDTH, options: FigureOptions = USUAL) -> Figure:
    """Charts as a figure, two in a row where there is room; `usual` are inches across."""
    width = options.width or usual
    across = min(len(charts), 2 if width >= NARROW else 1)
    rows = [charts[i : i + across] for i in range(0, len(charts), across)]
    with rc_context(options.settings()), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Attempting to set identical")  # all values of an axis are equal
        own = None if options.width is None else width / across
        heights = [min(max(_height(chart, own) for chart in row), TALLEST) for row in rows]
        figure = Figure(figsize=(width, sum(heights)), layout="constrained")
        parts = figure.subfigures(len(rows), across, squeeze=False, height_ratios=heights)
        drawn = [_drawn(chart, part, options.titles) for chart, part in zip(charts, parts.flat, strict=False)]
        same = len({tuple(axes.get_legend_handles_labels()[1]) for axes in drawn}) == 1
        for axes in drawn[:1] if same else drawn:
            _legend(axes, figure if same else axes.figure)
    return figure


def _drawn(chart: Chart, part: Any, titled: bool) -> Axes:
    axes: Axes = part.add_subplot()
    if titled:
        axes.set_title(fill(chart.title, _letters(axes)))
    _draw(chart, axes)
    return axes


def _letters(axes: Axes, down: bool = False) -> int:
    """So many stand beside each other across a chart, or down its side, in the usual font."""
    return max(10, int(0.85 * inches(axes, down) * 72 / (0.6 * rcParams["font.size"])))


def inches(axes: Axes, down: bool = False) -> float:
    """The width of what the axes are a part of, or its height."""
    figure: Any = axes.figure
    return float((figure.bbox.height if down else figure.bbox.width) / figure.dpi)


def _height(chart: Chart, width: float | None) -> float:
    """In inches, for a chart so many inches wide; None is the usual width."""
    if isinstance(chart, Bars):
        return rows_height(len(chart.categories), 1 if chart.stacked else len(chart.portions))
    if isinstance(chart, Timeline):
        return rows_height(len(chart.rows))
    if isinstance(chart, Grid):
        rows = -(-len(chart.values) // chart.columns)
        return _scaled(1.3) + 0.7 * (width or WIDTH) * rows / chart.columns
    if isinstance(chart, Scatter):
        return 5.0 if width is None else min(max(0.95 * width, 2.8), 5.0)
    return 3.6 if width is None else min(max(0.72 * width, 2.4), 3.6)


TALLEST = 40.0
"""Inches of an image of thousands of rows: higher ones take seconds to compress, and no page shows them."""


@singledispatch
def _draw(chart: Chart, axes: Axes) -> None:
    raise TypeError(chart)


def _scaled(size: float) -> float:
    """A size in points beside the usual font, beside that of today."""
    return size * float(rcParams["font.size"]) / USUAL_FONT


@_draw.register
def _(chart: Lines, axes: Axes) -> None:
    for s in chart.series:
        look: Any = {"marker": MARKERS[s.mark], "ms": _scaled(4), "markevery": s.every}
        if s.below:
            look |= {"ms": _scaled(9), "mfc": "white", "mec": s.colour, "mew": _scaled(1.3), "lw": _scaled(4)}
        colour = (s.colour, 0.5) if s.below else s.colour
        axes.plot(s.x, s.y, LINE[s.style], color=colour, label=s.name, **look)
    _axis(axes, "x", chart.x, chart.x.limits(v for s in chart.series for v in s.x))
    _axis(axes, "y", chart.y, chart.y.limits(v for s in chart.series for v in s.y))


@_draw.register
def _(chart: Scatter, axes: Axes) -> None:
    x, y = chart.limits()
    dot: Any = {"color": SEARCHED.colour, "marker": MARKERS[SEARCHED.mark], "ls": "", "mew": 0}
    # Thousands of dots as pixels, in the files for print too.
    axes.plot(*chart.cloud.T, **dot, alpha=0.45, ms=_scaled(5), rasterized=True, label=chart.named[0])
    for front in chart.fronts:
        _front(axes, front, front.stairs(x[0], y[0]))
    if chart.tested:
        at, before, tested = zip(*chart.tested, strict=True)
        axes.vlines(at, before, tested, TEST.colour, ":", lw=1, alpha=0.6)
        axes.plot(at, tested, MARKERS[TEST.mark], color=TEST.colour, ms=_scaled(7), mec="white", label=TESTED)
    edge = chart.fronts[0].look.colour if len(chart.fronts) == 1 else "black"
    ring = {**dot, "mec": edge, "mew": _scaled(0.7)}
    axes.plot([], [], **ring, ms=_scaled(4.5), label=chart.named[1])
    _axis(axes, "x", chart.x, x)
    _axis(axes, "y", chart.y, y)


def _front(axes: Axes, front: Front, stairs: list[tuple[float, float]]) -> None:
    colour, mark = front.look
    axes.plot([x for x, _ in stairs], [y for _, y in stairs], color=colour, alpha=0.6)
    moved = [(p.before, p.x, p.y) for p in front.points if p.before is not None]
    axes.hlines([y for *_, y in moved], [a for a, *_ in moved], [b for _, b, _ in moved], colour, ":", lw=1)
    before: Any = {"color": SEARCHED.colour, "mec": colour, "mew": _scaled(0.7), "ms": _scaled(4.5)}
    axes.plot([a for a, *_ in moved], [y for *_, y in moved], MARKERS[SEARCHED.mark], **before)
    xs, ys = [p.x for p in front.points], [p.y for p in front.points]
    axes.plot(xs, ys, MARKERS[mark], color=colour, ms=_scaled(8), mec="white", label=front.name)


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
    axes.vlines([at[-1]] * SHADES, steps[:-1], steps[1:], colours, lw=_scaled(6))
    line = 1.3 * rcParams["font.size"] / 72 / (0.6 * inches(axes, down=True))  # as a share of the rails
    size = small(rcParams["font.size"])
    for x, rail in zip(at, chart.rails, strict=True):
        for y, text in ((1.02, rail.high), (-0.02 - line, rail.low), (-0.02 - 2.2 * line, rail.name)):
            axes.text(x, y, text, ha="center", va="bottom", fontsize=size)
    for middle, name in chart.headings():
        axes.text(middle, 1.03 + line, name.replace(" ", "\n"), ha="center", va="bottom")
    for middle, name in chart.footings():
        axes.text(middle, -0.02 - 3.2 * line, name, ha="center", va="bottom", fontsize=size)
    axes.set(xlim=(at[0] - 0.5, at[-1] + 0.7), ylim=(-0.02 - 3.2 * line, 1.03 + 4 * line))
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
    name_rows(axes, chart.names or chart.categories, _kind(chart))
    _axis(axes, "x", chart.value)


@_draw.register
def _(chart: Grid, axes: Axes) -> None:
    rest = -len(chart.values) % chart.columns
    cells = [*chart.values, *[float("nan")] * rest]
    rows = [cells[i : i + chart.columns] for i in range(0, len(cells), chart.columns)]
    image = axes.imshow(rows, cmap="cividis", vmin=0, vmax=1, aspect="equal", interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xlabel(fill(chart.order, int(0.75 * _letters(axes))))
    axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    size = small(rcParams["font.size"])
    step = -(-1.3 * size // (54 * inches(axes) / chart.columns))  # rows whose numbers do not touch
    named = range(0, len(rows), int(step))
    axes.set_yticks(named, [str(i * chart.columns) for i in named], fontsize=size)
    axes.set_ylabel(fill("first crossbar of the row", _letters(axes, down=True)))
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
    name_rows(axes, chart.names or chart.rows, _kind(chart))
    _axis(axes, "x", chart.time)


def _kind(chart: Bars | Timeline) -> str:
    return f"{chart.kind} (number: module)" if chart.names else chart.kind


def _boxes(spans: Iterable[tuple[float, float, float, float]], **look: Any) -> PathPatch:
    """Boxes (left, right, bottom, top) as one path: as thousands of artists they would take minutes."""
    ends = np.array(list(spans), dtype=float).reshape(-1, 4)
    corners = ends[:, [0, 2, 1, 2, 1, 3, 0, 3, 0, 2]].reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return PathPatch(Path(corners, codes * len(ends)), snap=True, **look)


def _axis(axes: Axes, which: str, axis: Axis, limits: tuple[float, float] | None = None) -> None:
    """Title, ticks and, of a linear axis, the `limits`."""
    ticked = getattr(axes, f"{which}axis")
    ticked.set_label_text(fill(axis.title, _letters(axes, down=which == "y")))
    if axis.log:
        getattr(axes, f"set_{which}scale")("log")
        ticked.set_major_formatter("{x:g}")
    elif limits:
        getattr(axes, f"set_{which}lim")(limits)
        ticked.set_major_locator(MaxNLocator("auto", integer=axis.whole, steps=[1, 2, 5, 10]))
    if axis.ticks:
        ticked.set_ticks(axis.ticks, [short(text, NAME) for text in axis.marked])
        ticked.set_minor_locator(NullLocator())
    if axis.percent:
        ticked.set_major_formatter(PercentFormatter(1, decimals=0))


NAME = 25
"""Letters at a tick of an axis."""


def _legend(axes: Axes, figure: Any) -> None:
    """What several colours stand for, in as many columns as there is room for."""
    handles, labels = axes.get_legend_handles_labels()
    if len(labels) > 1:
        columns = legend_columns(labels, figure.bbox.width / figure.dpi * 72)
        figure.legend(handles, labels, loc="outside lower center", ncols=columns)
