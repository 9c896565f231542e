"""Reading programmed boxes: the linear path, where nothing is lost, and the full path with its conversions.

Inputs are integers of 8 bits in the range of their code (`converters.InputCode`), of the shape (n, rows),
or (n, columns, rows) where columns are read one by one, each with the rows of its own channel (dense
depthwise boxes). Sums have the shape (n, columns), in steps of the weight times steps of the input. Every sum
of cells is an integer that its type holds exactly, so that results do not depend on threads, batches or
machines.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from .cells import offset_units
from .column_reads import add_products, column_reads, read_columns
from .conversion import convert_and_add
from .converters import Adc, InputCode, calibrated_adc, input_steps, sum_range
from .device import UNITS
from .lossless import lossless_columns
from .program import ProgrammedBox, in_steps
from .read_plan import (
    Converters,
    ReadPlan,
    can_saturate,
    parts_of,
    plan_read,
    sensed_cells,
)

Inputs = NDArray[np.integer]
Sums = NDArray[np.floating]

_CHUNK_VALUES = 1 << 18  # sums of one product: few enough to stay in the cache until they are converted


class Read(NamedTuple):
    """Outputs (n, columns) of a read, how many conversions it took and how many of them saturated."""

    sums: Sums
    conversions: int
    saturated: int


def read_linear(box: ProgrammedBox, x: Inputs) -> Sums:
    """Read with an ideal ADC: one product by the effective weights."""
    return _products(x, box.matrix)


def read_full(box: ProgrammedBox, x: Inputs, adc: Adc | None, code: InputCode = "unsigned") -> Read:
    """Read bit by bit, each sum of a column converted; without an ADC it is `read_linear`."""
    if adc is None:
        steps = len(input_steps(box.device, code))
        return Read(read_linear(box, x), len(x) * steps * parts_of(box.device) * box.units.shape[1], 0)
    return read_columnwise(box, x, adc, code) if x.ndim == 3 else read_planned(plan_read(box, adc, code), x)


def read_planned(plan: ReadPlan, x: Inputs) -> Read:
    """Read inputs (n, rows) as planned."""
    device, adc, _ = plan.how
    columns = len(plan.exact) + len(plan.converted)
    conversions = len(x) * len(plan.how.steps) * parts_of(device) * columns
    if not len(plan.converted):
        return Read(_products(x, plan.matrix), conversions, 0)
    sums = np.empty((len(x), columns), np.float64)
    if len(plan.exact):
        sums[:, plan.exact] = _products(x, plan.matrix)
    codes, saturated = _converted(plan, x.astype(np.uint8))
    sums[:, plan.converted] = codes * adc.step
    if offset := offset_units(device):
        sums[:, plan.converted] -= x.sum(axis=1, dtype=np.int64)[:, None] * (offset / UNITS)
    return Read(sums, conversions, saturated)


def _converted(plan: ReadPlan, patterns: NDArray[np.uint8]) -> tuple[Sums, int]:
    """Codes of the converted columns, shifted and added: (n, converted); and how many saturated."""
    out = np.zeros((len(patterns), len(plan.converted)), plan.products.outputs)
    chunk = max(1, _CHUNK_VALUES // plan.cells.shape[1])
    buffer = np.empty((chunk, plan.cells.shape[1]), plan.products.sums)
    saturated = 0
    for first in range(0, len(patterns), chunk):
        part = patterns[first : first + chunk]
        room = buffer[: len(part)]
        for product in plan.products.each:
            driven = product.driven[part]
            if driven.any():  # a sum of nothing is code 0
                _multiply(driven, plan.cells, room)
                saturated += convert_and_add(room, product.conversion, out[first : first + chunk])
    return out, saturated


def read_columnwise(box: ProgrammedBox, x: Inputs, adc: Adc, code: InputCode = "unsigned") -> Read:
    """Read inputs (n, columns, rows): each column with inputs of its own, bit by bit."""
    steps = input_steps(box.device, code)
    conversions = len(x) * len(steps) * parts_of(box.device) * box.units.shape[1]
    lossless = lossless_columns(box, adc, code)
    sums = _products(x, in_steps(lossless.units)).astype(np.float64)
    rest = np.flatnonzero(~lossless.columns)
    if not len(rest):
        return Read(sums, conversions, 0)
    cells = sensed_cells(box)[:, :, rest].transpose(2, 0, 1)
    codes, saturated = read_columns(
        x[:, rest].astype(np.uint8), column_reads(cells, Converters(box.device, adc, code))
    )
    offset = offset_units(box.device) / UNITS
    sums[:, rest] = codes * adc.step - offset * x[:, rest].sum(axis=2, dtype=np.int64)
    return Read(sums, conversions, saturated)


def saturated_by_exponent(box: ProgrammedBox, x: Inputs, code: InputCode = "unsigned") -> list[int]:
    """How many conversions saturate at a step of 2^k level steps, for each k at which any can.

    Add lists of the boxes and inputs of a layer item by item, and see `converters.calibrated_exponent`.
    """
    sensed = sensed_cells(box)
    ranges = sum_range(sensed, box.device, code)
    counts: list[int] = []
    while True:
        adc = calibrated_adc(box.device, sensed.shape[1], len(counts))
        if not can_saturate(ranges, adc).any():
            return counts
        counts.append(read_full(box, x, adc, code).saturated)


def _products(x: Inputs, matrix: Sums) -> Sums:
    if x.ndim == 2:
        product = np.empty((len(x), matrix.shape[1]), matrix.dtype)
        _multiply(x.astype(matrix.dtype), matrix, product)
        return product
    out = np.zeros(x.shape[:2], np.float64)
    add_products(x, np.ascontiguousarray(matrix.T, np.float64), out)
    return out


def _multiply(x: Sums, matrix: Sums, out: Sums) -> None:
    """Write x @ matrix into `out`, on torch's threads: numpy would start others beside them."""
    torch.mm(torch.from_numpy(x), torch.from_numpy(matrix), out=torch.from_numpy(out))
