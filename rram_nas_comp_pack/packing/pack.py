"""Packs items into few crossbars: one interface to the packers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Literal, get_args

import numpy as np

from ..errors import BadInput
from ..kernels.arrays import Ints
from ..kernels.chunked import chunk_sizes
from ..values import SEED, Rules
from .bounds import counting_bound, lower_bound, stands_alone
from .exact import Proof, fewest
from .fill import BIN, X, Y, problem_of
from .items import Items
from .ruin_recreate import ITERATION, RECORD, SearchState, construct, improve, initial_state

Progress = Callable[[int, int, int], None]
"""Called with steps done, steps in all, and the fewest crossbars so far."""

Packer = Literal["fast", "best", "exact"]
Stopped = Literal["bound", "budget", "effort", "time"]

BEST_EFFORT = 100_000
FAST_EFFORT = (120, 1000)
"""Least and most steps of the fast packer; between them fewer, the more items there are."""

FIRST_CHUNK = 500
"""Steps before Ctrl-C, clock and progress get their first turn."""


@dataclass(frozen=True, slots=True)
class PackingSettings:
    """What a packer is asked for.

    `packer`: "fast" (a few milliseconds), "best" (improves for `effort` steps) or "exact" (then proves, or
    finds fewer, where it can). `budget`: stop as soon as that many crossbars suffice; None seeks the fewest.
    `seconds`: a wall-clock limit. Without one, or where it does not strike, a seed gives the same layout on
    every machine. Without `full_bound` the lower bound is that of counting boxes: at once, but weaker.
    """

    packer: Packer = "best"
    budget: int | None = None
    effort: int = BEST_EFFORT
    seconds: float | None = None
    seed: int = SEED
    full_bound: bool = True


@dataclass(frozen=True, slots=True)
class BinAssignment:
    """Where every item lies: crossbar (from 0, no number unused), x (columns) and y (rows), each (items,).

    No layout needs fewer than `lower_bound` crossbars. `stopped` says what ended the search, `packer` whose
    it is: one of `Packer`, or "first-fit".
    """

    bins: Ints
    xs: Ints
    ys: Ints
    crossbars: int
    lower_bound: int
    stopped: Stopped
    packer: str


@dataclass(frozen=True, slots=True)
class _Limits:
    """What ends a search: few enough crossbars, its steps, the clock (`monotonic()`, None: never)."""

    target: int
    effort: int
    deadline: float | None


def pack(
    items: Items, rules: Rules, goal: PackingSettings, progress: Progress | None = None
) -> BinAssignment:
    """Pack `items` under `rules` into as few crossbars as the goal asks for.

    Raises BadInput for items that no crossbar holds, and where "exact" lacks its solver.
    """
    _require_sound(items, goal)
    deadline = None if goal.seconds is None else monotonic() + goal.seconds
    bound = lower_bound(items, rules) if goal.full_bound else counting_bound(items, rules)
    alone = stands_alone(items)
    apart = int(alone.sum())
    places = np.zeros((3, len(items)), np.int64)
    places[BIN, alone] = np.arange(apart)
    in_time = True
    shared = items.subset(~alone)
    if len(shared):
        limits = _Limits(max(bound, goal.budget or 0) - apart, _effort(goal, len(shared)), deadline)
        report = None if progress is None else _counting_from(apart, progress)
        found, in_time = _search(shared, rules, goal, limits, report)
        if goal.packer == "exact" and in_time:
            proof = fewest(shared, rules, Proof(found, bound - apart, in_time), limits.target, deadline)
            found, bound, in_time = proof.places, apart + proof.bound, proof.in_time
        found[BIN] += apart
        places[:, ~alone] = found
    return _layout(places, bound, goal, in_time)


def _effort(goal: PackingSettings, items: int) -> int:
    """Steps of the search."""
    # a step tries more items where there are more, so that a few milliseconds hold fewer steps
    return int(np.clip(6_000_000 // items**2, *FAST_EFFORT)) if goal.packer == "fast" else goal.effort


def _require_sound(items: Items, goal: PackingSettings) -> None:
    """Raise BadInput for what no packer can do."""
    if goal.packer not in get_args(Packer):
        raise BadInput(f"packer: found {goal.packer!r}, allowed are {', '.join(get_args(Packer))}")
    fits = (items.widths > 0) & (items.heights > 0)
    fits &= (items.widths <= items.size.columns) & (items.heights <= items.size.rows)
    if not fits.all():
        i = int(np.argmin(fits))
        raise BadInput(
            f"box {i} of layer {items.layers[i]} is {items.heights[i]} x {items.widths[i]} cells "
            f"(rows x columns), allowed is 1 x 1 to the crossbar's {items.size.rows} x {items.size.columns}"
        )


def _counting_from(apart: int, progress: Progress) -> Progress:
    """Progress that counts the crossbars which never took part in the search."""
    return lambda done, total, best: progress(done, total, apart + best)


def _search(
    items: Items, rules: Rules, goal: PackingSettings, limits: _Limits, progress: Progress | None
) -> tuple[Ints, bool]:
    """Construct and improve: places (3, items), and whether it ended by itself rather than by the clock."""
    problem, state = problem_of(items, rules), initial_state(len(items), goal.seed)
    construct(problem, state, _window(items))
    chunks, done = chunk_sizes(FIRST_CHUNK), 0
    while state.counters[RECORD] > limits.target and done < limits.effort:
        if limits.deadline is not None and monotonic() > limits.deadline:
            return _found(state), False
        improve(problem, state, limits.target, min(done + next(chunks), limits.effort), limits.effort)
        done = int(state.counters[ITERATION])
        if progress is not None:
            progress(done, limits.effort, int(state.counters[RECORD]))
    return _found(state), True


def _found(state: SearchState) -> Ints:
    """The best places, with bins counted from 0."""
    places = state.record.copy()
    places[BIN] -= 1
    return places


def _window(items: Items) -> int:
    """Items to try for one crossbar in construction: many times what it holds, yet few of very many."""
    cells = int((items.widths * items.heights).sum())
    return max(256, 8 * len(items) * items.size.cells // cells)


def _layout(places: Ints, bound: int, goal: PackingSettings, in_time: bool) -> BinAssignment:
    """Number the crossbars by their first items and say why the search ended."""
    _, first, inverse = np.unique(places[BIN], return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    crossbars = len(first)
    stopped: Stopped = "effort" if in_time else "time"
    if crossbars == bound:
        stopped = "bound"
    elif goal.budget is not None and crossbars <= goal.budget:
        stopped = "budget"
    return BinAssignment(rank[inverse], places[X], places[Y], crossbars, bound, stopped, goal.packer)
