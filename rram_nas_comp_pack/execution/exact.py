"""Ideal cells and lossless converters: the integers themselves.

A layer is torch's own product in float32 where no sum can pass 2^24, else one in parts of its rows, which are
added in float64.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from ..kernels.arrays import Ints
from .box_reader import BoxReader, same_cells
from .device import UNITS
from .exact_sums import EXACT_FLOAT32, largest_sum
from .image import ChipImage, Matrix, PlacedBox, copies_of, matrix_of
from .network import Multiply, by_reads
from .vectors import Convolution, kernel_of


def exact_reader(image: ChipImage) -> BoxReader:
    """Read the boxes of an image one by one, and add what they give."""
    return BoxReader(image, exact_box)


def exact_box(box: PlacedBox, x: Tensor) -> Tensor:
    """Return what an ideal box gives; a `box_reader.ReadBox`."""
    matrix = torch.from_numpy(box.weights.astype(np.float64))
    return x.double() @ matrix if x.dim() == 2 else torch.einsum("mwh,hw->mw", x.double(), matrix)


class ExactLayer:
    """The product of a layer by a matrix of integers."""

    def __init__(self, matrix: Matrix) -> None:
        """Nothing is computed yet."""
        self._matrix = matrix
        self._parts: list[Tensor] | None = None  # in the shape in which they are multiplied

    def __call__(self, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums as a `network.Multiply` does: float32 where they are exact so, else float64."""
        if self._parts is None:
            self._parts = self._cut(how)
        parts, device, x = self._parts, x.device, x.cpu()  # other devices may round convolutions
        if len(parts) == 1:
            return _product(x.to(parts[0].dtype), parts[0], how).to(device)
        inputs = x.chunk(len(parts), -1 if how is None else 1)
        products = (_product(a, b, how).double() for a, b in zip(inputs, parts, strict=True))
        return _sum(products).to(device)

    def _cut(self, how: Convolution | None) -> list[Tensor]:
        """The fewest parts of the rows, by channels, whose sums are exact in float32; or float64."""
        matrix = torch.from_numpy(self._matrix)
        whole = matrix if how is None else kernel_of(matrix, how)
        axis = 1 if how is not None and not how.transposed else 0
        most = whole.shape[axis] if how is None or how.groups == 1 else 1
        count = 1
        while count <= most:
            parts = whole.chunk(count, axis)
            if len(parts) == count and all(_fits(part, how) for part in parts):
                return [part.to(torch.float32).contiguous() for part in parts]
            count += 1
        return [whole.to(torch.float64).contiguous()]


def _fits(part: Tensor, how: Convolution | None) -> bool:
    """Whether sums of a matrix (rows, columns), or of a kernel, are exact in float32."""
    if how is None:
        rows = part
    elif how.transposed:  # where products overlap, those of several taps are added
        rows = part.movedim(1, -1).flatten(0, -2)
    else:
        rows = part.flatten(1).T
    return largest_sum(rows.numpy()) <= EXACT_FLOAT32


def _sum(parts: Iterable[Tensor]) -> Tensor:
    return sum(parts, torch.zeros((), dtype=torch.float64))


def _product(x: Tensor, weights: Tensor, how: Convolution | None) -> Tensor:
    if how is None:
        return x @ weights
    moves = (how.stride, how.padding, how.dilation, how.transposed, how.output_padding, how.groups)
    return torch.convolution(x, weights, None, *moves)


class WholeLayer:
    """The product of a layer of one group by a matrix (rows, columns) in 1/1024 of a step, in float64."""

    def __init__(self, units: Ints) -> None:
        """Nothing is computed yet."""
        self._matrix = torch.from_numpy(units / UNITS)
        self._kernel: Tensor | None = None

    def __call__(self, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums as a `network.Multiply` does."""
        device, x = x.device, x.cpu().double()
        if how is None:
            return (x @ self._matrix).to(device)
        if self._kernel is None:
            self._kernel = kernel_of(self._matrix, how).contiguous()
        if how.taps == x[0, 0].numel() == 1 and not any(how.padding):
            return (x.flatten(1) @ self._matrix).view(len(x), -1, *how.kernel).to(device)
        return _product(x, self._kernel, how).to(device)


class ExactProduct:
    """A `network.Multiply` of all layers: the boxes of a copy put together, where all copies are alike."""

    def __init__(self, image: ChipImage) -> None:
        """Put the boxes of every layer together."""
        copies = copies_of(image)
        self._apart: Multiply = by_reads(exact_reader(image), image.layers)
        self._alike = [all(same_cells(each[0], other) for other in each) for each in copies]
        self._layers = [
            ExactLayer(matrix_of(layer, boxes[0])) for layer, boxes in zip(image.layers, copies, strict=True)
        ]

    def __call__(self, layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, in float32 where they are exact so, else in float64."""
        if not self._alike[layer_index]:  # a damaged image: which copy reads a position matters
            return self._apart(layer_index, x, how)
        return self._layers[layer_index](x, how)
