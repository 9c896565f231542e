"""Writes the files of a packing run in segments: those of any run, with the segment of all that has one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Mapping as Dictionary
from dataclasses import astuple, fields
from pathlib import Path
from typing import Any

from ... import __version__
from ...compiler import CompileOptions
from ...hardware.chip_costs import read_time_of
from ...hardware.config.read import Hardware
from ...hardware.writing import write_times, written_rows
from ...reload.result import ReloadResult
from ...reload.whole import Running, executions_of_pass
from ...simulation.chrome_trace import CROSSBARS, Interval, Track, a_slice, timeline
from ...values import Mapping, Packing, Placement
from ..origin import Origin, write_config
from ..text_files import write_csv, write_json, write_lines
from .log import log_lines
from .log_reload import reload_lines
from .read import RESULT
from .read_layout import SEGMENT
from .reload import reload_entry
from .sim_log import SEGMENTED
from .write import layer_entry, result_entry, write_layers


def write_reload_run(
    folder: Path,
    report: ReloadResult,
    settings: CompileOptions,
    options: Dictionary[str, object],
    origin: Origin,
) -> None:
    """Write all files of a packing run in segments; `options` are JSON values, by their names."""
    write_json(folder / "partition.json", _layer_entries(report, report.plain))
    if report.duplication is not None:
        write_json(folder / "partition_optimized.json", _layer_entries(report, report.mappings))
    split = report.split
    header = [*(f.name for f in fields(Placement)), SEGMENT]
    rows = zip(split.placements, split.segments, strict=True)
    write_csv(folder / "pack.csv", header, ((*astuple(p), segment) for p, segment in rows))
    hardware, traced = origin.config.hardware, len(report.schedule.asked_ns)
    schedule = list(_sim_log_rows(report, hardware, traced))
    for name in ("sim.log", "schedule.csv"):
        write_csv(folder / name, SEGMENTED, schedule)
    write_layers(folder, report, origin)
    told = {**options, "sim_log_samples": traced}
    found = result_entry(report, settings, origin.config)
    contention: Any = found["contention"]
    contention["num_sample"] = report.settings.batch
    found = {**found, "contention": contention, "reload": reload_entry(report)}
    write_json(folder / RESULT, {**found, "options": told, "version": __version__})
    write_config(folder, origin.config)
    more = [("segments", reload_lines(report))]
    write_lines(folder / "logs.log", log_lines(report, settings, told, origin, more))


def _layer_entries(report: ReloadResult, mappings: Sequence[Mapping]) -> list[dict[str, object]]:
    """The layers, and of those that lack the boxes of an earlier call of their module, which that is."""
    found = []
    for m, layer in zip(mappings, report.network.layers, strict=True):
        entry = layer_entry(m)
        if m.layer.stored_in != layer.stored_in:
            entry["weights_of"] = layer.stored_in
        found.append(entry)
    return found


def _running(report: ReloadResult, hardware: Hardware) -> Running:
    return Running(report.loaded, read_time_of(hardware), report.settings.batch)


def _sim_log_rows(report: ReloadResult, hardware: Hardware, samples: int) -> Iterator[tuple[object, ...]]:
    """One row per segment, sample and layer, as in any sim.log."""
    running = _running(report, hardware)
    for number, (each, start) in enumerate(zip(report.loaded, running.starts_ns(), strict=True)):
        crossbars: dict[int, set[int]] = {}
        for p in each.placements:
            crossbars.setdefault(p.layer_idx, set()).add(p.crossbar_idx)
        s, ahead = running.schedule(each, report.settings.batch), start + each.write_ns
        for sample in range(samples):
            for index, (unit, m) in enumerate(zip(each.units, each.mappings, strict=True)):
                when = (s.asked_ns, s.started_ns, s.finished_ns)
                times = [repr(float(column[sample, index]) + ahead) for column in when]
                spent = [repr(float(column[sample, index])) for column in (s.busy_ns, s.waited_ns)]
                used = " ".join(str(c) for c in sorted(crossbars[m.layer.stored_in]))
                yield (sample, unit.layer.label, *times, *spent, used, number)


def write_reload_trace(folder: Path, report: ReloadResult, hardware: Hardware) -> None:
    """Write the timeline of the traced samples, and of writing, crossbar by crossbar."""
    running, split = _running(report, hardware), report.split
    samples = len(report.schedule.asked_ns)
    reads = executions_of_pass(running, split.mappings, hardware.size, samples)
    last = max(p.crossbar_idx for p in split.placements)
    chip = Packing(split.placements, hardware.size, last + 1, 0, "", "")
    found: Any = timeline(split.mappings, chip, report.schedule, reads)
    found["traceEvents"] += _writing(report, hardware, running)
    write_json(folder / "trace.json", found, indent=None)


def _writing(report: ReloadResult, hardware: Hardware, running: Running) -> Iterator[dict[str, object]]:
    """A slice for each crossbar that a segment writes."""
    for number, (each, start) in enumerate(zip(report.loaded, running.starts_ns(), strict=True)):
        rows = written_rows(each.written)
        for crossbar, (begin, end) in write_times(hardware, rows, report.settings.writing).items():
            args: dict[str, object] = {"segment": number, "rows": rows[crossbar]}
            when = Interval(start + begin, start + end)
            yield a_slice(f"write segment {number}", "write", Track(CROSSBARS, crossbar), when, args)
