"""Charts as plain values: said once, drawn twice.

`matplotlib_charts` draws all of them for print. For the page `plotly_charts` draws those of packing runs, and
`svg` those of searches, whose points are buttons; both draw `Lines`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from statistics import fmean
from typing import Literal, NamedTuple, get_args

from ..kernels.arrays import Floats

BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8A8F98"),
)
"""Okabe and Ito's colours, which colour-blind readers tell apart; without black and yellow, each of which
is invisible on one of the two backgrounds."""

PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY)

Mark = Literal["circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "pentagon"]
MARKS: tuple[Mark, ...] = get_args(Mark)


class Look(NamedTuple):
    """How one of several runs is told from the others: by colour and shape."""

    colour: str
    mark: Mark


def look(run: int) -> Look:
    """The look of a run, by its place among them."""
    return Look(PALETTE[run % len(PALETTE)], MARKS[run % len(MARKS)])


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
    """Points in order. `notes`, one per point, are shown when it is pointed at."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: str = BLUE
    style: Style = "solid"
    notes: tuple[str, ...] = ()
    mark: Mark = "circle"

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
    """Horizontal bars, a row per category, first one on top; portions one after another or side by side."""

    title: str
    categories: tuple[str, ...]
    value: Axis
    portions: tuple[Portion, ...]
    stacked: bool = True


@dataclass(frozen=True, slots=True)
class Grid:
    """Values from 0 to 1 in rows of `columns`, in reading order, as colours; `notes` has one per value."""

    title: str
    values: tuple[float, ...]
    columns: int
    value: Axis
    notes: tuple[str, ...]


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
    """Spans in rows of so many `lanes` each, first row on top."""

    title: str
    rows: tuple[str, ...]
    time: Axis
    groups: tuple[Group, ...]
    spans: tuple[Span, ...]
    lanes: int = 1

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
    """Fronts on a `cloud` of points, (points, 2). `named`: what the cloud is, and where points lay before."""

    title: str
    x: Axis
    y: Axis
    cloud: Floats
    fronts: tuple[Front, ...]
    named: tuple[str, str]

    def limits(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """The ends of both axes."""
        points = [p for front in self.fronts for p in front.points]
        befores = [p.before for p in points if p.before is not None]
        x = self.x.limits([*self.cloud[:, 0].tolist(), *(p.x for p in points), *befores])
        return x, self.y.limits([*self.cloud[:, 1].tolist(), *(p.y for p in points)])


class Rail(NamedTuple):
    """One axis of `Parallel`, at `x`, the texts at its ends, and the heading of its group."""

    x: float
    group: str
    name: str
    low: str
    high: str


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
        names = dict.fromkeys(rail.group for rail in self.rails)
        return [(fmean(rail.x for rail in self.rails if rail.group == name), name) for name in names]


SHADES = 8

Chart = Lines | Bars | Grid | Timeline | Scatter | Parallel
