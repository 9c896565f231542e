"""`chip`: the stuck cells of one chip, as a file."""

from __future__ import annotations

import json
from math import prod
from pathlib import Path

from ...errors import BadInput
from ...execution.chip import STUCK_HIGH, STUCK_LOW, cell_shape, chip_with_maps
from ...execution.device import device_of
from ...hardware.config.change import Settings, load_changed
from ...runs.chip_file import MOST_CELLS, save_chip
from ..shared import warn


def run(crossbars: int, seed: int, out: Path, config: Path, settings: Settings) -> int:
    """Draw the chip, write it whole or not at all, and print what it is as a JSON object."""
    hardware = load_changed(config, settings).hardware
    warn(*hardware.warnings)
    device = device_of(hardware)
    most = MOST_CELLS // prod(cell_shape(device))
    if crossbars > most:
        raise BadInput(f"--crossbars: found {crossbars}, allowed are 1 to {most} of this size")
    chip = chip_with_maps(seed, crossbars, device)
    save_chip(out, chip)
    arrays, slices, rows, columns = chip.shape
    stuck = chip.stuck
    assert stuck is not None
    result = {
        "file": str(out),
        "seed": seed,
        "crossbars": crossbars,
        **{"arrays": arrays, "slices": slices, "rows": rows, "columns": columns},
        "cells": stuck.size,
        "stuck_high": int((stuck == STUCK_HIGH).sum()),
        "stuck_low": int((stuck == STUCK_LOW).sum()),
    }
    print(json.dumps(result, allow_nan=False))
    return 0
