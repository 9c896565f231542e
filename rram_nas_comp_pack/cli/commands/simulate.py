"""`simulate`: latencies of a run's layout, from its files."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import isclose
from pathlib import Path

from ...errors import BadInput, CannotBeDone
from ...hardware.config.read import Hardware
from ...hardware.movement import time_of
from ...packing.check import violations
from ...runs.packing.graph import read_graph
from ...runs.packing.read import RESULT, read_any_result
from ...runs.packing.read_layout import read_mappings, read_placements
from ...runs.packing.reload_check import segments_of
from ...runs.packing.run import PackingResult
from ...runs.simconfig import Chosen, hardware_of
from ...simulation.schedules import prepared, schedule_of
from ...values import NO_RULES, Mapping, Placement, ReadTime, RowGraph
from ..options.simulate import SimulateOptions
from ..shared import telling_of_compiling, warn


def run(options: SimulateOptions) -> int:
    """Print a JSON object a line, for every number of samples."""
    run_dir = options.run_dir
    mappings, placements = read_mappings(run_dir), read_placements(run_dir)
    result = read_any_result(run_dir)
    if result is not None and result.reload is not None:
        _require_plain(options)
    own = result.schedule if result is not None else "layer"
    graph = read_graph(run_dir, options.schedule or own, mappings)
    hardware, note = _hardware(options, result)
    _require_valid(options, hardware, mappings, placements, note)
    charges = result is not None and result.movement is not None
    read = time_of(hardware, options.data_movement or charges)
    is_own = options.own_hardware and options.schedule in (None, own) and charges >= options.data_movement
    with telling_of_compiling():
        both: Callable[[int], tuple[float, float]]
        if result is not None and result.reload is not None:
            both = segments_of(run_dir, result.reload, hardware).running.latencies_ns
        else:
            both = _in_one(mappings, placements, read, graph)
        for n in options.num_sample:
            latency_ns, ideal_ns = both(n)
            print(json.dumps({"num_sample": n, "latency_ns": latency_ns, "ideal_latency_ns": ideal_ns}))
            if result is not None and is_own:
                warn(_difference(run_dir, result, n, latency_ns))
    return 0


def _require_plain(options: SimulateOptions) -> None:
    """Raise BadInput for what cannot be asked of a run in segments."""
    why = f"{options.run_dir} is a run in segments, each of which runs the layers of a whole batch one by one"
    if options.schedule not in (None, "layer"):
        raise BadInput(f"--schedule: found {options.schedule!r}, allowed is 'layer': {why}")
    if options.data_movement:
        raise BadInput(f"--data-movement: found it, allowed is without it: {why}, which it does not charge")


def _require_valid(
    options: SimulateOptions,
    hardware: Hardware,
    mappings: Sequence[Mapping],
    placements: Sequence[Placement],
    note: str,
) -> None:
    """Tell which hardware is used. Raises CannotBeDone where the layout is none on such crossbars."""
    if options.own_hardware:
        warn(note)
    wrong = next(violations(mappings, placements, hardware.size, NO_RULES), None)
    if wrong is not None:
        on = "" if options.own_hardware else f" on the hardware of {options.config or '--set'}"
        raise CannotBeDone(f"{options.run_dir}: the layout is invalid{on}: {wrong}")
    if not options.own_hardware:
        warn(note)
    if options.settings.texts:
        warn(*hardware.warnings)


def _in_one(
    mappings: Sequence[Mapping], placements: Sequence[Placement], read: ReadTime, graph: RowGraph | None
) -> Callable[[int], tuple[float, float]]:
    """Latencies of so many samples of a layout that is on the chip as a whole: packed, and ideal."""
    packed, ideal = prepared(mappings, read, graph, placements), prepared(mappings, read, graph)
    return lambda n: (schedule_of(packed, n).latency_ns, schedule_of(ideal, n).latency_ns)


def _hardware(options: SimulateOptions, result: PackingResult | None) -> Chosen:
    """Raises BadInput where a run that holds no hardware is of other crossbars than those at hand."""
    run_dir, own = options.run_dir, result.config if result is not None else None
    hardware, note = hardware_of(run_dir, own, options.config, options.settings)
    if result is not None and options.own_hardware:
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
