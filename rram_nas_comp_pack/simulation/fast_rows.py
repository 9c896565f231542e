"""The schedule of rows of ordinary layouts, where each row is one round on known crossbars.

It is that of `row_loop` to the bit, served in the same order. Three things make it several times faster. Who
asks for crossbars, first come, first served, knows at once when it starts, and waits only for those that end
last before it. Events without delay need no heap: whatever ends now was scheduled before they were. And it is
one function, since handing over arrays costs more than the work on them.
"""

from __future__ import annotations

import numpy as np

from ..kernels.arrays import Floats, Ints
from ..kernels.jit import compiled
from .row_graph import RowArrays
from .row_rounds import RoundLists

NOBODY = -1


def fast_rows(owner: Ints, graph: RowArrays, rounds: RoundLists, samples: int) -> Floats:
    """Return times (5: ask, start, finish, busy, waited; samples; layers) in units of the program.

    Layers of one `owner` (layers,) share replicas, and each takes all of them.
    """
    times = np.zeros((5, samples, len(owner)))
    _run(owner, graph, rounds, times)
    return times


@compiled
def _run(owner: Ints, graph: RowArrays, rounds: RoundLists, times: Floats) -> None:
    """Fill the times.

    A process is a layer of a sample. Its next row asks for the replicas (an even entry of `asking`), then for
    crossbars (an odd one); both happen when all rows that end `now` have ended. The heap holds rows that run,
    by end and by order of starting. Of each group of crossbars, who asked last has it until `free_at`; while
    that one is `unfinished`, its place in `behind` says who waits for it to end.
    """
    rows, read_offset, source = graph.rows, graph.read_offset, graph.source
    last_offset, last = graph.last_offset, graph.last
    reader_offset, reader = graph.reader_offset, graph.reader
    offset, group, length = rounds.offset, rounds.group, rounds.length
    samples, layers = times.shape[1], times.shape[2]
    processes, listed = samples * layers, len(group)
    heap_due = np.empty(processes)
    heap_turn, heap = np.empty(processes, np.int64), np.empty(processes, np.int64)
    asking = np.empty(2 * processes + 2, np.int64)
    done, is_asking = np.zeros(processes, np.int64), np.zeros(processes, np.bool_)
    asked_at, lacking = np.zeros(processes), np.zeros(processes, np.int64)
    unfinished, others = np.full(processes, NOBODY), np.zeros(processes, np.int64)
    behind = np.full(samples * listed, NOBODY)
    holder, queue = np.full(layers, NOBODY), np.full((layers, 2), NOBODY)
    following = np.empty(processes, np.int64)
    free_at, asker = np.full(rounds.groups, -1.0), np.full(rounds.groups, NOBODY)
    turn_of, place_of = np.full(rounds.groups, NOBODY), np.full(rounds.groups, NOBODY)
    starting = np.empty(processes + 1, np.int64)
    n, turns, askings, asked, begun, now = 0, 0, 0, 0, 0, 0.0
    for e in range(layers):
        if read_offset[e] == read_offset[e + 1]:
            asking[asked], asked = 2 * e, asked + 1
            is_asking[e] = True
    while True:
        j = 0
        while j < asked and (n == 0 or heap_due[0] > now):
            p, is_for_crossbars = asking[j] // 2, asking[j] % 2
            j += 1
            s = p // layers
            e = p - s * layers
            if is_for_crossbars == 0:
                o = owner[e]
                if done[p] == 0:
                    times[0, s, e] = now
                asked_at[p] = now
                if holder[o] == NOBODY:
                    holder[o] = p
                    asking[asked], asked = 2 * p + 1, asked + 1
                else:
                    if queue[o, 0] == NOBODY:
                        queue[o, 0] = p
                    else:
                        following[queue[o, 1]] = p
                    queue[o, 1], following[p] = p, NOBODY
                continue
            first, end_of_list = offset[e], offset[e + 1]
            latest = -1.0
            for k in range(first, end_of_list):
                g = group[k]
                if free_at[g] > latest and (
                    free_at[g] > now or (free_at[g] == now and unfinished[asker[g]] == turn_of[g])
                ):
                    latest = free_at[g]
            missing = 0
            if latest >= 0.0:
                for k in range(first, end_of_list):
                    g = group[k]
                    if free_at[g] == latest and unfinished[asker[g]] == turn_of[g]:
                        behind[place_of[g]] = p
                        others[asker[g]] += 1
                        missing += 1
            askings += 1
            unfinished[p] = askings
            end = max(now, latest) + length[e]
            for k in range(first, end_of_list):
                g = group[k]
                free_at[g], asker[g], turn_of[g], place_of[g] = end, p, askings, s * listed + k
            lacking[p] = missing
            if missing == 0:
                starting[begun], begun = p, begun + 1
        for b in range(begun):
            p = starting[b]
            s = p // layers
            e = p - s * layers
            if done[p] == 0:
                times[1, s, e] = now
            times[3, s, e] += length[e]
            due = now + length[e]
            k = n
            while k > 0 and heap_due[(k - 1) // 2] > due:  # an equal one started earlier
                up = (k - 1) // 2
                heap_due[k], heap_turn[k], heap[k] = heap_due[up], heap_turn[up], heap[up]
                k = up
            heap_due[k], heap_turn[k], heap[k] = due, turns, p
            n, turns = n + 1, turns + 1
        begun = 0
        if j > 0:
            asked = 0  # all have asked: rows take time, so that none ends now
        if n == 0:
            return
        now, p, n = heap_due[0], heap[0], n - 1
        due, turn, q = heap_due[n], heap_turn[n], heap[n]
        k, child = 0, 1
        while child < n:
            if child + 1 < n and (
                heap_due[child + 1] < heap_due[child]
                or (heap_due[child + 1] == heap_due[child] and heap_turn[child + 1] < heap_turn[child])
            ):
                child += 1
            if heap_due[child] > due or (heap_due[child] == due and heap_turn[child] > turn):
                break
            heap_due[k], heap_turn[k], heap[k] = heap_due[child], heap_turn[child], heap[child]
            k, child = child, 2 * child + 1
        heap_due[k], heap_turn[k], heap[k] = due, turn, q

        s = p // layers
        e = p - s * layers
        unfinished[p] = NOBODY
        if others[p] > 0:
            others[p] = 0
            for place in range(s * listed + offset[e], s * listed + offset[e + 1]):
                q = behind[place]
                if q == NOBODY:
                    continue
                behind[place] = NOBODY
                lacking[q] -= 1
                if lacking[q] == 0:
                    starting[begun], begun = q, begun + 1
        times[2, s, e] = now
        times[4, s, e] += max(now - asked_at[p] - length[e], 0.0)
        o = owner[e]
        q = queue[o, 0]
        holder[o] = q
        if q != NOBODY:
            queue[o, 0] = following[q]
            asking[asked], asked = 2 * q + 1, asked + 1
        done[p] += 1
        is_asking[p] = False
        if e == 0 and s + 1 < samples and done[p] == rows[0]:
            for a in range(layers):
                if read_offset[a] == read_offset[a + 1]:
                    q = (s + 1) * layers + a
                    asking[asked], asked = 2 * q, asked + 1
                    is_asking[q] = True
        for r in range(reader_offset[e] - 1, reader_offset[e + 1]):
            a = e if r < reader_offset[e] else reader[r]
            q = s * layers + a
            row = done[q]
            if is_asking[q] or row == rows[a]:
                continue
            is_ready = True
            for k in range(read_offset[a], read_offset[a + 1]):
                if done[s * layers + source[k]] <= last[last_offset[k] + row]:
                    is_ready = False
                    break
            if is_ready:
                is_asking[q] = True
                asking[asked], asked = 2 * q, asked + 1
