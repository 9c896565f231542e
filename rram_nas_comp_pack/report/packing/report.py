"""The report of a packing run."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from matplotlib.figure import Figure

from ...runs.packing.accuracy import mapping_names
from ...runs.packing.chip_image import NAME
from ...runs.packing.run import PackingRun
from ...runs.plain_text import counted
from ..chart_values import Chart
from ..figure_options import USUAL, FigureOptions
from ..matplotlib_charts import draw, files_of
from ..page import Section, page, plot
from ..plotly_charts import interactive
from ..report_files import ReportFiles
from .accuracy import accuracy_table, chip_chart, chip_words, mapping_table, noise_chart, noise_words
from .atlas import atlas_figure
from .atlas_page import atlas_html
from .charts import (
    cost_chart,
    duration,
    latency_chart,
    layer_chart,
    load_chart,
    timeline_chart,
)
from .graph import bound_table, graph_beside
from .segments import segment_chart, segment_table, segment_words
from .summary import summary_html
from .sweep import sweep_chart, sweep_table, sweep_words
from .tables import cost_table, coverage_tables, evaluation_table, layer_table


def packing_report(run: PackingRun, options: FigureOptions = USUAL) -> ReportFiles:
    """The page and the figures of a run."""
    figures = {
        name: files_of(drawn if isinstance(drawn, Figure) else draw(drawn, options=options), options)
        for name, drawn in _figures(run, options)
    }
    stills = {name: files["png"] for name, files in figures.items()}
    html = page(f"Packing run {run.name}", _subtitle(run), _sections(run, stills))
    flat = {f"{name}.{kind}": data for name, files in figures.items() for kind, data in files.items()}
    return ReportFiles(html, flat)


class _Drawing(NamedTuple):
    """A chart of the run, and what it shows in words."""

    make: Callable[[PackingRun], Chart]
    words: Callable[[PackingRun], str]


def _figures(run: PackingRun, options: FigureOptions) -> Iterator[tuple[str, Chart | Figure]]:
    """What is drawn for paper, by name."""
    yield "atlas", atlas_figure(run, options)
    yield from ((name, drawing.make(run)) for name, drawing in _DRAWINGS.items())
    if run.accuracy is not None:
        yield "accuracy", chip_chart(run.accuracy)
        yield "noise", noise_chart(run.accuracy, run.labels)
    if run.result.reload is not None:
        yield "segments", segment_chart(run)
    yield from ((f"sweep_{sweep.key}", sweep_chart(sweep)) for sweep in run.sweeps)


def _accuracy_sections(run: PackingRun, stills: Mapping[str, bytes]) -> Iterator[Section]:
    """What the chips get right, where any has been judged."""
    found = run.accuracy
    if found is not None:
        chips = plot(interactive(chip_chart(found)), chip_words(found), stills["accuracy"])
        noise = interactive(noise_chart(found, run.labels))
        layers = (
            plot(noise, noise_words(found), stills["noise"]) + mapping_table(found) + accuracy_table(found)
        )
        note = "" if found.own_image else _OTHER_IMAGE
        yield Section("accuracy", "Accuracy on chips", note + chips + layers)
    mappings = mapping_names(run.mappings)
    for sweep in run.sweeps:
        still = stills[f"sweep_{sweep.key}"]
        curve = plot(interactive(sweep_chart(sweep)), sweep_words(sweep), still)
        note = "" if sweep.own_image else _OTHER_IMAGE
        title = f"Accuracy by {sweep.key}"
        yield Section(f"accuracy-{sweep.key}", title, note + curve + sweep_table(sweep, mappings))


_OTHER_IMAGE = (
    f"<p><strong>These chips hold another image than {NAME}; rnc accuracy judges those that hold it."
    "</strong></p>\n"
)


def _segment_sections(run: PackingRun, stills: Mapping[str, bytes]) -> Iterator[Section]:
    """What each segment takes, where there are several."""
    if run.result.reload is not None:
        chart = plot(interactive(segment_chart(run)), segment_words(run), stills["segments"])
        yield Section("segments", "Segments", chart + segment_table(run))


def _subtitle(run: PackingRun) -> str:
    boxes = f"{len(run.mappings)} layers, {len(run.placements)} boxes"
    result = run.result
    size = f"{result.size.rows} × {result.size.columns}"
    return f"{result.model}: {boxes} on {result.crossbars} crossbars of {size} cells"


def _sections(run: PackingRun, stills: Mapping[str, bytes]) -> list[Section]:
    def chart(name: str) -> str:
        make, words = _DRAWINGS[name]
        return plot(interactive(make(run)), words(run), stills[name])

    return [
        Section("summary", "Summary", summary_html(run)),
        Section("atlas", _ATLAS[run.graph is not None], atlas_html(run, stills["atlas"], graph_beside(run))),
        *_segment_sections(run, stills),
        Section("load", "Load of crossbars", chart("load")),
        Section("layers", "Layers", layer_table(run) + chart("layers")),
        Section("latency", "Latency", chart("latency") + bound_table(run) + evaluation_table(run)),
        Section("timeline", "Timeline", chart("timeline")),
        Section("costs", "Area and energy", chart("costs") + cost_table(run)),
        Section("coverage", "Coverage", coverage_tables(run)),
        *_accuracy_sections(run, stills),
    ]


_ATLAS = ("Atlas of crossbars", "Layers and atlas of crossbars")


def _load_words(run: PackingRun) -> str:
    load = run.result.contention.load
    return (
        f"Share of the latency of {counted(run.result.samples, 'sample')} in which each crossbar reads: "
        f"{sum(load) / len(load):.1%} on average, from {min(load):.1%} to {max(load):.1%}."
    )


def _layer_words(run: PackingRun) -> str:
    slowest = max(run.result.contention.layers, key=lambda row: row.busy_ns)
    waiting = max(run.result.contention.layers, key=lambda row: row.waiting_ns)
    return (
        f"Busy and waiting share of the latency of {counted(run.result.samples, 'sample')} by layer. "
        f"Longest busy: {run.labels[slowest.layer]}, {duration(slowest.busy_ns)}; longest waiting: "
        f"{run.labels[waiting.layer]}, {duration(waiting.waiting_ns)}. The table above has all figures."
    )


def _latency_words(run: PackingRun) -> str:
    return (
        "Latency against the number of samples, both logarithmic: as packed, without waiting for crossbars, "
        "and of the baseline, which gives every box a crossbar of its own. The table below has all figures."
    )


def _timeline_words(run: PackingRun) -> str:
    return (
        "When each layer waits (pale) and runs (in the sample's colour), the first samples of sim.log one "
        "below the other within a layer. Zoom in by dragging; point at a bar for its times."
    )


def _cost_words(run: PackingRun) -> str:
    def largest(shares: Mapping[str, float]) -> str:
        name = max(shares, key=lambda n: shares[n], default="nothing")
        return f"{name.replace('_', ' ')} ({shares.get(name, 0.0):.0%})"

    area, energy = largest(run.result.costs.area_share), largest(run.result.costs.energy_share)
    return (
        f"Shares of area and energy by component. Largest area: {area}; largest energy: {energy}. "
        "Components below 0.1% of both are in the table only."
    )


_DRAWINGS = {
    "load": _Drawing(load_chart, _load_words),
    "layers": _Drawing(layer_chart, _layer_words),
    "latency": _Drawing(latency_chart, _latency_words),
    "timeline": _Drawing(timeline_chart, _timeline_words),
    "costs": _Drawing(cost_chart, _cost_words),
}
