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
    """Which vectors are meant: `number` of each copy in `copy`, from vector `first`; `copies` take turns."""

    copy: Ints
    copies: int
    first: int
    number: int


class Runs(NamedTuple):
    """Offsets as runs of neighbours: where each begins and how long it is, both (members, runs)."""

    starts: Ints
    lengths: Ints

    def of(self, members: slice) -> Runs:
        """Those of some members."""
        return Runs(self.starts[members], self.lengths[members])


def runs_of(offsets: Ints) -> Runs:
    """The runs of offsets (members, n), which are ascending; those below 0 come last and are left out."""
    found = Runs(np.empty_like(offsets), np.zeros_like(offsets))
    most = _write_runs(offsets, found)
    return Runs(np.ascontiguousarray(found.starts[:, :most]), np.ascontiguousarray(found.lengths[:, :most]))


@compiled
def _write_runs(offsets: Ints, runs: Runs) -> int:
    """Write the runs of each member; return the most that one has."""
    most = 0
    for g in range(len(offsets)):
        last, count = -2, 0
        for offset in offsets[g]:
            if offset < 0:
                break
            if offset != last + 1:
                runs.starts[g, count] = offset
                count += 1
            runs.lengths[g, count - 1] += 1
            last = offset
        most = max(most, count)
    return most


@compiled
def take_vectors(x: Array, places: Ints, runs: Runs, turn: Turn, out: Array) -> None:
    """Write the rows of the vectors in flat `x` to `out` (members, count, h).

    `places` is (samples, positions).
    """
    positions = places.shape[1]
    each = (positions + turn.copies - 1) // turn.copies
    for g in range(len(out)):
        starts, lengths = runs.starts[g], runs.lengths[g]
        sample, position = turn.first // each, turn.copy[g] + turn.first % each * turn.copies
        end = turn.copy[g] + each * turn.copies
        for i in range(turn.number):
            row = out[g, i]
            if position >= positions:
                row[:] = 0
            else:
                first = 0
                for k in range(len(starts)):
                    # views, so that the compiler sees indices that cannot be negative
                    source, target = x[places[sample, position] + starts[k] :], row[first:]
                    for r in range(lengths[k]):
                        target[r] = source[r]
                    first += lengths[k]
            position += turn.copies
            if position == end:
                sample, position = sample + 1, turn.copy[g]


class Limbs(NamedTuple):
    """Outputs as sums of limbs of `width` columns: `worth` (limbs,) is what each counts."""

    worth: Array
    width: int


class Flat(NamedTuple):
    """A flat output, and where vectors lie in it, (samples, positions)."""

    y: Array
    places: Ints


@compiled
def add_vectors(values: Array, limbs: Limbs, runs: Runs, turn: Turn, to: Flat) -> None:
    """Add values (members, count, at least limbs * width) to the columns of the vectors."""
    positions = to.places.shape[1]
    each = (positions + turn.copies - 1) // turn.copies
    for g in range(len(values)):
        starts, lengths = runs.starts[g], runs.lengths[g]
        sample, position = turn.first // each, turn.copy[g] + turn.first % each * turn.copies
        end = turn.copy[g] + each * turn.copies
        for i in range(turn.number):
            if position < positions:
                for limb in range(len(limbs.worth)):
                    row, share, first = values[g, i, limb * limbs.width :], limbs.worth[limb], 0
                    for k in range(len(starts)):
                        source, target = row[first:], to.y[to.places[sample, position] + starts[k] :]
                        for c in range(lengths[k]):
                            target[c] += share * source[c]
                        first += lengths[k]
            position += turn.copies
            if position == end:
                sample, position = sample + 1, turn.copy[g]


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
def drive(patterns: NDArray[np.uint8], table: Array, bit: int, out: Array) -> None:
    """Write what a read step drives for inputs of 8 bits: one of their bits, or what a table says."""
    flat, driven = patterns.reshape(-1), out.reshape(-1)
    if bit >= 0:
        for i in range(len(flat)):
            driven[i] = (flat[i] >> bit) & 1
    else:
        for i in range(len(flat)):
            driven[i] = table[flat[i]]
