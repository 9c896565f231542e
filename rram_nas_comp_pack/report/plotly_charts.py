"""Charts of packing runs as plotly figures; the page itself gives them the colours of its background."""

from __future__ import annotations

from functools import singledispatch
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import plotly.graph_objects as go

from .chart_values import Axis, Bars, Chart, Grid, Lines, Timeline

if TYPE_CHECKING:
    from collections.abc import Iterable


def interactive(chart: Chart) -> go.Figure:
    """A chart that answers to the mouse. It has no title: the page has headings."""
    figure = _figure(chart)
    figure.update_layout(
        template=go.layout.Template(),  # the default one takes 7 KB a figure
        margin={"l": 60, "r": 20, "t": 56, "b": 56},
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0, "traceorder": "normal"},
        hoverlabel={"align": "left"},
    )
    return figure


@singledispatch
def _figure(chart: Chart) -> go.Figure:
    raise TypeError(chart)


@_figure.register
def _(chart: Lines) -> go.Figure:
    figure = go.Figure(layout={"height": 460, "xaxis": _axis(chart.x), "yaxis": _axis(chart.y)})
    if chart.y.percent:
        figure.update_yaxes(range=chart.y.limits(y for s in chart.series for y in s.y))
    for s in chart.series:
        figure.add_scatter(
            x=list(s.x),
            y=list(s.y),
            name=escape(s.name),
            mode="lines+markers",
            line={"color": s.colour, "dash": s.style, "width": 6 if s.below else 2},
            marker={
                "color": s.colour,
                "size": 14 if s.below else 8,
                "symbol": f"{s.mark}{'-open' * s.below}",
            },
            **_notes(s.notes),
        )
    return figure


@_figure.register
def _(chart: Bars) -> go.Figure:
    bars = len(chart.categories) * (1 if chart.stacked else len(chart.portions))
    figure = go.Figure(
        layout={
            "barmode": "stack" if chart.stacked else "group",
            "height": 160 + 16 * bars,
            "xaxis": _axis(chart.value),
            "yaxis": _rows(chart.categories, chart.kind),
        }
    )
    rows = list(range(len(chart.categories)))
    for p in chart.portions:
        values = list(p.values)
        pairs = zip(chart.categories, values, strict=True)
        notes = [f"{c}, {p.name}: {_value(v, chart.value)}" for c, v in pairs]
        figure.add_bar(
            x=values, y=rows, orientation="h", name=escape(p.name), marker_color=p.colour, **_notes(notes)
        )
    return figure


@_figure.register
def _(chart: Grid) -> go.Figure:
    columns = chart.columns
    starts = range(0, len(chart.values), columns)
    rows = len(starts)
    figure = go.Figure(
        layout={
            "height": 200 + max(12, 700 // columns) * rows,
            "xaxis": {
                "title": {"text": escape("\n".join(wrap(chart.order, NARROW))).replace("\n", "<br>")},
                "automargin": True,
                "showgrid": False,
                "zeroline": False,
            },
            "yaxis": {**_rows(tuple(str(i) for i in starts), "first crossbar of the row"), "showgrid": False},
        }
    )  # fmt: skip
    figure.add_heatmap(
        z=[list(chart.values[i : i + columns]) for i in starts],
        zmin=0,
        zmax=1,
        xgap=1,
        ygap=1,
        colorscale="Cividis",
        colorbar={"title": {"text": chart.value.title, "side": "right"}, **_ticks(chart.value)},
        text=[[escape(note) for note in chart.notes[i : i + columns]] for i in starts],
        hovertemplate="%{text}<extra></extra>",
        hoverongaps=False,
    )
    return figure


@_figure.register
def _(chart: Timeline) -> go.Figure:
    figure = go.Figure(
        layout={
            "barmode": "overlay",
            "height": 160 + 20 * len(chart.rows),
            "xaxis": {**_axis(chart.time), "range": [0, 1.01 * max((s.end for s in chart.spans), default=1)]},
            "yaxis": _rows(chart.rows, chart.kind),
        }
    )
    for k, group in enumerate(chart.groups):
        spans = [s for s in chart.spans if s.group == k]
        figure.add_bar(
            base=[s.start for s in spans],
            x=[s.end - s.start for s in spans],
            y=[chart.middle(s) for s in spans],
            width=chart.thickness,
            orientation="h",
            name=escape(group.name),
            marker={
                "color": group.colour,
                "opacity": 0.45 if group.faint else 1.0,
                "line": {"width": 0 if group.faint else 1, "color": group.colour},
            },
            **_notes(s.note for s in spans),
        )
    return figure


NARROW = 28
"""Letters beside each other on the narrowest page."""


def _notes(notes: Iterable[str]) -> dict[str, Any]:
    texts = [escape(note) for note in notes]
    return {"hovertext": texts, "hovertemplate": "%{hovertext}<extra></extra>"} if any(texts) else {}


def _axis(axis: Axis) -> dict[str, Any]:
    kind = {"type": "log", "dtick": 1} if axis.log else {}
    return {"title": {"text": escape(axis.title)}, "automargin": True, **kind, **_ticks(axis)}


def _ticks(axis: Axis) -> dict[str, Any]:
    if axis.ticks:
        return {"tickvals": list(axis.ticks), "ticktext": list(map(escape, axis.marked))}
    return {"tickformat": ".2~%"} if axis.percent else {}


def _rows(names: tuple[str, ...], kind: str) -> dict[str, Any]:
    return {
        "title": {"text": escape(kind), "standoff": 12},
        "tickvals": list(range(len(names))),
        "ticktext": [escape(name) for name in names],
        "range": [len(names) - 0.4, -0.6],
        "automargin": True,
        "zeroline": False,
    }


def _value(value: float, axis: Axis) -> str:
    return f"{value:.2%}" if axis.percent else f"{value:,.6g}"
