"""Evaluated networks as the page's script shows them: one panel, which it fills, and a line a network."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape

import numpy as np

from ...runs.nas.run import SearchRun
from ..chart_values import Scatter
from ..svg import scales_of
from .networks import Chosen, pack_command, stages_table

TABLE = "evaluated.csv"


def evaluated_panel(runs: Sequence[SearchRun]) -> str:
    """What shows the network of a grey point, and a field for its number, which keys can reach."""
    fields = "".join(
        f'<label>{escape(_of(run, runs))}<input type="number" class="number" data-run="{i}" min="0" '
        f'max="{run.evaluated.total - 1}"></label> '
        for i, run in enumerate(runs)
        if len(run.evaluated.speed)
    )
    return (
        '<div class="panel" id="evaluated" hidden><h3></h3>\n<p class="figures"></p>\n'
        f"{stages_table([['-'] * 4])}"
        '<p>Packed by</p><pre tabindex="0"><code></code></pre>'
        '<button type="button" class="copy">Copy the command</button> <span role="status"></span></div>\n'
        f'<p class="numbers" hidden>{fields}</p>\n'
    )


def _of(run: SearchRun, runs: Sequence[SearchRun]) -> str:
    return f"Evaluated network of {run.name}: " if len(runs) > 1 else "Evaluated network: "


def evaluated_data(runs: Sequence[SearchRun], folders: Sequence[str], chart: Scatter) -> str:
    """The networks that fit, for the script: number, accuracy, speed, their choices, a digit each, the
    accuracy of chips, rows of diagonal boxes, and the place of the hardware among those offered.
    """
    x, y = scales_of(chart)
    data = {
        "x": [x.low, x.high, x.start, x.end],
        "y": [y.low, y.high, y.start, y.end],
        "runs": [
            {
                "title": f"{run.name}, evaluated network" if len(runs) > 1 else "Evaluated network",
                "folder": folder,
                "command": pack_command(run, TABLE, "K", _to_fill_in(run)),
                "hardware": [[each.name, each.crossbars] for each in run.front.offered],
                "networks": _networks(run),
            }
            for run, folder in zip(runs, folders, strict=True)
        ],
    }
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="evaluated-data">{text}</script>\n'


def _to_fill_in(run: SearchRun) -> Chosen:
    """What stands for the choices of a network, where they were genes."""
    own = run.evaluated
    rows = None if own.diagonal_rows is None else "ROWS"
    return Chosen(rows, None if own.hardware is None else "HARDWARE", "CROSSBARS")


def _networks(run: SearchRun) -> list[tuple[int | float | str | None, ...]]:
    own = run.evaluated
    none = [None] * len(own.number)
    chips = none if own.chip is None else own.chip.round(4).tolist()
    diagonal = none if own.diagonal_rows is None else own.diagonal_rows.tolist()
    places = {each.name: i for i, each in enumerate(run.front.offered)}
    hardware = none if own.hardware is None else [places[name] for name in own.hardware]
    columns = own.number, own.accuracy.round(4), own.speed.round(2)
    genes = ("".join(map(str, row)) for row in np.hstack([own.ks, own.e, own.d]).tolist())
    return list(zip(*(each.tolist() for each in columns), genes, chips, diagonal, hardware, strict=True))
