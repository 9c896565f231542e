"""Proofs: asks a constraint solver (CP-SAT of OR-tools) for one crossbar fewer, until none exists.

Meant for a few dozen items. Larger ones come back as they were, once the solver's effort is spent.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..kernels.arrays import Ints
from ..values import Rules
from .items import Items

SOLVER_EFFORT = 20.0
"""Deterministic time for one question: about as many seconds, yet the same work on every machine."""

LARGEST_MODEL = 10_000
"""Items times crossbars beyond which the solver is not even asked."""


@dataclass(frozen=True, slots=True)
class Proof:
    """Places (bin, x and y of each item, (3, items)), the proved bound, and that no clock cut it short."""

    places: Ints
    bound: int
    in_time: bool


def fewest(items: Items, rules: Rules, known: Proof, enough: int, deadline: float | None) -> Proof:
    """Lower the number of crossbars or prove that there are no fewer, from what is `known`.

    `enough` crossbars need no improvement; `deadline` is in seconds of `monotonic()`.
    """
    cp_model = _solver_module()
    places, bound = known.places, known.bound
    crossbars = int(places[0].max()) + 1
    while crossbars > max(bound, enough) and len(items) * crossbars <= LARGEST_MODEL:
        model, variables = _model(cp_model, items, rules, crossbars - 1)
        solver = _solver(cp_model, deadline)
        status = solver.solve(model)
        if status == cp_model.INFEASIBLE:
            return Proof(places, crossbars, True)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            # The solver may stop a little before its time limit, so the clock cannot tell what ended it.
            spent = solver.response_proto.deterministic_time >= SOLVER_EFFORT
            return Proof(places, bound, deadline is None or spent)
        crossbars -= 1
        places = np.array([[solver.value(v) for v in row] for row in variables], dtype=np.int64)
    return Proof(places, bound, True)


def _solver_module() -> Any:
    try:
        from ortools.sat.python import cp_model
    except ImportError as error:
        raise BadInput(
            'packer "exact" needs OR-tools, which is not installed: pip install "rram-nas-comp-pack[exact]"'
        ) from error
    return cp_model


def _solver(cp_model: Any, deadline: float | None) -> Any:
    """One worker, a fixed seed and a limit on its work: the same answer on every run."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    solver.parameters.max_deterministic_time = SOLVER_EFFORT
    if deadline is not None:
        solver.parameters.max_time_in_seconds = max(0.0, deadline - monotonic())
    return solver


def _model(cp_model: Any, items: Items, rules: Rules, bins: int) -> tuple[Any, list[list[Any]]]:
    """Whether the items fit `bins` crossbars; the variables hold bin, x and y of each item."""
    model = cp_model.CpModel()
    number = range(len(items))
    inside = [[model.new_bool_var("") for _ in range(bins)] for _ in number]
    bin_of = [model.new_int_var(0, bins - 1, "") for _ in number]
    xs = [model.new_int_var(0, items.size.columns - int(items.widths[i]), "") for i in number]
    ys = [model.new_int_var(0, items.size.rows - int(items.heights[i]), "") for i in number]
    for i in number:
        model.add_exactly_one(inside[i])
        model.add(bin_of[i] == sum(b * inside[i][b] for b in range(bins)))
    for b in range(bins):
        column = [inside[i][b] for i in number]
        across = [_span(model, xs[i], items.widths[i], column[i]) for i in number]
        down = [_span(model, ys[i], items.heights[i], column[i]) for i in number]
        model.add_no_overlap_2d(across, down)
        _add_sharing(model, column, items, rules)
    strangers = _strangers(items, rules)
    for b, i in enumerate(strangers[:bins]):
        model.add(inside[i][b] == 1)
    for i, j in _twins(items, strangers):
        model.add(bin_of[i] <= bin_of[j])
    return model, [bin_of, xs, ys]


def _span(model: Any, begin: Any, size: np.int64, present: Any) -> Any:
    return model.new_optional_fixed_size_interval_var(begin, int(size), present, "")


def _add_sharing(model: Any, column: list[Any], items: Items, rules: Rules) -> None:
    """What one crossbar may hold: its cells, its load, and layers that are far apart."""
    areas = items.widths * items.heights
    model.add(sum(int(a) * c for a, c in zip(areas, column, strict=True)) <= items.size.cells)
    if rules.max_load:
        model.add(sum(column) <= rules.max_load)
    if rules.threshold >= 0:
        for first in np.unique(items.layers):
            near = (items.layers >= first) & (items.layers <= first + rules.threshold)
            model.add_at_most_one(column[i] for i in np.flatnonzero(near))


def _conflicts(items: Items, rules: Rules) -> NDArray[np.bool_]:
    """Pairs that never share a crossbar, (items, items)."""
    near = np.abs(items.layers[:, None] - items.layers) <= rules.threshold
    wide = items.widths[:, None] + items.widths > items.size.columns
    high = items.heights[:, None] + items.heights > items.size.rows
    return np.asarray(near | (wide & high), dtype=np.bool_)


def _strangers(items: Items, rules: Rules) -> list[int]:
    """Items that conflict pairwise, chosen greedily: each may be given a crossbar beforehand."""
    conflicts = _conflicts(items, rules)
    chosen: list[int] = []
    for i in np.argsort(-conflicts.sum(axis=1), kind="stable"):
        if all(conflicts[i, j] for j in chosen):
            chosen.append(int(i))
    return chosen


def _twins(items: Items, strangers: list[int]) -> list[tuple[int, int]]:
    """Neighbours among equal items that have no crossbar yet: exchanging them changes nothing."""
    kinds: dict[tuple[int, int, int], list[int]] = {}
    for i in range(len(items)):
        if i not in strangers:
            kind = (int(items.widths[i]), int(items.heights[i]), int(items.layers[i]))
            kinds.setdefault(kind, []).append(i)
    return [pair for same in kinds.values() for pair in pairwise(same)]
