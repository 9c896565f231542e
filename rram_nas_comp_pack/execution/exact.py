"""Ideal cells and lossless converters: the integers themselves.

A product of a weight and an input is at most 127 * 255, so that sums over at most 518 rows stay below 2^24
and are exact in float32, in any order. Longer sums are added in float64.
"""

from __future__ import annotations

from math import ceil

import numpy as np
import torch
from torch import Tensor

from .box_reader import BoxReader, same_cells
from .image import ChipImage, Matrix, PlacedBox, copies_of, matrix_of
from .network import Multiply, by_reads
from .vectors import Convolution, kernel_of

MOST_ROWS = 2**24 // (127 * 255)
"""Rows whose sum is exact in float32."""


def exact_reader(image: ChipImage) -> BoxReader:
    """Read the boxes of an image one by one, and add what they give."""
    return BoxReader(image, exact_box)


def exact_box(box: PlacedBox, x: Tensor) -> Tensor:
    """Return what an ideal box gives; a `box_reader.ReadBox`."""
    matrix = _floats(box.weights)
    if x.dim() == 2:
        return _product(x, matrix)
    return torch.einsum("mwh,hw->mw", x.double(), matrix.double())


def _floats(weights: Matrix) -> Tensor:
    return torch.from_numpy(weights.astype(np.float32))


def _product(x: Tensor, matrix: Tensor) -> Tensor:
    """Return x (…, rows) times a matrix (rows, columns), exactly, in tiles of rows."""
    if len(matrix) <= MOST_ROWS:
        return x @ matrix
    starts = range(0, len(matrix), MOST_ROWS)
    tiles = (x[..., i : i + MOST_ROWS] @ matrix[i : i + MOST_ROWS] for i in starts)
    return sum((tile.double() for tile in tiles), torch.zeros((), dtype=torch.float64))


class ExactProduct:
    """The same integers at once: the boxes of one copy put together, and torch's own convolution."""

    def __init__(self, image: ChipImage) -> None:
        """Put the boxes of every layer together."""
        copies = copies_of(image)
        self._apart: Multiply = by_reads(exact_reader(image), image.layers)
        self._alike = [all(same_cells(each[0], other) for other in each) for each in copies]
        self._matrices = [
            _floats(matrix_of(layer, boxes[0])) for layer, boxes in zip(image.layers, copies, strict=True)
        ]
        self._kernels: dict[int, Tensor] = {}

    def __call__(self, layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, in float32 where they are exact so, else in float64."""
        if not self._alike[layer_index]:  # a damaged image: which copy reads a position matters
            return self._apart(layer_index, x, how)
        matrix = self._matrices[layer_index]
        if how is None:
            return _product(x, matrix)
        kernel = self._kernels.get(layer_index)
        if kernel is None:
            kernel = self._kernels[layer_index] = kernel_of(matrix, how).contiguous()
        return _convolved(x, kernel, how)


def _convolved(x: Tensor, kernel: Tensor, how: Convolution) -> Tensor:
    """Return a convolution of integers: in float32 as it is, in parts of the channels, or in float64."""
    moves = (how.stride, how.padding, how.dilation, how.transposed, how.output_padding, how.groups)
    channels = x.shape[1] // how.groups
    if channels * how.taps <= MOST_ROWS:
        return torch.convolution(x, kernel, None, *moves)
    if how.groups > 1 or how.taps > MOST_ROWS:
        return torch.convolution(x.double(), kernel.double(), None, *moves)
    parts = ceil(channels / (MOST_ROWS // how.taps))
    kernels = kernel.chunk(parts, 0 if how.transposed else 1)
    tiles = zip(x.chunk(parts, 1), kernels, strict=True)
    return sum(
        (torch.convolution(a, b.contiguous(), None, *moves).double() for a, b in tiles),
        torch.zeros((), dtype=torch.float64),
    )
