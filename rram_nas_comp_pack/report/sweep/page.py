"""The page of a sweep: curves whose axes and colours are chosen, and the table."""

from __future__ import annotations

import json

from ...runs.plain_text import counted
from ..chart_values import Axis, Lines, Series
from ..compare.run import Value
from ..figure_options import USUAL, FigureOptions
from ..matplotlib_charts import draw, files_of
from ..page import Cell, CellValue, Section, asset, json_data, page, table
from ..palette import look
from ..report_files import ReportFiles
from .table import SweepTable, SweepTold

_FIRST_RESULTS = ("latency_8_ns", "latency_1_ns", "hypervolume", "accuracy", "agreement", "crossbars")
"""What the curves show at first: the first of these that is there."""


_SHOWN = {
    *(
        "crossbars",
        "lower_bound",
        "utilization",
        "latency_1_ns",
        "latency_8_ns",
        "speed_8",
        "energy_nj",
        "area_um2",
        "segments",
        "write_time_share",
        "years",
    ),
    *("hypervolume", "front", "best_validation", "best_test", "best_chip_test"),
    *("chips", "integer_accuracy", "accuracy", "accuracy_worst", "accuracy_low", "accuracy_high"),
    *("integer_agreement", "agreement", "agreement_worst", "agreement_low", "agreement_high"),
    *("dense_snr_db", "diagonal_snr_db"),
}
"""Results that the page's table has room for."""


def sweep_report(found: SweepTable, told_of: SweepTold, options: FigureOptions = USUAL) -> ReportFiles:
    """Page and figure of a sweep of a command."""
    many = counted(len(found.rows), "point")
    failed = sum(row[-1] is not None for row in found.rows)
    told = f"{many} of {told_of.command}" + (f", {failed} of which failed" if failed else "")
    drawn = any(i >= found.parameters for i in _numeric(found))
    sections = [
        *([Section("curves", "Curves", _curves(found))] if drawn else []),
        Section("table", "Table", _table(found)),
        *([Section("failed", "Points that failed", _failures(found))] if failed else []),
    ]
    html = page(f"Sweep {told_of.name}", told, sections, plots=False)
    figures = files_of(draw(_chart(found), options=options), options) if drawn else {}
    return ReportFiles(html, {f"sweep.{kind}": content for kind, content in figures.items()})


def _numeric(found: SweepTable) -> list[int]:
    """The places of columns that hold numbers."""
    columns = list(zip(*found.rows, strict=True))
    return [i for i, column in enumerate(columns) if any(isinstance(v, int | float) for v in column)]


def _start(found: SweepTable) -> tuple[int, int, int]:
    """The columns that are shown first: across, upwards, and by colour, which is -1 for one curve."""
    numeric = _numeric(found)
    across = next((i for i in numeric if i < found.parameters), numeric[0])
    first = [found.header.index(name) for name in _FIRST_RESULTS if name in found.header]
    upwards = next(iter(first), numeric[-1])
    return across, upwards, next((i for i in range(found.parameters) if i != across), -1)


def _chart(found: SweepTable) -> Lines:
    """The curves that are shown first, in the colours of the page."""
    across, upwards, colour = _start(found)
    rows, series = found.people_read(), []
    names = dict.fromkeys(row[colour] if colour >= 0 else "" for row in rows)
    for i, name in enumerate(names):
        points = [
            (x, y)
            for row in rows
            if (row[colour] if colour >= 0 else "") == name
            and isinstance(x := row[across], int | float)
            and isinstance(y := row[upwards], int | float)
        ]
        if points:
            xs, ys = zip(*sorted(points), strict=True)
            title = f"{found.labels[colour]} {name}" if colour >= 0 else ""
            series.append(Series(title, xs, ys, look(i).colour, mark=look(i).mark))
    return Lines("", Axis(found.labels[across]), Axis(found.labels[upwards]), tuple(series))


def _curves(found: SweepTable) -> str:
    data = {
        "labels": found.labels,
        "parameters": found.parameters,
        "numeric": _numeric(found),
        "start": _start(found),
        "looks": [look(i)[:1] for i in range(7)],
        "rows": found.people_read(),
    }
    return (
        '<form class="controls" id="sweep-controls"></form>\n'
        '<div id="sweep-chart" role="img" aria-label="Curves of the chosen columns"></div>\n'
        '<ul class="legend" id="sweep-legend"></ul>\n'
        '<p class="hint">Every point is a line of the table. Lines join runs of one colour.</p>\n'
        f"<style>\n{asset('sweep/sweep.css')}</style>\n"
        f'<div id="sweep-data">{json_data(json.dumps(data, separators=(",", ":")))}</div>\n'
        f"<script>\n{asset('sweep/sweep.js')}</script>\n"
    )


def _table(found: SweepTable) -> str:
    """Parameters, and the results that there is room for, of the points that did not fail."""
    known = {name for i, name in enumerate(found.header) if any(row[i] is not None for row in found.rows)}
    wanted = known & (_SHOWN if "speed_8" in known else {*_SHOWN, "speed"})
    results = [i for i, name in enumerate(found.header) if name in wanted and i >= found.parameters]
    shown = [*range(found.parameters), *results]
    rows = [[_cell(row[i]) for i in shown] for row in found.people_read() if row[-1] is None]
    caption = "A line a point; sweep.csv has all columns."
    return f'<div class="swept">{table([found.labels[i] for i in shown], rows, caption, True)}</div>\n'


def _failures(found: SweepTable) -> str:
    """Parameters of the points that failed, and why."""
    labels = [*found.labels[: found.parameters], "why"]
    rows = [[*map(_cell, row[: found.parameters]), str(row[-1])] for row in found.rows if row[-1] is not None]
    return (
        f'<div class="swept">{table(labels, rows, "The same command makes these runs again.", True)}</div>\n'
    )


def _cell(value: Value) -> CellValue:
    if value is None:
        return "-"
    return (
        Cell(f"{value:.4g}" if value < 1e4 else f"{value:,.0f}", value) if isinstance(value, float) else value
    )
