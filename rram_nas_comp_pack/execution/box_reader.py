"""Which rows of which box see which inputs: from vectors of a layer to reads of its boxes, and back.

The rows of one box are driven; what the boxes of a column of tiles give is added digitally. A dense depthwise
or grouped box is read a group at a time, so that each of its columns sees the rows of its own group. A
diagonal box is read whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from ..values import Layer
from .image import ChipImage, PlacedBox, copies_of


class ReadBox(Protocol):
    """One way to read a box: ideal cells, cells with faults, with or without converters."""

    def __call__(self, box: PlacedBox, x: Tensor) -> Tensor:
        """Return the sums (m, columns) of m vectors of integers.

        `x` is (m, rows), or (m, columns, rows) where every column is read with rows of its own.
        """
        ...


class BoxReader:
    """A `network.Reader` of all boxes of an image, each read by `read_box`."""

    def __init__(self, image: ChipImage, read_box: ReadBox) -> None:
        """Find the boxes of every copy."""
        self._layers, self._copies, self._read_box = image.layers, copies_of(image), read_box

    def read(self, layer_index: int, x: Tensor) -> Tensor:
        """Return sums float64 (n, positions, groups, columns of a group); `x` as in `network.Reader`.

        Position p is read by copy p mod n.
        """
        return read_boxes(self._layers[layer_index], self._copies[layer_index], x, self._read_box)


def read_boxes(layer: Layer, copies: Sequence[Sequence[PlacedBox]], x: Tensor, read_box: ReadBox) -> Tensor:
    """Read the boxes of all copies of a layer, and add what those of a column of tiles give.

    Return sums float64 (n, positions, groups, columns of a group); `x` as in `network.Reader`.
    """
    sums = x.new_zeros((*x.shape[:2], layer.raw.w), dtype=torch.float64)
    for copy, boxes in enumerate(copies):
        own = slice(copy, None, len(copies))
        for box in boxes:
            columns = slice(box.raw_column, box.raw_column + box.weights.shape[1])
            found = read_box(box, box_inputs(layer, box, x[:, own]))
            sums[:, own, columns] += found.reshape(sums[:, own, columns].shape)
    return sums.reshape(*x.shape[:3], layer.raw.w // layer.groups)


def box_inputs(layer: Layer, box: PlacedBox, x: Tensor) -> Tensor:
    """Return what a box's rows are driven with, for all vectors (n, positions, groups, rows of the layer).

    The result is what a `ReadBox` takes.
    """
    height, width = box.weights.shape
    groups = torch.arange(box.raw_column, box.raw_column + width) // (layer.raw.w // layer.groups)
    rows = slice(box.raw_row, box.raw_row + height)
    if box.diagonal_rows is not None:
        return x[:, :, groups].reshape(-1, height)
    if groups[0] == groups[-1]:
        return x[:, :, int(groups[0]), rows].reshape(-1, height)
    return x[:, :, groups, rows].reshape(-1, width, height)


def same_cells(one: Sequence[PlacedBox], other: Sequence[PlacedBox]) -> bool:
    """Whether two copies hold the same integers."""
    return one is other or all(np.array_equal(a.weights, b.weights) for a, b in zip(one, other, strict=True))
