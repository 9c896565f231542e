"""Digits among clutter, after Mnih et al., "Recurrent Models of Visual Attention", NeurIPS 2014.

On a dark colour canvas lie one digit to be told, of random size, slant, colour and place, and fragments of
other digits; light adds up, and every value is noisy.

The same random bits give the same bytes on every machine. All is computed in whole numbers; where floating
point multiplies matrices, because that is fast, sums stay below 2**24 and are exact in whatever order.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.random import BitGenerator
from numpy.typing import NDArray

from ofa.errors import BadInput
from ofa.image_files import Labelled

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]

CANVAS = 64
"""Height and width of an image, in pixels."""

LEAST = 40
"""The smallest canvas that holds every digit."""

GRID = 8
"""Height and width of a digit as it was scanned, in pixels of 17 levels."""

SIZES = 18, 34
"""Heights of digits on the canvas, also of those that fragments are cut from."""

FRAGMENTS = 6, 10
"""How many there are in an image."""

FEWER = 0, FRAGMENTS[1]
"""How many there are in training: a network learns to find digits before it learns what to ignore."""

PIECES = 8, 14
"""Heights and widths of fragments."""

SLANT = 5
"""The most that a row of the grid is moved against the next, in sixteenths of the grid's pixels."""

CHUNK = 125
"""How many images are drawn at once; which ones depends on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Clutter:
    """Draws images of its digits: levels 0 to 16 as int64 (n, GRID, GRID), labels int64 (n,).

    `fragments` are the fewest and the most that an image has, on a canvas of full size.
    """

    levels: Ints
    labels: Ints
    fragments: tuple[int, int] = FRAGMENTS

    def draw(self, count: int, bits: BitGenerator, size: int = CANVAS) -> Labelled:
        """Return bytes (count, 3, size, size) and int64 (count,) that follow from the state of `bits`.

        Smaller canvases have fewer fragments, in proportion to their area, and digits as large as ever.
        Raises BadInput where these would not fit.
        """
        if size < LEAST:
            raise BadInput(f"clutter: found a size of {size} pixels, allowed is at least {LEAST}")
        pixels = np.empty((count, 3, size, size), np.uint8)
        labels = np.empty(count, np.int64)
        for start in range(0, count, CHUNK):
            part = slice(start, min(start + CHUNK, count))
            pixels[part], labels[part] = self._chunk(part.stop - start, bits, size)
        return pixels, labels

    def _chunk(self, count: int, bits: BitGenerator, size: int) -> Labelled:
        chosen = _integers(bits, (count, 1 + FRAGMENTS[1]), 0, len(self.labels) - 1)
        digits = self.levels[chosen].astype(np.float32)
        fewest, most = (many * size**2 // CANVAS**2 for many in self.fragments)
        light = _light(digits[:, :1], _whole(bits, count, size))
        light += _light(digits[:, 1:], _pieces(bits, _integers(bits, (count, 1), fewest, most), size))
        # levels and both weights are in sixteenths
        shown = (light / 16**3).astype(np.int16)
        shown += _noise(bits, shown.size).reshape(shown.shape)
        return np.clip(shown, 0, 255, out=shown).astype(np.uint8), self.labels[chosen[:, 0]]


class _Placed(NamedTuple):
    """Where some objects an image lie, and their colours from 0 to 255.

    `rows` (n, objects, size, GRID) weight the grid's rows in sixteenths, `columns` (n, objects, 1 or GRID,
    size, GRID) its columns, alike in all rows or for each; `colours` are (n, objects, 3).
    """

    rows: Floats
    columns: Floats
    colours: Floats


def _light(digits: Floats, placed: _Placed) -> Floats:
    """Return the light of an image's objects, (n, 3, size, size), for digits (n, objects, GRID, GRID)."""
    n, objects, size, _ = placed.rows.shape
    if placed.columns.shape[2] == 1:
        wide = _product(digits, placed.columns[:, :, 0].swapaxes(-1, -2))
    else:
        wide = _product(digits[..., None, :], placed.columns.swapaxes(-1, -2))
    coloured = placed.rows[:, None] * placed.colours.swapaxes(1, 2)[..., None, None]
    tall = coloured.swapaxes(2, 3).reshape(n, 3 * size, objects * GRID)
    return _product(tall, wide.reshape(n, objects * GRID, size)).reshape(n, 3, size, size)


