"""Simulated annealing of a layout, judged by its simulated schedule (design: *Annealing*)."""

from __future__ import annotations

from typing import NamedTuple

from ...kernels.annealing import accepts, cooled
from ...kernels.jit import compiled
from .fast_schedule import ScheduleBuffers
from .layout_state import LayoutState, undo
from .moves import move
from .objective import (
    AUGMENTED,
    STEP,
    Incumbent,
    accept_layout,
    crowding_penalty,
    latency,
    set_durations,
)
from .search_space import SearchSpace


class Cooling(NamedTuple):
    """Temperatures at the first and last of `steps` steps, as shares of the latency with its penalty."""

    hot: float
    cold: float
    steps: int


class Walk(NamedTuple):
    """A layout that is being annealed: where it is, its best, and the `samples` whose latency counts."""

    space: SearchSpace
    state: LayoutState
    buffers: ScheduleBuffers
    incumbent: Incumbent
    samples: int


@compiled
def step(walk: Walk, temperature: float) -> None:
    """Try a move at a temperature; keep it, or take it back."""
    space, state, buffers, incumbent, samples = walk
    if not move(space, state):
        undo(space, state, 0)
        return
    set_durations(space, state)
    now = latency(space, state, buffers, samples)
    augmented = now + crowding_penalty(space, state, samples)
    before = incumbent.latency[AUGMENTED]
    if accepts(augmented - before, temperature * before, state.random):
        accept_layout(space, state, buffers, incumbent, now)
        incumbent.latency[AUGMENTED] = augmented
    else:
        undo(space, state, 0)
        set_durations(space, state)


@compiled
def anneal(walk: Walk, cooling: Cooling, until: int) -> None:
    """Steps up to number `until` of the cooling; the temperature falls with the square of what is left."""
    counters = walk.incumbent.counters
    while counters[STEP] < until:
        left = 1.0 - counters[STEP] / cooling.steps
        step(walk, cooled(cooling.hot, cooling.cold, left, 2))
        counters[STEP] += 1
