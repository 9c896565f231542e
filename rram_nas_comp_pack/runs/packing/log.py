"""What a packing run found, in words: the sections of its logs.log and the lines that `pack` prints."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from ...hardware.chip_costs import LEAKAGE
from ...simulation.contention import LayerContention
from ...simulation.data_movement import DataMovement
from ...simulation.row_buffers import RowBuffers
from ...simulation.row_graph import chain
from ...values import NO_RULES, Network, Packing
from .. import log
from ..origin import Origin
from ..plain_text import counted as counted
from .coverage import mapped_share, shares

if TYPE_CHECKING:
    from ...compiler import CompileOptions, CompileResult

STOPPED = {
    "bound": "the search ended at the lower bound",
    "budget": "the search ended as soon as the budget sufficed",
    "effort": "the search ended at its limit of steps",
    "time": "the search ended at its time limit",
    "interrupt": "the search was interrupted, and this is the best layout found until then",
    "no start": "the joint tuner could not begin: boxes of one layer would have to share a crossbar",
}
"""What ended a search."""

TUNERS = {"joint": "the joint tuner", "margin": "our version of the paper's tuner", "none": "no tuner"}
"""Who chose the copies, by `Duplication.method`."""


def log_lines(
    report: CompileResult,
    settings: CompileOptions,
    options: Mapping[str, object],
    origin: Origin,
    more: Sequence[tuple[str, Iterator[str]]] = (),
) -> Iterator[str]:
    """The content of logs.log; `options` are those of the command line, by name.

    `more` are sections of a run's own, with their titles.
    """
    sections: tuple[tuple[str, Iterator[str]], ...] = (
        ("coverage", coverage_table(report.network)),
        ("packing", log.pairs(dict(packing_statistics(report, settings)))),
        ("duplication", duplication_lines(report)),
        (f"contention of {settings.watched_samples} samples, ns", contention_table(report)),
        ("latency, ns", latency_table(report)),
        ("hardware", log.pairs(asdict(report.chip))),
    )
    if report.movement is not None:
        sections = (*sections, ("data movement, ns", movement_lines(report.movement)))
    if report.graph is not None:
        sections = (*sections, ("schedule, ns", schedule_lines(report, settings)))
    return log.log_lines(options, (*sections, *more), timing(report), origin)


def timing(report: CompileResult) -> dict[str, float]:
    """Seconds per stage; compiling kernels, which happens once on a machine, is a stage of its own."""
    names = ("compiling", "partition", "duplication", "packing", "evaluation")
    stages = {**dict.fromkeys(names, 0.0), **report.timing_s}
    return {**stages, "total": sum(stages.values())}


def packing_statistics(report: CompileResult, settings: CompileOptions) -> Iterator[tuple[str, object]]:
    """Boxes, rules, crossbars and how full they are."""
    packing, cells = report.packing, report.packing.cells
    rules = f"layers more than {settings.rules.threshold} apart, at most {settings.rules.max_load} boxes"
    yield "layers", len(report.mappings)
    yield "boxes", len(packing.placements)
    yield "crossbar", f"{packing.size.rows} x {packing.size.columns}"
    yield "rules", "none" if settings.rules == NO_RULES else rules
    yield "budget", "none" if settings.budget is None else settings.budget
    yield "crossbars used", report.crossbars
    yield "lower bound", packing.lower_bound
    yield "proved optimal", report.crossbars == packing.lower_bound
    yield "packer", f"{packing.packer}; {STOPPED[packing.stopped]}"
    yield "leftover cells", cells - round(report.layout.utilization * cells)
    yield "utilization", f"{report.layout.utilization:.2%}"
    yield "cells with weights", f"{report.layout.weight_utilization:.2%}"


WHOLE_LAYERS = "whole layers one after another are not slower for the samples that count, and are what runs"


def schedule_lines(report: CompileResult, settings: CompileOptions) -> Iterator[str]:
    """What of a sample runs at once, what that cannot beat, and the operators behind which rows end."""
    if report.graph is None or report.bounds is None:
        return
    rows = sum(each.rows for each in report.graph)
    yield f"schedule {settings.schedule}: {counted(rows, 'row')} in {counted(len(report.graph), 'layer')}"
    if report.graph == chain(len(report.graph)):
        yield WHOLE_LAYERS
    yield f"critical path of a sample = {report.bounds.critical_path_ns:.1f}"
    yield f"reads of the busiest crossbar for a sample = {report.bounds.busiest_ns:.1f}"
    for e in report.evaluations:
        if e.num_sample == 1:
            yield f"packed / larger bound, 1 sample = {e.latency_ns / report.bounds.largest_ns:.4f}"
    if report.buffers is not None:
        yield from buffer_lines(report.buffers, [m.layer.label for m in report.mappings])
    for module, operator in report.network.barriers:
        yield f"barrier: {module} ({operator}): nothing is known of its rows, so that all are waited for"


def buffer_lines(buffers: RowBuffers, labels: Sequence[str]) -> Iterator[str]:
    """What is kept behind each layer, so that the schedule never gets stuck."""
    yield f"buffers: {buffer_words(buffers, labels)}"
    yield f"{'layer':<16} {'rows':>6} {'bytes':>10}"
    for label, rows, size in zip(labels, buffers.rows, buffers.bytes, strict=True):
        yield f"{label:<16} {rows:>6} {size:>10}"


def buffer_words(buffers: RowBuffers, labels: Sequence[str]) -> str:
    """The buffers in one line."""
    largest = max(buffers.bytes)
    where = labels[buffers.bytes.index(largest)]
    return f"{kilobytes(sum(buffers.bytes))} behind all layers, at most {kilobytes(largest)} (behind {where})"


def kilobytes(size: int) -> str:
    """A size of 1024 bytes or more with one digit behind the point."""
    return f"{size / 1024:.1f} KB" if size >= 1024 else counted(size, "byte")


def movement_lines(found: DataMovement) -> Iterator[str]:
    """What the layers' time goes into."""
    yield movement_words(found)
    yield f"reads of all layers of a sample = {found.reads_ns:.1f}"
    yield f"moves of their results = {found.moves_ns:.1f}"
    yield f"digital operators on them = {found.digital_ns:.1f}"


