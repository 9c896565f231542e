"""A run's files: how a report is written. The formats are fixed, other programs read them."""

from __future__ import annotations

import csv
import json
import platform
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, astuple, fields
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from .. import __version__
from ..compiler import Report
from ..hardware.config.read import SimConfig
from ..runs.packing.coverage import shares
from ..runs.packing.sim_log import HEADER as SIM_LOG_HEADER
from ..runs.packing.wording import STOPPED
from ..runs.plain_text import plain, plain_texts
from ..simulation.contention import LayerContention
from ..values import Box, Coverage, Mapping, Network, Placement
from .options.parse import PackOptions
from .origin import Origin, config_entry, origin_lines, pack_option_entry, write_config


def write_run(folder: Path, report: Report, options: PackOptions, origin: Origin) -> None:
    """Write all files of a packing run."""
    write_json(folder / "partition.json", [layer_entry(m) for m in report.plain])
    if report.duplication is not None:
        write_json(folder / "partition_optimized.json", [layer_entry(m) for m in report.mappings])
    header = [f.name for f in fields(Placement)]
    write_csv(folder / "pack.csv", header, (astuple(p) for p in report.packing.placements))
    write_csv(folder / "sim.log", SIM_LOG_HEADER, sim_log_rows(report))
    write_json(folder / "result.json", result_entry(report, options, origin.config))
    write_config(folder, origin.config)
    lines = log_lines(report, options, origin)
    (folder / "logs.log").write_text(plain("\n".join(lines)) + "\n", encoding="utf-8")


