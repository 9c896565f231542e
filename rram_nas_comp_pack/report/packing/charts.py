"""A packing run as charts."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, sqrt

from ...runs.packing.run import PackingRun
from ...values import LatencyComparison
from ..chart_values import (
    BLUE,
    GREY,
    ORANGE,
    PALETTE,
    RED,
    Axis,
    Bars,
    Grid,
    Group,
    Lines,
    Portion,
    Series,
    Span,
    Style,
    Timeline,
)

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
        _latency("baseline", GREY, "dash", found, [e.baseline_latency_ns for e in found]),
        _latency("packed", BLUE, "solid", found, [e.latency_ns for e in found]),
        _latency("ideal: no waiting", ORANGE, "dot", found, [e.ideal_latency_ns for e in found]),
    )
    samples = tuple(float(e.num_sample) for e in found)
    return Lines("Latency", Axis("samples", log=True, ticks=samples), Axis("latency (ms)", log=True), series)


def _latency(
    name: str, colour: str, style: Style, found: Sequence[LatencyComparison], times: Sequence[float]
) -> Series:
    """One line of the chart of latencies."""
    notes = tuple(
        f"{name}, {e.num_sample} samples: {duration(ns)}" for e, ns in zip(found, times, strict=True)
    )
    samples = tuple(float(e.num_sample) for e in found)
    return Series(name, samples, tuple(ns / 1e6 for ns in times), colour, style, notes)


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
    return Bars(title, run.labels, Axis("share of latency (rest: idle)", percent=True), portions)


def load_chart(run: PackingRun) -> Grid:
    """How long every crossbar reads."""
    load = run.result.contention.load
    notes = tuple(f"crossbar {i}: reads {share:.1%} of the time" for i, share in enumerate(load))
    axis = Axis("share of the latency", percent=True)
    return Grid(
        f"Load of crossbars, {run.result.samples} samples", load, ceil(sqrt(2 * len(load))), axis, notes
    )


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
    return Bars("Area and energy", titles, Axis("share of the total", percent=True), portions, stacked=False)


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
    return Timeline(title, labels, Axis(f"time ({name})"), (*groups, waiting), tuple(spans), count)
