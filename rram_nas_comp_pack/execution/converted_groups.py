"""Boxes of a layer whose sums are converted: bit by bit, boxes of one shape at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from .cells import offset_units
from .conversion import convert_and_add
from .device import UNITS
from .moves import Array, add_vectors, drive, take_vectors
from .pieces import Piece, turns
from .read_plan import Converters, Products, parts_of, products_of
from .weight_groups import Vectors

_NOWHERE = -1


class Converted(NamedTuple):
    """Columns of a piece that are converted: `cells` (parts, h, columns) as the ADCs see them."""

    piece: Piece
    cells: NDArray[np.integer]


@dataclass(frozen=True, slots=True, eq=False)
class ConvertedGroup:
    """Boxes of one shape; columns that are there to make them so lie nowhere."""

    how: Converters
    products: Products
    copy: Ints
    rows: Ints  # (members, h)
    columns: Ints  # (members, w)
    cells: NDArray[np.integer]  # (members, h, parts * w)

    def add(self, to: Vectors) -> int:
        """Add the outputs of all vectors; return how many conversions saturated."""
        rows = to.places.rows.reshape(-1)[self.rows]
        columns = np.where(self.columns == _NOWHERE, _NOWHERE, to.places.columns[self.columns])
        patterns = np.asarray(to.x, np.int16).astype(np.uint8)
        worth = np.array([self.how.adc.step], to.y.dtype)
        saturated, height, width = 0, rows.shape[1], self.cells.shape[2]
        for own, turn in turns(self.copy, to.copies, to.each, height + width):
            taken = np.empty((len(turn.copy), turn.count, height), np.uint8)
            take_vectors(patterns, to.places.x, rows[own], turn, taken)
            codes, beyond = self._read(taken, own)
            saturated += beyond
            add_vectors(codes, to.places.y, columns[own], turn, worth, to.y)
            if offset := offset_units(self.how.device):
                inputs = _values(self.how)[taken].sum(axis=2, keepdims=True)
                repeated = np.broadcast_to(inputs, codes.shape)
                add_vectors(repeated, to.places.y, columns[own], turn, np.array([-offset / UNITS]), to.y)
        return saturated

    def _read(self, taken: NDArray[np.uint8], own: slice) -> tuple[Array, int]:
        """Shifted and added codes (members, count, w) of patterns (members, count, h)."""
        members, count, height = taken.shape
        cells = torch.from_numpy((self.cells[own] // self.products.unit).astype(self.products.sums))
        codes = np.zeros((members * count, self.columns.shape[1]), self.products.outputs)
        driven = np.empty(taken.shape, self.products.sums)
        sums = np.empty((members, count, self.cells.shape[2]), self.products.sums)
        saturated = 0
        for product in self.products.each:
            if drive(taken, product.driven, driven):  # a sum of nothing is code 0
                torch.bmm(torch.from_numpy(driven), cells, out=torch.from_numpy(sums))
                saturated += convert_and_add(sums.reshape(members * count, -1), product.conversion, codes)
        return codes.reshape(members, count, -1), saturated


def _values(how: Converters) -> Floats:
    """The inputs that 8 bits stand for: (256,)."""
    return np.stack([step.driven * step.worth for step in how.steps]).sum(axis=0).astype(np.float64)


def converted_groups(parts: Iterable[Converted], how: Converters) -> tuple[ConvertedGroup, ...]:
    """Put pieces of one height and similar widths together; `how` is the same for all of them."""

    def shape(part: Converted) -> tuple[int, int]:
        return part.cells.shape[1], (part.cells.shape[2] - 1).bit_length()

    ordered = sorted(parts, key=shape)
    return tuple(_group(list(each), how) for _, each in groupby(ordered, shape))


def _group(parts: Sequence[Converted], how: Converters) -> ConvertedGroup:
    width, height, number = max(p.cells.shape[2] for p in parts), parts[0].cells.shape[1], parts_of(how.device)
    columns = np.full((len(parts), width), _NOWHERE)
    kind = np.result_type(*{part.cells.dtype for part in parts})
    cells = np.zeros((len(parts), height, number, width), kind)
    for i, part in enumerate(parts):
        own = part.cells.shape[2]
        columns[i, :own] = part.piece.columns
        cells[i, :, :, :own] = part.cells.transpose(1, 0, 2)
    copy, rows = (np.array([part.piece[i] for part in parts]) for i in range(2))
    products = products_of([part.cells for part in parts], how)
    return ConvertedGroup(how, products, copy, rows, columns, cells.reshape(len(parts), height, -1))
