"""The schedule of a layout in the making: the simulation for one round a layer and all replicas taken.

No two boxes of an owner share a crossbar and no layer has more copies than work, so a layer of a sample is a
single round on fixed crossbars. Crossbars serve whoever asked first, hence the time at which a round starts
is known as soon as it asks: when the last of its crossbars is free. Equal to `simulation.simulate` but for
the order of rounds that become ready at the very same time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...kernels.arrays import Floats, Ints
from ...kernels.jit import compiled, inlined
from .layout_state import LayoutState
from .search_space import SearchSpace

NOBODY = -1

ASK, HOLD, START, FINISH = range(4)
"""Events of a sample: it asks for a layer, holds the layer's replicas, its round starts, finishes."""


class ScheduleBuffers(NamedTuple):
    """Scratch of `makespan`, updated in place; times are in the units of the search space.

    In `row_schedule.row_makespan`, the processes are the layers of samples, N * E in all, and `layer` holds
    their finished rows.
    """

    heap: Ints  # (N + 1,) samples whose next event is set
    due: Floats  # (N,) when it happens
    turn: Ints  # (N,) its order among equal times
    event: Ints  # (N,) what it is
    layer: Ints  # (N,) the layer that a sample is at
    behind: Ints  # (N,) who waits for the same replicas next
    holder: Ints  # (O,) the sample that holds the replicas
    queue: Ints  # (O, 2) first and last of those waiting for them
    free_at: Floats  # (C,) when a crossbar has served all who asked
    finished: Floats  # (N, E) when each layer of each sample was finished: the schedule
    started: Floats  # (N, E) when its first row started; (0, 0) but for schedules of rows
    asking: Ints  # (3 N E,) of a schedule of rows: who asks now, see `row_makespan`
    begun: Floats  # (N * E,) of a schedule of rows: when the row of a process began


def schedule_buffers(space: SearchSpace, samples: int) -> ScheduleBuffers:
    """Scratch for so many samples."""
    owners, executions = len(space.layer), len(space.owner)
    shape = (samples, executions)
    by_rows = len(space.graph.read_offset) > 0
    processes = samples * executions if by_rows else samples
    return ScheduleBuffers(
        heap=np.zeros(processes + 1, np.int64),
        due=np.zeros(processes),
        turn=np.zeros(processes, np.int64),
        event=np.zeros(processes, np.int64),
        layer=np.zeros(processes, np.int64),
        behind=np.zeros(processes, np.int64),
        holder=np.zeros(owners, np.int64),
        queue=np.zeros((owners, 2), np.int64),
        free_at=np.zeros(space.crossbars),
        finished=np.zeros(shape),
        started=np.zeros(shape if by_rows else (0, 0)),
        asking=np.zeros(3 * processes if by_rows else 0, np.int64),
        begun=np.zeros(processes if by_rows else 0),
    )


@inlined
def _before(due: float, turn: int, other_due: float, other_turn: int) -> bool:
    """Whether an event comes before another."""
    return bool(due < other_due or (due == other_due and turn < other_turn))


@compiled
def makespan(space: SearchSpace, state: LayoutState, buffers: ScheduleBuffers, samples: int) -> float:
    """Run samples, at most those of the buffers, through the layers; returns when the last is finished.

    `state.duration` must be up to date.

    One function with the heap written out: handing arrays to helpers counts references, four times slower.
    """
    heap, due, turn, event, layer, behind, holder, queue, free_at, finished = buffers[:10]
    layers = finished.shape[1]
    duration, home, copies, variant = state.duration, state.home, state.copies, state.variant
    free_at[:] = 0.0
    holder[:] = NOBODY
    queue[:] = NOBODY
    heap[0], due[0], turn[0], event[0], layer[0] = 0, 0.0, 0, ASK, 0
    begun, n, turns = 1, 1, 1
    while n > 0:
        s, n = heap[0], n - 1
        k, child, last = 0, 1, heap[n]
        while child < n:
            if child + 1 < n:
                a, b = heap[child], heap[child + 1]
                child += _before(due[b], turn[b], due[a], turn[a])
            a = heap[child]
            if not _before(due[a], turn[a], due[last], turn[last]):
                break
            heap[k] = a
            k, child = child, 2 * child + 1
        heap[k] = last

        now, e = due[s], layer[s]
        o = space.owner[e]
        following, newcomer, what = NOBODY, NOBODY, event[s]
        if what == ASK:
            if holder[o] != NOBODY:
                if queue[o, 0] == NOBODY:
                    queue[o, 0] = s
                else:
                    behind[queue[o, 1]] = s
                queue[o, 1], behind[s] = s, NOBODY
                continue
            holder[o], event[s] = s, HOLD
            if n == 0 or due[heap[0]] > now:  # nothing else happens now: its turn comes at once
                what = HOLD
        if what == HOLD:
            width = copies[o] * (space.box_offset[variant[o] + 1] - space.box_offset[variant[o]])
            start = now
            for j in range(width):
                start = max(start, free_at[home[o, j]])
            for j in range(width):
                free_at[home[o, j]] = start + duration[e]
            due[s], event[s] = start, START
            if start == now:
                due[s], event[s] = now + duration[e], FINISH
        elif what == START:
            due[s], event[s] = now + duration[e], FINISH
        elif what == FINISH:
            finished[s, e] = now
            following = queue[o, 0]
            holder[o] = following
            if following != NOBODY:
                queue[o, 0] = behind[following]
                due[following], event[following] = now, HOLD
            if e == 0 and begun < samples:
                newcomer, begun = begun, begun + 1
                due[newcomer], event[newcomer], layer[newcomer] = now, ASK, 0
            layer[s], event[s] = e + 1, ASK
            if e + 1 == layers:
                s = NOBODY

        for a in (following, newcomer, s):
            if a == NOBODY:
                continue
            turn[a] = turns
            k = n
            while k > 0 and due[a] < due[heap[(k - 1) // 2]]:  # of equal times the earlier turn stays ahead
                heap[k] = heap[(k - 1) // 2]
                k = (k - 1) // 2
            heap[k] = a
            n, turns = n + 1, turns + 1
    return float(finished[samples - 1, layers - 1])