def movement_words(found: DataMovement) -> str:
    """The shares of the layers' time, in one line."""
    total = found.reads_ns + found.moves_ns + found.digital_ns
    parts = f"moves {found.moves_ns / total:.1%}, digital operators {found.digital_ns / total:.1%}"
    return f"data movement: {found.share:.1%} of the layers' time ({parts})"


def tuned_for(report: CompileResult) -> str:
    """What duplication brought, in one line."""
    found = report.duplication
    if found is None:
        return "none"
    ours, paper, plain = (
        f"{found.baseline_ns / ns:.2f} x" for ns in (found.latency_ns, found.margin_tuner_ns, found.plain_ns)
    )
    if found.method == "none":
        chosen = f"no copies, {ours} the baseline's speed"
    else:
        margin = "" if found.margin is None else f" (margin {found.margin:.2f})"
        chosen = f"{TUNERS[found.method]}{margin} reaches {ours} the baseline's speed"
    others = [] if found.method == "none" else [f"the layout without copies reaches {plain}"]
    if found.method != "margin":
        packs = found.trials[-1].margin is not None
        others.insert(
            0, f"{TUNERS['margin']} {f'reaches {paper}' if packs else 'finds no margin that packs'}"
        )
    searched = (found.method == "joint" and found.steps) or found.stopped != "effort"
    ended = f"; {STOPPED[found.stopped]}" if searched else ""
    return f"{chosen} for {counted(found.samples, 'sample')}; {', '.join(others)}{ended}"


def duplication_lines(report: CompileResult) -> Iterator[str]:
    """Method and outcome, every margin tried, and copies and cut of every layer."""
    found = report.duplication
    yield tuned_for(report)
    if found is None:
        return
    for trial in found.trials:
        margin = "no duplication" if trial.margin is None else f"margin {trial.margin:.2f}"
        outcome = "do not pack" if trial.latency_ns is None else f"take {trial.latency_ns:.1f} ns"
        yield f"{TUNERS['margin']}, {margin}: {trial.boxes} boxes, which {outcome}"
    yield f"{'layer':<16} {'copies':>6} {'boxes each':>10}  mapping"
    for m in report.mappings:
        mapping = ("diagonal" if m.diagonal else "dense") if m.layer.depthwise else ""
        yield f"{m.layer.label:<16} {m.copies:>6} {len(m.boxes):>10}  {mapping}".rstrip()


def contention_table(report: CompileResult) -> Iterator[str]:
    """Busy, waiting and idle time of every layer and who ran meanwhile; then the load of the crossbars."""
    labels = [m.layer.label for m in report.mappings]
    yield f"roofline of a sample = {report.roofline_ns:.1f}"
    yield f"{'layer':<16} {'busy':>12} {'waiting':>12} {'idle':>12}  waits for"
    for row in report.contention.layers:
        times = "".join(f" {ns:>12.1f}" for ns in (row.busy_ns, row.waiting_ns, row.idle_ns))
        others = ", ".join(_culprits(row, labels))
        yield f"{labels[row.layer]:<16}{times}  {others}".rstrip()
    yield "load of crossbars = " + " ".join(f"{load:.3f}" for load in report.contention.load)


