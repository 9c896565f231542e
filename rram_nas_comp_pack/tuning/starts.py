"""Layouts to start from: the un-duplicated one with copies in its gaps, and crossbars in pools."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Floats, Ints
from ..kernels.jit import compiled
from ..packing.items import Items
from ..packing.pack import Goal, pack
from ..values import CrossbarSize, Placement, Rules
from .anneal import set_durations
from .choices import Choices
from .moves import grow, recut
from .pool_search import improve
from .pools import OUT_OF_REACH, pools, template
from .state import State, boxes_of, empty, put, put_all, undo

PACK_EFFORT = 120
"""Steps to pack the layers without pools: a fraction of a millisecond."""


def as_placed(choices: Choices, placements: Sequence[Placement], seed: int) -> State | None:
    """The un-duplicated layout, packed anew where boxes of a layer share a crossbar; None without room."""
    state = empty(choices, seed)
    homes = {(p.layer_idx, p.crossbar_idx) for p in placements}
    fullest = np.bincount([p.crossbar_idx for p in placements]).max()
    if len(homes) < len(placements) or fullest > choices.max_load:
        _pack_once(choices, state, np.arange(len(choices.layer)))
        return state if state.copies.all() else None
    store = {layer: o for o, layer in enumerate(choices.layer.tolist())}
    for p in placements:
        put(choices, state, (store[p.layer_idx], p.box), (p.crossbar_idx, p.loc_x, p.loc_y))
    state.copies[:] = 1
    return state


@compiled
def fill_gaps(choices: Choices, state: State, samples: int) -> None:
    """Cut layers the way that gains most for its room, then add copies where they gain most."""
    state.entries[0] = 0
    set_durations(choices, state)
    for store in range(len(choices.layer)):
        variant = _most_gainful(choices, store)
        if variant != state.variant[store]:
            recut(choices, state, store, variant)
            if not grow(choices, state, store):
                undo(choices, state, 0)
        state.entries[0] = 0
    closed = np.zeros(len(choices.layer), np.bool_)
    while not closed.all():
        set_durations(choices, state)
        store = _neediest(choices, state, closed, samples)
        closed[store] = not grow(choices, state, store)
        state.entries[0] = 0


@compiled
def room_of(choices: Choices, variant: int) -> float:
    """What a copy takes up, in crossbars: of their cells and of the boxes that they may hold."""
    boxes = slice(choices.box_at[variant], choices.box_at[variant + 1])
    cells = (choices.width[boxes] * choices.height[boxes]).sum()
    return float(cells / (choices.rows * choices.columns) + boxes_of(choices, variant) / choices.max_load)


@compiled
def _most_gainful(choices: Choices, store: int) -> int:
    """The variant with the least product of time and room."""
    best, least = choices.variant_at[store], np.inf
    for variant in range(choices.variant_at[store], choices.variant_at[store + 1]):
        product = choices.alone[variant] * room_of(choices, variant)
        if product < least and boxes_of(choices, variant) <= choices.crossbars:
            best, least = variant, product
    return int(best)


@compiled
def _neediest(choices: Choices, state: State, closed: NDArray[np.bool_], samples: int) -> int:
    """The open store whose next copy saves most time for its room; the slowest counts for every sample."""
    saved = np.zeros(len(closed))
    slowest = state.duration.max()
    for e in range(len(choices.store)):
        store = choices.store[e]
        copies = state.copies[store]
        weight = samples if state.duration[e] == slowest else 1
        saved[store] += weight * state.duration[e] / (copies + 1)
    best, most = -1, -1.0
    for store in range(len(closed)):
        worth = saved[store] / room_of(choices, state.variant[store])
        if not closed[store] and worth > most:
            best, most = store, worth
    return best


def in_pools(choices: Choices, busy: Ints, samples: int, seed: int, steps: int) -> State | None:
    """Busy stores in pools of crossbars of their own, all others packed; None where pools have no room.

    `steps` is how long the search for pools goes on.
    """
    state = empty(choices, seed)
    others = np.setdiff1d(np.arange(len(choices.layer)), busy)
    used = _pack_once(choices, state, others)
    if not len(busy) or used >= choices.crossbars:
        return None
    found = pools(choices, busy, state.random)
    latency = improve(found, (choices.crossbars - used, samples), steps)
    if latency >= OUT_OF_REACH:
        return None
    state.variant[busy] = found.variant[busy]
    first = used
    for pool, size in enumerate(found.size.tolist()):
        members = found.members[: template(found, pool)].tolist()
        for q, o in enumerate(members):
            x, y = found.corners[q, :2].tolist()
            boxes = boxes_of(choices, state.variant[o])
            copies = int(min(choices.most[state.variant[o]], size // boxes))
            keys = np.array([[o], [0]]) + np.array([[0], [1]]) * np.arange(copies * boxes)
            put_all(choices, state, keys, np.array([[first], [x], [y]]) + np.array([[1], [0], [0]]) * keys[1])
            state.copies[o] = copies
        first += size
    return state


@compiled
def _rooms(choices: Choices, variants: Ints) -> Floats:
    """What a copy of each of these variants takes up."""
    rooms = np.zeros(len(variants))
    for j in range(len(variants)):
        rooms[j] = room_of(choices, variants[j])
    return rooms


def busy_stores(choices: Choices, times: float) -> Ints:
    """Stores that take so many times more reads for their room than the network for the whole chip."""
    first = choices.variant_at[:-1]
    time = choices.alone[first]
    room = _rooms(choices, first)
    return np.flatnonzero(time / room > times * time.sum() / choices.crossbars)


def _pack_once(choices: Choices, state: State, stores: Ints) -> int:
    """Pack one copy of each of these stores into the first crossbars; returns how many they take."""
    if not len(stores):
        return 0
    counts = np.diff(choices.box_at)[state.variant[stores]]
    owner = np.repeat(stores, counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    boxes, layers = choices.box_at[state.variant[owner]] + number, choices.layer[owner]
    size = CrossbarSize(choices.rows, choices.columns)
    items = Items(choices.width[boxes], choices.height[boxes], layers, size)
    layout = pack(
        items, Rules(choices.threshold, choices.max_load), Goal("best", effort=PACK_EFFORT, full_bound=False)
    )
    if layout.crossbars > choices.crossbars:
        return choices.crossbars
    put_all(choices, state, np.stack([owner, number]), np.stack([layout.bins, layout.xs, layout.ys]))
    state.copies[stores] = 1
    return layout.crossbars
