"""Simulated annealing of a layout, judged by its simulated schedule."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.annealing import accepts, cooled
from ..kernels.arrays import Floats, Ints
from ..kernels.jit import compiled
from .choices import Choices
from .moves import move
from .replay import Bench, replay
from .state import State, boxes_of, undo

CROWDED, NEIGHBOURS = 0.3, 0.1
"""What the search adds to the latency, per further sample: these shares of the time that the crossbars work
for a sample, and of the time that the average layer and all it shares crossbars with take."""

STEP = 0
"""Entry of `Best.counters`: steps done."""


class Best(NamedTuple):
    """The best layout so far, and where the search stands.

    `score`: latency of the best, latency and guided latency of the current layout, in units of `Choices`.
    """

    variant: Ints
    copies: Ints
    home: Ints
    x: Ints
    y: Ints
    score: Floats
    counters: Ints


def best_of(state: State) -> Best:
    """A copy of a layout that has not been judged yet."""
    kept = (state.variant.copy(), state.copies.copy(), state.home.copy(), state.x.copy(), state.y.copy())
    return Best(*kept, score=np.full(3, np.inf), counters=np.zeros(1, np.int64))


@compiled
def set_durations(choices: Choices, state: State) -> None:
    """Time of every layer with the copies it has."""
    for e in range(len(choices.store)):
        store = choices.store[e]
        k = choices.reads_at[e] + state.variant[store] - choices.variant_at[store]
        state.duration[e] = -(-choices.cycles[k] // state.copies[store]) * choices.unit[k]


@compiled
def latency(choices: Choices, state: State, bench: Bench, samples: int) -> float:
    """Simulated latency of `samples` samples, in units of `Choices`.

    Beyond those of the bench, every sample takes as long as those of its second half make a difference; not
    as long as they take, since the last of them have the crossbars to themselves.
    """
    if samples == 1:
        return float(state.duration.sum())
    simulated = len(bench.finished)
    if samples == simulated:
        return float(replay(choices, state, bench, samples))
    half = replay(choices, state, bench, simulated // 2)
    whole = replay(choices, state, bench, simulated)
    period = (whole - half) / (simulated - simulated // 2)
    return float(whole + (samples - simulated) * max(period, state.duration.max()))


@compiled
def guide(choices: Choices, state: State, samples: int) -> float:
    """What the search adds to the latency, so that it keeps away from layouts that get in their own way."""
    work, around = 0.0, 0.0
    time = np.zeros(len(choices.layer))
    for e in range(len(choices.store)):
        store = choices.store[e]
        time[store] += state.duration[e]
        work += state.duration[e] * state.copies[store] * boxes_of(choices, state.variant[store])
    for a in range(len(time)):
        near = time[a]
        for b in range(len(time)):
            if state.shared[a, b] > 0:
                near += time[b]
        around += time[a] * near
    return float((samples - 1) * (CROWDED * work / choices.crossbars + NEIGHBOURS * around / time.sum()))


@compiled
def set_clashes(choices: Choices, state: State, finished: Floats) -> None:
    """How long any two stores would wait for each other: what their layers overlap, period after period."""
    samples, layers = finished.shape
    state.clash[:] = 0.0
    if samples == 1:
        return
    half = samples // 2
    period = (finished[-1, -1] - finished[samples - 1 - half, -1]) / half
    for a in range(layers):
        length_a = state.duration[a]
        for b in range(a):
            length_b = state.duration[b]
            ahead = (finished[half, a] - length_a - finished[half, b] + length_b) % period
            overlap = max(0.0, min(length_b, ahead + length_a) - ahead)
            overlap += max(0.0, min(length_b, ahead + length_a - period))
            state.clash[choices.store[a], choices.store[b]] += overlap
            state.clash[choices.store[b], choices.store[a]] += overlap


@compiled
def keep(state: State, best: Best) -> None:
    """The current layout is the best so far."""
    best.variant[:], best.copies[:] = state.variant, state.copies
    best.home[:], best.x[:], best.y[:] = state.home, state.x, state.y
    best.score[0] = best.score[1]


@compiled
def judge(choices: Choices, state: State, bench: Bench, best: Best, samples: int) -> None:
    """Score a layout as it stands, as the current one and perhaps the best."""
    set_durations(choices, state)
    best.score[1] = latency(choices, state, bench, samples)
    best.score[2] = best.score[1] + guide(choices, state, samples)
    set_clashes(choices, state, bench.finished)
    if best.score[1] < best.score[0]:
        keep(state, best)


@compiled
def step(choices: Choices, state: State, bench: Bench, best: Best, terms: tuple[int, float]) -> None:
    """Try a move at a temperature (a share of the guided latency); keep it, or take it back."""
    samples, temperature = terms
    if not move(choices, state):
        undo(choices, state, 0)
        return
    set_durations(choices, state)
    now = latency(choices, state, bench, samples)
    guided = now + guide(choices, state, samples)
    if accepts(guided - best.score[2], temperature * best.score[2], state.random):
        best.score[1], best.score[2] = now, guided
        set_clashes(choices, state, bench.finished)
        if now < best.score[0]:
            keep(state, best)
    else:
        undo(choices, state, 0)
        set_durations(choices, state)


class Cooling(NamedTuple):
    """Temperatures at the first and last of `steps` steps."""

    hot: float
    cold: float
    steps: int


@compiled
def anneal(
    problem: tuple[Choices, int], state: State, bench: Bench, best: Best, plan: tuple[Cooling, int]
) -> None:
    """Steps up to number `until` of the plan (cooling, until); the problem is (choices, samples)."""
    choices, samples = problem
    cooling, until = plan
    while best.counters[STEP] < until:
        left = 1.0 - best.counters[STEP] / cooling.steps
        temperature = cooled(cooling.hot, cooling.cold, left, 2)
        step(choices, state, bench, best, (samples, temperature))
        best.counters[STEP] += 1
