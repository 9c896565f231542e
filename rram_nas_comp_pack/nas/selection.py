"""Who survives: subnets as rows of objectives, all to be minimised (Deb et al., "NSGA-II", 2002).

A row that does not fit the budget has an excess above 0 and comes after all that fit, the smallest excess
first (constraint domination).
"""

from __future__ import annotations

import numpy as np
from numpy.random import Generator

from ..kernels.arrays import Floats, Ints


def non_dominated_rank(objectives: Floats, excess: Floats) -> Ints:
    """The front of every row of `objectives` (subnets, objectives): 0 where no other dominates it."""
    from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

    found = np.zeros(len(objectives), np.int64)
    fits = np.flatnonzero(excess <= 0)
    deepest = 0
    if len(fits):
        for deepest, front in enumerate(NonDominatedSorting().do(objectives[fits]), 1):
            found[fits[front]] = deepest - 1
    others = excess > 0
    found[others] = deepest + np.unique(excess[others], return_inverse=True)[1]
    return found


def crowded_order(objectives: Floats, excess: Floats) -> Ints:
    """Rows from best to worst: by front, within a front those with most room around them first."""
    from pymoo.operators.survival.rank_and_crowding.metrics import calc_crowding_distance

    front = non_dominated_rank(objectives, excess)
    room = np.zeros(len(front))
    for number in np.unique(front[excess <= 0]):
        own = front == number
        room[own] = calc_crowding_distance(objectives[own])
    return np.lexsort((np.arange(len(front)), -room, front))


def weighted(objectives: Floats, excess: Floats, weights: Floats) -> Ints:
    """Rows from best to worst: by the sum of the objectives, each with its weight."""
    return np.lexsort((objectives @ weights, excess))


def tournament(rng: Generator, best_first: Ints, count: int) -> Ints:
    """Draw `count` rows, each the better one of two."""
    return np.asarray(best_first[rng.integers(len(best_first), size=(count, 2)).min(axis=1)])


def hypervolume(accuracy: Floats, speed: Floats) -> float:
    """The area below and left of points (points,), from accuracy 0 and speed 0 on."""
    from pymoo.indicators.hv import HV

    if not len(accuracy):
        return 0.0
    return float(HV(ref_point=np.zeros(2))(-np.column_stack([accuracy, speed])))