def _product(a: Floats, b: Floats) -> Floats:
    """Multiply stacks of matrices by torch: NumPy's threads wait for each other at every small matrix."""
    return (torch.from_numpy(a) @ torch.from_numpy(b)).numpy()


def _whole(bits: BitGenerator, n: int, size: int) -> _Placed:
    """Draw where a digit lies that is seen as a whole."""
    height, width = _sizes(bits, (n, 1))
    top, left = (_integers(bits, (n, 1), 0, size - own) for own in (height, width))
    slant = _integers(bits, (n, 1, 1), -SLANT, SLANT)
    shift = slant * np.arange(1 - GRID, GRID, 2) // 2
    columns = _positions(left, width, size)[:, :, None] + shift[..., None]
    return _Placed(_weights(_positions(top, height, size)), _weights(columns), _colours(bits, (n, 1)))


def _pieces(bits: BitGenerator, count: Ints, size: int) -> _Placed:
    """Draw where fragments lie, `count` (n, 1) of them, and which part of a digit each shows."""
    shape = len(count), FRAGMENTS[1]
    rows, columns = (_piece(bits, whole, size) for whole in _sizes(bits, shape))
    colours = _colours(bits, shape) * (np.arange(FRAGMENTS[1]) < count)[..., None]
    return _Placed(rows, columns[:, :, None], colours.astype(np.float32))


def _piece(bits: BitGenerator, whole: Ints, size: int) -> Floats:
    """Return the weights of one direction for digits of which a window shows: (n, objects, size, GRID)."""
    shown = _integers(bits, whole.shape, *PIECES)
    before = _integers(bits, whole.shape, 0, whole - shown)
    start = _integers(bits, whole.shape, 0, size - shown)
    place = np.arange(size) - start[..., None]
    window = (place >= 0) & (place < shown[..., None])
    return _weights(np.where(window, _positions(start - before, whole, size), -16))


def _sizes(bits: BitGenerator, shape: tuple[int, ...]) -> tuple[Ints, Ints]:
    """Draw heights, and widths within three sixteenths of them."""
    height = _integers(bits, shape, *SIZES)
    return height, height * _integers(bits, shape, 13, 19) // 16


def _positions(start: Ints, extent: Ints, size: int) -> Ints:
    """Return where each pixel of the canvas lies on a grid, in sixteenths of its pixels: (..., size)."""
    return (2 * (np.arange(size) - start[..., None]) + 1) * 8 * GRID // extent[..., None] - 8


def _weights(positions: Ints) -> Floats:
    """Return what a grid's pixels weigh in linear interpolation, in sixteenths: (..., GRID)."""
    away = positions.astype(np.int16)[..., None] - np.arange(0, 16 * GRID, 16, dtype=np.int16)
    weights: Floats = np.maximum(16 - np.abs(away), 0).astype(np.float32)
    return weights


def _colours(bits: BitGenerator, shape: tuple[int, ...]) -> Floats:
    """Draw colours (*shape, 3), each bright in one channel at least."""
    colours = _integers(bits, (*shape, 3), 0, 255)
    brightest = _integers(bits, (*shape, 1), 0, 2) == np.arange(3)
    return np.where(brightest, 255, colours).astype(np.float32)


def _noise(bits: BitGenerator, count: int) -> NDArray[np.int16]:
    """Draw noise with a triangular distribution: mean 0, deviation 26, that is 10 % of the brightest."""
    raw = bits.random_raw((count + 3) // 4).astype("<u8").view(np.uint8).reshape(-1, 2)
    return ((raw[:, 0].astype(np.int16) + raw[:, 1] - 255) >> 2)[:count]


def _integers(bits: BitGenerator, shape: tuple[int, ...], low: int, high: int | Ints) -> Ints:
    """Draw whole numbers from `low` to `high`; NumPy may change how it draws, but never the raw bits."""
    raw = bits.random_raw(int(np.prod(shape))).reshape(shape) >> np.uint64(40)
    return raw.astype(np.int64) * (high - low + 1) // 2**24 + low
