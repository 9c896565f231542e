"""Filling one empty bin well: the greedy heart of the packers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Ints
from ..kernels.jit import compiled
from ..kernels.random import RandomState, random_below, random_state
from ..values import CrossbarSize, Rules
from .items import Items
from .spaces import drop, empty_bin, first_space, occupy

BIN, X, Y = range(3)
"""Rows of an array of places."""

TRIES = 2
"""Fills of a bin of which the one that covers most is kept."""


class Problem(NamedTuple):
    """Items (arrays of shape (items,)), the bin, and who may share one; `max_load` is never 0 here."""

    widths: Ints
    heights: Ints
    layers: Ints
    columns: int
    rows: int
    threshold: int
    max_load: int


class FillBuffers(NamedTuple):
    """Where bins are filled, updated in place.

    `candidates` are the items to choose from, in its first entries, and `keys` how much each item is wanted,
    both (items,). `trial` and `fill` hold item, x and y of what one fill and the best one placed, (3, items).
    """

    random: RandomState
    candidates: Ints
    keys: Ints
    trial: Ints
    fill: Ints
    spaces: Ints


def problem_of(items: Items, rules: Rules) -> Problem:
    """The same with plain arrays, for the kernels."""
    return Problem(
        widths=np.ascontiguousarray(items.widths, dtype=np.int64),
        heights=np.ascontiguousarray(items.heights, dtype=np.int64),
        layers=np.ascontiguousarray(items.layers, dtype=np.int64),
        columns=items.size.columns,
        rows=items.size.rows,
        threshold=rules.threshold,
        max_load=rules.max_load or len(items),
    )


def empty_buffers(items: int, seed: int) -> FillBuffers:
    """An empty bench for so many items."""
    return FillBuffers(
        random=random_state(seed),
        candidates=np.arange(items),
        keys=np.zeros(items, np.int64),
        trial=np.zeros((3, items), np.int64),
        fill=np.zeros((3, items), np.int64),
        spaces=np.zeros((8 * items + 64, 4), np.int64),
    )


@compiled
def draw_keys(problem: Problem, buffers: FillBuffers, m: int) -> None:
    """How much the first `m` candidates are wanted: a random measure of their size, with noise."""
    measure = random_below(buffers.random, 5)
    noise = random_below(buffers.random, 1024)
    noise = noise * noise >> 10  # squared: most fills keep close to the measure, a few hardly follow it
    for t in range(m):
        i = buffers.candidates[t]
        w, h = problem.widths[i], problem.heights[i]
        if measure == 0:
            size = w * h
        elif measure == 1:
            size = w
        elif measure == 2:
            size = h
        elif measure == 3:
            size = max(w, h)
        else:
            size = w + h
        # 1024 is one: fixed point gives every machine the same keys
        buffers.keys[i] = size * (1024 + ((random_below(buffers.random, 2048) - 1024) * noise >> 10))


@compiled
def clashes(problem: Problem, fill: Ints, k: int, item: int) -> bool:
    """Whether the item's layer is too near to one of the first `k` items of the fill."""
    if problem.threshold >= 0:
        for j in range(k):
            if abs(problem.layers[fill[0, j]] - problem.layers[item]) <= problem.threshold:
                return True
    return False


class Counts(NamedTuple):
    """Items in the bin so far, and candidates left."""

    placed: int
    left: int


@compiled
def most_wanted(problem: Problem, buffers: FillBuffers, counts: Counts, room: CrossbarSize) -> int:
    """Where the candidate stands that is to go into a space of `room`, or -1: none may.

    A candidate that fills the space's width or height counts double for each: it leaves no sliver beside it.
    """
    k, m = counts
    best = -1
    most = -1
    for t in range(m):
        i = buffers.candidates[t]
        w, h = problem.widths[i], problem.heights[i]
        if w > room.columns or h > room.rows:
            continue
        key = buffers.keys[i]
        if w == room.columns:
            key *= 2
        if h == room.rows:
            key *= 2
        if key > most and not clashes(problem, buffers.trial, k, i):
            most = key
            best = t
    return best


@compiled
def fill_bin(problem: Problem, buffers: FillBuffers, m: int, upward: bool) -> int:
    """Fill an empty bin from the first `m` candidates; `bench.trial` gets those placed.

    Space by space, each time the lowest (or leftmost) one and the item that suits it best: after Burke,
    Kendall and Whitwell, "A new placement heuristic for the orthogonal stock-cutting problem" (2004).
    """
    trial, spaces, candidates = buffers.trial, buffers.spaces, buffers.candidates
    n, k = empty_bin(spaces, problem.columns, problem.rows)
    while n > 0 and k < problem.max_load:
        s = first_space(spaces, n, upward)
        x, y = spaces[s, 0], spaces[s, 1]
        t = most_wanted(problem, buffers, Counts(k, m), CrossbarSize(spaces[s, 3] - y, spaces[s, 2] - x))
        if t < 0:
            n = drop(spaces, n, s)
            continue
        m -= 1
        i = candidates[t]
        candidates[t], candidates[m] = candidates[m], i
        trial[0, k], trial[X, k], trial[Y, k] = i, x, y
        n = occupy(spaces, n, (x, y, x + problem.widths[i], y + problem.heights[i]))
        k += 1
    return k


@compiled
def best_fill(problem: Problem, buffers: FillBuffers, m: int) -> int:
    """The fill of the first `m` candidates that covers most; `bench.fill` gets it."""
    most = -1
    best = 0
    for _ in range(TRIES):
        draw_keys(problem, buffers, m)
        k = fill_bin(problem, buffers, m, random_below(buffers.random, 2) == 0)
        area = 0
        for j in range(k):
            area += problem.widths[buffers.trial[0, j]] * problem.heights[buffers.trial[0, j]]
        if area > most:
            most = area
            best = k
            for row in range(3):
                for j in range(k):
                    buffers.fill[row, j] = buffers.trial[row, j]
    return best
