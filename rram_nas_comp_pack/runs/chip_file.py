"""Writes and reads chip.npz: the faults of one chip, drawn from a seed or measured.

The file is numpy's, of arrays alone; docs/chips.md describes it:

- `stuck`, int8, (crossbars, arrays, slices, rows, columns): 0 healthy, 1 stuck at the highest resistance, 2
  stuck at the lowest.
- `seed`, a whole number, may be absent (0): the deviations of the cells follow from it where none are held.
- `deviation`, float32 of the shape of `stuck`, may be absent: ln(R / R_nominal) of each cell.

Whatever is unsound raises BadInput in one line.
"""

from __future__ import annotations

import hashlib
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..execution.chip import STUCK_LOW, ChipInstance, cell_shape
from ..execution.device import DeviceModel
from .checked_json import require_file
from .text_files import whole_output

_ARRAYS: Final = ("stuck", "seed", "deviation")
_MOST_BYTES: Final = 2**33  # of all arrays of a file
MOST_CELLS: Final = 2**31
"""Physical cells of a chip in a file: those of some 9 000 logical crossbars of the shipped size."""

_UNREADABLE: Final = (
    *(OSError, ValueError, EOFError, MemoryError, RuntimeError, KeyError, struct.error),
    *(zipfile.BadZipFile, zlib.error),
)
_LARGEST_DEVIATION: Final = 7.0  # a thousand times the nominal resistance, or a thousandth of it


def save_chip(path: Path, chip: ChipInstance) -> None:
    """Write a chip, whole or not at all. Raises BadInput where it cannot be written."""
    with whole_output(path, "--out") as file:
        write_chip(file, chip)


def write_chip(file: IO[bytes], chip: ChipInstance) -> None:
    """Write a chip with its map of stuck cells; the same chip makes the same bytes."""
    if chip.stuck is None:
        raise ValueError("a chip without a map follows from its seed: see chip.chip_with_maps")
    arrays: dict[str, NDArray[Any]] = {"stuck": chip.stuck, "seed": np.array(chip.seed, np.uint64)}
    if chip.deviation is not None:
        arrays["deviation"] = chip.deviation
    np.savez_compressed(file, allow_pickle=False, **arrays)


def digest_of_chip(chip: ChipInstance) -> str:
    """SHA-256 of what a chip's file holds."""
    found = hashlib.sha256(str((chip.seed, chip.crossbars)).encode())
    for values in (chip.stuck, chip.deviation):
        found.update(b"" if values is None else np.ascontiguousarray(values).tobytes())
    return found.hexdigest()


def read_chip(path: Path, device: DeviceModel, crossbars: int = 1) -> ChipInstance:
    """A chip of this device's cells with at least so many crossbars."""
    arrays = _arrays(path)
    if "stuck" not in arrays:
        raise BadInput(f"{path}: found no array 'stuck', needed is the map of stuck cells")
    stuck = arrays["stuck"]
    _require_shape(path, stuck, device, crossbars)
    if stuck.dtype.kind not in "iu" or stuck.min() < 0 or stuck.max() > STUCK_LOW:
        raise BadInput(f"{path}: stuck: found other values than 0, 1 and 2 (healthy, stuck high, stuck low)")
    deviation = arrays.get("deviation")
    if deviation is not None:
        if deviation.shape != stuck.shape or deviation.dtype.kind != "f":
            raise BadInput(
                f"{path}: deviation: found {_words(deviation)}, allowed are floats, as many as stuck"
            )
        if not (np.abs(deviation) <= _LARGEST_DEVIATION).all():
            raise BadInput(f"{path}: deviation: found a value beyond {_LARGEST_DEVIATION:g}, or none at all")
        deviation = deviation.astype(np.float32)
    stuck = stuck.astype(np.int8)
    return ChipInstance(_seed(path, arrays), cell_shape(device), len(stuck), stuck, deviation)


def _require_shape(path: Path, stuck: NDArray[Any], device: DeviceModel, crossbars: int) -> None:
    wanted = cell_shape(device)
    if stuck.ndim != 5 or stuck.shape[1:] != wanted:
        sizes = " x ".join(map(str, wanted))
        raise BadInput(
            f"{path}: stuck: found {_words(stuck)}, allowed is N x {sizes} "
            "(crossbars, arrays, slices, rows, columns) with this hardware"
        )
    if len(stuck) < crossbars:
        raise BadInput(f"{path}: stuck: found {len(stuck)} crossbars, needed are {crossbars}")


def _seed(path: Path, arrays: dict[str, NDArray[Any]]) -> int:
    seed = arrays.get("seed", np.array(0))
    if seed.shape != () or seed.dtype.kind not in "iu" or seed < 0:
        raise BadInput(f"{path}: seed: found {_words(seed)}, allowed is one whole number from 0")
    return int(seed)


def _words(array: NDArray[Any]) -> str:
    return f"{' x '.join(map(str, array.shape)) or 'one'} of {array.dtype}"


def _arrays(path: Path) -> dict[str, NDArray[Any]]:
    """All arrays of the file, once their names and sizes are sound."""
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            found = {entry.filename: entry.file_size for entry in archive.infolist()}
        strangers = found.keys() - {f"{name}.npy" for name in _ARRAYS}
        if strangers:
            raise BadInput(f"{path}: found {min(strangers)!r}, allowed are the arrays {', '.join(_ARRAYS)}")
        if sum(found.values()) > _MOST_BYTES:
            raise BadInput(f"{path}: found {sum(found.values())} bytes of arrays, allowed are {_MOST_BYTES}")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("a part of it is no array")
        return arrays
    except _UNREADABLE as error:
        raise BadInput(f"{path}: cannot be read as a file of numpy arrays (.npz): {error}") from error
