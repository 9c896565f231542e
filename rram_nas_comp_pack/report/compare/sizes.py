"""Runs of one network on chips of several sizes, of which some are loaded segment by segment, as curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from ..chart_values import BLUE, GREEN, ORANGE, Axis, Lines, Series
from ..matplotlib_charts import draw, png_and_svg
from ..page import plot
from ..plotly_charts import interactive
from .run import Compared

FEWEST = 2
"""Sizes that make a curve."""


class _Curve(NamedTuple):
    """A quantity against the size of the chip: its key in `Compared`, scale, name, unit, title and colour."""

    key: str
    scale: float
    name: str
    unit: str
    title: str
    colour: str


CURVES = (
    _Curve("latency_8_ns", 1e-6, "latency", "ms", "Latency of 8 samples", BLUE),
    _Curve("energy_nj", 1e-6, "energy", "mJ", "Energy of an inference", ORANGE),
    _Curve("years", 1.0, "life", "years", "Years until the first cell is worn", GREEN),
)


def size_charts(runs: Sequence[Compared]) -> list[Lines]:
    """Curves against the number of crossbars; none where runs are not those of one network in several sizes.

    A network that fits is written once, so that it has no place on the curve of years.
    """
    packed = [run for run in runs if run.kind == "packing" and run.values.get("budget") is not None]
    budgets = [run.values["budget"] for run in packed]
    if len(packed) < len(runs) or len({run.values.get("model") for run in runs}) != 1:
        return []
    if len(set(budgets)) < FEWEST or not any("segments" in run.values for run in packed):
        return []
    return [chart for curve in CURVES if (chart := _chart(curve, packed)) is not None]


def _chart(curve: _Curve, runs: Sequence[Compared]) -> Lines | None:
    points = sorted(_points(curve, runs))
    if len(points) < FEWEST:
        return None
    x, y, notes = zip(*points, strict=True)
    series = Series(curve.title, x, y, curve.colour, notes=notes)
    ticks, y_axis = tuple(sorted(set(x))), Axis(f"{curve.name} ({curve.unit})", zero=True)
    return Lines(curve.title, Axis("crossbars", log=True, ticks=ticks), y_axis, (series,))


def _points(curve: _Curve, runs: Sequence[Compared]) -> Iterator[tuple[float, float, str]]:
    for run in runs:
        budget, value = run.values["budget"], run.values.get(curve.key)
        if isinstance(budget, int) and isinstance(value, int | float):
            segments = run.values.get("segments")
            loads = "as a whole" if segments is None else f"in {segments} segments"
            shown = value * curve.scale
            yield float(budget), shown, f"{budget} crossbars: {shown:.4g} {curve.unit}, {loads}"


def size_section(runs: Sequence[Compared]) -> str:
    """The curves as markup; "" where there are none."""
    return "".join(
        plot(interactive(chart), _words(chart), png_and_svg(draw(chart))["png"])
        for chart in size_charts(runs)
    )


def _words(chart: Lines) -> str:
    (series,) = chart.series
    first, last = series.notes[0], series.notes[-1]
    return f"{chart.title} by the number of crossbars of the chip, which is logarithmic. {first}; {last}."
