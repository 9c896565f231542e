"""Lower bounds on the number of crossbars.

A dual feasible function f maps sizes of a unit bin to sizes such that whatever fitted still fits; applied to
the widths with one function and to the heights with another, the area of the transformed boxes is a bound
(Fekete and Schepers, "New classes of fast lower bounds for bin packing problems", 2001). All functions here
are kept as integers over one denominator, so that no rounding can lift a bound above the truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..values import Rules
from .enlarge import enlarged
from .items import Items

STEPS = 100
"""Largest k of the functions u(k)."""

CUTS = 400
"""Most sizes per axis that parametrise the other functions; crossbars up to this size use all of them."""


def lower_bound(items: Items, rules: Rules) -> int:
    """No packing of `items` under `rules` uses fewer crossbars than this."""
    alone = stands_alone(items)
    shared = items.subset(~alone)
    apart = int(alone.sum())
    grown = enlarged(shared, rules)
    areas = [dual_feasible_bound(shared)]
    if (grown.widths > shared.widths).any() or (grown.heights > shared.heights).any():
        areas.append(dual_feasible_bound(grown))
    return max(apart + max(*areas, count_bound(shared, rules)), conflict_bound(items, rules))


def counting_bound(items: Items, rules: Rules) -> int:
    """The part of `lower_bound` that looks at numbers of boxes only: weaker, and many times faster."""
    alone = stands_alone(items)
    return max(conflict_bound(items, rules), int(alone.sum()) + count_bound(items.subset(~alone), rules))


def stands_alone(items: Items) -> NDArray[np.bool_]:
    """Boxes too large to share a crossbar with any other box, rules apart."""
    narrowest = _smallest_of_the_others(items.widths)
    shortest = _smallest_of_the_others(items.heights)
    wide = items.widths + narrowest > items.size.columns
    high = items.heights + shortest > items.size.rows
    return np.asarray(wide & high, dtype=np.bool_)


def _smallest_of_the_others(sizes: Ints) -> Ints:
    if len(sizes) < 2:
        return np.full(len(sizes), np.iinfo(np.int32).max, dtype=np.int64)
    first, second = np.partition(sizes, 1)[:2]
    at = int(np.argmin(sizes))
    return np.asarray(np.where(np.arange(len(sizes)) == at, second, first), dtype=np.int64)


def count_bound(items: Items, rules: Rules) -> int:
    """Boxes divided by the most that one crossbar may hold."""
    return -(-len(items) // rules.max_load) if rules.max_load else 0


def conflict_bound(items: Items, rules: Rules) -> int:
    """The most boxes in any `threshold` + 1 consecutive layers: they conflict pairwise."""
    if rules.threshold < 0 or not len(items):
        return 0
    layers = np.sort(items.layers)
    upto = np.searchsorted(layers, layers + rules.threshold, side="right")
    return int((upto - np.arange(len(layers))).max())


def dual_feasible_bound(items: Items) -> int:
    """The largest bound over pairs of dual feasible functions, one per axis."""
    if not len(items):
        return 0
    widths, column = np.unique(items.widths, return_inverse=True)
    heights, row = np.unique(items.heights, return_inverse=True)
    boxes = np.bincount(row * len(widths) + column, minlength=len(widths) * len(heights))
    across, across_unit = dual_feasible_values(widths, items.size.columns)
    down, down_unit = dual_feasible_values(heights, items.size.rows)
    # Sums of products of integers, below 2**53: float64 is exact, and BLAS multiplies it fast.
    columns = across @ boxes.reshape(len(heights), len(widths)).T.astype(np.float64)
    areas = np.concatenate([part @ down.T for part in np.array_split(columns, _parts(columns, down))])
    units = across_unit[:, None] * down_unit[None, :]
    best = int(np.argmax(areas / units))
    return max(-(-int(areas.flat[k]) // int(units.flat[k])) for k in (best, 0))


def _parts(left: NDArray[np.float64], right: NDArray[np.float64]) -> int:
    """In how many parts to multiply: small ones do not wake the threads of BLAS, which costs milliseconds."""
    return min(64, 1 + left.size * len(right) // 200_000)


def dual_feasible_values(sizes: Ints, bin_size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Transformed sizes (function, size) and the transformed bin (function,): integers kept in floats.

    Functions: the identity; u(k) and f0(eps) of Fekete and Schepers; the one of Carlier, Clautiaux and
    Moukrim ("New reduction procedures and lower bounds for the two-dimensional bin packing problem with
    fixed orientation", 2007).
    """
    cuts = _cuts(sizes, bin_size)[:, None]
    steps = np.arange(1, min(bin_size, STEPS + 1))[:, None]
    families = [
        (sizes[None, :], np.full((1, 1), bin_size)),
        _stepwise(sizes, bin_size, steps),
        _dropping_small(sizes, bin_size, cuts),
        _counting(sizes, bin_size, cuts),
    ]
    values = np.concatenate([family[0] for family in families])
    units = np.concatenate([family[1] for family in families])[:, 0]
    kept = _distinct(np.column_stack([values, units]))
    return values[kept].astype(np.float64), units[kept].astype(np.float64)


def _distinct(rows: Ints) -> Ints:
    """Indices of rows that differ, by a hash of each: a rare collision only loses a function."""
    weights = np.random.default_rng(0).integers(1, 2**62, rows.shape[1])
    return np.asarray(np.unique(rows @ weights, return_index=True)[1], dtype=np.int64)


def _cuts(sizes: Ints, bin_size: int) -> Ints:
    """The sizes up to half a bin at which the functions change, and the next one above each."""
    half = bin_size // 2
    changes = np.where(sizes <= half, sizes, bin_size - sizes)
    both = np.unique(np.concatenate([changes, changes + 1]))
    both = both[(both > 0) & (both <= half)]
    return both[:: len(both) // CUTS + 1]


def _stepwise(sizes: Ints, bin_size: int, k: Ints) -> tuple[Ints, Ints]:
    """u(k): sizes that are a multiple of 1/(k + 1) stay, others fall to the multiple of 1/k below."""
    steps, rest = np.divmod((k + 1) * sizes, bin_size)
    return np.where(rest == 0, steps * k, steps * (k + 1)), k * (k + 1)


def _dropping_small(sizes: Ints, bin_size: int, cut: Ints) -> tuple[Ints, Ints]:
    """f0(eps): sizes below the cut vanish, sizes within it of the whole fill it."""
    values = np.where(sizes > bin_size - cut, bin_size, np.where(sizes < cut, 0, sizes))
    return values, np.full_like(cut, bin_size)


def _counting(sizes: Ints, bin_size: int, cut: Ints) -> tuple[Ints, Ints]:
    """Sizes counted in pieces of `cut`; a large size counts what its remainder cannot hold."""
    whole = bin_size // cut
    large = 2 * (whole - (bin_size - sizes) // cut)
    small = np.where(2 * sizes == bin_size, whole, sizes // cut * 2)
    return np.where(2 * sizes > bin_size, large, small), 2 * whole
