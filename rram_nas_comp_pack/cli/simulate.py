"""`simulate`: latencies of a run's layout, from its files."""

from __future__ import annotations

import json

from ..errors import CannotBeDone
from ..hardware.chip import reader
from ..hardware.config import load_hardware
from ..packing.check import violations
from ..runs.packing.read_layout import read_mappings, read_placements
from ..simulation import program, simulate
from ..values import NO_RULES
from .options import SimulateOptions


def run(options: SimulateOptions) -> int:
    """Print a JSON object a line, for every number of samples."""
    hardware = load_hardware(options.config)
    mappings, placements = read_mappings(options.run_dir), read_placements(options.run_dir)
    wrong = next(violations(mappings, placements, (hardware.rows, hardware.columns), NO_RULES), None)
    if wrong is not None:
        raise CannotBeDone(f"{options.run_dir}: the layout is invalid: {wrong}")
    read = reader(hardware)
    packed, ideal = program(mappings, read, placements), program(mappings, read)
    for n in options.num_sample:
        latencies = {
            "latency_ns": simulate(packed, n).latency_ns,
            "ideal_latency_ns": simulate(ideal, n).latency_ns,
        }
        print(json.dumps({"num_sample": n, **latencies}))
    return 0