def _culprits(row: LayerContention, labels: Sequence[str]) -> Iterator[str]:
    """What a layer waits for, and how long; what would be shown as 0 is left out."""
    for layer, ns in row.waits_for:
        if round(ns) and round(row.waited_ns):
            yield f"{'its own replicas' if layer == row.layer else labels[layer]} {ns:.0f}"


def latency_table(report: CompileResult) -> Iterator[str]:
    """Latency, ideal latency and baseline of every number of samples, with both ratios."""
    names = ("packed", "ideal", "baseline", "ideal/packed", "baseline/packed")
    yield f"{'samples':>7}" + "".join(f" {name:>16}" for name in names)
    for e in report.evaluations:
        times = (e.latency_ns, e.ideal_latency_ns, e.baseline_latency_ns)
        ratios = (e.ideal_latency_ns / e.latency_ns, e.baseline_latency_ns / e.latency_ns)
        row = "".join(f" {ns:>16.1f}" for ns in times) + "".join(f" {ratio:>16.4f}" for ratio in ratios)
        yield f"{e.num_sample:>7}{row}"


def coverage_table(network: Network) -> Iterator[str]:
    """Every module with parameters: what became of it and its share of parameters and MACs."""
    yield f"{'status':<12} {'parameters':>10} {'MACs':>8}  module"
    for row, parameters, macs in shares(network.coverage):
        least = f": at least {row.macs} MACs, the rest cannot be counted" if row.at_least else ""
        yield f"{row.status:<12} {parameters:>10.3%} {macs:>8.3%}  {row.name} ({row.kind}){least}"


def summary(report: CompileResult) -> Iterator[str]:
    """What `pack` prints when it is done."""
    packing, chip = report.packing, report.chip
    layers, boxes = counted(len(report.mappings), "layer"), len(packing.placements)
    yield f"{report.network.name}: {layers} in {boxes} box{'es' * (boxes != 1)}"
    yield f"on crossbars: {mapped_share(report.network.coverage)}"
    size = f"({packing.size.rows} x {packing.size.columns} cells each)"
    yield f"{counted(packing.crossbars, 'crossbar')} {size}{_why_so_many(packing)}"
    yield f"utilization: {report.layout.utilization:.1%} of their cells"
    if report.duplication is not None:
        yield f"duplication: {tuned_for(report)}"
    if report.bounds is not None:
        least = milliseconds(report.bounds.largest_ns)
        if report.graph is not None and report.graph == chain(len(report.graph)):
            yield f"schedule: {WHOLE_LAYERS}; such a schedule takes at least {least} for 1 sample"
        else:
            yield f"no schedule of this layout takes less than {least} for 1 sample"
    if report.buffers is not None:
        yield f"buffers: {buffer_words(report.buffers, [m.layer.label for m in report.mappings])}"
    if report.movement is not None:
        yield movement_words(report.movement)
    for e in report.evaluations:
        if e.num_sample in (1, 8, 512):
            speed = f"{e.baseline_latency_ns / e.latency_ns:.2f} x the baseline's speed"
            yield f"latency, {counted(e.num_sample, 'sample')}: {milliseconds(e.latency_ns)} ({speed})"
    leaks = chip.energy_share.get(LEAKAGE)
    share = "" if leaks is None else f" ({leaks:.1%} of it leakage)"
    energy = f"{chip.energy_nj / 1e6:.4f} mJ per inference{share}"
    yield f"energy: {energy}, {chip.average_power_w:.4f} W on average"
    yield f"area: {chip.area_um2 / 1e6:.1f} mm2, {counted(chip.physical_crossbars, 'physical crossbar')}"


def _why_so_many(packing: Packing) -> str:
    """Why a layout has as many crossbars as it has."""
    if packing.packer == "joint":
        return ", filled with copies"
    if packing.proved_optimal:
        return "; proved to be the fewest"
    return f"; at least {packing.lower_bound} are needed, not proved: {STOPPED[packing.stopped]}"


def milliseconds(ns: float) -> str:
    """Four digits or all before the point."""
    return f"{ns / 1e6:.4g} ms" if ns < 1e10 else f"{ns / 1e6:.0f} ms"
