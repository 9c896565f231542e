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
from .exact_sums import EXACT_FLOAT32, largest_sum
from .image import Matrix, PlacedBox, matrix_of
from .lossless import lossless_columns
from .pieces import Piece, Room, pieces_of
from .places import Order, Places, cropped, output_shape, padded, places_of, unpadded
from .program import ProgrammedBox
from .read_plan import Converters, sensed_cells
from .vectors import Convolution
from .weigh import WeighedBox
from .weight_groups import Block, BlockGroup, Vectors, Weights, weights_of

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
        """Choose how the layer is computed."""
        self._layer, self._copies, self._innermost, self._room = layer, *how
        copies = how.copies
        shared, blocks, self._weights = _parted(layer, boxes, copies)
        image = matrix_of(layer, [box.placed for box in boxes if box.copy == 0])
        self._shared = ExactLayer(image) if shared else None
        self._converted = tuple(
            group
            for how in dict.fromkeys(box.how for box in boxes if box.how and len(box.converted))
            for group in converted_groups(_converted(layer, boxes, how), how)
        )
        small = not self._converted and _are_small(image, blocks)
        self._kind = torch.float32 if small else torch.float64
        # neighbours among rows and columns of blocks are then neighbours in memory
        self._channels_last = len(self._converted) > 0 or any(
            isinstance(each, BlockGroup) for each in self._weights
        )
        blocks_alone = any(isinstance(each, BlockGroup) for each in self._weights) and not self._converted
        self._whole: WholeLayer | None = None
        if copies == layer.groups == 1 and blocks_alone:
            self._whole = WholeLayer(_all_units(image, blocks, shared))
            self._weights = ()
        self._places: dict[tuple[int, ...], Places] = {}
        self.saturated = 0

    @property
    def path(self) -> ReadingPath:
        """How the layer is computed."""
        if self._converted:
            return "full"
        return "by copies" if self._weights or self._whole is not None or self._shared is None else "folded"

    def __call__(self, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, as a `network.Multiply`."""
        if self._whole is not None:
            return self._whole(x, how)
        if self.path == "folded":
            assert self._shared is not None
            return self._shared(x, how)
        places, device = self._places_of(x, how), x.device
        shape, x = output_shape(self._layer, x, how), padded(x.to("cpu", torch.float32), how)
        last = self._channels_last and how is not None
        if last:
            x = x.movedim(1, -1).contiguous().movedim(-1, 1)
        y = torch.zeros(shape, dtype=self._kind) if self._shared is None else self._shared(x, unpadded(how))
        if last:
            x, y = x.movedim(1, -1), y.movedim(1, -1)
        x, y = x.contiguous(), y.to(self._kind, memory_format=torch.contiguous_format).contiguous()
        to = Vectors(x.view(-1).numpy(), y.view(-1).numpy(), places, self._copies, self._room)
        for weights in self._weights:
            weights.add(to)
        self.saturated += sum(group.add(to) for group in self._converted)
        return cropped(y.movedim(-1, 1) if last else y, how).to(device)

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


def _parted(layer: Layer, boxes: Sequence[CopiedBox], copies: int) -> tuple[bool, list[Block], Weights]:
    """Whether copies share the weights of the image, and what each of them has besides."""
    shared = _mostly_lossless(boxes)
    blocks = list(_blocks(layer, boxes, shared))
    weights = weights_of(blocks, copies)
    converted = any(len(box.converted) for box in boxes)
    dense = layer.groups == 1 and len(weights) > 0 and all(isinstance(each, BlockGroup) for each in weights)
    if shared and dense and not converted:
        # such blocks take little longer with the shared weights in them, whose product is saved
        shared, blocks = False, list(_blocks(layer, boxes, False))
        weights = weights_of(blocks, copies)
    return shared, blocks, weights


def _mostly_lossless(boxes: Sequence[CopiedBox]) -> bool:
    """Whether most weights of a layer lie in columns that lose nothing."""
    converted = sum(len(box.converted) * len(box.placed.weights) for box in boxes)
    return 2 * converted < sum(box.placed.weights.size for box in boxes)


def _blocks(layer: Layer, boxes: Sequence[CopiedBox], shared: bool) -> Iterator[Block]:
    """What the copies add to the shared weights, those of the first copy, or to nothing."""
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
            yield Block(piece, units[:, piece.own])


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


def _all_units(image: Matrix, blocks: Sequence[Block], shared: bool) -> Ints:
    """The weights of the only copy (rows, columns), in 1/1024 of a step."""
    units = UNITS * image.astype(np.int64) if shared else np.zeros(image.shape, np.int64)
    for block in blocks:
        units[np.ix_(block.piece.rows, block.piece.columns)] += block.units
    return units


def _are_small(image: Matrix, blocks: Sequence[Block]) -> bool:
    """Whether all sums of a layer are whole numbers that float32 holds in any order."""
    if any((block.units % UNITS).any() for block in blocks):
        return False
    added = np.zeros((1 + max((block.piece.copy for block in blocks), default=0), image.shape[1]), np.int64)
    for block in blocks:
        np.add.at(added[block.piece.copy], block.piece.columns, np.abs(block.units // UNITS).sum(axis=0))
    return largest_sum(image) + largest_sum(added[:, None]) <= EXACT_FLOAT32
