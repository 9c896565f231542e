"""Whether the crossbars give the integers of the integer network: layer by layer, the first difference."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ..values import Layer, Mapping
from .exact import exact_reader
from .image import ChipImage, PlacedBox, boxes_of_matrix, copies_of
from .network import Arguments, Reader, Replaced, Scaling, by_integers
from .quantise import Codes
from .vectors import Convolution, fold, kernel_of, unfold


class Difference(NamedTuple):
    """An integer that is another on the chip: where, and both."""

    layer: Layer
    position: int
    channel: int
    box: PlacedBox
    found: int
    wanted: int

    def __str__(self) -> str:
        """Say it in one line."""
        return (
            f"layer {self.layer.index} ({self.layer.label}, {self.layer.name}) position {self.position} "
            f"channel {self.channel}: found {self.found}, the integer network has {self.wanted}; "
            f"replica {self.box.copy} box {self.box.box} on crossbar {self.box.crossbar}"
        )


def first_difference(
    module: nn.Module, image: ChipImage, codes: Sequence[Codes], inputs: Arguments
) -> Difference | None:
    """Run one sample on ideal cells, beside the integer network of `codes`; None where nothing differs."""
    check = _Check(image, codes, exact_reader(image))
    scalings = [Scaling(*each) for each in zip(image.ranges, image.scales, strict=True)]
    with Replaced(module, image.layers) as network:
        network.run(inputs, by_integers(check, scalings))
    return check.difference


class _Check:
    """Computes the products of the integer network, and compares those of the crossbars."""

    def __init__(self, image: ChipImage, codes: Sequence[Codes], reader: Reader) -> None:
        self._image, self._codes, self._reader = image, codes, reader
        self.difference: Difference | None = None

    def __call__(self, layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        matrix = torch.from_numpy(self._codes[layer_index].weights).double()
        wanted = _integer_network(x.double(), matrix, how)
        if self.difference is None:
            layer = self._image.layers[layer_index]
            vectors = unfold(x, how)
            split = vectors.reshape(-1, layer.positions, *vectors.shape[2:])
            sums = self._reader.read(layer_index, split)
            if not torch.equal(fold(sums, x, how).double(), wanted):
                taps = how.taps if how is not None and how.transposed else 1
                self.difference = self._found(layer, split.double(), sums.double(), taps)
        return wanted

    def _found(self, layer: Layer, x: Tensor, sums: Tensor, taps: int) -> Difference:
        """The first of the differing products of vectors."""
        matrix = torch.from_numpy(self._codes[layer.index].weights).double()
        wanted = torch.einsum("npgh,hgc->npgc", x, matrix.reshape(layer.raw.h, layer.groups, -1))
        _, position, group, column = (sums != wanted).nonzero()[0].tolist()
        numbers = (int(each[0, position, group, column]) for each in (sums, wanted))
        column += group * (layer.raw.w // layer.groups)
        mapping = self._image.mappings[layer.index]
        copy = position % mapping.copies
        box = self._culprit(mapping, copy, column)
        return Difference(layer, position, column // taps, box, *numbers)

    def _culprit(self, mapping: Mapping, copy: int, column: int) -> PlacedBox:
        """The first box of a copy whose cells of a column are not those of the integer network."""
        boxes = copies_of(self._image)[mapping.layer.index][copy]
        codes = self._codes[mapping.layer.index].weights
        wanted = tuple(boxes_of_matrix(mapping, self._image.size, codes))
        over = [b for b in boxes if b.raw_column <= column < b.raw_column + b.weights.shape[1]]

        def is_wrong(b: PlacedBox) -> bool:
            own = column - b.raw_column
            return not np.array_equal(b.weights[:, own], wanted[b.box][:, own])

        return next(filter(is_wrong, over), over[0])


def _integer_network(x: Tensor, matrix: Tensor, how: Convolution | None) -> Tensor:
    """Return the product of a layer as torch computes it, in float64."""
    if how is None:
        return x @ matrix
    moves = (how.stride, how.padding, how.dilation, how.transposed, how.output_padding, how.groups)
    return torch.convolution(x, kernel_of(matrix, how), None, *moves)
