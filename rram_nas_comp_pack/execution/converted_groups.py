"""Boxes of a layer whose sums are converted: bit by bit, boxes of one shape at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from .cells import offset_units
from .column_reads import column_reads, read_columns
from .conversion import convert_and_add
from .device import UNITS
from .moves import Array, Flat, Limbs, add_vectors, drive, runs_of, take_vectors
from .pieces import Piece, Room, multiply, turns
from .places import Places
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

    def in_order(self, places: Places) -> ConvertedGroup:
        """Return the same with rows in the order of the input's elements."""
        order = np.argsort(places.rows.reshape(-1)[self.rows], axis=1)
        rows = np.take_along_axis(self.rows, order, axis=1)
        return replace(self, rows=rows, cells=np.take_along_axis(self.cells, order[..., None], axis=1))

    def add(self, to: Vectors) -> int:
        """Add the outputs of all vectors; rows are in order. Return how many conversions saturated."""
        rows = runs_of(to.places.rows.reshape(-1)[self.rows])
        columns = runs_of(np.where(self.columns == _NOWHERE, _NOWHERE, to.places.columns[self.columns]))
        patterns = to.x.astype(np.int16).astype(np.uint8)
        limbs, room = Limbs(np.array([self.how.adc.step], to.y.dtype), self.columns.shape[1]), to.room
        flat = Flat(to.y, to.places.y)
        saturated, height, width = 0, self.cells.shape[1], self.cells.shape[2]
        cells, of = self.cells, slice(0)
        for own, turn in turns(self.copy, to.copies, to.each, height + width):
            if own != of:
                cells, of = self._in_unit(own), own
            taken = room.array("taken", (len(turn.copy), turn.number, height), np.dtype(np.uint8))
            take_vectors(patterns, to.places.x, rows.of(own), turn, taken)
            alone = self.columns.shape[1] == 1
            codes, beyond = self._read_alone(taken, cells) if alone else self._read(taken, cells, room)
            saturated += beyond
            add_vectors(codes, limbs, columns.of(own), turn, flat)
            if offset := offset_units(self.how.device):
                inputs = _values(self.how)[taken].sum(axis=2, keepdims=True)
                repeated = np.broadcast_to(inputs, codes.shape).copy()
                share = limbs._replace(worth=np.array([-offset / UNITS], to.y.dtype))
                add_vectors(repeated, share, columns.of(own), turn, flat)
        return saturated

    def _read_alone(self, taken: NDArray[np.uint8], cells: Array) -> tuple[Array, int]:
        """The same of single columns, each with rows of its own."""
        units = (cells * self.products.unit).transpose(0, 2, 1)
        patterns = np.ascontiguousarray(taken.transpose(1, 0, 2))
        codes, saturated = read_columns(patterns, column_reads(units, self.how))
        return np.ascontiguousarray(codes.T)[:, :, None], saturated

    def _in_unit(self, members: slice) -> Array:
        """Cells of some members as they are multiplied: kept so, all would take much of the memory."""
        cells = self.cells[members].astype(self.products.sums)
        return cells if self.products.unit == 1 else cells / self.products.unit

    def _read(self, taken: NDArray[np.uint8], cells: Array, room: Room) -> tuple[Array, int]:
        """Shifted and added codes (members, count, w) of patterns (members, count, h)."""
        members, count, _ = taken.shape
        kind, width = self.products.sums, self.cells.shape[2]
        codes = np.zeros((members * count, self.columns.shape[1]), self.products.outputs)
        driven, sums = (
            room.array("driven", taken.shape, kind),
            room.array("sums", (members, count, width), kind),
        )
        met = np.bincount(taken.reshape(-1), minlength=256) > 0
        saturated = 0
        for product in self.products.each:
            if product.driven[met].any():  # a sum of nothing is code 0
                drive(taken, product.driven, product.bit, driven)
                multiply(driven, cells, sums)
                saturated += convert_and_add(sums.reshape(members * count, width), product.conversion, codes)
        return codes.reshape(members, count, -1), saturated


def _values(how: Converters) -> Floats:
    """The inputs that 8 bits stand for: (256,)."""
    return np.asarray(sum(step.driven * step.worth for step in how.steps), np.float64)


def converted_groups(parts: Iterable[Converted], how: Converters) -> tuple[ConvertedGroup, ...]:
    """Put pieces of one height and similar widths together; `how` is the same for all of them."""

    def shape(part: Converted) -> tuple[int, int]:
        return part.cells.shape[1], (part.cells.shape[2] - 1).bit_length()

    ordered = sorted(parts, key=shape)
    return tuple(_group(list(each), how) for _, each in groupby(ordered, shape))


def _group(parts: Sequence[Converted], how: Converters) -> ConvertedGroup:
    width, height, number = (
        max(p.cells.shape[2] for p in parts),
        parts[0].cells.shape[1],
        parts_of(how.device),
    )
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
