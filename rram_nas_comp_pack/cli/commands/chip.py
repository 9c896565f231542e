"""`chip`: the stuck cells of one chip, as a file."""

from __future__ import annotations

import json
from math import prod

from ofa.whole import is_special, whole_file

from ...errors import BadInput
from ...execution.chip import STUCK_HIGH, STUCK_LOW, cell_shape, chip_with_maps
from ...execution.device import device_of
from ...runs.chip_file import MOST_CELLS, write_chip
from ...runs.held_folder import refusal
from ..options.parse import ChipOptions
from ..shared import read_hardware


def run(options: ChipOptions) -> int:
    """Draw the chip, write it whole or not at all, and print what it is as a JSON object."""
    device = device_of(read_hardware(options.config))
    most = MOST_CELLS // prod(cell_shape(device))
    if options.crossbars > most:
        raise BadInput(f"--crossbars: found {options.crossbars}, allowed are 1 to {most} of this size")
    chip = chip_with_maps(options.seed, options.crossbars, device)
    path = options.out
    try:
        with path.open("wb") if is_special(path) else whole_file(path) as file:
            write_chip(file, chip)
    except OSError as error:
        raise refusal(f"--out: {path} cannot be written: {error.strerror or error}", error) from error
    arrays, slices, rows, columns = chip.shape
    stuck = chip.stuck
    assert stuck is not None
    result = {
        "file": str(path),
        "seed": options.seed,
        "crossbars": options.crossbars,
        **{"arrays": arrays, "slices": slices, "rows": rows, "columns": columns},
        "cells": stuck.size,
        "stuck_high": int((stuck == STUCK_HIGH).sum()),
        "stuck_low": int((stuck == STUCK_LOW).sum()),
    }
    print(json.dumps(result, allow_nan=False))
    return 0
