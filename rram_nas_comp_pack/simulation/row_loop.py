"""The schedule of rows: a row of a layer starts when the rows that it needs are there.

Every layer of a sample is a process that runs row by row; a row runs as a layer does in `event_loop`:

    rows that it needs are finished -> ask for replicas -> ask for the round's crossbars -> run -> next round
    ... last round -> return the replicas -> the layer's next row, and layers that read this one

The next sample enters when the first layer has finished its last row. Events of equal time are served in the
order in which they were scheduled, as in `event_loop`: of layers of one row in a chain, each waiting for the
one before it, the schedule is the same to the bit.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Floats, Ints, offsets
from ..kernels.jit import compiled
from ..values import Mapping, Placement, ReadTime, RowGraph, Schedule
from .event_loop import (
    ASK_CROSSBARS,
    ASK_REPLICAS,
    FINISH_ROUND,
    NOBODY,
    Executions,
    LoopState,
    Program,
    ask_replicas,
    nobody,
    pop,
    program,
    push,
    return_replicas,
)
from .fast_rows import fast_rows
from .row_graph import RowArrays, arrays_of
from .row_rounds import round_lists


class RowProgram(NamedTuple):
    """What the event loop of rows runs: the layers with times of one row, and which rows these need.

    `place_offset` (layers + 1,) counts the boxes that a row of each layer reads.
    """

    layers: Program
    graph: RowArrays
    place_offset: Ints


class Progress(NamedTuple):
    """How far the processes are, each (samples, layers): rows `done`, whether one is `running` (or asks),
    when it `asked` and how long its rounds ran.

    `times` (ask, start, finish, busy, waited; sample; layer) are the schedule, in units of the program.
    """

    done: Ints
    running: Ints
    asked: Floats
    busy: Floats
    times: Floats


def row_program(
    mappings: Sequence[Mapping],
    read_ns: ReadTime,
    graph: RowGraph,
    placements: Sequence[Placement] | None = None,
) -> RowProgram:
    """Prepare mapped layers for a schedule of rows; without placements, no crossbar is shared (the ideal)."""
    layers = program(mappings, read_ns, placements, [each.rows for each in graph])
    return RowProgram(layers, arrays_of(graph), offsets(layers.boxes * layers.takes))


def simulate_rows(ran: RowProgram, samples: int) -> Schedule:
    """Run `samples` samples through the layers.

    A layer starts with its first row and finishes with its last; it waits while a row of it has what it needs
    and does not run, not while rows are missing.
    """
    rounds = round_lists(ran.layers)
    if rounds is not None:
        return Schedule(*(fast_rows(ran.layers.owner, ran.graph, rounds, samples) * ran.layers.unit_ns))
    return loop_rows(ran, samples)


def loop_rows(ran: RowProgram, samples: int) -> Schedule:
    """Run as `simulate_rows` does, by the loop that serves every layout."""
    progress = _progress(samples, len(ran.graph.rows))
    _run(ran, _state(ran, samples), progress)
    return Schedule(*(progress.times * ran.layers.unit_ns))


def row_executions(ran: RowProgram, samples: int) -> Executions:
    """Run as `simulate_rows` does and list the boxes that are read; boxes without a place are left out.

    `round` counts the rounds of all rows of a layer, those of its first row first.
    """
    layers, graph = ran.layers, ran.graph
    reads = samples * int((layers.boxes * layers.takes * graph.rows).sum())
    state = _state(ran, samples, reads)
    _run(ran, state, _progress(samples, len(graph.rows)))
    sample, layer, turn, place, row = state.log[: state.counters[3]].T
    replica, box = np.divmod(place - layers.crossbar_offset[layers.owner[layer]], layers.boxes[layer])
    start, end = state.log_time[: state.counters[3]].T * layers.unit_ns
    rounds = np.ones(len(graph.rows), dtype=np.int64)
    np.maximum.at(rounds, layer, turn + 1)
    return Executions(sample, layer, row * rounds[layer] + turn, replica, box, start, end)


def _progress(samples: int, layers: int) -> Progress:
    shape = (samples, layers)
    counts = np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64)
    return Progress(*counts, np.zeros(shape), np.zeros(shape), np.zeros((5, *shape)))


def _state(ran: RowProgram, samples: int, logged: int = 0) -> LoopState:
    """Return a state of `event_loop` whose processes are the layers of samples, numbered sample by sample.

    A process has its places in the row of its sample, from the layer's `place_offset` on.
    """
    layers = ran.layers
    processes, width = samples * len(layers.owner), int(ran.place_offset[-1])
    crossbars = int(layers.crossbars.max(initial=-1)) + 1
    return LoopState(
        heap_time=np.zeros(processes),
        heap_turn=nobody(processes),
        heap_sample=nobody(processes),
        counters=np.zeros(4, dtype=np.int64),
        layer=np.tile(np.arange(len(layers.owner)), samples),
        event=nobody(processes),
        round=np.zeros(processes, dtype=np.int64),
        rounds=np.zeros(processes, dtype=np.int64),
        length=np.zeros(processes),
        lacking=np.zeros(processes, dtype=np.int64),
        width=np.zeros(processes, dtype=np.int64),
        asked=np.empty((samples, width), dtype=np.int64),
        place=np.empty((samples, width if logged else 0), dtype=np.int64),
        next_place=np.empty(samples * width, dtype=np.int64),
        crossbar_queue=nobody(crossbars, 2),
        seen=np.zeros((crossbars, 2), dtype=np.int64),
        owner=nobody(int(layers.copies.sum())),
        next_waiting=nobody(processes),
        replica_queue=nobody(len(layers.owner), 2),
        log=nobody(logged, 5),
        log_time=np.zeros((logged, 2)),
    )


@compiled
def _deal_round(ran: RowProgram, state: LoopState, process: int) -> None:
    """List the crossbars of the process's round; see how long it runs and how many rounds follow.

    A box joins the first round in which its crossbar does not occur yet: the k-th box on a crossbar, round k.
    """
    layers = ran.layers
    state.counters[2] += 1
    deal, layer = state.counters[2], state.layer[process]
    sample, at = process // len(layers.owner), ran.place_offset[layer]
    boxes, store, now = layers.boxes[layer], layers.owner[layer], state.round[process]
    longest, width, rounds = 0.0, 0, 1
    for replica in range(layers.copies[store]):
        if state.owner[layers.replica_offset[store] + replica] != process:
            continue
        first = layers.crossbar_offset[store] + replica * boxes
        for box in range(boxes):
            crossbar = layers.crossbars[first + box]
            turn = 0
            if crossbar >= 0:
                turn = state.seen[crossbar, 1] if state.seen[crossbar, 0] == deal else 0
                state.seen[crossbar, 0], state.seen[crossbar, 1] = deal, turn + 1
                rounds = max(rounds, turn + 1)
            if turn == now:
                longest = max(longest, layers.times[layers.time_offset[layer] + box])
                if crossbar >= 0:
                    state.asked[sample, at + width] = crossbar
                    if state.place.shape[1] > 0:
                        state.place[sample, at + width] = first + box
                    width += 1
    state.rounds[process], state.width[process], state.length[process] = rounds, width, longest


@compiled
def _ask_crossbars(ran: RowProgram, state: LoopState, process: int) -> None:
    """Queue for all crossbars of the round at once."""
    layers, all_places = len(ran.layers.owner), state.asked.shape[1]
    sample, at = process // layers, ran.place_offset[state.layer[process]]
    lacking = 0
    for k in range(at, at + state.width[process]):
        crossbar, place = state.asked[sample, k], sample * all_places + k
        state.next_place[place] = NOBODY
        last = state.crossbar_queue[crossbar, 1]
        if state.crossbar_queue[crossbar, 0] == NOBODY:
            state.crossbar_queue[crossbar, 0] = place
        else:
            state.next_place[last] = place
            lacking += 1
        state.crossbar_queue[crossbar, 1] = place
    state.lacking[process] = lacking


@compiled
def _log_round(ran: RowProgram, state: LoopState, progress: Progress, time: float, process: int) -> None:
    sample, layer = divmod(process, len(ran.layers.owner))
    for k in range(state.width[process]):
        row = state.counters[3]
        state.log[row, 0], state.log[row, 1] = sample, layer
        state.log[row, 2] = state.round[process]
        state.log[row, 3] = state.place[sample, ran.place_offset[layer] + k]
        state.log[row, 4] = progress.done[sample, layer]
        state.log_time[row, 0], state.log_time[row, 1] = time, time + state.length[process]
        state.counters[3] = row + 1


@compiled
def _run_round(ran: RowProgram, state: LoopState, progress: Progress, time: float, process: int) -> None:
    """The round holds its crossbars: note the layer's start if it is its first, and when the round ends."""
    sample, layer = divmod(process, len(ran.layers.owner))
    if state.round[process] == 0 and progress.done[sample, layer] == 0:
        progress.times[1, sample, layer] = time
    progress.busy[sample, layer] += state.length[process]
    progress.times[3, sample, layer] += state.length[process]
    if len(state.log) > 0:
        _log_round(ran, state, progress, time, process)
    push(state, time + state.length[process], process, FINISH_ROUND)


