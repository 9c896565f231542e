"""Which columns of a box lose nothing that counts in conversion, and what their cells amount to.

Cells of a column are near whole numbers of ADC steps. If what they miss cannot add up to half a step in any
read, every code is the sum of these whole numbers; if none of them can saturate either, the shifted and
added codes are one product by weights. Variation of a percent leaves nearly every column so.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from ..kernels.jit import compiled
from .cells import offset_units, slice_weights
from .converters import Adc, InputCode, largest_digit, signed_conversions
from .device import UNITS, DeviceModel
from .program import ProgrammedBox


class Lossless(NamedTuple):
    """Columns that lose nothing, and the weights of all columns as they would be then.

    `units` are weights in 1/1024 of a step, (rows, columns); those of other columns mean nothing.
    """

    columns: NDArray[np.bool_]  # (columns,)
    units: Ints


def lossless_columns(box: ProgrammedBox, adc: Adc | None, code: InputCode) -> Lossless:
    """Find the columns of a box that one product replaces; with an ideal ADC all of them."""
    width = box.cells.shape[3]
    if adc is None:
        return Lossless(np.ones(width, np.bool_), box.units)
    step = UNITS * adc.step
    if step != int(step):
        return Lossless(np.zeros(width, np.bool_), np.zeros(box.cells.shape[2:], np.int64))
    device, signed = box.device, signed_conversions(box.device)
    parts = np.concatenate([slice_weights(device)] * (1 if signed else device.polarity))
    units = np.zeros(box.cells.shape[2:], np.float64)
    sums = np.zeros((len(parts), 4, width), np.float64)
    _add_up(
        box.cells, _Sensing(signed, step, 1 / step), slice_weights(device).astype(np.float64), units, sums
    )
    columns = _are_lossless(sums, adc, device, code)
    return Lossless(columns, np.rint(units * step).astype(np.int64) - offset_units(device))


def _are_lossless(sums: Floats, adc: Adc, device: DeviceModel, code: InputCode) -> NDArray[np.bool_]:
    """From the least and the largest sums of whole steps and of what is beside them, for single digits."""
    digit = largest_digit(device)
    low, high, under, over = (digit * sums[:, i] for i in range(4))
    if code == "signed-digits":
        low, high, under, over = low - high, high - low, under - over, over - under
    half = UNITS * adc.step / 2
    fits = (low >= adc.lowest) & (high <= adc.highest) & (under > -half) & (over < half)
    return np.asarray(fits.all(axis=0))


class _Sensing(NamedTuple):
    """What the ADCs see: differences of pairs or single arrays; and their step in the unit of the cells."""

    signed: bool
    step: float
    per_step: float


@compiled
def _add_up(cells: NDArray[Any], how: _Sensing, worth: Floats, units: Floats, sums: Floats) -> None:
    """Add up cells (arrays, slices, rows, columns), in steps.

    `units` (rows, columns) gets the whole steps, shifted and added; `sums` (parts, 4, columns) the least and
    the largest sum of whole steps, then those of what is beside them, in the unit of the cells.
    """
    arrays, slices, rows, columns = cells.shape
    for part in range(len(sums)):
        array, slice_ = part // slices, part % slices
        share = worth[slice_] if array == 0 else -worth[slice_]
        found = sums[part]
        for r in range(rows):
            first = cells[array, slice_, r]
            second = cells[arrays - 1, slice_, r]
            for c in range(columns):
                seen = np.float64(first[c]) - np.float64(second[c]) if how.signed else np.float64(first[c])
                whole = np.rint(seen * how.per_step)
                beside = seen - whole * how.step
                found[0, c] += min(whole, 0.0)
                found[1, c] += max(whole, 0.0)
                found[2, c] += min(beside, 0.0)
                found[3, c] += max(beside, 0.0)
                units[r, c] += share * whole
