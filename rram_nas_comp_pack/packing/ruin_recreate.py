"""The search behind the packers: ruin and recreate, accepted by simulated annealing.

One bin is dissolved into a pool of homeless items. Every step empties one to three random bins, refills them
one after another from their own items and the pool, and keeps the result where the pool's area did not grow
(or grew by no more than the falling temperature allows). An empty pool is a packing with one bin less; the
next bin is dissolved. After Schrimpf et al., "Record breaking optimization results using the ruin and
recreate principle" (2000), with goal and pool as in ejection chains for bin packing.

Integers and exactly rounded sums and products only: a seed gives the same packing on every machine.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.annealing import accepts, cooled
from ..kernels.arrays import Ints
from ..kernels.jit import compiled
from ..kernels.random import random_below
from .fill import BIN, FillBuffers, Problem, X, Y, best_fill, empty_buffers

POOL = 0
"""The bin that is none: items without a place. Real bins count from 1."""

ITERATION, BINS, RECORD = range(3)
"""Entries of `State.counters`: steps done, bins of the current and of the best complete packing."""

MOST_RUINED = 3
"""A step refills one bin up to this many."""

HOT, COLD = 0.05, 0.002
"""Temperatures at both ends of the search, in bin areas."""


class SearchState(NamedTuple):
    """Where the search stands, updated in place.

    `place`: bin, x and y of each item now, `move` those proposed by the step, `record` those of the best
    complete packing; all (3, items). A bin's items are a linked list from `head` (bins + 1,) along
    `following` (items,); `area` (bins + 1,) is the cells they cover. `chosen` are the bins of the step.
    """

    place: Ints
    move: Ints
    record: Ints
    head: Ints
    following: Ints
    area: Ints
    chosen: Ints
    counters: Ints
    buffers: FillBuffers


def initial_state(items: int, seed: int) -> SearchState:
    """The state before anything is placed."""
    return SearchState(
        place=np.zeros((3, items), np.int64),
        move=np.zeros((3, items), np.int64),
        record=np.zeros((3, items), np.int64),
        head=np.full(items + 1, -1),
        following=np.full(items, -1),
        area=np.zeros(items + 1, np.int64),
        chosen=np.zeros(MOST_RUINED + 1, np.int64),
        counters=np.zeros(3, np.int64),
        buffers=empty_buffers(items, seed),
    )


@compiled
def take_filled(state: SearchState, m: int, k: int, number: int) -> int:
    """Note the `k` filled items as bin `number`, and move them behind the candidates still to be placed."""
    move, fill, candidates = state.move, state.buffers.fill, state.buffers.candidates
    for j in range(k):
        i = fill[0, j]
        move[BIN, i], move[X, i], move[Y, i] = number, fill[X, j], fill[Y, j]
    for t in range(m - 1, -1, -1):
        i = candidates[t]
        if move[BIN, i] == number:
            m -= 1
            candidates[t], candidates[m] = candidates[m], i
    return m


@compiled
def settle(problem: Problem, state: SearchState, first: int, last: int) -> None:
    """Carry out the moves of these candidates: the bins they go to have been emptied."""
    for t in range(first, last):
        i = state.buffers.candidates[t]
        b = state.move[BIN, i]
        for row in range(3):
            state.place[row, i] = state.move[row, i]
        state.following[i] = state.head[b]
        state.head[b] = i
        state.area[b] += problem.widths[i] * problem.heights[i]


@compiled
def construct(problem: Problem, state: SearchState, window: int) -> None:
    """A first packing: one bin after another, each the best fill of a random sample of what is left."""
    candidates = state.buffers.candidates
    left = len(problem.widths)
    bins = 0
    while left > 0:
        m = min(window, left)
        for t in range(m):
            other = t + random_below(state.buffers.random, left - t)
            candidates[t], candidates[other] = candidates[other], candidates[t]
        bins += 1
        rest = take_filled(state, m, best_fill(problem, state.buffers, m), bins)
        settle(problem, state, rest, m)
        for t in range(m - 1, rest - 1, -1):
            left -= 1
            candidates[t] = candidates[left]
    state.counters[BINS] = bins
    keep_record(state)


@compiled
def keep_record(state: SearchState) -> None:
    """The current packing is complete: the best so far."""
    for row in range(3):
        for i in range(state.place.shape[1]):
            state.record[row, i] = state.place[row, i]
    state.counters[RECORD] = state.counters[BINS]


@compiled
def dissolve_emptiest(state: SearchState) -> None:
    """Put the items of the bin that covers least into the (empty) pool; the last bin takes its number."""
    last = state.counters[BINS]
    b = last
    for other in range(1, last):
        if state.area[other] < state.area[b]:
            b = other
    for source, target in ((b, POOL), (last, b)):
        i = state.head[source]
        state.head[target], state.area[target] = i, state.area[source]
        while i >= 0:
            state.place[BIN, i] = target
            i = state.following[i]
    state.head[last], state.area[last] = -1, 0
    state.counters[BINS] = last - 1


@compiled
def choose_ruins(state: SearchState) -> int:
    """Random different bins to be refilled, behind the pool, in `state.chosen`; returns their number."""
    bins = state.counters[BINS]
    chosen = state.chosen
    chosen[0] = POOL
    count = 1 + random_below(state.buffers.random, min(MOST_RUINED, bins))
    for c in range(1, count + 1):
        chosen[c] = 1 + random_below(state.buffers.random, bins)
        while (c > 1 and chosen[c] == chosen[1]) or (c > 2 and chosen[c] == chosen[2]):
            chosen[c] = 1 + random_below(state.buffers.random, bins)
    return count


@compiled
def gather(state: SearchState, count: int) -> int:
    """The items of the pool and of the chosen bins become the candidates; returns their number."""
    m = 0
    for c in range(count + 1):
        i = state.head[state.chosen[c]]
        while i >= 0:
            state.buffers.candidates[m] = i
            state.move[BIN, i] = POOL
            m += 1
            i = state.following[i]
    return m


@compiled
def step(problem: Problem, state: SearchState, temperature: float) -> None:
    """Ruin some bins, refill them, and keep the result or leave everything as it was."""
    count = choose_ruins(state)
    m = gather(state, count)
    rest = m
    for c in range(1, count + 1):
        rest = take_filled(state, rest, best_fill(problem, state.buffers, rest), state.chosen[c])
    homeless = 0
    for t in range(rest):
        i = state.buffers.candidates[t]
        homeless += problem.widths[i] * problem.heights[i]
    if accepts(homeless - state.area[POOL], temperature, state.buffers.random):
        for c in range(count + 1):
            state.head[state.chosen[c]], state.area[state.chosen[c]] = -1, 0
        settle(problem, state, 0, m)


@compiled
def improve(problem: Problem, state: SearchState, target: int, until: int, effort: int) -> None:
    """Steps up to number `until` of `effort` (which the temperature follows), or down to `target` bins."""
    cells = problem.columns * problem.rows
    while True:
        if state.head[POOL] < 0:
            keep_record(state)
            if state.counters[BINS] <= target:
                return
            dissolve_emptiest(state)
        if state.counters[ITERATION] >= until:
            return
        left = 1.0 - state.counters[ITERATION] / effort
        step(problem, state, cells * cooled(HOT, COLD, left, 3))
        state.counters[ITERATION] += 1
