"""Charts as plain values: said once, drawn twice.

`matplotlib_charts` draws all of them for print. For the page `plotly_charts` draws those of packing runs, and
`svg` those of searches, whose points are buttons; both draw `Lines`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, NamedTuple

from ..kernels.arrays import Floats
from .palette import BLUE, Look, Mark

Style = Literal["solid", "dash", "dot"]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis counts, with its unit; `percent`: values are shares from 0 to 1; `ticks` mark these.

    `names` are those of the ticks, where these are no numbers that say something.
    A linear axis of `Lines` or `Scatter` starts at 0 where `zero`, marks whole numbers alone where `whole`,
    and spans `least` at least; plotly's, which can be zoomed, does as it likes but for shares.
    """

    title: str
    log: bool = False
    percent: bool = False
    ticks: tuple[float, ...] = ()
    zero: bool = False
    whole: bool = False
    least: float = 0.0
    names: tuple[str, ...] = ()

    @property
    def marked(self) -> list[str]:
        """What is written at the ticks."""
        return list(self.names) or [f"{tick:g}" for tick in self.ticks]

    def limits(self, values: Iterable[float]) -> tuple[float, float]:
        """The ends of a linear axis that shows these values, with some room around them."""
        found = list(values) or [0.0]
        low, high = (0.0 if self.zero else min(found)), max(found)
        least = max(self.least, 2.0 * self.whole)
        room = max((high - low) * 0.05, (least - (high - low)) / 2) or abs(high) * 0.05 or 1.0
        room = max(room, abs(high) * 1e-6, 1e-6)
        ends = (0.0 if self.zero else low - room), high + room
        if not self.percent:
            return ends
        first = max(0.0, ends[0])
        return first, min(ends[1], 1 + (1 - first) * 0.02)  # no share is above 1; its mark is seen whole


@dataclass(frozen=True, slots=True)
class Series:
    """Points in order. `notes`, one per point, are shown when it is pointed at.

    What lies `below` is drawn wide, with hollow marks, so that it is seen where others lie on it.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: str = BLUE
    style: Style = "solid"
    notes: tuple[str, ...] = ()
    mark: Mark = "circle"
    below: bool = False

    @property
    def every(self) -> int:
        """Of many points, only each of so many has a mark."""
        return 1 if len(self.x) <= 30 else len(self.x) // 10


@dataclass(frozen=True, slots=True)
class Lines:
    """Points joined by lines."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]


@dataclass(frozen=True, slots=True)
class Portion:
    """One value per category of `Bars`."""

    name: str
    values: tuple[float, ...]
    colour: str = BLUE


@dataclass(frozen=True, slots=True)
class Bars:
    """Horizontal bars, a row per category, first one on top; portions one after another or side by side.

    `kind` is what a category is; `names` are longer ones, which there is room for on paper.
    """

    title: str
    categories: tuple[str, ...]
    value: Axis
    portions: tuple[Portion, ...]
    stacked: bool = True
    kind: str = ""
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grid:
    """Values from 0 to 1 in rows of `columns`, in reading order, as colours; `notes` has one per value.

    `order` says below the chart what lies where.
    """

    title: str
    values: tuple[float, ...]
    columns: int
    value: Axis
    notes: tuple[str, ...]
    order: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that lasts, in a row of a timeline and one of its lanes; `group` indexes into the groups."""

    row: int
    start: float
    end: float
    group: int
    lane: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """Spans of one colour; `faint` ones are drawn pale."""

    name: str
    colour: str
    faint: bool = False


@dataclass(frozen=True, slots=True)
class Timeline:
    """Spans in rows of so many `lanes` each, first row on top; `kind` and `names` are as of `Bars`."""

    title: str
    rows: tuple[str, ...]
    time: Axis
    groups: tuple[Group, ...]
    spans: tuple[Span, ...]
    lanes: int = 1
    kind: str = ""
    names: tuple[str, ...] = ()

    def middle(self, span: Span) -> float:
        """Where a span lies between the rows, counted from the top."""
        return span.row + ((span.lane + 0.5) / self.lanes - 0.5) * ROW

    @property
    def thickness(self) -> float:
        """Of a span, in rows."""
        return ROW / self.lanes


ROW = 0.8
"""Share of a row that its content takes up."""


class Point(NamedTuple):
    """A point of a front. It lay at x = `before` once, where that is not None; `key` names it in a page."""

    x: float
    y: float
    before: float | None
    key: str
    note: str


@dataclass(frozen=True, slots=True)
class Front:
    """Points of which more of x and more of y are better."""

    name: str
    points: tuple[Point, ...]
    look: Look

    def limit(self) -> list[Point]:
        """Those that no other beats in both, by rising x."""
        found: list[Point] = []
        for point in sorted(self.points, key=lambda p: (-p.x, -p.y)):
            if not found or point.y > found[-1].y:
                found.append(point)
        return found[::-1]

    def stairs(self, left: float, bottom: float) -> list[tuple[float, float]]:
        """The line that bounds what the front beats, from the left end of a chart to its bottom."""
        corners, x = [], left
        for point in self.limit():
            corners += [(x, point.y), (point.x, point.y)]
            x = point.x
        return [*corners, (x, bottom)] if corners else []


@dataclass(frozen=True, slots=True)
class Scatter:
    """Fronts on a `cloud` of points, (points, 2). `named`: what the cloud is, and where points lay before.

    `tested` are points of a front on test images: x, y of the front, and y there.
    """

    title: str
    x: Axis
    y: Axis
    cloud: Floats
    fronts: tuple[Front, ...]
    named: tuple[str, str]
    tested: tuple[tuple[float, float, float], ...] = ()

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ends of both axes."""
        points = [p for front in self.fronts for p in front.points]
        befores = [p.before for p in points if p.before is not None]
        x = self.x.limits([*self.cloud[:, 0].tolist(), *(p.x for p in points), *befores])
        tested = (y for *_, y in self.tested)
        return x, self.y.limits([*self.cloud[:, 1].tolist(), *(p.y for p in points), *tested])


TESTED = "front, on test images"


class Rail(NamedTuple):
    """One axis of `Parallel`, at `x`: the heading of its group, its name there, and the texts at its ends.

    `foot` says below a group what its names count.
    """

    x: float
    group: str
    name: str
    low: str
    high: str
    foot: str = ""


@dataclass(frozen=True, slots=True)
class Parallel:
    """Lines across parallel axes: `places` (lines, rails) from 0 to 1, a later line above an earlier one.

    `shades` (lines,), 0 to SHADES - 1, are colours; they stand for places on the last rail.
    """

    title: str
    rails: tuple[Rail, ...]
    places: Floats
    shades: tuple[int, ...]

    def headings(self) -> list[tuple[float, str]]:
        """The middle and the name of every group."""
        return [(middle, group) for middle, group, _ in self._groups()]

    def footings(self) -> list[tuple[float, str]]:
        """The middle of every group, and what its names count."""
        return [(middle, foot) for middle, _, foot in self._groups()]

    def _groups(self) -> list[tuple[float, str, str]]:
        names = dict.fromkeys((rail.group, rail.foot) for rail in self.rails)
        return [(fmean(r.x for r in self.rails if (r.group, r.foot) == name), *name) for name in names]


SHADES = 8

Chart = Lines | Bars | Grid | Timeline | Scatter | Parallel
