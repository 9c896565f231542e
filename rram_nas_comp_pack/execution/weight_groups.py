"""Weights that copies of a layer have besides those that all share: single ones, and blocks of them.

Sums are exact: whole numbers of 1/1024 of a step, in float32 where they stay below 2^24. Where blocks have
longer numbers, these are cut in two limbs, each with a float32 product of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from .device import UNITS
from .exact_sums import EXACT_FLOAT32, largest_sum
from .moves import Array, Entries, Flat, Limbs, add_entries, add_vectors, runs_of, take_vectors
from .pieces import Piece, Room, multiply, turns
from .places import Places

# Measured on one core of an x86 machine with AVX2, in ns: what a single weight takes for a vector, and what a
# block does for each of its rows, columns and weights.
_SINGLE, _ROW, _COLUMN, _WEIGHT = 1.2, 1.0, 2.0, 0.04
_EVEN = 16  # products of so many columns, or a multiple, take half the time of those of a few less


class Block(NamedTuple):
    """Weights of a piece: (h, w) in 1/1024 of a step."""

    piece: Piece
    units: NDArray[np.integer]


class Vectors(NamedTuple):
    """The input of a layer and the output that is added to, both flat, and where vectors lie in them."""

    x: Array
    y: Array
    places: Places
    copies: int
    room: Room

    @property
    def each(self) -> int:
        """Vectors of a copy."""
        samples, positions = self.places.x.shape
        each: int = samples * -(-positions // self.copies)
        return each


@dataclass(frozen=True, slots=True, eq=False)
class BlockGroup:
    """Blocks of one shape, multiplied at once; `weights` (members, h, at least limbs * w)."""

    copy: Ints
    rows: Ints  # (members, h)
    columns: Ints  # (members, w)
    weights: Array
    worth: Floats  # (limbs,)

    def in_order(self, places: Places) -> BlockGroup:
        """Return the same with rows in the order of the input's elements."""
        order = np.argsort(places.rows.reshape(-1)[self.rows], axis=1)
        rows = np.take_along_axis(self.rows, order, axis=1)
        return replace(self, rows=rows, weights=np.take_along_axis(self.weights, order[..., None], axis=1))

    def add(self, to: Vectors) -> None:
        """Add the products of all vectors; rows are in order."""
        rows, columns = (
            runs_of(to.places.rows.reshape(-1)[self.rows]),
            runs_of(to.places.columns[self.columns]),
        )
        _, height, width = self.weights.shape
        kind, limbs = self.weights.dtype, Limbs(self.worth.astype(to.y.dtype), self.columns.shape[1])
        x, room = to.x.astype(kind, copy=False), to.room
        for own, turn in turns(self.copy, to.copies, to.each, height + width):
            taken = room.array("taken", (len(turn.copy), turn.number, height), kind)
            take_vectors(x, to.places.x, rows.of(own), turn, taken)
            found = room.array("found", (len(turn.copy), turn.number, width), kind)
            multiply(taken, self.weights[own], found)
            add_vectors(found, limbs, columns.of(own), turn, Flat(to.y, to.places.y))


@dataclass(frozen=True, slots=True, eq=False)
class SingleWeights:
    """Weights that are taken one by one."""

    entries: Entries

    def in_order(self, _: Places) -> SingleWeights:
        """Return the same: any order will do."""
        return self

    def add(self, to: Vectors) -> None:
        """Add the products of all vectors."""
        moved = self.entries._replace(
            rows=to.places.rows.reshape(-1)[self.entries.rows],
            columns=to.places.columns[self.entries.columns],
            values=self.entries.values.astype(to.y.dtype, copy=False),
        )
        add_entries(to.x, to.places.x, to.y, to.places.y, moved)


Weights = tuple[SingleWeights | BlockGroup, ...]
"""All such weights of a layer."""


def weights_of(blocks: Iterable[Block], copies: int) -> Weights:
    """Choose for each block whether its weights are taken one by one; zeros are left out."""
    single, whole = [], []
    for block in blocks:
        together, apart = _costs(block)
        if apart > together:
            whole.append(block)
        elif apart:
            single.append(block)

    def shape(block: Block) -> tuple[int, int]:
        return block.units.shape[0], block.units.shape[1]

    groups = [list(each) for _, each in groupby(sorted(whole, key=shape), shape)]
    return (*_single(single, copies), *map(_group, groups))


def block_cost(block: Block) -> float:
    """What the weights of a block take for a vector, in ns."""
    return min(_costs(block))


def _costs(block: Block) -> tuple[float, float]:
    """What a block takes for a vector as a whole, and weight by weight."""
    height, width = block.units.shape
    whole = height * _ROW + width * _COLUMN + height * width * _WEIGHT
    return whole, _SINGLE * int(np.count_nonzero(block.units))


class _Single(NamedTuple):
    """A block, and where its weights are that are not 0."""

    piece: Piece
    rows: Ints
    columns: Ints
    units: NDArray[np.integer]


def _single(blocks: Sequence[Block], copies: int) -> Iterator[SingleWeights]:
    if not blocks:
        return
    ordered = sorted(blocks, key=lambda block: block.piece.copy)
    found = []
    for block in ordered:
        rows, columns = np.nonzero(block.units)
        found.append(_Single(block.piece, rows, columns, block.units))
    counts = np.zeros(copies, np.int64)
    for each in found:
        counts[each.piece.copy] += len(each.rows)
    entries = Entries(
        starts=np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)]),
        rows=np.concatenate([each.piece.rows[each.rows] for each in found]),
        columns=np.concatenate([each.piece.columns[each.columns] for each in found]),
        values=np.concatenate([each.units[each.rows, each.columns] for each in found]) / UNITS,
    )
    yield SingleWeights(entries)


def _group(blocks: Sequence[Block]) -> BlockGroup:
    weights, worth = _limbs(np.stack([block.units for block in blocks]))
    copy, rows, columns = (np.array([block.piece[i] for block in blocks]) for i in range(3))
    beside = -weights.shape[2] % _EVEN
    return BlockGroup(copy, rows, columns, np.pad(weights, [(0, 0), (0, 0), (0, beside)]), worth)


def _limbs(units: NDArray[np.integer]) -> tuple[Array, Floats]:
    """Numbers (members, h, limbs * w) that a product adds up exactly, and what those of a limb are worth."""
    units = units.astype(np.int64)
    if not (units % UNITS).any():
        units, per_step = units // UNITS, 1
    else:
        per_step = UNITS
    if largest_sum(units) <= EXACT_FLOAT32:
        return units.astype(np.float32), np.array([1 / per_step])
    for bits in range(8, 16):
        low = ((units + (1 << (bits - 1))) & ((1 << bits) - 1)) - (1 << (bits - 1))
        high = (units - low) >> bits
        if max(largest_sum(low), largest_sum(high)) <= EXACT_FLOAT32:
            both = np.concatenate([low, high], axis=2).astype(np.float32)
            return both, np.array([1 / per_step, (1 << bits) / per_step])
    return units.astype(np.float64), np.array([1 / per_step])
