"""`hardware`: one processing element of the given configuration."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from ...errors import BadInput
from ...hardware.config.change import Settings, load_changed
from ...hardware.pe import area, read_energy, read_latency, read_power
from ..shared import warn


def run(rows: int, columns: int, input_bits: int, config: Path, settings: Settings) -> int:
    """Print latency with components, area, power and energy of one read as a JSON object."""
    hardware = load_changed(config, settings).hardware
    warn(*hardware.warnings)
    for option, found, most in (
        ("--rows", rows, hardware.rows),
        ("--columns", columns, hardware.columns),
    ):
        if found > most:
            raise BadInput(f"{option}: found {found}, allowed is 1 to the {most} of Xbar_Size")
    latency = read_latency(hardware, rows, columns, input_bits)
    power = read_power(hardware, rows, columns)
    energy = read_energy(power, latency)
    size = area(hardware)
    result = {
        "latency_ns": latency.total_ns,
        **asdict(latency),
        "computing_ns": latency.computing_ns,
        "digital_ns": latency.digital_ns,
        "area_um2": size.total_um2,
        "area": asdict(size),
        "power_w": power.total_w,
        "power": asdict(power),
        "energy_nj": energy.total_nj,
        "energy": asdict(energy),
    }
    print(json.dumps(result, allow_nan=False))
    return 0
