"""A packing run as charts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import ceil, sqrt

from ...runs.packing.run import PackingRun
from ...values import CrossbarSize, LatencyComparison
from ..chart_values import Axis, Bars, Grid, Group, Lines, Portion, Series, Span, Style, Timeline
from ..palette import BASELINE, BLUE, GREY, ORANGE, PALETTE, RED, Look

VISIBLE = 0.001
"""Least share of a total that a bar shows."""


def unit(ns: float) -> tuple[float, str]:
    """Nanoseconds in the unit that suits times up to `ns`, and its name."""
    return next(
        ((size, name) for size, name in ((1e9, "s"), (1e6, "ms"), (1e3, "µs")) if ns >= size), (1.0, "ns")
    )


def duration(ns: float) -> str:
    """A time with the unit that suits it."""
    size, name = unit(ns)
    return f"{ns / size:.4g} {name}"


def latency_chart(run: PackingRun) -> Lines:
    """Latency by number of samples: as packed, ideal and of the baseline, in ms."""
    found = run.result.evaluations
    series = (
        replace(
            _latency("baseline", BASELINE, "dash", found, [e.baseline_latency_ns for e in found]), below=True
        ),
        _latency("packed", Look(BLUE, "circle"), "solid", found, [e.latency_ns for e in found]),
        _latency(
            "ideal: no waiting", Look(ORANGE, "cross"), "dot", found, [e.ideal_latency_ns for e in found]
        ),
    )
    samples = tuple(float(e.num_sample) for e in found)
    return Lines(
        "Latency", Axis("number of samples", log=True, ticks=samples), Axis("latency (ms)", log=True), series
    )


def _latency(
    name: str, look: Look, style: Style, found: Sequence[LatencyComparison], times: Sequence[float]
) -> Series:
    """One line of the chart of latencies."""
    notes = tuple(
        f"{name}, {e.num_sample} samples: {duration(ns)}" for e, ns in zip(found, times, strict=True)
    )
    samples = tuple(float(e.num_sample) for e in found)
    return Series(name, samples, tuple(ns / 1e6 for ns in times), look.colour, style, notes, look.mark)


def layer_chart(run: PackingRun) -> Bars:
    """How every layer spends the latency."""
    rows = run.result.contention.layers
    whole = [row.busy_ns + row.waiting_ns + row.idle_ns or 1.0 for row in rows]
    kinds = (
        ("busy", BLUE, [row.busy_ns for row in rows]),
        ("waiting", RED, [row.waiting_ns for row in rows]),
    )
    portions = tuple(
        Portion(name, tuple(ns / all_ for ns, all_ in zip(times, whole, strict=True)), colour)
        for name, colour, times in kinds
    )
    title = f"What layers do, {run.result.samples} samples"
    value = Axis("share of latency (rest: idle)", percent=True)
    return Bars(title, run.labels, value, portions, kind=LAYER, names=layer_names(run))


LAYER = "layer"


def layer_names(run: PackingRun) -> tuple[str, ...]:
    """Number and module of every layer."""
    return tuple(f"{i}: {m.layer.name}" for i, m in enumerate(run.mappings))


def load_chart(run: PackingRun) -> Grid:
    """How long every crossbar reads; crossbars lie as in the figure of the atlas."""
    load = run.result.contention.load
    notes = tuple(f"crossbar {i}: reads {share:.1%} of the time" for i, share in enumerate(load))
    title, axis = (
        f"Load of crossbars, {run.result.samples} samples",
        Axis("share of the latency", percent=True),
    )
    return Grid(
        title,
        load,
        across(len(load), run.result.size),
        axis,
        notes,
        ORDER if run.result.reload is None else ORDER_OF_CHIP,
    )


ORDER_OF_CHIP = "place in the row; crossbars go from left to right, then down"
ORDER = f"{ORDER_OF_CHIP}, as in the atlas"


def across(crossbars: int, size: CrossbarSize) -> int:
    """Crossbars beside each other, where they make a grid about as wide as high."""
    return min(ceil(sqrt(crossbars * 1.3 * size.rows / size.columns)), max(crossbars, 2))


def cost_chart(run: PackingRun) -> Bars:
    """Area and energy of the components that can be seen, largest area first."""
    area, energy = run.result.costs.area_share, run.result.costs.energy_share
    names = sorted(area.keys() | energy.keys(), key=lambda n: (-area.get(n, 0.0), -energy.get(n, 0.0), n))
    names = [n for n in names if max(area.get(n, 0.0), energy.get(n, 0.0)) >= VISIBLE]
    portions = (
        Portion("area", tuple(area.get(n, 0.0) for n in names), BLUE),
        Portion("energy", tuple(energy.get(n, 0.0) for n in names), ORANGE),
    )
    titles = tuple(n.replace("_", " ") for n in names)
    return Bars(
        "Area and energy", titles, Axis("share of the total", percent=True), portions, False, "component"
    )


def timeline_chart(run: PackingRun) -> Timeline:
    """The first samples, layer by layer: when each waits and runs."""
    rows = run.trace
    size, name = unit(max((ran.finished for ran in rows), default=0.0))
    labels = run.labels
    count = 1 + max((ran.sample for ran in rows), default=0)
    groups = tuple(Group(f"sample {s}", PALETTE[s]) for s in range(count))
    spans = []
    for ran in rows:
        wait, work = ran.started - ran.asked, ran.finished - ran.started
        times = f"waits {duration(wait)}, then runs {duration(work)}"
        note = f"{labels[ran.layer]}, sample {ran.sample}: {times}"
        asked, started, finished = ran.asked / size, ran.started / size, ran.finished / size
        if wait > 0:
            spans.append(Span(ran.layer, asked, started, count, ran.sample, note))
        spans.append(Span(ran.layer, started, finished, ran.sample, ran.sample, note))
    waiting = Group("waiting to start", GREY, faint=True)
    title = f"The first {count} samples" if count > 1 else "The first sample"
    axis, names = Axis(f"time ({name})"), layer_names(run)
    return Timeline(title, labels, axis, (*groups, waiting), tuple(spans), count, LAYER, names)