def write_json(path: Path, value: object, indent: int | None = 1) -> None:
    """One JSON document; not-a-number is never written."""
    text = json.dumps(value, indent=indent, allow_nan=False)
    if "\\ud" in text:  # perhaps half a character, as paths in other bytes than UTF-8 hold them
        text = json.dumps(plain_texts(value), indent=indent, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A header and rows, separated by commas."""
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def layer_entry(mapping: Mapping) -> dict[str, object]:
    """A layer as partition.json holds it; `mapping` ("dense" or "diagonal") only where it is depthwise,
    `stored_in` only where another layer holds the weights.
    """
    layer = mapping.layer
    boxes = [_box(box) for box in mapping.boxes]
    entry: dict[str, object] = {
        "idx": layer.label,
        "name": layer.name,
        "multiply": mapping.copies,
        "positions": layer.positions,
        "groups": layer.groups,
        "box_raw": _box(layer.raw),
        "boxes": boxes,
        "child_boxes": [boxes] * mapping.copies,
    }
    if layer.depthwise:
        entry["mapping"] = "diagonal" if mapping.diagonal else "dense"
    return entry if mapping.stored else {**entry, "stored_in": layer.stored_in}


def _box(box: Box) -> dict[str, int]:
    return {"h": box.h, "w": box.w, "cycle": box.cycles}


def sim_log_rows(report: Report) -> Iterator[tuple[object, ...]]:
    """One row per sample and layer: when it asked, started, finished, how long it ran and waited, where."""
    crossbars: dict[int, set[int]] = {}
    for p in report.packing.placements:
        crossbars.setdefault(p.layer_idx, set()).add(p.crossbar_idx)
    s = report.schedule
    columns = (s.asked_ns, s.started_ns, s.finished_ns, s.busy_ns, s.waited_ns)
    for sample in range(len(s.asked_ns)):
        for m in report.mappings:
            times = (repr(float(column[sample, m.layer.index])) for column in columns)
            used = " ".join(str(c) for c in sorted(crossbars[m.layer.stored_in]))
            yield (sample, m.layer.label, *times, used)


def result_entry(report: Report, options: PackOptions, config: SimConfig) -> dict[str, object]:
    """The content of result.json."""
    packing = report.packing
    return {
        "model": report.network.name,
        "inputs": [{"name": name, "size": list(size)} for name, size in report.network.inputs],
        "layers": len(report.mappings),
        "boxes": len(packing.placements),
        "crossbars_used": packing.crossbars,
        "crossbars_budget": None if options.find_solution else options.num_crossbars,
        "lower_bound": packing.lower_bound,
        "gap": packing.gap,
        "proved_optimal": packing.proved_optimal,
        "packer": packing.packer,
        "stopped": packing.stopped,
        "utilization": report.layout.utilization,
        "weight_utilization": report.layout.weight_utilization,
        "crossbar": {"rows": packing.size.rows, "columns": packing.size.columns},
        "duplication": duplication_entry(report),
        "evaluations": [asdict(e) for e in report.evaluations],
        "contention": contention_entry(report, options),
        "hardware": asdict(report.chip),
        "simconfig": config_entry(config),
        "coverage": [coverage_entry(row) for row in report.network.coverage],
        "timing_s": timing(report),
        "options": pack_option_entry(options, report.network),
        "version": __version__,
    }


def coverage_entry(row: Coverage) -> dict[str, object]:
    """A row of the coverage table; `at_least` only where there are more MACs than could be counted."""
    entry = asdict(row)
    if not row.at_least:
        del entry["at_least"]
    return entry


def duplication_entry(report: Report) -> dict[str, object]:
    """How copies were chosen, what they are, and what our version of the paper's tuner does beside it."""
    copies = [m.copies for m in report.mappings]
    found = report.duplication
    if found is None:
        return {"method": "none", "margin": None, "copies": copies}
    return {**asdict(found), "margin_tuner_ns": found.margin_tuner_ns, "copies": copies}


def contention_entry(report: Report, options: PackOptions) -> dict[str, object]:
    """Who waits for whom, how long each crossbar works, and how fast the crossbars could be at best."""
    return {"num_sample": options.num_sample, "roofline_ns": report.roofline_ns, **asdict(report.contention)}


def timing(report: Report) -> dict[str, float]:
    """Seconds per stage; compiling kernels, which happens once on a machine, is a stage of its own."""
    names = ("compiling", "partition", "duplication", "packing", "evaluation")
    stages = {**dict.fromkeys(names, 0.0), **report.timing_s}
    return {**stages, "total": sum(stages.values())}


def log_lines(report: Report, options: PackOptions, origin: Origin) -> Iterator[str]:
    """The content of logs.log."""
    yield "[options]"
    entry = pack_option_entry(options, report.network)
    yield from (f"{name} = {value}" for name, value in entry.items())
    yield "\n[versions]"
    yield from (f"{name} = {found}" for name, found in versions())
    yield "\n[coverage]"
    yield from coverage_table(report.network)
    yield "\n[packing]"
    yield from (f"{name} = {value}" for name, value in packing_statistics(report, options))
    yield "\n[duplication]"
    yield from duplication_lines(report)
    yield f"\n[contention of {options.num_sample} samples, ns]"
    yield from contention_table(report)
    yield "\n[latency, ns]"
    yield from latency_table(report)
    yield "\n[hardware]"
    yield from (f"{name} = {value}" for name, value in asdict(report.chip).items())
    yield "\n[timing, s]"
    yield from (f"{name} = {value:.6f}" for name, value in timing(report).items())
    yield ""
    yield from origin_lines(origin)


def versions() -> Iterator[tuple[str, str]]:
    """Of this toolkit, Python and the libraries that results depend on."""
    yield "rram_nas_comp_pack", __version__
    yield "python", platform.python_version()
    for package in ("numpy", "numba", "torch", "ortools"):
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def packing_statistics(report: Report, options: PackOptions) -> Iterator[tuple[str, object]]:
    """Boxes, rules, crossbars and how full they are."""
    packing = report.packing
    cells = packing.cells
    rules = f"layers more than {options.layer_threshold} apart, at most {options.xbar_max_load} boxes"
    yield "layers", len(report.mappings)
    yield "boxes", len(packing.placements)
    yield "crossbar", f"{packing.size.rows} x {packing.size.columns}"
    yield "rules", "none" if options.no_pack_heuristic else rules
    yield "budget", "none" if options.find_solution else options.num_crossbars
    yield "crossbars used", packing.crossbars
    yield "lower bound", packing.lower_bound
    yield "proved optimal", packing.proved_optimal
    yield "packer", f"{packing.packer}, {STOPPED[packing.stopped]}"
    yield "leftover cells", cells - round(report.layout.utilization * cells)
    yield "utilization", f"{report.layout.utilization:.2%}"
    yield "cells with weights", f"{report.layout.weight_utilization:.2%}"


def tuned_for(report: Report) -> str:
    """What duplication brought, in one line."""
    found = report.duplication
    if found is None:
        return "none"
    chosen = found.method if found.margin is None else f"margin {found.margin:.2f}"
    searched = (found.method == "joint" and found.steps) or found.stopped != "effort"
    ended = f" ({STOPPED[found.stopped]})" if searched else ""
    samples = f"{found.samples} sample{'s' * (found.samples > 1)}"
    ours, paper, plain = (
        f"{found.baseline_ns / ns:.2f} x" for ns in (found.latency_ns, found.margin_tuner_ns, found.plain_ns)
    )
    if found.trials[-1].margin is None:
        paper = "no margin packs"
    beside = f"our version of the paper's tuner: {paper}, without copies: {plain}"
    return f"{chosen}{ended}: {ours} the baseline's speed for {samples} ({beside})"


def duplication_lines(report: Report) -> Iterator[str]:
    """Method and outcome, every margin tried, and copies and cut of every layer."""
    found = report.duplication
    yield tuned_for(report)
    if found is None:
        return
    for trial in found.trials:
        margin = "no duplication" if trial.margin is None else f"margin {trial.margin:.2f}"
        outcome = "does not pack" if trial.latency_ns is None else f"packed, {trial.latency_ns:.1f} ns"
        yield f"our version of the paper's tuner, {margin}: {trial.boxes} boxes, {outcome}"
    yield f"{'layer':<16} {'copies':>6} {'boxes each':>10}  mapping"
    for m in report.mappings:
        mapping = ("diagonal" if m.diagonal else "dense") if m.layer.depthwise else ""
        yield f"{m.layer.label:<16} {m.copies:>6} {len(m.boxes):>10}  {mapping}".rstrip()


def contention_table(report: Report) -> Iterator[str]:
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


def latency_table(report: Report) -> Iterator[str]:
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