@compiled
def _process_at(ran: RowProgram, state: LoopState, place: int) -> int:
    """Return whose place it is."""
    sample, k = divmod(place, state.asked.shape[1])
    layer = np.searchsorted(ran.place_offset, k, side="right") - 1
    return int(sample * len(ran.layers.owner) + layer)


@compiled
def _free_crossbars(ran: RowProgram, state: LoopState, progress: Progress, time: float, process: int) -> None:
    """Each goes to the round that has waited longest for it."""
    sample, at = process // len(ran.layers.owner), ran.place_offset[state.layer[process]]
    for k in range(at, at + state.width[process]):
        crossbar = state.asked[sample, k]
        place = state.next_place[state.crossbar_queue[crossbar, 0]]
        state.crossbar_queue[crossbar, 0] = place
        if place == NOBODY:
            continue
        waiting = _process_at(ran, state, place)
        state.lacking[waiting] -= 1
        if state.lacking[waiting] == 0:
            _run_round(ran, state, progress, time, waiting)


@compiled
def _start_row(graph: RowArrays, state: LoopState, progress: Progress, time: float, process: int) -> None:
    """Let the next row of a layer ask, if there is one, none is running and what it needs is there."""
    sample, layer = divmod(process, len(graph.rows))
    row = progress.done[sample, layer]
    if progress.running[sample, layer] == 1 or row == graph.rows[layer]:
        return
    for k in range(graph.read_offset[layer], graph.read_offset[layer + 1]):
        if progress.done[sample, graph.source[k]] <= graph.last[graph.last_offset[k] + row]:
            return
    progress.running[sample, layer] = 1
    push(state, time, process, ASK_REPLICAS)


