"""Boxes of integer weights -> cells of one chip, as they conduct."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .cells import conducting
from .chip import CellState, ChipInstance, apply_stuck, crossbar_state
from .device import UNITS, DeviceModel
from .encoding import Encoding, encode
from .exact_sums import EXACT_FLOAT32
from .quantiles import Quantiles

_LARGEST_INPUT = 255
_EXACT_FLOAT64 = 2**53


class BoxCells(NamedTuple):
    """A box of a layer in its place: its rows begin at row `row` of a logical crossbar.

    In a diagonal box the weights beside the diagonal are zeros, which are programmed and read like others.
    """

    weights: NDArray[np.integer]  # (rows, columns)
    crossbar: int
    row: int
    column: int


@dataclass(frozen=True, slots=True, eq=False)
class ProgrammedBox:
    """The cells of a box as they conduct, and the weights that they amount to."""

    device: DeviceModel
    cells: NDArray[np.integer]  # (arrays, slices, rows, columns), 1/1024 of a level step
    units: NDArray[np.int64]  # (rows, columns), 1/1024 of a step of the weight

    @property
    def matrix(self) -> NDArray[np.floating]:
        """The weights (rows, columns) in steps, of the type that `in_steps` chooses."""
        return in_steps(self.units)


def program_box(
    box: BoxCells, device: DeviceModel, chip: ChipInstance | None = None, encoding: Encoding = "plain"
) -> ProgrammedBox:
    """Program one box. Without a chip no cell is stuck and all are nominal; raises `BadInput` as it does
    where weights or chip do not fit the device.
    """
    state = None if chip is None else crossbar_state(chip, device, box.crossbar)
    return _programmed(box, device, state, encoding)


def program_boxes(
    boxes: Iterable[BoxCells],
    device: DeviceModel,
    chip: ChipInstance | None = None,
    encoding: Encoding = "plain",
) -> Iterator[ProgrammedBox]:
    """`program_box` of each box in turn; neighbours on the same crossbar share its drawn state."""
    for crossbar, group in groupby(boxes, key=lambda box: box.crossbar):
        state = None if chip is None else crossbar_state(chip, device, crossbar)
        yield from (_programmed(box, device, state, encoding) for box in group)


def _programmed(
    box: BoxCells, device: DeviceModel, state: CellState | None, encoding: Encoding
) -> ProgrammedBox:
    if state is None:
        cells, units = conducting(encode(box.weights, device), device)
    else:
        stuck, varied = _window(state, box)
        wanted = encode(box.weights, device, stuck, encoding)
        # a code around faults has stuck cells at their levels
        levels = apply_stuck(stuck, wanted, device.top) if encoding == "plain" else wanted
        cells, units = conducting(levels, device, varied)
    _largest_sum(units)  # a chip whose sums are not exact is refused before anything is read
    return ProgrammedBox(device, cells, units)


def _window(state: CellState, box: BoxCells) -> CellState:
    """The state of the cells under a box."""
    h, w = box.weights.shape
    window = np.s_[:, :, box.row : box.row + h, box.column : box.column + w]
    varied = state.varied
    if isinstance(varied, Quantiles):
        return CellState(state.stuck[window], Quantiles(varied.numbers[window], varied.variation))
    return CellState(state.stuck[window], None if varied is None else varied[window])


def in_steps(units: NDArray[np.int64]) -> NDArray[np.floating]:
    """Weights (rows, columns) in steps, from 1/1024 of a step.

    Their type is such that products with integers of 8 bits are exact in any order: float32 where all weights
    are whole and no sum can pass 2^24, else float64.
    """
    if _largest_sum(units) < EXACT_FLOAT32 * UNITS and not (units % UNITS).any():
        return (units // UNITS).astype(np.float32)
    return units / UNITS


def _largest_sum(units: NDArray[np.int64]) -> int:
    """The largest sum over rows that inputs can bring about. Raises OverflowError where it is not exact."""
    bound = _LARGEST_INPUT * int(np.abs(units).sum(axis=0).max(initial=0))
    if bound >= _EXACT_FLOAT64:
        raise OverflowError(f"a sum of up to {bound} is not exact in 53 bits")
    return bound
