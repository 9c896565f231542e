"""Writes the files of a packing run. The formats are fixed, other programs read them."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import asdict, astuple, fields
from pathlib import Path

from ... import __version__
from ...compiler import CompileOptions, CompileResult
from ...hardware.config.read import SimConfig
from ...simulation.chrome_trace import timeline
from ...simulation.row_buffers import RowBuffers
from ...simulation.schedules import executions_of, prepared
from ...values import Box, Coverage, Mapping, Placement, ReadTime
from ..origin import Origin, config_entry, write_config
from ..text_files import write_csv, write_json, write_lines
from .graph import write_graph
from .layers import LAYERS, layer_rows
from .log import log_lines, timing
from .read import RESULT
from .sim_log import HEADER as SIM_LOG_HEADER


def write_run(
    folder: Path,
    report: CompileResult,
    settings: CompileOptions,
    options: Dictionary[str, object],
    origin: Origin,
) -> None:
    """Write all files of a packing run; `options` are JSON values, by the names of the command line."""
    write_json(folder / "partition.json", [layer_entry(m) for m in report.plain])
    if report.duplication is not None:
        write_json(folder / "partition_optimized.json", [layer_entry(m) for m in report.mappings])
    header = [f.name for f in fields(Placement)]
    write_csv(folder / "pack.csv", header, (astuple(p) for p in report.packing.placements))
    schedule = list(sim_log_rows(report))
    for name in ("sim.log", "schedule.csv"):
        write_csv(folder / name, SIM_LOG_HEADER, schedule)
    write_layers(folder, report, origin)
    found = result_entry(report, settings, origin.config)
    write_json(folder / RESULT, {**found, "options": options, "version": __version__})
    write_config(folder, origin.config)
    if settings.schedule != "layer":
        write_graph(folder, report.network, report.graph)
    write_lines(folder / "logs.log", log_lines(report, settings, options, origin))


def write_layers(folder: Path, report: CompileResult, origin: Origin) -> None:
    """Write layers.csv, a line a layer."""
    rows = layer_rows(report.mappings, report.contention.layers, origin.config.hardware)
    write_csv(folder / "layers.csv", LAYERS, rows)


def write_trace(folder: Path, report: CompileResult, time: ReadTime) -> None:
    """Write the timeline of the traced samples, box by box: the schedule does not hold their crossbars."""
    ran = prepared(report.mappings, time, report.graph, report.packing.placements)
    reads = executions_of(ran, len(report.schedule.asked_ns))
    found = timeline(report.mappings, report.packing, report.schedule, reads)
    write_json(folder / "trace.json", found, indent=None)


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


def sim_log_rows(report: CompileResult) -> Iterator[tuple[object, ...]]:
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


def result_entry(report: CompileResult, settings: CompileOptions, config: SimConfig) -> dict[str, object]:
    """The content of result.json, but for its options and the version that wrote it."""
    packing = report.packing
    return {
        "model": report.network.name,
        "inputs": [{"name": name, "size": list(size)} for name, size in report.network.inputs],
        "layers": len(report.mappings),
        "boxes": len(packing.placements),
        "crossbars_used": report.crossbars,
        "crossbars_budget": settings.budget,
        "lower_bound": packing.lower_bound,
        "gap": report.crossbars - packing.lower_bound,
        "proved_optimal": report.crossbars == packing.lower_bound,
        "packer": packing.packer,
        "stopped": packing.stopped,
        "utilization": report.layout.utilization,
        "weight_utilization": report.layout.weight_utilization,
        "crossbar": {"rows": packing.size.rows, "columns": packing.size.columns},
        "duplication": duplication_entry(report),
        **schedule_entry(report, settings),
        **movement_entry(report),
        "evaluations": [asdict(e) for e in report.evaluations],
        "contention": contention_entry(report, settings.watched_samples),
        "hardware": asdict(report.chip),
        "simconfig": config_entry(config),
        "coverage": [coverage_entry(row) for row in report.network.coverage],
        "timing_s": timing(report),
    }


def coverage_entry(row: Coverage) -> dict[str, object]:
    """A row of the coverage table; `at_least` only where there are more MACs than could be counted."""
    entry = asdict(row)
    if not row.at_least:
        del entry["at_least"]
    return entry


def duplication_entry(report: CompileResult) -> dict[str, object]:
    """How copies were chosen, what they are, and what our version of the paper's tuner does beside it."""
    copies = [m.copies for m in report.mappings]
    found = report.duplication
    if found is None:
        return {"method": "none", "margin": None, "copies": copies}
    return {**asdict(found), "margin_tuner_ns": found.margin_tuner_ns, "copies": copies}


def schedule_entry(report: CompileResult, settings: CompileOptions) -> dict[str, object]:
    """What of a sample may run at once, and what that cannot beat; nothing for the paper's schedule."""
    if report.bounds is None:
        return {}
    entry: dict[str, object] = {"schedule": settings.schedule, "bounds": asdict(report.bounds)}
    return entry if report.buffers is None else {**entry, "buffers": buffers_entry(report.buffers)}


def buffers_entry(buffers: RowBuffers) -> dict[str, object]:
    """What is kept behind each layer, the largest and all together."""
    return {**asdict(buffers), "largest_bytes": max(buffers.bytes), "sum_bytes": sum(buffers.bytes)}


def movement_entry(report: CompileResult) -> dict[str, object]:
    """What a sample's time goes into; nothing where moves are not charged."""
    if report.movement is None:
        return {}
    return {"data_movement": {**asdict(report.movement), "share": report.movement.share}}


def contention_entry(report: CompileResult, samples: int) -> dict[str, object]:
    """Who waits for whom, how long each crossbar works, and how fast the crossbars could be at best."""
    return {"num_sample": samples, "roofline_ns": report.roofline_ns, **asdict(report.contention)}
