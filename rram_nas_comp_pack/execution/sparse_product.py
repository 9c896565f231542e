"""Weights of copies one by one, each for all samples of a batch at once.

The samples of an element are neighbours in memory here. A weight then costs a fraction of what it costs to
move its inputs for every position, which matters most for the small blocks of depthwise layers and for the
few weights that faults change. Sums are exact, so that their order does not matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels.arrays import Ints
from ..kernels.jit import compiled, inlined
from ..values import Layer
from .device import UNITS
from .exact_sums import EXACT_FLOAT32, largest_sum
from .moves import Array
from .pieces import Room
from .places import Order, output_shape, places_of
from .vectors import Convolution
from .weight_groups import Block

_BESIDE = Order(channels_last=False, innermost=False)
_UNROLLED: Final = 4  # weights of a column that are added at once
_SMALL: Final = 512  # in 1/1024 of a step, or in steps where all are whole: float32 holds sums of 128 of them


class SparseWeights(NamedTuple):
    """Weights of the same pieces: float32 holds all sums of `small` ones in any order."""

    small: tuple[Block, ...]
    large: tuple[Block, ...]


def sparse_weights(blocks: Sequence[Block], columns: int, copies: int) -> SparseWeights:
    """Part the weights of a layer of so many columns; there are as few large ones as there need be."""
    none = tuple(block._replace(units=block.units[:0]) for block in blocks)
    step = 1 if any((block.units % UNITS).any() for block in blocks) else UNITS
    if largest_of(blocks, columns, copies, step) <= EXACT_FLOAT32:
        return SparseWeights(tuple(blocks), none)
    parts = [(block, np.abs(block.units.astype(np.int32)) < _SMALL * step) for block in blocks]
    small = tuple(block._replace(units=block.units * low) for block, low in parts)
    if largest_of(small, columns, copies, step) > EXACT_FLOAT32:
        return SparseWeights(none, tuple(blocks))
    return SparseWeights(small, tuple(block._replace(units=block.units * ~low) for block, low in parts))


def overlaps(layer: Layer) -> bool:
    """Whether an output is a sum of several vectors."""
    return layer.kind.startswith("ConvTranspose")


def largest_of(blocks: Sequence[Block], columns: int, copies: int, step: int) -> int:
    """A bound of the sums of a vector with inputs of 8 bits, counted in `step`/1024 of a step.

    Where positions overlap in the output, sums are larger.
    """
    added = np.zeros((copies, columns), np.int64)
    for piece, units in blocks:
        np.add.at(added[piece.copy], piece.columns, np.abs(units.astype(np.int64)).sum(axis=0))
    return largest_sum(added[:, None] // step)


class _Entries(NamedTuple):
    """Weights that are not 0, in steps; those of the n-th column are numbers starts[n] to starts[n + 1]."""

    starts: Ints
    rows: NDArray[np.int32]
    values: Array


class _Columns(NamedTuple):
    """Columns of a layer by number, one for each piece; those of copy k are copies[k] to copies[k + 1]."""

    copies: Ints
    columns: Ints


def _columns_of(blocks: Sequence[Block], copies: int) -> _Columns:
    """The columns of blocks that come copy by copy."""
    each = np.zeros(1 + copies, np.int64)
    for piece, _ in blocks:
        each[1 + piece.copy] += len(piece.columns)
    return _Columns(np.cumsum(each), np.concatenate([block.piece.columns for block in blocks]))


def _entries_of(blocks: Sequence[Block], kind: type[np.floating]) -> _Entries:
    """The weights of the same columns; rows are in order, so that neighbours are read one after the other."""
    counts, rows, values = [np.zeros(1, np.int64)], [np.zeros(0, np.int32)], [np.zeros(0, kind)]
    for piece, units in blocks:
        column, row = np.nonzero(units.T)
        counts.append(np.count_nonzero(units, axis=0))
        rows.append(piece.rows[row].astype(np.int32))
        values.append((units.T[column, row] / UNITS).astype(kind))
    return _Entries(np.cumsum(np.concatenate(counts)), np.concatenate(rows), np.concatenate(values))


class SparseProduct:
    """What the weights of all copies give, for batches of many samples."""

    def __init__(self, layer: Layer, copies: int, weights: SparseWeights, room: Room) -> None:
        """Nothing is computed yet."""
        self._layer, self._room = layer, room
        small, large = (sorted(blocks, key=lambda block: block.piece.copy) for blocks in weights)
        self._columns = _columns_of(small, copies)
        self._small, self._large = _entries_of(small, np.float32), _entries_of(large, np.float64)
        self._kind = np.float64 if len(self._large.rows) or overlaps(layer) else np.float32
        self._placed: dict[tuple[int, ...], _Placed] = {}

    def __call__(self, x: Tensor, how: Convolution | None, samples: int) -> Tensor:
        """Return the sums of vectors that come sample by sample, as `places` count in them."""
        one = x.reshape(samples, -1, *x.shape[-1 if how is None else 1 :])[0]
        inputs, shape = self._inputs(x, how, samples), output_shape(self._layer, x, how)
        sums = self._array("sums of samples", (prod(shape) // samples, samples), self._kind).zero_()
        _add_columns(inputs.numpy(), sums.numpy(), self._in_place(one, how))
        # a copy of its own: `sums` is used again, also where it need not be transposed
        return sums.T.clone(memory_format=torch.contiguous_format).view(shape)

    def _inputs(self, x: Tensor, how: Convolution | None, samples: int) -> Tensor:
        """The padded input as (elements, samples)."""
        found = x.reshape(samples, -1).T.contiguous()
        if how is None or how.transposed or not any(how.padding):
            return found
        # padded as the last step: this moves neighbours together
        sizes = [size + 2 * pad for size, pad in zip(x.shape[2:], how.padding, strict=True)]
        channels = len(x) * x.shape[1] // samples
        around = self._array("inputs", (channels, *sizes, samples), np.float32).zero_()
        inner = [slice(pad, pad + size) for pad, size in zip(how.padding, x.shape[2:], strict=True)]
        around[(slice(None), *inner)] = found.view(channels, *x.shape[2:], samples)
        return around.view(-1, samples)

    def _array(self, name: str, shape: tuple[int, ...], kind: type[np.floating]) -> Tensor:
        return torch.from_numpy(self._room.array(name, shape, np.dtype(kind)))

    def _in_place(self, one: Tensor, how: Convolution | None) -> _Placed:
        """Where the vectors of a sample lie, with offsets in place of numbers."""
        known = self._placed.get(one.shape)
        if known is None:
            places = places_of(self._layer, one, how, _BESIDE)
            rows = places.rows.reshape(-1).astype(np.int32)
            small, large = (own._replace(rows=rows[own.rows]) for own in (self._small, self._large))
            columns = self._columns._replace(columns=places.columns[self._columns.columns])
            known = self._placed[one.shape] = _Placed(places.x[0], places.y[0], columns, small, large)
        return known


class _Placed(NamedTuple):
    """Where vectors lie (positions,) in input and output, and offsets of rows and columns from there."""

    x: Ints
    y: Ints
    columns: _Columns
    small: _Entries
    large: _Entries


@compiled
def _add_columns(x: Array, y: Array, of: _Placed) -> None:
    """Add the sums of x to y, both (elements, samples); position p is read by copy p mod n."""
    copies, small, large = len(of.columns.copies) - 1, of.small, of.large
    few, many = np.empty(x.shape[1], np.float32), np.empty(x.shape[1], np.float64)
    for p in range(len(of.x)):
        copy, vectors = p % copies, x[of.x[p] :]
        for n in range(of.columns.copies[copy], of.columns.copies[copy + 1]):
            out = y[of.y[p] + of.columns.columns[n]]
            if small.starts[n] < small.starts[n + 1]:
                few[:] = 0
                _add_entries(vectors, few, small, n)
                for i in range(len(out)):
                    out[i] += few[i]
            if large.starts[n] < large.starts[n + 1]:
                many[:] = 0
                _add_entries(vectors, many, large, n)
                for i in range(len(out)):
                    out[i] += many[i]


@inlined
def _add_entries(x: Array, out: Array, own: _Entries, n: int) -> None:
    e, end = own.starts[n], own.starts[n + 1]
    while e + _UNROLLED <= end:
        a, b, c, d = x[own.rows[e]], x[own.rows[e + 1]], x[own.rows[e + 2]], x[own.rows[e + 3]]
        v, w, s, t = own.values[e], own.values[e + 1], own.values[e + 2], own.values[e + 3]
        for i in range(len(out)):
            out[i] += v * a[i] + w * b[i] + s * c[i] + t * d[i]
        e += _UNROLLED
    while e < end:
        v, a = own.values[e], x[own.rows[e]]
        for i in range(len(out)):
            out[i] += v * a[i]
        e += 1
