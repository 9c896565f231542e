"""The schedule of rows of a layout in the making: what `fast_schedule` is for the schedule of layers.

No two boxes of an owner share a crossbar and no layer has more copies than a row has work, so a row is a
single round on fixed crossbars, whose start is known as soon as it asks. Equal to `simulation.row_loop` but
for the order of some rows that end at the very same time.
"""

from __future__ import annotations

import numpy as np

from ...kernels.arrays import Floats
from ...kernels.jit import compiled
from .fast_schedule import NOBODY, ScheduleBuffers
from .layout_state import LayoutState
from .search_space import SearchSpace


@compiled
def row_makespan(space: SearchSpace, state: LayoutState, buffers: ScheduleBuffers, samples: int) -> float:
    """Run samples, at most those of the buffers, through the layers; returns when all are finished.

    `state.duration` must be up to date. A process is a layer of a sample; it is in the heap while a row of it
    runs or waits for crossbars. Who asks for replicas (an even entry of `asking`) or has them and asks for
    crossbars (an odd one) does so when all rows that end at that time have ended, in order, as in
    `simulation.row_loop`. A row holds all crossbars of its owner, so that they are free when all owners that
    share one of them are. One function with the heap written out, as `fast_schedule.makespan` is.
    """
    heap, due, turn, event, done = buffers.heap, buffers.due, buffers.turn, buffers.event, buffers.layer
    behind, holder, queue = buffers.behind, buffers.holder, buffers.queue
    finished, started, asking, begun = buffers.finished, buffers.started, buffers.asking, buffers.begun
    rows, read_offset, source = space.graph.rows, space.graph.read_offset, space.graph.source
    last_offset, last = space.graph.last_offset, space.graph.last
    reader_offset, reader = space.graph.reader_offset, space.graph.reader
    row_time = state.duration / rows
    layers, owners = finished.shape[1], len(state.shared)
    busy_until = np.zeros(owners)
    near, near_offset = np.empty(owners * (owners + 3), np.int64), np.zeros(owners + 1, np.int64)
    layer_of, sample_of = np.empty(samples * layers, np.int64), np.empty(samples * layers, np.int64)
    for p in range(samples * layers):  # a table, since a division takes longer than the rest of a row
        layer_of[p], sample_of[p] = p % layers, p // layers
    n = 0
    for o in range(owners):
        for e in range(owners):
            if state.shared[o, e] > 0 or o == e:
                near[n], n = e, n + 1
        while n % 4 > 0:
            near[n], n = o, n + 1
        near_offset[o + 1] = n
    holder[:] = NOBODY
    queue[:] = NOBODY
    event[: samples * layers] = 0  # 1 while a row asks or runs
    done[: samples * layers] = 0
    n, turns, entered, latest, now = 0, 0, 1, 0.0, 0.0
    asked = 0
    for e in range(layers):
        if read_offset[e] == read_offset[e + 1]:
            asking[asked], asked = 2 * e, asked + 1
            event[e] = 1
    while True:
        j = 0
        while j < asked and (n == 0 or due[heap[0]] > now):
            p, holds = asking[j] >> 1, asking[j] & 1
            j += 1
            e = layer_of[p]
            o = space.owner[e]
            if holds == 0:
                if holder[o] != NOBODY:
                    if queue[o, 0] == NOBODY:
                        queue[o, 0] = p
                    else:
                        behind[queue[o, 1]] = p
                    queue[o, 1], behind[p] = p, NOBODY
                    continue
                holder[o] = p
                if j < asked:  # others ask at this time too
                    asking[asked], asked = 2 * p + 1, asked + 1
                    continue
            start, other, third, fourth = now, now, now, now  # four at a time: each alone waits for the last
            for k in range(near_offset[o], near_offset[o + 1], 4):
                start = max(start, busy_until[near[k]])
                other = max(other, busy_until[near[k + 1]])
                third = max(third, busy_until[near[k + 2]])
                fourth = max(fourth, busy_until[near[k + 3]])
            start = max(max(start, other), max(third, fourth))
            end = start + row_time[e]
            busy_until[o] = end
            if done[p] == 0:
                started[sample_of[p], e] = start
            due[p], begun[p], turn[p] = end, start, turns
            k = n
            while k > 0:  # of equal times that which began first is ahead, then that which asked first
                a = heap[(k - 1) >> 1]
                if due[a] < end or (due[a] == end and begun[a] <= start):
                    break
                heap[k] = a
                k = (k - 1) >> 1
            heap[k] = p
            n, turns = n + 1, turns + 1
        if j > 0:
            asked = 0  # all have asked: rows take time, so that none ends now
        if n == 0:
            return float(latest)
        p, n = heap[0], n - 1
        k, child, tail = 0, 1, heap[n]
        while child < n:
            a = heap[child]
            if child + 1 < n:
                b = heap[child + 1]
                if due[b] < due[a] or (
                    due[b] == due[a] and (begun[b] < begun[a] or (begun[b] == begun[a] and turn[b] < turn[a]))
                ):
                    a, child = b, child + 1
            if due[a] > due[tail]:
                break
            if due[a] == due[tail] and (
                begun[a] > begun[tail] or (begun[a] == begun[tail] and turn[a] > turn[tail])
            ):
                break
            heap[k] = a
            k, child = child, 2 * child + 1
        heap[k] = tail

        now, e, s = due[p], layer_of[p], sample_of[p]
        o = space.owner[e]
        done[p] += 1
        event[p] = 0
        following = queue[o, 0]
        holder[o] = following
        if following != NOBODY:
            queue[o, 0] = behind[following]
            asking[asked], asked = 2 * following + 1, asked + 1
        if done[p] == rows[e]:
            finished[s, e] = now
            latest = now
            if e == 0 and entered < samples:
                for a in range(layers):
                    if read_offset[a] == read_offset[a + 1]:
                        asking[asked], asked = 2 * (entered * layers + a), asked + 1
                        event[entered * layers + a] = 1
                entered += 1
        for j in range(reader_offset[e] - 1, reader_offset[e + 1]):
            a = e if j < reader_offset[e] else reader[j]
            q = s * layers + a
            row = done[q]
            if event[q] == 1 or row == rows[a]:
                continue
            ready = True
            for k in range(read_offset[a], read_offset[a + 1]):
                if done[s * layers + source[k]] <= last[last_offset[k] + row]:
                    ready = False
                    break
            if ready:
                event[q] = 1
                asking[asked], asked = 2 * q, asked + 1


@compiled
def set_row_overlap_times(space: SearchSpace, state: LayoutState, started: Floats, finished: Floats) -> None:
    """How long any two owners would wait for each other, per sample, if they shared a crossbar.

    A layer works from its first row to its last, a share of that time. Two layers of a sample, or of one and
    its neighbours, wait for the time that both are at work, times both shares.
    """
    samples, layers = finished.shape
    state.overlap_time[:] = 0.0
    s = samples // 2
    for a in range(layers):
        length_a = finished[s, a] - started[s, a]
        for b in range(layers):
            if space.owner[a] == space.owner[b]:
                continue
            overlap = 0.0
            for t in range(max(0, s - 2), min(samples, s + 3)):
                length_b = finished[t, b] - started[t, b]
                both = min(finished[s, a], finished[t, b]) - max(started[s, a], started[t, b])
                if both > 0.0:
                    overlap += both * state.duration[a] / length_a * state.duration[b] / length_b
            state.overlap_time[space.owner[a], space.owner[b]] += overlap / 2
            state.overlap_time[space.owner[b], space.owner[a]] += overlap / 2
