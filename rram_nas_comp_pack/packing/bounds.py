"""Lower bounds on the number of crossbars.

A dual feasible function f maps sizes of a unit bin to sizes such that whatever fitted still fits; applied to
the widths with one function and to the heights with another, the area of the transformed boxes is a bound
(Fekete and Schepers, "New classes of fast lower bounds for bin packing problems", 2001). All functions here
are kept as integers over one denominator, so that no rounding can lift a bound above the truth.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..values import Rules
from .items import Items

Ints = NDArray[np.int64]


def lower_bound(items: Items, rules: Rules) -> int:
    """No packing of `items` under `rules` uses fewer crossbars than this."""
    if not len(items):
        return 0
    alone = stands_alone(items)
    shared = items.subset(~alone)
    bounds = [
        dual_feasible_bound(items),
        int(alone.sum()) + dual_feasible_bound(shared),
        int(alone.sum()) + count_bound(shared, rules),
        conflict_bound(items, rules),
    ]
    return max(bounds)


def stands_alone(items: Items) -> NDArray[np.bool_]:
    """Boxes too large to share a crossbar with any other box, rules apart."""
    narrowest = _smallest_of_the_others(items.widths)
    shortest = _smallest_of_the_others(items.heights)
    return np.asarray(
        (items.widths + narrowest > items.columns) & (items.heights + shortest > items.rows), dtype=np.bool_
    )


def _smallest_of_the_others(sizes: Ints) -> Ints:
    if len(sizes) < 2:
        return np.full(len(sizes), np.iinfo(np.int32).max, dtype=np.int64)
    first, second = np.partition(sizes, 1)[:2]
    at = int(np.argmin(sizes))
    return np.where(np.arange(len(sizes)) == at, second, first)


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
    sizes, counts = np.unique(np.stack([items.widths, items.heights]), axis=1, return_counts=True)
    across, across_unit = dual_feasible_values(sizes[0], items.columns)
    down, down_unit = dual_feasible_values(sizes[1], items.rows)
    # Products of integers below 2**53: float64 multiplies them exactly, and BLAS multiplies them fast.
    areas = (across * counts).astype(np.float64) @ down.astype(np.float64).T
    units = across_unit[:, None] * down_unit[None, :]
    return int((-(-areas.astype(np.int64) // units)).max())


def dual_feasible_values(sizes: Ints, bin_size: int) -> tuple[Ints, Ints]:
    """Transformed sizes (function, size) and the transformed bin (function,), duplicates removed.

    Functions: the identity; u(k) and f0(eps) of Fekete and Schepers; the one of Carlier, Clautiaux and
    Moukrim ("New reduction procedures and lower bounds for the two-dimensional bin packing problem with
    fixed orientation", 2007).
    """
    half = bin_size // 2
    cuts = np.unique(np.concatenate([sizes[sizes <= half], bin_size - sizes[sizes > half]]))
    cuts = cuts[cuts > 0]
    rows = [(sizes, bin_size)]
    rows += [_stepwise(sizes, bin_size, k) for k in range(1, min(bin_size, 101))]
    rows += [_dropping_small(sizes, bin_size, int(cut)) for cut in _and_next(cuts, half)]
    rows += [_counting(sizes, bin_size, int(cut)) for cut in _and_next(cuts, half)]
    values = np.array([row for row, _ in rows], dtype=np.int64)
    units = np.array([unit for _, unit in rows], dtype=np.int64)
    keep = np.unique(np.column_stack([values, units]), axis=0)
    return keep[:, :-1], keep[:, -1]


def _and_next(cuts: Ints, half: int) -> Ints:
    """The sizes at which the functions change, and the next one above each."""
    both = np.unique(np.concatenate([cuts, cuts + 1]))
    return both[both <= half]


def _stepwise(sizes: Ints, bin_size: int, k: int) -> tuple[Ints, int]:
    """u(k): sizes that are a multiple of 1/(k + 1) stay, others fall to the multiple of 1/k below."""
    scaled = (k + 1) * sizes
    return np.where(scaled % bin_size == 0, sizes * k, scaled // bin_size * bin_size), bin_size * k


def _dropping_small(sizes: Ints, bin_size: int, cut: int) -> tuple[Ints, int]:
    """f0(eps): sizes below the cut vanish, sizes within it of the whole fill it."""
    return np.where(sizes > bin_size - cut, bin_size, np.where(sizes < cut, 0, sizes)), bin_size


def _counting(sizes: Ints, bin_size: int, cut: int) -> tuple[Ints, int]:
    """Sizes counted in pieces of `cut`; a large size counts what its remainder cannot hold."""
    whole = bin_size // cut
    large = 2 * (whole - (bin_size - sizes) // cut)
    return np.where(2 * sizes > bin_size, large, np.where(2 * sizes == bin_size, whole, sizes // cut * 2)), 2 * whole