@compiled
def _enter(graph: RowArrays, state: LoopState, progress: Progress, time: float, sample: int) -> None:
    """A sample enters: layers that read no others have what they need."""
    for layer in range(len(graph.rows)):
        if graph.read_offset[layer] == graph.read_offset[layer + 1]:
            _start_row(graph, state, progress, time, sample * len(graph.rows) + layer)


@compiled
def _run(ran: RowProgram, state: LoopState, progress: Progress) -> None:
    """Fill the times of `progress`."""
    times = progress.times
    samples, layers, graph = times.shape[1], times.shape[2], ran.graph
    _enter(graph, state, progress, 0.0, 0)
    while state.counters[0] > 0:
        time, process = pop(state)
        sample, layer = divmod(process, layers)
        if state.event[process] == ASK_REPLICAS:
            if progress.done[sample, layer] == 0:
                times[0, sample, layer] = time
            progress.asked[sample, layer], progress.busy[sample, layer] = time, 0.0
            ask_replicas(ran.layers, state, time, process)
            continue
        if state.event[process] == FINISH_ROUND:
            _free_crossbars(ran, state, progress, time, process)
            state.round[process] += 1
        if state.event[process] == ASK_CROSSBARS or state.round[process] < state.rounds[process]:
            _deal_round(ran, state, process)
            _ask_crossbars(ran, state, process)
            if state.lacking[process] == 0:
                _run_round(ran, state, progress, time, process)
            continue
        times[2, sample, layer] = time
        waited = time - progress.asked[sample, layer] - progress.busy[sample, layer]
        times[4, sample, layer] += max(waited, 0.0)
        return_replicas(ran.layers, state, time, process)
        progress.done[sample, layer] += 1
        progress.running[sample, layer] = 0
        if layer == 0 and sample + 1 < samples and progress.done[sample, 0] == graph.rows[0]:
            _enter(graph, state, progress, time, sample + 1)
        _start_row(graph, state, progress, time, sample * len(graph.rows) + layer)
        for k in range(graph.reader_offset[layer], graph.reader_offset[layer + 1]):
            _start_row(graph, state, progress, time, sample * layers + graph.reader[k])
