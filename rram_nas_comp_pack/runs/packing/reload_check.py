"""Whether a run in segments is what its files say: everything is rebuilt from them and computed once more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

from ...box_converter.partition import partition
from ...errors import BadInput
from ...hardware.chip_costs import read_time_of
from ...hardware.config.read import Hardware
from ...hardware.writing import WriteSettings, write_ns, written_rows
from ...reload.rebuild import pieces_of
from ...reload.result import reload_chip, reload_costs
from ...reload.segments import ReloadSettings
from ...reload.whole import RESIDENT, Loaded, Running, Split, contention_of_pass
from ...simulation.contention import roofline_ns
from ...simulation.schedules import prepared, schedule_of
from .read_layout import read_layers, read_mappings, read_segments
from .recompute import MOST_SAMPLES, differences
from .reload import ReloadFigures, costs_entry
from .run import PackingResult


class Segments(NamedTuple):
    """The segments of a run as they run on some hardware, and their layout."""

    split: Split
    running: Running


def segments_of(run_dir: Path, figures: ReloadFigures, hardware: Hardware) -> Segments:
    """The segments of a run. Raises BadInput where its files do not make any."""
    mappings, (placements, segments) = read_mappings(run_dir), read_segments(run_dir)
    if segments is None:
        raise BadInput(f"{run_dir / 'pack.csv'}: found no column segment, result.json speaks of segments")
    if segments and max(segments) >= len(figures.segments):
        raise BadInput(
            f"{run_dir / 'pack.csv'}: found segment {max(segments)}, allowed is 0 to "
            f"{len(figures.segments) - 1}"
        )
    split = Split(mappings, placements, segments)
    pieces = pieces_of(split, [s.layers for s in figures.segments], hardware.size)
    writing = WriteSettings(figures.write_parallel, figures.write_pulses)
    read = read_time_of(hardware)
    loaded = []
    for piece in pieces:
        ran = prepared(piece.mappings, read, None, piece.placements)
        latency = schedule_of(ran, figures.batch).latency_ns
        each = Loaded(piece.units, piece.mappings, piece.placements, 0.0, latency, piece.kept)
        loaded.append(each._replace(write_ns=write_ns(hardware, written_rows(each.written), writing)))
    return Segments(split, Running(tuple(loaded), read, figures.batch))


def reload_faults(run_dir: Path, result: PackingResult) -> Iterator[str]:
    """What is wrong with the segments, whatever the hardware costs."""
    placements, segments = read_segments(run_dir)
    used = {p.crossbar_idx for p in placements}
    if result.crossbars != len(used):
        yield f"crossbars_used {result.crossbars}, found {len(used)}"
    if result.budget is not None and used and max(used) >= result.budget:
        yield f"budget {result.budget}, found crossbar {max(used)} in use"
    if result.lower_bound > len(used):
        yield f"lower_bound {result.lower_bound}, found {len(used)} crossbars in use"
    stays = {p.crossbar_idx for p, s in zip(placements, segments or (), strict=True) if s == RESIDENT}
    swapped = {p.crossbar_idx for p, s in zip(placements, segments or (), strict=True) if s != RESIDENT}
    for crossbar in sorted(stays & swapped):
        yield f"reload, found crossbar {crossbar} written by a segment, and layers that stay on it"
    if segments is None:
        yield "reload, found no column segment in pack.csv"


def false_reload_figures(run_dir: Path, result: PackingResult, hardware: Hardware) -> Iterator[str]:
    """Figures of a run in segments that are others on its hardware."""
    figures = result.reload
    if figures is None:
        return
    split, running = segments_of(run_dir, figures, hardware)
    settings = ReloadSettings(
        figures.batch,
        WriteSettings(figures.write_parallel, figures.write_pulses),
        figures.endurance,
        figures.rate,
    )
    costs = reload_costs(hardware, split, running, settings)
    used = {p.crossbar_idx for p in split.placements}
    found: dict[str, object] = {
        "hardware": asdict(reload_chip(hardware, split, costs)),
        "gap": len(used) - result.lower_bound,
        "proved_optimal": len(used) == result.lower_bound,
        "contention": {"roofline_ns": roofline_ns(split.mappings, running.read_ns, result.budget or 0)},
        "reload": costs_entry(costs, [s.layers for s in figures.segments]),
    }
    if result.copies.speeds is not None:
        total = sum(each.write_ns + each.latency_ns for each in running.loaded)
        found["duplication"] = {"latency_ns": total}
    yield from differences("", result.document, found)
    yield from _false_latencies(run_dir, result, running, hardware)
    waits = asdict(contention_of_pass(running, len(split.mappings), 1 + max(used)))
    rounding_ns = 1e-9 * running.pass_ns(running.batch)
    for name, noise in (("layers", rounding_ns), ("load", 1e-9)):
        yield from differences("", result.document, {"contention": {name: waits[name]}}, noise)


def _false_latencies(
    run_dir: Path, result: PackingResult, running: Running, hardware: Hardware
) -> Iterator[str]:
    baseline = prepared(partition(read_layers(run_dir), hardware.size), running.read_ns, None)
    for e in result.evaluations:
        if e.num_sample <= MOST_SAMPLES:
            packed, ideal = running.latencies_ns(e.num_sample)
            base = schedule_of(baseline, e.num_sample).latency_ns
            found = {"latency_ns": packed, "ideal_latency_ns": ideal, "baseline_latency_ns": base}
            many = f"{e.num_sample} sample{'s' * (e.num_sample > 1)}"
            yield from differences(f"evaluations, {many}", asdict(e), found)
