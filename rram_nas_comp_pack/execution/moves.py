"""Compiled moves between the input of a layer, the vectors of its boxes, and its output.

Position p of a sample is read by copy p mod n, so that vector v of a copy is position
copy + n * (v mod m) of sample v // m, with m vectors a sample; those beyond the last position are zeros.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..kernels.jit import compiled

Array = NDArray[Any]


class Turn(NamedTuple):
    """Which vectors are meant: `count` of each copy in `copy`, from vector `first`; `copies` take turns."""

    copy: Ints
    copies: int
    first: int
    count: int


@compiled
def take_vectors(x: Array, places: Ints, rows: Ints, turn: Turn, out: Array) -> None:
    """Write the rows (members, h) of the vectors in flat `x` to `out` (members, count, h).

    `places` is (samples, positions).
    """
    positions = places.shape[1]
    each = (positions + turn.copies - 1) // turn.copies
    for g in range(len(rows)):
        for i in range(turn.count):
            sample, number = (turn.first + i) // each, (turn.first + i) % each
            position = turn.copy[g] + number * turn.copies
            if position >= positions:
                out[g, i] = 0
                continue
            corner = places[sample, position]
            for r in range(rows.shape[1]):
                out[g, i, r] = x[corner + rows[g, r]]


@compiled
def add_vectors(values: Array, places: Ints, columns: Ints, turn: Turn, worth: Array, y: Array) -> None:
    """Add values (members, count, limbs * w), a limb worth `worth` (limbs,), to columns (members, w) in flat `y`.

    Columns below 0 are left out.
    """
    positions, width = places.shape[1], columns.shape[1]
    each = (positions + turn.copies - 1) // turn.copies
    for g in range(len(columns)):
        for i in range(turn.count):
            sample, number = (turn.first + i) // each, (turn.first + i) % each
            position = turn.copy[g] + number * turn.copies
            if position >= positions:
                continue
            corner = places[sample, position]
            for c in range(width):
                if columns[g, c] < 0:
                    continue
                total = worth[0] * values[g, i, c]
                for limb in range(1, len(worth)):
                    total += worth[limb] * values[g, i, limb * width + c]
                y[corner + columns[g, c]] += total


class Entries(NamedTuple):
    """Single weights: those of copy k are numbers starts[k] to starts[k + 1]."""

    starts: Ints
    rows: Ints  # (entries,) numbers among all rows of all groups
    columns: Ints
    values: Array


@compiled
def add_entries(x: Array, x_places: Ints, y: Array, y_places: Ints, entries: Entries) -> None:
    """Add to flat `y` the products of single weights, whose rows and columns are offsets."""
    copies = len(entries.starts) - 1
    samples, positions = x_places.shape
    for n in range(samples):
        for copy in range(copies):
            for e in range(entries.starts[copy], entries.starts[copy + 1]):
                row, column, value = entries.rows[e], entries.columns[e], entries.values[e]
                for p in range(copy, positions, copies):
                    y[y_places[n, p] + column] += value * x[x_places[n, p] + row]


@compiled
def drive(patterns: NDArray[np.uint8], table: Array, out: Array) -> bool:
    """Write what a read step drives for inputs of 8 bits; return whether it drives anything."""
    flat, driven = patterns.reshape(-1), out.reshape(-1)
    largest = table[0] * 0
    for i in range(len(flat)):
        found = table[flat[i]]
        driven[i] = found
        largest = max(largest, abs(found))
    return bool(largest > 0)

