"""Writes faults.npz: the stuck cells that each weight of a network meets on one chip.

The file is numpy's, of arrays alone: one by the name of every weight, int8 (copies, arrays, slices, *shape of
the weight), with the states of chip.npz. `ofa-rnc finetune --chip` reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..execution.chip import Stuck
from .text_files import whole_output


def save_faults(path: Path, faults: Mapping[str, Stuck]) -> None:
    """Write it, whole or not at all. Raises BadInput where it cannot be written."""
    arrays: dict[str, Any] = dict(faults)
    with whole_output(path, "--out") as file:
        np.savez_compressed(file, allow_pickle=False, **arrays)
