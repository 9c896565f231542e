"""The product of one layer on one chip: what all copies share, and what each of them adds.

Where conversions lose nothing, cells amount to weights. They are near the integers of the image, whose
product is torch's own; what the cells of each copy add is small or sparse. Columns that lose something are
read bit by bit. All sums are exact, so that neither the way they are computed nor threads nor batches
change them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels.arrays import Ints
from ..values import Layer
from .converted_groups import Converted, converted_groups
from .converters import Adc, InputCode
from .device import UNITS
from .exact import ExactLayer, WholeLayer
from .image import Matrix, PlacedBox, matrix_of
from .layer_parts import CopiedWeights, parts_of
from .lossless import lossless_columns
from .pieces import Piece, Room, pieces_of
from .places import Order, Places, cropped, output_shape, padded, places_of, unpadded, vectors_in
from .program import ProgrammedBox
from .read_plan import Converters, sensed_cells
from .sparse_product import SparseProduct
from .vectors import Convolution
from .weigh import WeighedBox
from .weight_groups import Block, BlockGroup, Vectors, Weights

ReadingPath = Literal["folded", "by copies", "full"]


class Reading(NamedTuple):
    """How the sums of a box of a layer are read; without an ADC they are what they are."""

    adc: Adc | None
    code: InputCode


class CopiedBox(NamedTuple):
    """What a layer needs of a programmed box of one copy.

    `added` (rows, columns) is what its weights have beside those of the image, in 1/1024 of a step; of
    converted columns, whose cells (parts, rows, converted) an ADC sees, it is 0.
    """

    copy: int
    placed: PlacedBox
    added: NDArray[np.integer]
    converted: Ints
    cells: NDArray[np.integer]
    how: Converters | None


def copied_box(copy: int, placed: PlacedBox, box: ProgrammedBox, reading: Reading) -> CopiedBox:
    """Reduce a programmed box to what a layer needs of it."""
    found = lossless_columns(box, reading.adc, reading.code)
    added = found.units - UNITS * placed.weights.astype(np.int64)
    added[:, ~found.columns] = 0
    converted = np.flatnonzero(~found.columns)
    how = None if reading.adc is None else Converters(box.device, reading.adc, reading.code)
    cells = sensed_cells(box)[:, :, converted] if len(converted) else np.zeros((0, 0, 0), np.int64)
    return CopiedBox(copy, placed, _small(added), converted, _small(cells), how)


def weighed_box(placed: PlacedBox, box: WeighedBox) -> CopiedBox:
    """What a layer needs of a box that an ideal ADC reads."""
    none = np.zeros((0, 0, 0), np.int8)
    return CopiedBox(placed.copy, placed, _small(box.added), np.zeros(0, np.int64), none, None)


def _small(numbers: NDArray[np.integer]) -> NDArray[np.integer]:
    """In the smallest type that holds them: chips have many cells."""
    least, most = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    return numbers.astype(np.min_scalar_type(min(least, -most - 1, -UNITS)))


class ReadOut(NamedTuple):
    """How many copies take turns, whether samples are innermost (`places.Order`), and room to work in."""

    copies: int
    innermost: bool
    room: Room


class LayerProduct:
    """Multiplies the inputs of a layer; `saturated` counts conversions."""

    def __init__(self, layer: Layer, boxes: Sequence[CopiedBox], how: ReadOut) -> None:
        """Take in all boxes; how their weights are multiplied is chosen with the first inputs."""
        self._layer, self._copies, self._innermost, self._room = layer, *how
        shared = _mostly_lossless(boxes)
        image = matrix_of(layer, [box.placed for box in boxes if box.copy == 0])
        own = CopiedWeights(
            layer, how.copies, image, shared, *zip(*_blocks(layer, boxes, shared), strict=True)
        )
        self._own: CopiedWeights | None = own
        self._converted = tuple(
            group
            for how in dict.fromkeys(box.how for box in boxes if box.how and len(box.converted))
            for group in converted_groups(_converted(layer, boxes, how), how)
        )
        beside: ReadingPath = "folded" if own.alike else "by copies"
        self.path: ReadingPath = "full" if self._converted else beside
        self._shared: ExactLayer | WholeLayer | None = None
        self._sparse: SparseProduct | None = None
        self._weights: Weights = ()
        self._kind = torch.float64
        self._places: dict[tuple[int, ...], Places] = {}
        self.saturated = 0

    def __call__(self, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, as a `network.Multiply`."""
        samples = 1 if self._innermost else vectors_in(x, how) // self._layer.positions
        if self._own is not None:
            self._choose(self._own, samples)
        if self._shared is not None and not (self._sparse or self._weights or self._converted):
            return self._shared(x, how)
        device, x, y = x.device, x.to("cpu", torch.float32), None
        if self._shared is not None:
            y = self._shared(padded(x, how), unpadded(how))
        if self._sparse is not None:
            sums = self._sparse(x, how, samples)
            y = sums if y is None else sums.to(self._kind).add_(y)
        if y is None or self._weights or self._converted:
            y = self._with_vectors(x, how, y)
        return cropped(y, how).to(device)

    def _choose(self, own: CopiedWeights, samples: int) -> None:
        """Choose how weights are multiplied; these alone are kept."""
        self._shared, sparse, self._weights, self._kind = parts_of(own, samples, len(self._converted) > 0)
        if sparse is not None:
            self._sparse = SparseProduct(self._layer, self._copies, sparse, self._room)
        self._own = None

    def _with_vectors(self, x: Tensor, how: Convolution | None, y: Tensor | None) -> Tensor:
        """Add what is computed with vectors moved one by one; the result may be `y` itself."""
        last, shape = how is not None and self._channels_last, output_shape(self._layer, x, how)
        places, x = self._places_of(x, how), padded(x, how)
        y = torch.zeros(shape) if y is None else y
        if last:
            x, y = x.movedim(1, -1), y.movedim(1, -1)
        x, y = x.contiguous(), y.to(self._kind, memory_format=torch.contiguous_format).contiguous()
        to = Vectors(x.view(-1).numpy(), y.view(-1).numpy(), places, self._copies, self._room)
        for weights in self._weights:
            weights.add(to)
        self.saturated += sum(group.add(to) for group in self._converted)
        return y.movedim(-1, 1) if last else y

    @property
    def _channels_last(self) -> bool:
        """Whether neighbours among rows and columns of blocks are neighbours in memory then."""
        return len(self._converted) > 0 or any(isinstance(each, BlockGroup) for each in self._weights)

    def _places_of(self, x: Tensor, how: Convolution | None) -> Places:
        known = self._places.get(x.shape)
        if known is not None:
            return known
        found = places_of(self._layer, x, how, Order(self._channels_last, self._innermost))
        if not self._places:
            self._weights = tuple(weights.in_order(found) for weights in self._weights)
            self._converted = tuple(group.in_order(found) for group in self._converted)
        self._places = {x.shape: found}  # the last batch may be smaller
        return found


