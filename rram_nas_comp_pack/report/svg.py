"""Parts of charts as SVG that takes the page's colours: scales, axes, marks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from .chart_values import PALETTE


@dataclass(frozen=True, slots=True)
class Scale:
    """From values to places: `low` lies at `start`, `high` at `end`, in units of the drawing."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, about: int = 6) -> list[float]:
        """Round values within the scale, some `about` of them."""
        rough = (self.high - self.low) / about
        unit = 10.0 ** math.floor(math.log10(rough))
        step = unit * next(m for m in (1, 2, 5, 10) if m * unit >= rough * 0.999)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [round(k * step, 12) for k in range(first, last + 1)]


def scale(values: Iterable[float], start: float, end: float, least: float = 0.0) -> Scale:
    """A scale that shows all values and some room around them; `least` is a width that it has anyhow."""
    found = list(values) or [0.0]
    low, high = min(found), max(found)
    room = max((high - low) * 0.05, (least - (high - low)) / 2, abs(high) * 1e-6, 1e-9)
    return Scale(low - room, high + room, start, end)


class Axis(NamedTuple):
    """A scale with what it counts."""

    scale: Scale
    title: str

    def ticks(self) -> list[tuple[float, str]]:
        """Round values, all with equally many digits."""
        values = self.scale.ticks()
        digits = max((len(f"{value:.10g}".partition(".")[2]) for value in values), default=0)
        return [(value, f"{value:.{digits}f}") for value in values]


def axes(x: Axis, y: Axis) -> str:
    """Grid, ticks and titles of a plot whose frame is that of the scales."""
    left, right, low, top = x.scale.start, x.scale.end, y.scale.start, y.scale.end
    parts = []
    for value, text in x.ticks():
        at = f"{x.scale(value):.1f}"
        parts.append(f'<line x1="{at}" x2="{at}" y1="{low:g}" y2="{top:g}"/>')
        parts.append(f'<text x="{at}" y="{low + 20:g}" class="x">{text}</text>')
    for value, text in y.ticks():
        at = f"{y.scale(value):.1f}"
        parts.append(f'<line x1="{left:g}" x2="{right:g}" y1="{at}" y2="{at}"/>')
        parts.append(f'<text x="{left - 8:g}" y="{at}" class="y">{text}</text>')
    middle = (low + top) / 2
    parts.append(f'<text x="{(left + right) / 2:g}" y="{low + 42:g}" class="x">{escape(x.title)}</text>')
    turned = f'transform="rotate(-90 {left - 64:g} {middle:g})"'
    parts.append(f'<text x="{left - 64:g}" y="{middle:g}" class="x" {turned}>{escape(y.title)}</text>')
    return f'<g class="axes" aria-hidden="true">{"".join(parts)}</g>'


def line(points: Iterable[tuple[float, float]], steps: bool = False) -> str:
    """The path through points; in `steps` it goes across before it goes up or down."""
    found = [(f"{x:.1f}", f"{y:.1f}") for x, y in points]
    if not found:
        return ""
    (x, y), *rest = found
    return f"M{x} {y}" + "".join(f"H{x}V{y}" if steps else f"L{x} {y}" for x, y in rest)


def cloud(points: Iterable[tuple[float, float]]) -> str:
    """The path of many dots; those that lie on each other are drawn once."""
    return "".join(f"M{x} {y}h0" for x, y in dict.fromkeys((f"{x:.1f}", f"{y:.1f}") for x, y in points))


_SHAPES = (
    "M-6 0a6 6 0 1 0 12 0a6 6 0 1 0-12 0Z",
    "M-5.5-5.5h11v11h-11Z",
    "M0-7L7 5.5H-7Z",
    "M0-7.5L7.5 0L0 7.5L-7.5 0Z",
    "M0 7L-7-5.5H7Z",
    "M-2-6.5h4v4.5h4.5v4h-4.5v4.5h-4v-4.5h-4.5v-4h4.5Z",
    "M0-7L6.7-2.2L4.1 5.7H-4.1L-6.7-2.2Z",
)


def mark(run: int) -> str:
    """The shape that stands for a run, around 0, 0: runs differ in more than colour."""
    return _SHAPES[run % len(_SHAPES)]


def colour(run: int) -> str:
    """The colour that stands for a run."""
    return PALETTE[run % len(PALETTE)]


def legend(names: Sequence[str]) -> str:
    """What the marks stand for; nothing where there is one run only."""
    if len(names) < 2:
        return ""
    return f'<ul class="legend">{"".join(_legend(names))}</ul>\n'


def _legend(names: Sequence[str]) -> Iterator[str]:
    for run, name in enumerate(names):
        shape = f'<path d="{mark(run)}" fill="{colour(run)}"/>'
        yield f'<li><svg viewBox="-9 -9 18 18" aria-hidden="true">{shape}</svg> {escape(name)}</li>'


def drawing(width: float, height: float, label: str, content: str, role: str = "img") -> str:
    """A drawing; `label` says in words what it shows. Its parts are heard where the role is "group"."""
    return (
        f'<svg class="chart" viewBox="0 0 {width:g} {height:g}" role="{role}" aria-label="{escape(label)}">'
        f"{content}</svg>\n"
    )
