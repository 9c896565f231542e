"""Charts as plain values: said once, drawn twice (`figures` for print, `plots` for the page)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY = (
    *("#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#8A8F98"),
)
"""Okabe and Ito's colours, which colour-blind readers tell apart; without black and yellow, each of which
is invisible on one of the two backgrounds."""

PALETTE = (BLUE, ORANGE, GREEN, RED, SKY, PURPLE, GREY)

Style = Literal["solid", "dash", "dot", "points", "steps"]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis counts, with its unit; `percent`: values are shares from 0 to 1; `ticks` mark these."""

    title: str
    log: bool = False
    percent: bool = False
    ticks: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Series:
    """Points in order. `notes`, one per point, are shown when it is pointed at."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    colour: str = BLUE
    style: Style = "solid"
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lines:
    """Lines or clouds of points."""

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

Chart = Lines | Bars | Grid | Timeline
