"""The comparison of runs as a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ofa.streams import printable

from ..page import Cell, CellValue, Section, page, table
from .run import Compared
from .table import rows

CAPTION = "The best value of a row is bold."


def comparison_page(runs: Sequence[Compared]) -> str:
    """One page with a column a run."""
    title = f"{len(runs)} runs side by side"
    return page(
        title,
        ", ".join(printable(run.name) for run in runs),
        [Section("runs", "Runs", runs_table(runs))],
        plots=False,
    )


def runs_table(runs: Sequence[Compared]) -> str:
    """The table, a column a run."""
    found: Iterable[list[CellValue]] = (
        [row.field.label, *(Cell(row.shown(i), None, i in row.best) for i in range(len(runs)))]
        for row in rows(runs)
    )
    names = [printable(run.name) for run in runs]
    return f'<div class="whole">{table(["quantity", *names], found, CAPTION)}</div>\n'
