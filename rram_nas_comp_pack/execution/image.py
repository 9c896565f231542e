"""The programming image: what a chip is loaded with (spec: the programming image).

A layout says where each box lies, a layer's codes what its cells hold. Rows of a layer's raw matrix are in
torch's unfolded order (input channel of a group, then kernel), columns are output channels; those of a
transposed convolution are (output channel, kernel), those of a packed projection the channels of its part.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..box_converter.partition import corners
from ..errors import BadInput
from ..values import CrossbarSize, Layer, Mapping, Placement
from .quantise import Codes, InputRange, IntegerNetwork

Matrix = NDArray[np.int8]


class Provenance(NamedTuple):
    """Where an image comes from, in words: the model's name, its weights, what the ranges were found on."""

    model: str
    weights: str
    calibrated_on: str


@dataclass(frozen=True, slots=True, eq=False)
class ChipImage:
    """Integers in their cells, what they stand for, and the numbers that stay beside the crossbars.

    `scales` and `ranges` have an entry for every layer; one that runs again has the scales of its first run.
    `digital` are the network's tensors that are not on crossbars (biases, norms), by their names. A chip that
    is loaded segment by segment has `chip_crossbars`: crossbar c of the image is number c modulo them then,
    and each segment has as many. None: the image is loaded as a whole.
    """

    mappings: tuple[Mapping, ...]
    placements: tuple[Placement, ...]
    weights: NDArray[np.int8]  # (crossbars, rows, columns), 0 where nothing lies
    occupied: NDArray[np.bool_]  # (crossbars, rows, columns), cells of boxes
    scales: tuple[NDArray[np.float32], ...]  # (columns of the raw matrix,) each
    ranges: tuple[InputRange, ...]
    digital: dict[str, NDArray[np.generic]]
    provenance: Provenance
    chip_crossbars: int | None = None

    @property
    def crossbars(self) -> int:
        """Crossbars that the chip needs."""
        return self.chip_crossbars or len(self.weights)

    @property
    def size(self) -> CrossbarSize:
        """Of a crossbar."""
        return CrossbarSize(*self.weights.shape[1:])

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order of execution."""
        return tuple(m.layer for m in self.mappings)


class PlacedBox(NamedTuple):
    """One box of one copy: its cells, where they lie, and which part of the raw matrix they hold.

    A diagonal box has the rows of each of its channels below one another, `diagonal_rows` each.
    """

    weights: Matrix  # (h, w)
    layer: int  # that stores it
    copy: int
    box: int
    crossbar: int
    row: int
    column: int
    raw_row: int
    raw_column: int
    diagonal_rows: int | None


def make_image(
    mappings: Sequence[Mapping],
    placements: Sequence[Placement],
    size: CrossbarSize,
    network: IntegerNetwork,
    provenance: Provenance,
) -> ChipImage:
    """Load a layout on crossbars of `size` with a network's integers. Raises BadInput as `program` does."""
    weights, occupied = program(mappings, placements, size, network.codes)
    scales = tuple(codes.scales for codes in network.codes)
    places = tuple(mappings), tuple(placements)
    return ChipImage(*places, weights, occupied, scales, network.ranges, network.digital, provenance)


def program(
    mappings: Sequence[Mapping], placements: Sequence[Placement], size: CrossbarSize, codes: Sequence[Codes]
) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
    """Lay the codes of every layer (`codes[i]` of layer i) into cells: weights and occupied cells.

    Both are (crossbars, rows, columns). Raises BadInput where the codes are not of the layers' sizes, or
    another program cut the boxes.
    """
    crossbars = 1 + max(p.crossbar_idx for p in placements)
    weights = np.zeros((crossbars, *size), np.int8)
    occupied = np.zeros((crossbars, *size), np.bool_)
    boxes = {}
    for m in (m for m in mappings if m.stored):
        found, wanted = codes[m.layer.index].weights.shape, (m.layer.raw.h, m.layer.raw.w)
        if found != wanted:
            raise BadInput(f"layer {m.layer.label} ({m.layer.name}): found weights {found}, allowed {wanted}")
        boxes[m.layer.index] = tuple(boxes_of_matrix(m, size, codes[m.layer.index].weights))
    for p in placements:
        cells = p.crossbar_idx, slice(p.loc_y, p.max_y), slice(p.loc_x, p.max_x)
        weights[cells] = boxes[p.layer_idx][p.box]
        occupied[cells] = True
    return weights, occupied


def boxes_of_matrix(mapping: Mapping, size: CrossbarSize, matrix: Matrix) -> Iterator[Matrix]:
    """The cells (h, w) of every box of one replica, from the layer's raw matrix."""
    for box, (row, column) in zip(mapping.boxes, corners(mapping, size), strict=True):
        if mapping.layer.lies_diagonally(box):
            yield _diagonal(matrix[:, column : column + box.w])
        else:
            yield matrix[row : row + box.h, column : column + box.w]


def _diagonal(channels: Matrix) -> Matrix:
    """Columns (rows, channels) below one another: (rows * channels, channels)."""
    rows, width = channels.shape
    spread = np.zeros((width, rows, width), np.int8)
    spread[np.arange(width), :, np.arange(width)] = channels.T
    return spread.reshape(width * rows, width)


def copies_of(image: ChipImage) -> tuple[tuple[tuple[PlacedBox, ...], ...], ...]:
    """The boxes of every copy of every layer, in order; a layer that runs again has those of its first run.

    Raises BadInput where another program cut the boxes.
    """
    places = {(p.layer_idx, p.replica, p.box): p for p in image.placements}
    return tuple(
        tuple(tuple(_placed(image, m, replica, places)) for replica in range(m.copies))
        for m in image.mappings
    )


def _placed(
    image: ChipImage, m: Mapping, replica: int, places: dict[tuple[int, int, int], Placement]
) -> Iterator[PlacedBox]:
    firsts = corners(m, image.size)
    for number, (box, (row, column)) in enumerate(zip(m.boxes, firsts, strict=True)):
        p = places[m.layer.stored_in, replica, number]
        cells = image.weights[p.crossbar_idx, p.loc_y : p.max_y, p.loc_x : p.max_x]
        block = m.layer.raw.h if m.layer.lies_diagonally(box) else None
        place = m.layer.stored_in, replica, number, p.crossbar_idx, p.loc_y, p.loc_x
        yield PlacedBox(cells, *place, row, column, block)


def matrix_of(layer: Layer, boxes: Sequence[PlacedBox]) -> Matrix:
    """The raw matrix (rows, columns) that the boxes of one copy hold together."""
    matrix = np.zeros((layer.raw.h, layer.raw.w), np.int8)
    for box in boxes:
        height, width = box.weights.shape
        columns = slice(box.raw_column, box.raw_column + width)
        if box.diagonal_rows is None:
            matrix[box.raw_row : box.raw_row + height, columns] = box.weights
        else:
            blocks = box.weights.reshape(width, box.diagonal_rows, width)
            matrix[:, columns] = blocks[np.arange(width), :, np.arange(width)].T
    return matrix
