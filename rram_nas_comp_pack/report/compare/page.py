"""The comparison of runs as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from html import escape

from ofa.streams import printable

from ..page import Cell, CellValue, Section, page, table
from ..palette import look
from .run import Compared
from .table import Row, rows

BEST = "The best value of a row is bold."
SAME = "The same in all runs"


def comparison_page(runs: Sequence[Compared]) -> str:
    """One page with a column a run."""
    title = f"{len(runs)} runs side by side"
    charts = _charts(runs, rows(runs))
    sections = [
        *([Section("charts", "What can be better or worse", charts)] if charts else []),
        Section("runs", "All figures", runs_table(runs)),
    ]
    return page(title, ", ".join(printable(run.name) for run in runs), sections, plots=False)


def runs_table(runs: Sequence[Compared]) -> str:
    """What differs, a column a run, and then what does not."""
    found = rows(runs)
    same = [row for row in found if len(runs) > 1 and len(set(row.values)) == 1]
    differing = [row for row in found if row not in same]
    names = [printable(run.name) for run in runs]
    header = ["quantity", *names]
    html = table(header, (_cells(row, row.values) for row in differing), BEST)
    if same:
        html += table(["quantity", "value"], (_cells(row, row.values[:1]) for row in same), SAME)
    return f'<div class="whole">{html}</div>\n'


def _cells(row: Row, values: Sequence[object]) -> list[CellValue]:
    return [row.field.label, *(Cell(row.shown(i), None, i in row.best) for i in range(len(values)))]


def _charts(runs: Sequence[Compared], found: Iterable[Row]) -> str:
    """Small bar charts, one for each quantity that has a best run, each with a scale of its own."""
    charts = "".join(_chart(runs, row) for row in found if row.best)
    return f'<div class="multiples">{charts}</div>\n' if charts else ""


def _chart(runs: Sequence[Compared], row: Row) -> str:
    better = "lower" if row.field.better == "low" else "higher"
    title = f"{escape(row.field.label)} <small>({better} is better)</small>"
    return f"<figure><figcaption>{title}</figcaption>{''.join(_bars(runs, row))}</figure>\n"


def _bars(runs: Sequence[Compared], row: Row) -> Iterator[str]:
    most = max((abs(v) for v in row.values if isinstance(v, int | float)), default=0) or 1
    for i, run in enumerate(runs):
        value = row.values[i]
        share = 100 * abs(value) / most if isinstance(value, int | float) else 0
        shown = escape(row.shown(i))
        yield (
            f'<div class="bar"><span>{escape(printable(run.name))}</span>'
            f'<span class="rail"><i style="width: {share:.1f}%; background: {look(i).colour}"></i></span>'
            f"<span>{f'<strong>{shown}</strong>' if i in row.best else shown}</span></div>"
        )
