"""The stuck cells that each weight of a network meets on one chip, in every copy of its layer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .chip import ChipInstance, Stuck, require_crossbars, stuck_cells
from .device import DeviceModel
from .image import ChipImage, PlacedBox, copies_of


def faults_of_layers(image: ChipImage, device: DeviceModel, chip: ChipInstance) -> dict[int, Stuck]:
    """The states of the cells of every layer's raw matrix: (copies, arrays, slices, rows, columns), int8.

    By the number of the layer that stores them; logical crossbar c lies in crossbar c of the chip. Cells
    beside the blocks of diagonal boxes hold no weight and are left out. Raises `BadInput` where chip and
    device do not fit, `CannotBeDone` where the chip has too few crossbars.
    """
    needed = image.crossbars
    require_crossbars(chip, needed)
    own = [stuck_cells(chip, device, crossbar) for crossbar in range(needed)]
    states = [own[slot % needed] for slot in range(len(image.weights))]
    return {
        m.layer.index: np.stack([_copy(m.layer.raw.h, m.layer.raw.w, boxes, states) for boxes in copies])
        for m, copies in zip(image.mappings, copies_of(image), strict=True)
        if m.stored
    }


def _copy(rows: int, columns: int, boxes: Sequence[PlacedBox], states: Sequence[Stuck]) -> Stuck:
    """The states of one copy: (arrays, slices, rows, columns)."""
    found = np.zeros((*states[0].shape[:2], rows, columns), np.int8)
    for box in boxes:
        h, w = box.weights.shape
        own = states[box.crossbar][:, :, box.row : box.row + h, box.column : box.column + w]
        across = slice(box.raw_column, box.raw_column + w)
        if box.diagonal_rows is None:
            found[:, :, box.raw_row : box.raw_row + h, across] = own
        else:
            found[..., across] = _blocks(own, box.diagonal_rows)
    return found


def _blocks(cells: NDArray[np.int8], rows: int) -> NDArray[np.int8]:
    """The cells (arrays, slices, rows, columns) on the diagonal of a box, `rows` of each column."""
    columns = cells.shape[-1]
    blocks = cells.reshape(*cells.shape[:2], columns, rows, columns)
    each = np.arange(columns)
    return np.moveaxis(blocks[:, :, each, :, each], 0, -1)
