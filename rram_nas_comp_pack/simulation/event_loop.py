"""From a packing to a schedule: the event loop (RNC section 5).

Layers of one sample never overlap, so a sample has one process and at most one pending event. Events are
served by time, those of equal time in the order in which they were scheduled. What a process does:

    ask for replicas -> (hold all) ask for the round's crossbars -> (hold all) run -> free them -> next round
    ... last round -> return the replicas -> next layer of the sample; after layer 0, the next sample too

Replicas go to the longest-waiting process, lowest index first; a crossbar to the round that asked first.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Floats, Ints, offsets
from ..kernels.jit import compiled
from ..values import Box, Layer, Mapping, Placement, ReadTime, Schedule, beside_reads_ns
from .free_flow import free_flow

ASK_REPLICAS, ASK_CROSSBARS, FINISH_ROUND = range(3)
NOBODY = -1


class Program(NamedTuple):
    """What the event loop runs, as flat arrays.

    Per layer (executions): `owner` (which layer's replicas it uses), `takes` (replicas it takes), `boxes`
    (boxes of one replica) and `time_offset`, where its box times start in `times`. Per owner: `copies`,
    `replica_offset` (its first replica among all) and `crossbar_offset`, where its crossbars start in
    `crossbars` (replica by replica, box by box). A crossbar of -1 is never waited for. Times are in units of
    `unit_ns`: whole reads where all reads take equally long, so that equal times are equal.
    """

    owner: Ints
    takes: Ints
    boxes: Ints
    time_offset: Ints
    times: Floats
    copies: Ints
    replica_offset: Ints
    crossbar_offset: Ints
    crossbars: Ints
    unit_ns: float


def program(
    mappings: Sequence[Mapping],
    read_ns: ReadTime,
    placements: Sequence[Placement] | None = None,
    rows: Sequence[int] | None = None,
) -> Program:
    """Prepare mapped layers for simulation; without placements, no crossbar is shared (the ideal).

    Mappings are those of layers 0, 1, 2 … in order. With `rows` (layers,), the times are those of one row.
    What a layer takes beside its reads is part of every round of it.
    """
    boxes = [len(m.boxes) for m in mappings]
    places = [b * m.copies if m.stored else 0 for m, b in zip(mappings, boxes, strict=True)]
    crossbars = np.full(sum(places), -1, dtype=np.int64)
    offset = offsets(places)
    numbers: dict[int, int] = {}  # from 0 without gaps: the queues are as many as the crossbars in use
    for p in placements or ():
        at = offset[p.layer_idx] + p.replica * boxes[p.layer_idx] + p.box
        crossbars[at] = numbers.setdefault(p.crossbar_idx, len(numbers))
    return program_on(crossbars, mappings, read_ns, rows)


def program_on(
    crossbars: Ints, mappings: Sequence[Mapping], read_ns: ReadTime, rows: Sequence[int] | None = None
) -> Program:
    """`program` of boxes whose crossbars are known, in order of layers, replicas and boxes."""
    parts = np.ones(len(mappings), dtype=np.int64) if rows is None else np.array(rows, dtype=np.int64)
    reads = [_reads(m.layer, m.boxes, read_ns) for m in mappings]
    copies = np.array([m.copies for m in mappings], dtype=np.int64)
    takes = np.minimum(copies, -(-np.array([m.layer.raw.cycles for m in mappings]) // parts))
    boxes = np.array([len(m.boxes) for m in mappings], dtype=np.int64)
    stored = np.array([m.stored for m in mappings])
    ns = np.concatenate([each for _, each in reads])
    uniform = bool((ns == ns[0]).all())
    cycles = -(-np.concatenate([each for each, _ in reads]) // np.repeat(parts, boxes))
    rounds = -(-cycles // np.repeat(takes, boxes))
    unit_ns = float(ns[0]) if uniform else 1.0
    beside = np.array([beside_reads_ns(m, read_ns) for m in mappings]) / parts / unit_ns
    return Program(
        np.array([m.layer.stored_in for m in mappings], dtype=np.int64),
        takes,
        boxes,
        offsets(boxes),
        rounds * (1.0 if uniform else ns) + np.repeat(beside, boxes),
        copies,
        offsets(copies),
        offsets(boxes * copies * stored),
        crossbars,
        unit_ns,
    )


@lru_cache(maxsize=65536)
def _reads(layer: Layer, boxes: tuple[Box, ...], read_ns: ReadTime) -> tuple[Ints, Floats]:
    """Number of reads of every box, and the ns of one."""
    return np.array([box.cycles for box in boxes]), np.array([read_ns(layer, box) for box in boxes])


def simulate(program: Program, samples: int) -> Schedule:
    """Run `samples` samples through the layers."""
    if _flows_freely(program):
        times = free_flow(np.maximum.reduceat(program.times, program.time_offset[:-1]), samples)
    else:
        times = np.zeros((4, samples, len(program.owner)))
        _run(program, _state(program, samples), times)
    asked, started, finished, busy = times
    waited = np.maximum(finished - asked - busy, 0.0)  # in whole reads where they are: no rounding shows
    unit_ns = program.unit_ns
    return Schedule(asked * unit_ns, started * unit_ns, finished * unit_ns, busy * unit_ns, waited * unit_ns)


def _flows_freely(program: Program) -> bool:
    """Whether no crossbar is shared, and each layer takes all replicas that there are, and nobody else's."""
    alone = bool((program.owner == np.arange(len(program.owner))).all())
    return alone and bool((program.crossbars < 0).all() and (program.takes == program.copies).all())


class Executions(NamedTuple):
    """Every box that was read, as arrays of one length, in order of starting.

    Of each: `sample`, `layer` (execution), `round` of the layer, `replica` and `box`, and when its round
    held the crossbar, from `start_ns` to `end_ns`, no later than the next round starts there.
    """

    sample: Ints
    layer: Ints
    round: Ints
    replica: Ints
    box: Ints
    start_ns: Floats
    end_ns: Floats


def executions(program: Program, samples: int) -> Executions:
    """Run as `simulate` does and list the boxes that are read; boxes without a place are left out."""
    rows = samples * int((program.boxes * program.takes).sum())
    state = _state(program, samples, rows)
    _run(program, state, np.zeros((4, samples, len(program.owner))))
    read = state.counters[3]
    sample, layer, turn, place = state.log[:read].T
    replica, box = np.divmod(place - program.crossbar_offset[program.owner[layer]], program.boxes[layer])
    start, end = state.log_time[:read].T * program.unit_ns
    return Executions(sample, layer, turn, replica, box, start, end)


class LoopState(NamedTuple):
    """Everything that changes.

    The heap of events; `counters` hold its size, the events ever scheduled (they give each its turn among
    equal times), the rounds ever dealt and the boxes in the log. Per sample: `layer`, `event`, `round` and
    `rounds` (of its layer), `length` (how long its round runs), `lacking` (crossbars or replicas it waits
    for), `width` (crossbars its round asked for, listed in its row of `asked`, where the boxes stand in the
    program's `crossbars` in that of `place`), `next_waiting` (behind it in a replica queue). Queues
    are linked lists, first and last: of samples for the replicas of a store, of places (sample, position in
    its row of `asked`) for a crossbar. Per crossbar, `seen`: its boxes in the round dealt last. The log,
    where one is kept: sample, layer, round and place of each box that was read; start and end of its round.
    """

    heap_time: Floats
    heap_turn: Ints
    heap_sample: Ints
    counters: Ints
    layer: Ints
    event: Ints
    round: Ints
    rounds: Ints
    length: Floats
    lacking: Ints
    width: Ints
    asked: Ints
    place: Ints
    next_place: Ints
    crossbar_queue: Ints
    seen: Ints
    owner: Ints
    next_waiting: Ints
    replica_queue: Ints
    log: Ints
    log_time: Floats


def _state(program: Program, samples: int, logged: int = 0) -> LoopState:
    width = int((program.boxes * program.takes).max()) + 1
    crossbars = int(program.crossbars.max(initial=-1)) + 1
    return LoopState(
        heap_time=np.zeros(samples),
        heap_turn=nobody(samples),
        heap_sample=nobody(samples),
        counters=np.zeros(4, dtype=np.int64),
        layer=np.zeros(samples, dtype=np.int64),
        event=nobody(samples),
        round=np.zeros(samples, dtype=np.int64),
        rounds=np.zeros(samples, dtype=np.int64),
        length=np.zeros(samples),
        lacking=np.zeros(samples, dtype=np.int64),
        width=np.zeros(samples, dtype=np.int64),
        asked=nobody(samples, width),
        place=nobody(samples, width),
        next_place=nobody(samples * width),
        crossbar_queue=nobody(crossbars, 2),
        seen=np.zeros((crossbars, 2), dtype=np.int64),
        owner=nobody(int(program.copies.sum())),
        next_waiting=nobody(samples),
        replica_queue=nobody(len(program.owner), 2),
        log=nobody(logged, 4),
        log_time=np.zeros((logged, 2)),
    )


def nobody(*shape: int) -> Ints:
    """Return places that are empty."""
    return np.full(shape, NOBODY, dtype=np.int64)


@compiled
def _before(times: Floats, turns: Ints, k: int, time: float, turn: int) -> bool:
    return bool(times[k] < time or (times[k] == time and turns[k] < turn))


@compiled
def push(state: LoopState, time: float, sample: int, event: int) -> None:
    """Schedule the sample's next event; the heap is ordered by time, then turn (order of scheduling)."""
    state.event[sample] = event
    times, turns, samples = state.heap_time, state.heap_turn, state.heap_sample
    k = state.counters[0]
    state.counters[0] = k + 1
    turn = state.counters[1]
    state.counters[1] = turn + 1
    while k > 0:
        up = (k - 1) // 2
        if times[up] <= time:  # an equal time was scheduled earlier
            break
        times[k], turns[k], samples[k] = times[up], turns[up], samples[up]
        k = up
    times[k], turns[k], samples[k] = time, turn, sample


@compiled
def pop(state: LoopState) -> tuple[float, int]:
    """Take the first event off the heap: its time and its sample."""
    times, turns, samples = state.heap_time, state.heap_turn, state.heap_sample
    first_time, first_sample = times[0], samples[0]
    n = state.counters[0] - 1
    state.counters[0] = n
    time, turn, sample = times[n], turns[n], samples[n]
    k = 0
    while 2 * k + 1 < n:
        child = 2 * k + 1
        if child + 1 < n and _before(times, turns, child + 1, times[child], turns[child]):
            child += 1
        if not _before(times, turns, child, time, turn):
            break
        times[k], turns[k], samples[k] = times[child], turns[child], samples[child]
        k = child
    times[k], turns[k], samples[k] = time, turn, sample
    return first_time, first_sample


@compiled
def grant_replicas(program: Program, state: LoopState, time: float, store: int) -> None:
    """Hand free replicas to those who wait for them, in order of asking."""
    first = program.replica_offset[store]
    for replica in range(first, first + program.copies[store]):
        sample = state.replica_queue[store, 0]
        if sample == NOBODY:
            return
        if state.owner[replica] != NOBODY:
            continue
        state.owner[replica] = sample
        state.lacking[sample] -= 1
        if state.lacking[sample] == 0:
            state.replica_queue[store, 0] = state.next_waiting[sample]
            state.round[sample] = 0
            push(state, time, sample, ASK_CROSSBARS)


@compiled
def ask_replicas(program: Program, state: LoopState, time: float, sample: int) -> None:
    """Queue for as many replicas as the sample's layer takes."""
    layer = state.layer[sample]
    store = program.owner[layer]
    state.lacking[sample] = program.takes[layer]
    state.next_waiting[sample] = NOBODY
    if state.replica_queue[store, 0] == NOBODY:
        state.replica_queue[store, 0] = sample
    else:
        state.next_waiting[state.replica_queue[store, 1]] = sample
    state.replica_queue[store, 1] = sample
    grant_replicas(program, state, time, store)


@compiled
def _deal_round(program: Program, state: LoopState, sample: int) -> None:
    """List the crossbars of the sample's round in `asked`; see how long it runs and how many rounds follow.

    A box joins the first round in which its crossbar does not occur yet: the k-th box on a crossbar, round k.
    """
    state.counters[2] += 1
    deal = state.counters[2]
    layer = state.layer[sample]
    boxes = program.boxes[layer]
    store = program.owner[layer]
    longest, width, rounds = 0.0, 0, 1
    for replica in range(program.copies[store]):
        if state.owner[program.replica_offset[store] + replica] != sample:
            continue
        first = program.crossbar_offset[store] + replica * boxes
        for box in range(boxes):
            crossbar = program.crossbars[first + box]
            turn = 0
            if crossbar >= 0:
                turn = state.seen[crossbar, 1] if state.seen[crossbar, 0] == deal else 0
                state.seen[crossbar, 0], state.seen[crossbar, 1] = deal, turn + 1
                rounds = max(rounds, turn + 1)
            if turn == state.round[sample]:
                longest = max(longest, program.times[program.time_offset[layer] + box])
                state.asked[sample, width], state.place[sample, width] = crossbar, first + box
                width += crossbar >= 0
    state.rounds[sample], state.width[sample], state.length[sample] = rounds, width, longest


@compiled
def _ask_crossbars(state: LoopState, sample: int) -> None:
    """Queue for all crossbars of the round at once."""
    lacking = 0
    row = sample * state.asked.shape[1]
    for k in range(state.width[sample]):
        queue = state.crossbar_queue[state.asked[sample, k]]
        state.next_place[row + k] = NOBODY
        if queue[0] == NOBODY:
            queue[0] = row + k
        else:
            state.next_place[queue[1]] = row + k
            lacking += 1
        queue[1] = row + k
    state.lacking[sample] = lacking


@compiled
def _log_round(state: LoopState, time: float, sample: int) -> None:
    for k in range(state.width[sample]):
        row = state.counters[3]
        state.log[row, 0], state.log[row, 1] = sample, state.layer[sample]
        state.log[row, 2], state.log[row, 3] = state.round[sample], state.place[sample, k]
        state.log_time[row, 0], state.log_time[row, 1] = time, time + state.length[sample]
        state.counters[3] = row + 1


@compiled
def _run_round(state: LoopState, times: Floats, time: float, sample: int) -> None:
    """The round holds its crossbars: note the layer's start if it is its first, and when the round ends."""
    layer = state.layer[sample]
    if state.round[sample] == 0:
        times[1, sample, layer] = time
    times[3, sample, layer] += state.length[sample]
    if len(state.log) > 0:
        _log_round(state, time, sample)
    push(state, time + state.length[sample], sample, FINISH_ROUND)


@compiled
def _free_crossbars(state: LoopState, times: Floats, time: float, sample: int) -> None:
    """Each goes to the round that has waited longest for it."""
    for k in range(state.width[sample]):
        queue = state.crossbar_queue[state.asked[sample, k]]
        queue[0] = state.next_place[queue[0]]
        if queue[0] == NOBODY:
            continue
        waiting = queue[0] // state.asked.shape[1]
        state.lacking[waiting] -= 1
        if state.lacking[waiting] == 0:
            _run_round(state, times, time, waiting)


@compiled
def return_replicas(program: Program, state: LoopState, time: float, sample: int) -> None:
    """Free the replicas that the sample held, for those who wait."""
    store = program.owner[state.layer[sample]]
    first = program.replica_offset[store]
    for replica in range(first, first + program.copies[store]):
        if state.owner[replica] == sample:
            state.owner[replica] = NOBODY
    grant_replicas(program, state, time, store)


@compiled
def _run(program: Program, state: LoopState, times: Floats) -> None:
    """Fill `times` (ask, start, finish, busy; sample; layer), in units of the program."""
    samples, layers = times.shape[1], times.shape[2]
    push(state, 0.0, 0, ASK_REPLICAS)
    while state.counters[0] > 0:
        time, sample = pop(state)
        layer = state.layer[sample]
        if state.event[sample] == ASK_REPLICAS:
            times[0, sample, layer] = time
            ask_replicas(program, state, time, sample)
            continue
        if state.event[sample] == FINISH_ROUND:
            _free_crossbars(state, times, time, sample)
            state.round[sample] += 1
        if state.event[sample] == ASK_CROSSBARS or state.round[sample] < state.rounds[sample]:
            _deal_round(program, state, sample)
            _ask_crossbars(state, sample)
            if state.lacking[sample] == 0:
                _run_round(state, times, time, sample)
            continue
        times[2, sample, layer] = time
        return_replicas(program, state, time, sample)
        if layer == 0 and sample + 1 < samples:
            push(state, time, sample + 1, ASK_REPLICAS)
        if layer + 1 < layers:
            state.layer[sample] = layer + 1
            push(state, time, sample, ASK_REPLICAS)
