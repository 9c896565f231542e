"""`simulate`: latencies of a run's layout, from its files."""

from __future__ import annotations

import json
from math import isclose

from ...errors import BadInput, CannotBeDone
from ...hardware.chip_costs import reader
from ...packing.check import violations
from ...runs.packing.read import RESULT, read_result
from ...runs.packing.read_layout import read_mappings, read_placements
from ...runs.packing.run import PackingResult
from ...simulation.event_loop import program, simulate
from ...values import NO_RULES
from ..options.parse import SimulateOptions
from ..progress import telling_of_compiling
from ..run_hardware import Chosen, hardware_of, say


def run(options: SimulateOptions) -> int:
    """Print a JSON object a line, for every number of samples."""
    mappings, placements = read_mappings(options.run_dir), read_placements(options.run_dir)
    result = read_result(options.run_dir) if (options.run_dir / RESULT).exists() else None
    hardware, note = _hardware(options, result)
    if options.config is None:
        say(note)
    wrong = next(violations(mappings, placements, hardware.size, NO_RULES), None)
    if wrong is not None:
        on = f" on the hardware of {options.config}" if options.config else ""
        raise CannotBeDone(f"{options.run_dir}: the layout is invalid{on}: {wrong}")
    if options.config is not None:
        say(note)
    read = reader(hardware)
    with telling_of_compiling():
        packed, ideal = program(mappings, read, placements), program(mappings, read)
        for n in options.num_sample:
            latency_ns, ideal_ns = simulate(packed, n).latency_ns, simulate(ideal, n).latency_ns
            print(json.dumps({"num_sample": n, "latency_ns": latency_ns, "ideal_latency_ns": ideal_ns}))
            if result is not None and options.config is None:
                _compare(options, result, n, latency_ns)
    return 0


def _hardware(options: SimulateOptions, result: PackingResult | None) -> Chosen:
    """Raises BadInput where a run that holds no hardware is of other crossbars than those at hand."""
    own = result.config if result is not None else None
    hardware, note = hardware_of(options.run_dir, own, options.config)
    if result is not None and options.config is None:
        sizes = ((result.size.rows, result.size.columns), hardware.size)
        wanted, found = (f"{rows} x {columns}" for rows, columns in sizes)
        if wanted != found:
            raise BadInput(
                f"{options.run_dir}: found crossbars of {wanted}, the hardware at hand has {found}: "
                "give that of the run with --config"
            )
    return Chosen(hardware, note)


def _compare(options: SimulateOptions, result: PackingResult, samples: int, latency_ns: float) -> None:
    """Say where the run's own result is another: its hardware or its layout was."""
    for e in result.evaluations:
        if e.num_sample == samples and not isclose(e.latency_ns, latency_ns):
            what = "layout" if result.config else "hardware or layout"
            said = f"{options.run_dir / RESULT} says {e.latency_ns} ns for {samples} samples"
            say(f"{said}: it was made with another {what}")
