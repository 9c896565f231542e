"""The comparison of runs as a page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ofa.streams import printable

from ..page import Section, page
from .run import Compared
from .table import Row, rows

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
    heads = "".join(f'<th scope="col" class="number">{escape(printable(run.name))}</th>' for run in runs)
    body = "".join(
        f'<tr><th scope="row">{escape(row.field.label)}</th>{_cells(row)}</tr>\n' for row in rows(runs)
    )
    return (
        '<div class="scroll" style="max-height: none" tabindex="0" role="region" aria-label="Runs"><table>'
        f"<caption>{CAPTION}</caption>\n"
        f'<thead><tr><th scope="col">quantity</th>{heads}</tr></thead>\n'
        f"<tbody>\n{body}</tbody></table></div>\n"
    )


def _cells(row: Row) -> str:
    shown = [escape(row.shown(i)) for i in range(len(row.values))]
    best = (f"<strong>{text}</strong>" if i in row.best else text for i, text in enumerate(shown))
    return "".join(f'<td class="number">{text}</td>' for text in best)
