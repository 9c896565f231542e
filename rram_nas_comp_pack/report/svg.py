"""Charts of searches as SVG that takes the page's colours; points of a front can be chosen like buttons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import singledispatch
from html import escape

from matplotlib.ticker import MaxNLocator

from .chart_values import SHADES, Axis, Chart, Front, Lines, Parallel, Point, Scatter
from .palette import SEARCHED, TEST, Look, Mark

LEFT, TOP, BOTTOM = 76, 32, 56
"""What a frame leaves for ticks and titles, in units of the drawing."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A linear axis in the drawing: its value `low` lies at `start`, `high` at `end`."""

    axis: Axis
    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Round values within the scale, some six of them, all with equally many digits."""
        locator = MaxNLocator(6, steps=[1, 2, 5, 10], integer=self.axis.whole)
        found = locator.tick_values(self.low, self.high)
        values = [round(float(value), 7) + 0.0 for value in found if self.low <= value <= self.high]
        digits = max((len(f"{value:.7f}".rstrip("0").partition(".")[2]) for value in values), default=0)
        return [(value, f"{value:.{digits}f}") for value in values]


def draw(chart: Chart, words: str) -> str:
    """A chart as a drawing; `words` say what it shows. Axes are linear, without percent."""
    role = "group" if isinstance(chart, Scatter) else "img"
    (width, height), content = SIZES[type(chart)], "".join(_parts(chart))
    wide = " wide" if isinstance(chart, Parallel) else ""
    drawn = (
        f'<svg class="chart{wide}" viewBox="0 0 {width:g} {height:g}" role="{role}" '
        f'aria-label="{escape(words)}">{content}</svg>\n'
    )
    return (
        f'<div class="across" tabindex="0" role="region" aria-label="{escape(words)}">{drawn}</div>\n'
        if wide
        else drawn
    )


SIZES: dict[type, tuple[float, float]] = {Lines: (540, 340), Scatter: (760, 500), Parallel: (1080, 410)}


@singledispatch
def _parts(chart: Chart) -> Iterator[str]:
    raise TypeError(chart)


def scales_of(chart: Scatter) -> tuple[Scale, Scale]:
    """From values to places in the drawing."""
    return _scales(chart, *chart.limits())


def _scales(chart: Lines | Scatter, x: tuple[float, float], y: tuple[float, float]) -> tuple[Scale, Scale]:
    width, height = SIZES[type(chart)]
    return Scale(chart.x, *x, LEFT, width - 12), Scale(chart.y, *y, height - BOTTOM, TOP)


@_parts.register
def _(chart: Lines) -> Iterator[str]:
    limits = (
        axis.limits(v for s in chart.series for v in getattr(s, name))
        for axis, name in ((chart.x, "x"), (chart.y, "y"))
    )
    x, y = _scales(chart, *limits)
    yield _axes(x, y)
    for s in chart.series:
        points = [(x(a), y(b)) for a, b in zip(s.x, s.y, strict=True)]
        marks = "".join(
            f'<path d="{SHAPES[s.mark]}" transform="translate({a:.1f} {b:.1f}) scale(.7)"/>'
            for a, b in points[:: s.every]
        )
        yield f'<g class="track" style="--run:{s.colour}"><path class="way" d="{_line(points)}"/>{marks}</g>'


@_parts.register
def _(chart: Scatter) -> Iterator[str]:
    x, y = scales_of(chart)
    yield _axes(x, y)
    dots = _dots((x(a), y(b)) for a, b in chart.cloud.tolist())
    yield f'<g style="--run:{SEARCHED.colour}"><path class="cloud" d="{dots}"/></g>'
    yield _tested(chart, x, y)
    yield from (_front(front, x, y) for front in chart.fronts)


def _tested(chart: Scatter, x: Scale, y: Scale) -> str:
    """Marks of the accuracies on test images, each below the point that it belongs to."""
    moved = "".join(_line([(x(a), y(before)), (x(a), y(tested))]) for a, before, tested in chart.tested)
    marks = "".join(
        f'<path d="{SHAPES[TEST.mark]}" transform="translate({x(a):.1f} {y(tested):.1f}) scale(.8)"/>'
        for a, _, tested in chart.tested
    )
    return f'<g class="tested" style="--run:{TEST.colour}"><path class="gain" d="{moved}"/>{marks}</g>'


def _front(front: Front, x: Scale, y: Scale) -> str:
    """The limit that a front draws, where its points lay before, and the points."""
    limit = _line((x(a), y(b)) for a, b in front.stairs(x.low, y.low))
    moved = [(x(p.before), x(p.x), y(p.y)) for p in front.points if p.before is not None]
    gains = "".join(_line([(a, up), (b, up)]) for a, b, up in moved)
    before = _dots((a, up) for a, _, up in moved)
    grey = f'style="stroke:{SEARCHED.colour}"'
    grey = f'style="stroke:{SEARCHED.colour}"'
    grey = f'style="stroke:{SEARCHED.colour}"'
    grey = f'style="stroke:{SEARCHED.colour}"'
    points = "".join(_point(p, front.look.mark, x, y) for p in front.points)
    return (
        f'<g style="--run:{front.look.colour}"><path class="limit" d="{limit}"/>'
        f'<path class="gain" d="{gains}"/><path class="before" {grey} d="{before}"/>{points}</g>'
    )


def _point(point: Point, mark: Mark, x: Scale, y: Scale) -> str:
    at, note = f"translate({x(point.x):.1f} {y(point.y):.1f})", escape(point.note)
    return (
        f'<g class="pick" role="button" tabindex="-1" aria-pressed="false" transform="{at}" '
        f'data-network="{escape(point.key)}" aria-label="{note}">'
        f'<title>{note}</title><circle r="14" class="reach"/><path d="{SHAPES[mark]}"/></g>'
    )


@_parts.register
def _(chart: Parallel) -> Iterator[str]:
    width, height = SIZES[type(chart)]
    low, high = height - 66.0, 62.0
    across = Scale(Axis(""), 0, chart.rails[-1].x, 50, width - 50)
    up = Scale(Axis(""), 0, 1, low, high)
    yield '<g class="axes rails" aria-hidden="true">'
    for rail in chart.rails:
        x = f"{across(rail.x):.1f}"
        yield f'<line x1="{x}" x2="{x}" y1="{low:g}" y2="{high:g}"/>'
        for y, text in ((high - 10, rail.high), (low + 17, rail.low), (low + 36, rail.name)):
            yield f'<text x="{x}" y="{y:g}" class="x">{escape(text)}</text>'
    for middle, name in chart.footings():
        yield f'<text x="{across(middle):.1f}" y="{low + 54:g}" class="x">{escape(name)}</text>'
    for middle, name in chart.headings():
        yield f'<text x="{across(middle):.1f}" y="{high - 38:g}" class="x group">{escape(name)}</text>'
    yield "</g>"
    xs, paths = [across(rail.x) for rail in chart.rails], [""] * SHADES
    for row, shade in zip(chart.places.tolist(), chart.shades, strict=True):
        paths[shade] += _line(zip(xs, map(up, row), strict=True))
    yield from (f'<path class="gene" style="stroke:var(--shade-{k})" d="{d}"/>' for k, d in enumerate(paths))
    size = f'width="10" height="{(low - high) / SHADES:.1f}"'
    for k in range(SHADES):
        corner = f'x="{xs[-1] - 5:.1f}" y="{up((k + 1) / SHADES):.1f}"'
        yield f'<rect {corner} {size} style="fill:var(--shade-{k})"/>'


def _axes(x: Scale, y: Scale) -> str:
    """Grid, ticks and titles of a chart whose frame is that of the scales."""
    left, right, low, top = x.start, x.end, y.start, y.end
    parts = []
    for value, text in x.ticks():
        at = f"{x(value):.1f}"
        parts.append(f'<line x1="{at}" x2="{at}" y1="{low:g}" y2="{top:g}"/>')
        parts.append(f'<text x="{at}" y="{low + 20:g}" class="x">{text}</text>')
    for value, text in y.ticks():
        at = f"{y(value):.1f}"
        parts.append(f'<line x1="{left:g}" x2="{right:g}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{left - 8:g}" y="{at}" class="y">{text}</text>')
    middle = (left + right) / 2
    parts.append(f'<text x="{middle:g}" y="{low + 44:g}" class="x">{escape(x.axis.title)}</text>')
    parts.append(f'<text y="12">{escape(y.axis.title)}</text>')
    return f'<g class="axes" aria-hidden="true">{"".join(parts)}</g>'


def _line(points: Iterable[tuple[float, float]]) -> str:
    """The path through points."""
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return path and f"M{path}"


def _dots(points: Iterable[tuple[float, float]]) -> str:
    """The path of many dots; those that lie on each other are drawn once."""
    return "".join(f"M{x} {y}h0" for x, y in dict.fromkeys((f"{x:.1f}", f"{y:.1f}") for x, y in points))


SHAPES: dict[Mark, str] = {
    "circle": "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0Z",
    "square": "M-5.5-5.5h11v11h-11Z",
    "triangle-up": "M0-7L7 5.5H-7Z",
    "diamond": "M0-7.5L7.5 0L0 7.5L-7.5 0Z",
    "triangle-down": "M0 7L-7-5.5H7Z",
    "cross": "M-2-6.5h4v4.5h4.5v4h-4.5v4.5h-4v-4.5h-4.5v-4h4.5Z",
    "pentagon": "M0-7L6.7-2.2L4.1 5.7H-4.1L-6.7-2.2Z",
}
"""Marks around 0, 0."""


def sign(look: Look) -> str:
    """The mark of a look as an image in a line of text."""
    return (
        f'<svg class="sign" viewBox="-9 -9 18 18" aria-hidden="true"><path d="{SHAPES[look.mark]}" '
        f'fill="{look.colour}"/></svg>'
    )


def legend(entries: Sequence[tuple[str, Look]]) -> str:
    """What looks stand for; nothing where there is one only."""
    items = "".join(f"<li>{sign(look)} {escape(name)}</li>" for name, look in entries)
    return f'<ul class="legend">{items}</ul>\n' if len(entries) > 1 else ""
