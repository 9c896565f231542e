"""What the search minimises: the latency of a layout, plus a penalty that keeps it off crowded layouts.

Times are in the units of the search space. (design: *Placement cost and penalty*)
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...kernels.arrays import Floats, Ints
from ...kernels.jit import compiled
from .fast_schedule import ScheduleBuffers, makespan
from .layout_state import LayoutState, boxes_of
from .row_schedule import row_makespan, set_row_overlap_times
from .search_space import SearchSpace

CROWDED, NEIGHBOURS = 0.3, 0.1
"""Weights of the two terms of the penalty; see `crowding_penalty`."""

SUM_OF_LAYERS = 0.03
"""Weight of the time that all layers take, in the penalty of a schedule of rows."""

BEST, CURRENT, AUGMENTED = range(3)
"""Entries of `Incumbent.latency`: of the best layout, of the current one, and that with its penalty."""

STEP = 0
"""Entry of `Incumbent.counters`: steps done."""


class Incumbent(NamedTuple):
    """The best layout so far, and where the search stands; updated in place."""

    variant: Ints  # (O,) fields of LayoutState, of the best layout
    copies: Ints  # (O,)
    home: Ints  # (O, C)
    x: Ints  # (O, C)
    y: Ints  # (O, C)
    latency: Floats  # (3,) BEST, CURRENT, AUGMENTED
    counters: Ints  # (1,) STEP


def incumbent_of(state: LayoutState) -> Incumbent:
    """A copy of a layout that has not been evaluated yet."""
    kept = (state.variant.copy(), state.copies.copy(), state.home.copy(), state.x.copy(), state.y.copy())
    return Incumbent(*kept, latency=np.full(3, np.inf), counters=np.zeros(1, np.int64))


@compiled
def set_durations(space: SearchSpace, state: LayoutState) -> None:
    """Time of every layer with the copies it has."""
    for e in range(len(space.owner)):
        owner = space.owner[e]
        k = space.reads_offset[e] + state.variant[owner] - space.variant_offset[owner]
        row = -(-space.cycles[k] // state.copies[owner]) * space.read_time[k]
        state.duration[e] = row * space.graph.rows[e] + space.beside[e]


@compiled
def latency(space: SearchSpace, state: LayoutState, buffers: ScheduleBuffers, samples: int) -> float:
    """Simulated latency of `samples` samples.

    Beyond those of the buffers, every sample takes as long as those of their second half make a difference;
    not as long as they take, since the last of them have the crossbars to themselves.
    """
    by_rows = len(space.graph.read_offset) > 0
    if samples == 1 and not by_rows:
        return float(state.duration.sum())
    simulated = len(buffers.finished)
    if samples == simulated:
        return float(_simulated(space, state, buffers, samples))
    half = _simulated(space, state, buffers, simulated // 2)
    whole = _simulated(space, state, buffers, simulated)
    period = (whole - half) / (simulated - simulated // 2)
    return float(whole + (samples - simulated) * max(period, state.duration.max()))


@compiled
def _simulated(space: SearchSpace, state: LayoutState, buffers: ScheduleBuffers, samples: int) -> float:
    """Run so many samples, by rows where there is a graph."""
    if len(space.graph.read_offset) > 0:
        return float(row_makespan(space, state, buffers, samples))
    return float(makespan(space, state, buffers, samples))


@compiled
def crowding_penalty(space: SearchSpace, state: LayoutState, samples: int) -> float:
    """What the search adds to the latency, so that it keeps away from layouts that get in their own way.

    Both terms estimate the time that a further sample adds, so each counts once for every sample after the
    first. `work` is the time that crossbars work for a sample, all together: divided by their number it is
    the load of the average crossbar. `around` is how long a layer and all that share a crossbar with it take,
    averaged over layers by their time: none of these can run while the layer does.
    """
    work, around = 0.0, 0.0
    time = np.zeros(len(space.layer))
    for e in range(len(space.owner)):
        owner = space.owner[e]
        time[owner] += state.duration[e]
        work += state.duration[e] * state.copies[owner] * boxes_of(space, state.variant[owner])
    for a in range(len(time)):
        near = time[a]
        for b in range(len(time)):
            if state.shared[a, b] > 0:
                near += time[b]
        around += time[a] * near
    penalty = CROWDED * work / space.crossbars + NEIGHBOURS * around / time.sum()
    if len(space.graph.read_offset) > 0:
        # rows hide what a faster layer brings until others are faster too; their sum leads the way there
        return float(max(samples - 1, 1) * penalty + SUM_OF_LAYERS * time.sum())
    return float((samples - 1) * penalty)


@compiled
def set_overlap_times(space: SearchSpace, state: LayoutState, finished: Floats) -> None:
    """How long any two owners would wait for each other, per sample, if they shared a crossbar.

    In the steady state every layer runs once in a `period`, the time that a further sample adds. Two layers
    are then two intervals on a circle of that length. What they overlap is the waiting; it comes in two
    pieces, since an interval can reach past the end of the circle and meet the other's beginning.
    """
    samples, layers = finished.shape
    state.overlap_time[:] = 0.0
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
            state.overlap_time[space.owner[a], space.owner[b]] += overlap
            state.overlap_time[space.owner[b], space.owner[a]] += overlap


@compiled
def update_incumbent(state: LayoutState, incumbent: Incumbent) -> None:
    """The current layout is the best so far."""
    incumbent.variant[:], incumbent.copies[:] = state.variant, state.copies
    incumbent.home[:], incumbent.x[:], incumbent.y[:] = state.home, state.x, state.y
    incumbent.latency[BEST] = incumbent.latency[CURRENT]


@compiled
def accept_layout(
    space: SearchSpace, state: LayoutState, buffers: ScheduleBuffers, incumbent: Incumbent, latency_now: float
) -> None:
    """The layout, whose schedule is in the buffers, becomes the current one and perhaps the best."""
    incumbent.latency[CURRENT] = latency_now
    if len(space.graph.read_offset) > 0:
        set_row_overlap_times(space, state, buffers.started, buffers.finished)
    else:
        set_overlap_times(space, state, buffers.finished)
    if latency_now < incumbent.latency[BEST]:
        update_incumbent(state, incumbent)


@compiled
def evaluate(
    space: SearchSpace, state: LayoutState, buffers: ScheduleBuffers, incumbent: Incumbent, samples: int
) -> None:
    """Simulate a layout as it stands and make it the current one."""
    set_durations(space, state)
    accept_layout(space, state, buffers, incumbent, latency(space, state, buffers, samples))
    incumbent.latency[AUGMENTED] = incumbent.latency[CURRENT] + crowding_penalty(space, state, samples)
