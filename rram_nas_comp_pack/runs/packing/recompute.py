"""Whether the figures in result.json are those of the layout, computed once more from the files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from math import isclose
from pathlib import Path
from typing import Any

from ...box_converter.partition import partition
from ...hardware.chip_costs import LEAKAGE, chip_costs
from ...hardware.config.read import Hardware
from ...hardware.movement import time_of
from ...packing.bounds import counting_bound
from ...packing.place import items_of
from ...simulation.contention import contention, roofline_ns
from ...simulation.data_movement import data_movement
from ...simulation.row_bounds import row_bounds
from ...simulation.row_buffers import row_buffers
from ...simulation.row_loop import row_program
from ...simulation.schedules import AnyProgram, prepared, schedule_of
from ...values import ChargedTime, Mapping, Packing, Placement, RowGraph
from .graph import read_graph
from .read_layout import read_layers
from .run import PackingResult

MOST_SAMPLES = 512
"""Figures of more samples are not computed again, which would take long."""

Layout = tuple[Sequence[Mapping], Sequence[Placement]]


def false_bounds(result: PackingResult, layout: Layout) -> Iterator[str]:
    """What result.json says about the fewest crossbars and cannot be true, whatever the hardware."""
    items = items_of(layout[0], result.size)
    cells = int((items.widths * items.heights).sum())
    least = max(counting_bound(items, result.rules), -(-cells // result.size.cells))
    used = len({p.crossbar_idx for p in layout[1]})
    if result.lower_bound > used:
        yield f"lower_bound {result.lower_bound}, found {used} crossbars in use"
    if result.lower_bound < least:
        yield f"lower_bound {result.lower_bound}, found at least {least}"


def false_latencies(
    result: PackingResult, layout: Layout, hardware: Hardware, graph: RowGraph | None = None
) -> Iterator[str]:
    """Latencies, packed and ideal, that are others on this hardware; the schedule runs by `graph`."""
    mappings, placements = layout
    read = time_of(hardware, result.movement is not None)
    runs = {
        "latency_ns": prepared(mappings, read, graph, placements),
        "ideal_latency_ns": prepared(mappings, read, graph),
    }
    yield from _false_evaluations(result, runs)


def false_figures(run_dir: Path, result: PackingResult, layout: Layout, hardware: Hardware) -> Iterator[str]:
    """All figures of a run that holds its hardware, and are others on it."""
    mappings, placements = layout
    read = time_of(hardware, result.movement is not None)
    graph = read_graph(run_dir, result.schedule, mappings)
    packed = prepared(mappings, read, graph, placements)
    baseline = prepared(partition(read_layers(run_dir), hardware.size), read, None)
    yield from false_latencies(result, layout, hardware, graph)
    yield from _false_evaluations(result, {"baseline_latency_ns": baseline})
    used = len({p.crossbar_idx for p in placements})
    latency_ns, leaks = schedule_of(packed, 1).latency_ns, LEAKAGE in result.costs.energy_share
    figures: dict[str, object] = {
        "hardware": asdict(chip_costs(hardware, mappings, used, latency_ns, leaks)),
        "gap": used - result.lower_bound,
        "proved_optimal": used == result.lower_bound,
        "contention": {"roofline_ns": roofline_ns(mappings, read, result.budget or used)},
    }
    if isinstance(read, ChargedTime):
        rows = [each.rows for each in graph] if graph else [1] * len(mappings)
        figures["data_movement"] = asdict(data_movement(mappings, read, rows))
    if graph is not None and result.bounds is not None:
        figures["bounds"] = asdict(row_bounds(row_program(mappings, read, graph, placements), graph))
    if graph is not None and result.buffers is not None:
        figures["buffers"] = asdict(row_buffers(mappings, graph))
    speeds = result.copies.speeds
    if speeds is not None and speeds.samples <= MOST_SAMPLES:
        runs = {"latency_ns": packed, "baseline_ns": baseline}
        figures["duplication"] = {
            name: schedule_of(run, speeds.samples).latency_ns for name, run in runs.items()
        }
    yield from differences("", result.document, figures)
    if result.samples <= MOST_SAMPLES and used == 1 + max(p.crossbar_idx for p in placements):
        schedule = schedule_of(packed, result.samples)
        packing = Packing(tuple(placements), hardware.size, used, 0, "", "")
        waits = asdict(contention(mappings, packing, schedule, graph))
        rounding_ns = 1e-9 * schedule.latency_ns  # times are differences of others
        for name, noise in (("layers", rounding_ns), ("load", 0.0)):
            yield from differences("", result.document, {"contention": {name: waits[name]}}, noise)


def _false_evaluations(result: PackingResult, runs: dict[str, AnyProgram]) -> Iterator[str]:
    for e in result.evaluations:
        if e.num_sample <= MOST_SAMPLES:
            found = {name: schedule_of(each, e.num_sample).latency_ns for name, each in runs.items()}
            many = f"{e.num_sample} sample{'s' * (e.num_sample > 1)}"
            yield from differences(f"evaluations, {many}", asdict(e), found)


def differences(key: str, said: Any, found: Any, noise: float = 0.0) -> Iterator[str]:
    """Each number in `found` that is another in `said`: its place, and both. What is not said is no fault."""
    if isinstance(found, dict) and isinstance(said, dict):
        for name in [name for name in found if name in said]:
            place = f"{key}, {name}" if key else name
            yield from differences(place, said[name], found[name], noise)
    elif isinstance(found, list | tuple) and isinstance(said, list) and len(found) == len(said):
        for i, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from differences(f"{key}, entry {i}", one, other, noise)
    elif not _same(said, found, noise):
        yield f"{key} {said!r:.60}, found {found!r:.60}"


def _same(said: Any, found: Any, noise: float) -> bool:
    if type(said) in (int, float) and type(found) in (int, float):
        return isclose(said, found, rel_tol=1e-9, abs_tol=noise)
    return type(said) is type(found) and bool(said == found)
