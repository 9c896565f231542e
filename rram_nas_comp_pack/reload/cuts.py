"""Where to cut a row of units into segments, so that the sum of the segments' costs is the least.

Exact dynamic programming over the cuts. A cost takes a layout and a simulation, so few are computed: each
segment has a lower bound, and only segments of a partition that is the best by what is known are paid for
(the lazy shortest path of Dellin and Srinivasa, 2016). The result is that of all costs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

SegmentCost = Callable[[int, int], float]
"""Cost of the segment of units `first` to `end` - 1; infinite where it cannot be."""


@dataclass(frozen=True, slots=True)
class Cuts:
    """The cheapest segments: `ends` are the ends of all, exclusive; `paid` segments were computed."""

    ends: tuple[int, ...]
    cost: float
    paid: int

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """First unit and end of every segment."""
        return tuple(zip((0, *self.ends[:-1]), self.ends, strict=True))


def cheapest_cuts(units: int, bound: SegmentCost, cost: SegmentCost) -> Cuts | None:
    """The segments of least total cost; None where there are none of finite cost.

    `bound` is never above `cost`. Of equal totals that with the longest first segments wins.
    """
    known = [{j: bound(i, j) for j in reversed(range(i + 1, units + 1))} for i in range(units)]
    known = [{j: ns for j, ns in costs.items() if not math.isinf(ns)} for costs in known]
    paid: set[tuple[int, int]] = set()
    while True:
        total, ends = _shortest(known)
        if math.isinf(total):
            return None
        spans = [span for span in zip((0, *ends[:-1]), ends, strict=True) if span not in paid]
        if not spans:
            return Cuts(ends, total, len(paid))
        for first, end in spans:
            known[first][end] = cost(first, end)
            paid.add((first, end))


def least_bound(units: int, bound: SegmentCost) -> Cuts | None:
    """The cheapest segments by their bounds alone: no segments cost less in all."""
    return cheapest_cuts(units, bound, bound)


def _shortest(costs: Sequence[dict[int, float]]) -> tuple[float, tuple[int, ...]]:
    """Least total of all units, and the ends of its segments; `costs` by first unit and end."""
    units = len(costs)
    least, ends = [0.0] * (units + 1), [units] * (units + 1)
    for i in reversed(range(units)):
        least[i] = math.inf
        for j, ns in costs[i].items():
            total = ns + least[j]
            if total < least[i]:
                least[i], ends[i] = total, j
    path, at = [], 0
    while at < units and not math.isinf(least[0]):
        at = ends[at]
        path.append(at)
    return least[0], tuple(path)


def cost_of(ends: Sequence[int], cost: SegmentCost) -> float:
    """Total of some segments by their ends."""
    return math.fsum(cost(first, end) for first, end in zip((0, *ends[:-1]), ends, strict=True))


def full_cuts(units: int, bound: SegmentCost, cost: SegmentCost) -> Cuts | None:
    """The naive segments: each takes as many units as fit; None where a unit fits nowhere."""
    ends: list[int] = []
    paid = 0
    while not ends or ends[-1] < units:
        first = ends[-1] if ends else 0
        for end in reversed(range(first + 1, units + 1)):
            if math.isinf(bound(first, end)):
                continue
            paid += 1
            if not math.isinf(cost(first, end)):
                break
        else:
            return None
        ends.append(end)
    return Cuts(tuple(ends), cost_of(ends, cost), paid)
