"""The layout that the tuner works on: kernels that put boxes onto crossbars, take them off, and undo both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Floats, Ints
from ..kernels.bottom_left import bottom_left
from ..kernels.jit import compiled, inlined
from ..kernels.random import RandomState, random_state
from .choices import Choices

PUT, TAKEN, COPIES, VARIANT = range(4)
"""Kinds of entries of the journal."""


class State(NamedTuple):
    """A layout, updated in place.

    Per store: its `variant` and `copies`; `home`, `x` and `y` (stores, crossbars) tell crossbar, first column
    and first row of its k-th box, k = replica * boxes + box: no two boxes of a store share a crossbar. Per
    crossbar: `load` boxes, listed in `content` as store * crossbars + k, and `free` cells. `shared` (stores,
    stores) counts the crossbars that two stores have in common, `clash` is the time that they would wait for
    each other once they have one. `duration` (executions,) is the time of a layer. `journal` lists the
    changes since it was emptied, `entries` (1,) how many; `corners` is scratch.
    """

    variant: Ints
    copies: Ints
    home: Ints
    x: Ints
    y: Ints
    load: Ints
    content: Ints
    free: Ints
    shared: Ints
    clash: Floats
    duration: Floats
    journal: Ints
    entries: Ints
    corners: Ints
    random: RandomState


def empty(choices: Choices, seed: int) -> State:
    """No boxes anywhere: every store in its first variant, without copies."""
    stores, crossbars = len(choices.layer), choices.crossbars
    return State(
        variant=choices.variant_at[:-1].copy(),
        copies=np.zeros(stores, np.int64),
        home=np.zeros((stores, crossbars), np.int64),
        x=np.zeros((stores, crossbars), np.int64),
        y=np.zeros((stores, crossbars), np.int64),
        load=np.zeros(crossbars, np.int64),
        content=np.zeros((crossbars, choices.max_load), np.int64),
        free=np.full(crossbars, choices.rows * choices.columns),
        shared=np.zeros((stores, stores), np.int64),
        clash=np.zeros((stores, stores)),
        duration=np.zeros(len(choices.store)),
        journal=np.zeros((16 * crossbars + 64, 6), np.int64),
        entries=np.zeros(1, np.int64),
        corners=np.zeros((choices.max_load, 4), np.int64),
        random=random_state(seed),
    )


@inlined
def boxes_of(choices: Choices, variant: int) -> int:
    """Boxes of one replica."""
    return int(choices.box_at[variant + 1] - choices.box_at[variant])


@inlined
def box_of(choices: Choices, state: State, store: int, k: int) -> int:
    """Which box of `choices` the store's k-th box is."""
    variant = state.variant[store]
    return int(choices.box_at[variant] + k % boxes_of(choices, variant))


@compiled
def put(choices: Choices, state: State, box: tuple[int, int], place: tuple[int, int, int]) -> None:
    """Put box (store, k) at (crossbar, x, y)."""
    store, k = box
    crossbar, x, y = place
    state.home[store, k], state.x[store, k], state.y[store, k] = crossbar, x, y
    n = state.load[crossbar]
    for j in range(n):
        other = state.content[crossbar, j] // choices.crossbars
        state.shared[store, other] += 1
        state.shared[other, store] += 1
    state.content[crossbar, n] = store * choices.crossbars + k
    state.load[crossbar] = n + 1
    b = box_of(choices, state, store, k)
    state.free[crossbar] -= choices.width[b] * choices.height[b]


@compiled
def put_all(choices: Choices, state: State, keys: Ints, places: Ints) -> None:
    """Put boxes at their places: rows of `keys` are store and k, of `places` crossbar, x and y."""
    for j in range(keys.shape[1]):
        put(choices, state, (keys[0, j], keys[1, j]), (places[0, j], places[1, j], places[2, j]))


@compiled
def take(choices: Choices, state: State, store: int, k: int) -> None:
    """Take a box off its crossbar."""
    crossbar = state.home[store, k]
    last = state.load[crossbar] - 1
    j = 0
    while state.content[crossbar, j] != store * choices.crossbars + k:
        j += 1
    state.content[crossbar, j] = state.content[crossbar, last]
    state.load[crossbar] = last
    for j in range(last):
        other = state.content[crossbar, j] // choices.crossbars
        state.shared[store, other] -= 1
        state.shared[other, store] -= 1
    b = box_of(choices, state, store, k)
    state.free[crossbar] += choices.width[b] * choices.height[b]


@compiled
def note(state: State, kind: int, store: int, value: int) -> None:
    """Enter a change into the journal: the box put or taken, or the former copies or variant."""
    entry = state.journal[state.entries[0]]
    entry[0], entry[1], entry[2] = kind, store, value
    if kind == TAKEN:
        entry[3], entry[4], entry[5] = state.home[store, value], state.x[store, value], state.y[store, value]
    state.entries[0] += 1


@compiled
def undo(choices: Choices, state: State, entries: int) -> None:
    """Take back all changes but the first `entries` of the journal."""
    while state.entries[0] > entries:
        state.entries[0] -= 1
        kind, store, value, crossbar, x, y = state.journal[state.entries[0]]
        if kind == PUT:
            take(choices, state, store, value)
        elif kind == TAKEN:
            put(choices, state, (store, value), (crossbar, x, y))
        elif kind == COPIES:
            state.copies[store] = value
        else:
            state.variant[store] = value


@compiled
def find_spot(choices: Choices, state: State, crossbar: int, box: int) -> tuple[int, int]:
    """Column and row where the bottom-left rule puts a box on a crossbar; column -1 where it does not fit."""
    n = state.load[crossbar]
    corners = state.corners
    for j in range(n):
        store, k = divmod(state.content[crossbar, j], choices.crossbars)
        b = box_of(choices, state, store, k)
        x, y = state.x[store, k], state.y[store, k]
        corners[j, 0], corners[j, 1] = x, y
        corners[j, 2], corners[j, 3] = x + choices.width[b], y + choices.height[b]
    size = (choices.columns, choices.rows)
    return bottom_left(corners, n, choices.width[box], choices.height[box], size)
