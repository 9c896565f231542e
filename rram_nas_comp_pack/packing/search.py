"""The search behind the packers: ruin and recreate, accepted by simulated annealing.

One bin is dissolved into a pool of homeless items. Every step empties one to three random bins, refills them
one after another from their own items and the pool, and keeps the result where the pool's area did not grow
(or grew by no more than the falling temperature allows). An empty pool is a packing with one bin less; the
next bin is dissolved. After Schrimpf et al., "Record breaking optimization results using the ruin and
recreate principle" (2000), with goal and pool as in ejection chains for bin packing.

Integers and exactly rounded sums and products only: a seed gives the same packing on every machine.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled
from ..values import Rules
from .items import Items
from .spaces import drop, empty_bin, first_space, occupy

Ints = NDArray[np.int64]

POOL = 0
"""The bin that is none: items without a place. Real bins count from 1."""

BIN, X, Y = range(3)
"""Rows of an array of places."""

ITERATION, BINS, RECORD = range(3)
"""Entries of `State.counters`: steps done, bins of the current and of the best complete packing."""

MOST_RUINED = 3
"""A step refills one bin up to this many."""

TRIES = 2
"""Fills of a bin of which the one that covers most is kept."""

HOT, COLD = 0.05, 0.002
"""Temperatures at both ends of the search, in bin areas."""


class Problem(NamedTuple):
    """Items (arrays of shape (items,)), the bin, and who may share one; `max_load` is never 0 here."""

    widths: Ints
    heights: Ints
    layers: Ints
    columns: int
    rows: int
    threshold: int
    max_load: int


class State(NamedTuple):
    """Where the search stands, updated in place, and its scratch arrays.

    `place`: bin, x and y of each item now, `move` those proposed by the step, `record` those of the best
    complete packing; all (3, items). A bin's items are a linked list from `head` along `following`;
    `area` is the cells they cover. `trial` and `fill` hold items, x and y of one filled bin, (3, items).
    """

    place: Ints
    move: Ints
    record: Ints
    head: Ints
    following: Ints
    area: Ints
    counters: Ints
    random: NDArray[np.uint64]
    candidates: Ints
    keys: Ints
    chosen: Ints
    trial: Ints
    fill: Ints
    spaces: Ints


def problem_of(items: Items, rules: Rules) -> Problem:
    """The same with plain arrays, for the kernels."""
    return Problem(
        widths=np.ascontiguousarray(items.widths, dtype=np.int64),
        heights=np.ascontiguousarray(items.heights, dtype=np.int64),
        layers=np.ascontiguousarray(items.layers, dtype=np.int64),
        columns=items.columns,
        rows=items.rows,
        threshold=rules.threshold,
        max_load=rules.max_load or len(items),
    )


def start(items: int, seed: int) -> State:
    """The state before anything is placed."""
    mixed = (seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64
    return State(
        place=np.zeros((3, items), np.int64),
        move=np.zeros((3, items), np.int64),
        record=np.zeros((3, items), np.int64),
        head=np.full(items + 1, -1),
        following=np.full(items, -1),
        area=np.zeros(items + 1, np.int64),
        counters=np.zeros(3, np.int64),
        random=np.array([mixed or 1], np.uint64),
        candidates=np.arange(items),
        keys=np.zeros(items, np.int64),
        chosen=np.zeros(MOST_RUINED + 1, np.int64),
        trial=np.zeros((3, items), np.int64),
        fill=np.zeros((3, items), np.int64),
        spaces=np.zeros((8 * items + 64, 4), np.int64),
    )


@compiled
def draw(random: NDArray[np.uint64]) -> Any:
    """The next 64 random bits (Marsaglia, "Xorshift RNGs", 2003)."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return x