def _mostly_lossless(boxes: Sequence[CopiedBox]) -> bool:
    """Whether most weights of a layer lie in columns that lose nothing."""
    converted = sum(len(box.converted) * len(box.placed.weights) for box in boxes)
    return 2 * converted < sum(box.placed.weights.size for box in boxes)


def _blocks(layer: Layer, boxes: Sequence[CopiedBox], shared: bool) -> Iterator[tuple[Block, Matrix]]:
    """What the copies add to the shared weights, those of the first copy, or to nothing; with the shared."""
    first = {box.placed.box: box.placed.weights for box in boxes if box.copy == 0}
    for box in boxes:
        own, base = box.placed.weights, first[box.placed.box]
        units = box.added
        if len(box.converted) or not shared or not np.array_equal(own, base):
            units = units + UNITS * own.astype(np.int64)
            units[:, box.converted] = 0
            if shared:
                units -= UNITS * base.astype(np.int64)
        for piece in pieces_of(layer, box.copy, box.placed):
            yield Block(piece, units[:, piece.own]), base[:, piece.own]


def _converted(layer: Layer, boxes: Sequence[CopiedBox], how: Converters) -> Iterator[Converted]:
    """Converted columns of all boxes that are read so."""
    for box in boxes:
        if box.how != how:
            continue
        for piece in pieces_of(layer, box.copy, box.placed):
            own = (box.converted >= piece.own.start) & (box.converted < piece.own.stop)
            if own.any():
                columns = piece.columns[box.converted[own] - piece.own.start]
                yield Converted(Piece(piece.copy, piece.rows, columns, piece.own), box.cells[:, :, own])
