"""A sweep as a tidy table: a line a point, with its parameters, its results, and why it failed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ..compare.run import Value
from ..compare.table import FIELDS
from .accuracy import ACCURACY_FIELDS

Values = Mapping[str, Value]
"""What a run found, by the names of columns."""

_LEFT_OUT = {"kind", "time_s", "seed", "duplication"}
"""What is the same for all, what differs from time to time, and what the options say."""

_MILLIONTHS = ("_ns", "_nj", "_um2")
"""Endings of columns that people read in ms, mJ and mm²."""


class SweepTold(NamedTuple):
    """What the page says of a sweep: its ID, and the command of its points."""

    name: str
    command: str


class SweptRun(NamedTuple):
    """The values that a point has of what is swept, what it found, None where it failed, and why."""

    values: tuple[str, ...]
    found: Values | None
    reason: str


@dataclass(frozen=True, slots=True)
class SweepTable:
    """Columns by name, with what people call them, and a row a point; None where there is no value.

    The first `parameters` columns are what was swept; the last is the reason of a point that failed. Numbers
    times `scales` are in the units of the labels.
    """

    parameters: int
    header: tuple[str, ...]
    labels: tuple[str, ...]
    scales: tuple[float, ...]
    rows: tuple[tuple[Value, ...], ...]

    def people_read(self) -> list[list[Value]]:
        """The rows in the units of the labels."""
        return [
            [v * scale if isinstance(v, float) else v for v, scale in zip(row, self.scales, strict=True)]
            for row in self.rows
        ]


def table_of(command: str, swept: Sequence[str], points: Iterable[SweptRun]) -> SweepTable:
    """All points of a command with what is known of any of them."""
    runs = list(points)
    known = {key for run in runs if run.found for key, value in run.found.items() if value is not None}
    every = ACCURACY_FIELDS if command == "accuracy" else FIELDS
    fields = [each for each in every if each.key in known - _LEFT_OUT - {*swept}]
    searched = command == "evolve"
    labels = (each.of_search if searched and each.of_search else each.label for each in fields)
    rows = (
        (
            *map(_number, run.values),
            *((run.found.get(each.key) if run.found else None) for each in fields),
            run.reason or None,
        )
        for run in runs
    )
    return SweepTable(
        len(swept),
        (*swept, *(each.key for each in fields), "failed"),
        (*(name.replace("_", " ") if name.islower() else name for name in swept), *labels, "failed"),
        (*(1.0 for _ in swept), *(1e-6 if each.key.endswith(_MILLIONTHS) else 1.0 for each in fields), 1.0),
        tuple(rows),
    )


def _number(text: str) -> Value:
    """A parameter as a number where its text is one."""
    for kind in (int, float):
        try:
            found = kind(text)
        except ValueError:
            continue
        if text == str(found):
            return found
    return text