@compiled
def below(random: NDArray[np.uint64], n: int) -> int:
    """A random integer from 0 to n - 1."""
    return np.int64(((draw(random) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))  # type: ignore[return-value]


@compiled
def patience(random: NDArray[np.uint64]) -> float:
    """Roughly exponential, mean about 1: what simulated annealing compares a loss over temperature with.

    Each octave of the logarithm is a straight line, so that no library's rounding can matter.
    """
    halvings = 0
    while below(random, 2) == 1:
        halvings += 1
    return 0.6931 * (halvings + below(random, 4096) / 4096.0)


@compiled
def draw_keys(problem: Problem, state: State, m: int) -> None:
    """How much the first `m` candidates are wanted: a random measure of their size, with noise."""
    measure = below(state.random, 5)
    noise = below(state.random, 1024)
    noise = noise * noise >> 10
    for t in range(m):
        i = state.candidates[t]
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
        state.keys[i] = size * (1024 + ((below(state.random, 2048) - 1024) * noise >> 10))


@compiled
def clashes(problem: Problem, fill: Ints, k: int, item: int) -> bool:
    """Whether the item's layer is too near to one of the first `k` items of the fill."""
    if problem.threshold >= 0:
        for j in range(k):
            if abs(problem.layers[fill[0, j]] - problem.layers[item]) <= problem.threshold:
                return True
    return False


@compiled
def most_wanted(problem: Problem, state: State, wanted: tuple[int, int], room: tuple[int, int]) -> int:
    """Where the candidate stands that is to go into a space of `room` (columns, rows), or -1: none may.

    `wanted` is (items in the bin so far, candidates left). A candidate that fills the space's width or
    height counts double for each: it leaves no sliver beside it.
    """
    k, m = wanted
    best = -1
    most = -1
    for t in range(m):
        i = state.candidates[t]
        w, h = problem.widths[i], problem.heights[i]
        if w > room[0] or h > room[1]:
            continue
        key = state.keys[i]
        if w == room[0]:
            key *= 2
        if h == room[1]:
            key *= 2
        if key > most and not clashes(problem, state.trial, k, i):
            most = key
            best = t
    return best


@compiled
def fill_bin(problem: Problem, state: State, m: int, upward: bool) -> int:
    """Fill an empty bin from the first `m` candidates; `state.trial` gets those placed.

    Space by space, each time the lowest (or leftmost) one and the item that suits it best: after Burke,
    Kendall and Whitwell, "A new placement heuristic for the orthogonal stock-cutting problem" (2004).
    """
    trial, spaces, candidates = state.trial, state.spaces, state.candidates
    n, k = empty_bin(spaces, problem.columns, problem.rows)
    while n > 0 and k < problem.max_load:
        s = first_space(spaces, n, upward)
        x, y = spaces[s, 0], spaces[s, 1]
        t = most_wanted(problem, state, (k, m), (spaces[s, 2] - x, spaces[s, 3] - y))
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
def best_fill(problem: Problem, state: State, m: int) -> int:
    """The fill of the first `m` candidates that covers most; `state.fill` gets it."""
    most = -1
    best = 0
    for _ in range(TRIES):
        draw_keys(problem, state, m)
        k = fill_bin(problem, state, m, below(state.random, 2) == 0)
        area = 0
        for j in range(k):
            area += problem.widths[state.trial[0, j]] * problem.heights[state.trial[0, j]]
        if area > most:
            most = area
            best = k
            for row in range(3):
                for j in range(k):
                    state.fill[row, j] = state.trial[row, j]
    return best


@compiled
def take_filled(state: State, m: int, k: int, number: int) -> int:
    """Note the `k` filled items as bin `number`, and move them behind the candidates still to be placed."""
    move, fill, candidates = state.move, state.fill, state.candidates
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
def settle(problem: Problem, state: State, first: int, last: int) -> None:
    """Carry out the moves of these candidates: the bins they go to have been emptied."""
    for t in range(first, last):
        i = state.candidates[t]
        b = state.move[BIN, i]
        for row in range(3):
            state.place[row, i] = state.move[row, i]
        state.following[i] = state.head[b]
        state.head[b] = i
        state.area[b] += problem.widths[i] * problem.heights[i]


@compiled
def construct(problem: Problem, state: State, window: int) -> None:
    """A first packing: one bin after another, each the best fill of a random sample of what is left."""
    left = len(problem.widths)
    bins = 0
    while left > 0:
        m = min(window, left)
        for t in range(m):
            other = t + below(state.random, left - t)
            state.candidates[t], state.candidates[other] = state.candidates[other], state.candidates[t]
        bins += 1
        rest = take_filled(state, m, best_fill(problem, state, m), bins)
        settle(problem, state, rest, m)
        for t in range(m - 1, rest - 1, -1):
            left -= 1
            state.candidates[t] = state.candidates[left]
    state.counters[BINS] = bins
    keep_record(state)


@compiled
def keep_record(state: State) -> None:
    """The current packing is complete: the best so far."""
    for row in range(3):
        for i in range(state.place.shape[1]):
            state.record[row, i] = state.place[row, i]
    state.counters[RECORD] = state.counters[BINS]


@compiled
def dissolve_emptiest(state: State) -> None:
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
def choose_ruins(state: State) -> int:
    """Random different bins to be refilled, behind the pool, in `state.chosen`; returns their number."""
    bins = state.counters[BINS]
    chosen = state.chosen
    chosen[0] = POOL
    count = 1 + below(state.random, min(MOST_RUINED, bins))
    for c in range(1, count + 1):
        chosen[c] = 1 + below(state.random, bins)
        while (c > 1 and chosen[c] == chosen[1]) or (c > 2 and chosen[c] == chosen[2]):
            chosen[c] = 1 + below(state.random, bins)
    return count


@compiled
def gather(state: State, count: int) -> int:
    """The items of the pool and of the chosen bins become the candidates; returns their number."""
    m = 0
    for c in range(count + 1):
        i = state.head[state.chosen[c]]
        while i >= 0:
            state.candidates[m] = i
            state.move[BIN, i] = POOL
            m += 1
            i = state.following[i]
    return m


@compiled
def step(problem: Problem, state: State, temperature: float) -> None:
    """Ruin some bins, refill them, and keep the result or leave everything as it was."""
    count = choose_ruins(state)
    m = gather(state, count)
    rest = m
    for c in range(1, count + 1):
        rest = take_filled(state, rest, best_fill(problem, state, rest), state.chosen[c])
    homeless = 0
    for t in range(rest):
        i = state.candidates[t]
        homeless += problem.widths[i] * problem.heights[i]
    grown = homeless - state.area[POOL]
    if grown <= 0 or grown <= temperature * patience(state.random):
        for c in range(count + 1):
            state.head[state.chosen[c]], state.area[state.chosen[c]] = -1, 0
        settle(problem, state, 0, m)


@compiled
def improve(problem: Problem, state: State, target: int, until: int, effort: int) -> None:
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
        step(problem, state, cells * (COLD + (HOT - COLD) * left * left * left))
        state.counters[ITERATION] += 1
