"""`simulate`: latencies of a run's layout, from its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import isclose
from pathlib import Path

from ...errors import BadInput, CannotBeDone
from ...hardware.movement import time_of
from ...packing.check import violations
from ...runs.packing.graph import read_graph
from ...runs.packing.read import RESULT, read_any_result
from ...runs.packing.read_layout import read_mappings, read_placements
from ...runs.packing.reload_check import segments_of
from ...runs.packing.run import PackingResult
from ...runs.simconfig import Chosen, hardware_of
from ...simulation.row_graph import ScheduleKind
from ...simulation.schedules import prepared, schedule_of
from ...values import NO_RULES, Mapping, Placement, ReadTime, RowGraph
from ..shared import telling_of_compiling, warn


def run(
    run_dir: Path,
    num_sample: Sequence[int],
    config: Path | None,
    schedule: ScheduleKind | None,
    data_movement: bool,
) -> int:
    """Print a JSON object a line, for every number of samples; without `config` on the run's hardware.

    `schedule` is what of a sample may run at once, None for that of the run. `data_movement` charges what
    moves, which a run that was made so does in any case.
    """
    mappings, placements = read_mappings(run_dir), read_placements(run_dir)
    result = read_any_result(run_dir)
    own = result.schedule if result is not None else "layer"
    graph = read_graph(run_dir, schedule or own, mappings)
    hardware, note = _hardware(run_dir, config, result)
    if config is None:
        warn(note)
    wrong = next(violations(mappings, placements, hardware.size, NO_RULES), None)
    if wrong is not None:
        on = f" on the hardware of {config}" if config else ""
        raise CannotBeDone(f"{run_dir}: the layout is invalid{on}: {wrong}")
    if config is not None:
        warn(note)
    charges = result is not None and result.movement is not None
    read = time_of(hardware, data_movement or charges)
    with telling_of_compiling():
        both: Callable[[int], tuple[float, float]]
        if result is not None and result.reload is not None:
            if schedule not in (None, "layer"):
                raise BadInput(f"--schedule: found '{schedule}' for a run in segments, allowed is layer")
            if data_movement:
                raise BadInput("--data-movement: found for a run in segments, allowed is without it")
            both = segments_of(run_dir, result.reload, hardware).running.latencies_ns
        else:
            both = _in_one(mappings, placements, read, graph)
        for n in num_sample:
            latency_ns, ideal_ns = both(n)
            print(json.dumps({"num_sample": n, "latency_ns": latency_ns, "ideal_latency_ns": ideal_ns}))
            is_own = schedule in (None, own) and charges >= data_movement
            if result is not None and config is None and is_own:
                warn(_difference(run_dir, result, n, latency_ns))
    return 0


def _in_one(
    mappings: Sequence[Mapping], placements: Sequence[Placement], read: ReadTime, graph: RowGraph | None
) -> Callable[[int], tuple[float, float]]:
    """Latencies of so many samples of a layout that is on the chip as a whole: packed, and ideal."""
    packed, ideal = prepared(mappings, read, graph, placements), prepared(mappings, read, graph)
    return lambda n: (schedule_of(packed, n).latency_ns, schedule_of(ideal, n).latency_ns)


def _hardware(run_dir: Path, config: Path | None, result: PackingResult | None) -> Chosen:
    """Raises BadInput where a run that holds no hardware is of other crossbars than those at hand."""
    own = result.config if result is not None else None
    hardware, note = hardware_of(run_dir, own, config)
    if result is not None and config is None:
        sizes = ((result.size.rows, result.size.columns), hardware.size)
        wanted, found = (f"{rows} x {columns}" for rows, columns in sizes)
        if wanted != found:
            raise BadInput(
                f"{run_dir}: found crossbars of {wanted}, the hardware at hand has {found}: "
                "give that of the run with --config"
            )
    return Chosen(hardware, note)


def _difference(run_dir: Path, result: PackingResult, samples: int, latency_ns: float) -> str:
    """A line where the run's own result is another: its hardware or its layout was."""
    for e in result.evaluations:
        if e.num_sample == samples and not isclose(e.latency_ns, latency_ns):
            what = "layout" if result.config else "hardware or layout"
            many = f"{samples} sample{'s' * (samples != 1)}"
            said = f"{run_dir / RESULT} says {e.latency_ns} ns for {many}"
            return f"{said}: it was made with another {what}"
    return ""
