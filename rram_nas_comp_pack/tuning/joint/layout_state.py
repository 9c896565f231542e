"""The layout that the tuner works on: kernels that place boxes, remove them, and undo both."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ...kernels.arrays import Floats, Ints
from ...kernels.bottom_left import bottom_left
from ...kernels.jit import compiled, inlined
from ...kernels.random import RandomState, random_state
from ...values import CrossbarSize
from .search_space import SearchSpace

PLACED, REMOVED, COPIES, VARIANT = range(4)
"""Kinds of changes in the undo log."""


class OwnersBox(NamedTuple):
    """The k-th box of an owner."""

    owner: int
    k: int


class Position(NamedTuple):
    """A crossbar and a corner on it: first column, first row."""

    crossbar: int
    x: int
    y: int


class LayoutState(NamedTuple):
    """A layout, updated in place. No two boxes of an owner share a crossbar.

    The k-th box of an owner is box k % boxes of its replica k // boxes.
    """

    variant: Ints  # (O,) how an owner is cut
    copies: Ints  # (O,)
    home: Ints  # (O, C) crossbar of the k-th box
    x: Ints  # (O, C) first column of the k-th box
    y: Ints  # (O, C) first row of the k-th box
    load: Ints  # (C,) boxes on a crossbar
    content: Ints  # (C, L) those boxes, as owner * C + k
    free: Ints  # (C,) cells that no box covers
    shared: Ints  # (O, O) crossbars that two owners have in common
    overlap_time: Floats  # (O, O) time that two owners would wait for each other if they shared a crossbar
    duration: Floats  # (E,) time of a layer
    undo_log: Ints  # (M, 6) changes since it was emptied: kind, owner, value, crossbar, x, y
    undo_length: Ints  # (1,) how many
    corners: Ints  # (L, 4) scratch
    random: RandomState


def empty_layout(space: SearchSpace, seed: int) -> LayoutState:
    """No boxes anywhere: every owner in its first variant, without copies."""
    owners, crossbars = len(space.layer), space.crossbars
    return LayoutState(
        variant=space.variant_offset[:-1].copy(),
        copies=np.zeros(owners, np.int64),
        home=np.zeros((owners, crossbars), np.int64),
        x=np.zeros((owners, crossbars), np.int64),
        y=np.zeros((owners, crossbars), np.int64),
        load=np.zeros(crossbars, np.int64),
        content=np.zeros((crossbars, space.max_load), np.int64),
        free=np.full(crossbars, space.rows * space.columns),
        shared=np.zeros((owners, owners), np.int64),
        overlap_time=np.zeros((owners, owners)),
        duration=np.zeros(len(space.owner)),
        undo_log=np.zeros((16 * crossbars + 64, 6), np.int64),
        undo_length=np.zeros(1, np.int64),
        corners=np.zeros((space.max_load, 4), np.int64),
        random=random_state(seed),
    )


@inlined
def boxes_of(space: SearchSpace, variant: int) -> int:
    """Boxes of one replica."""
    return int(space.box_offset[variant + 1] - space.box_offset[variant])


@inlined
def box_of(space: SearchSpace, state: LayoutState, owner: int, k: int) -> int:
    """Which box of `space` the owner's k-th box is."""
    variant = state.variant[owner]
    return int(space.box_offset[variant] + k % boxes_of(space, variant))


@compiled
def place_box(space: SearchSpace, state: LayoutState, box: OwnersBox, position: Position) -> None:
    """Place a box."""
    owner, k = box
    crossbar, x, y = position
    state.home[owner, k], state.x[owner, k], state.y[owner, k] = crossbar, x, y
    n = state.load[crossbar]
    for j in range(n):
        other = state.content[crossbar, j] // space.crossbars
        state.shared[owner, other] += 1
        state.shared[other, owner] += 1
    state.content[crossbar, n] = owner * space.crossbars + k
    state.load[crossbar] = n + 1
    b = box_of(space, state, owner, k)
    state.free[crossbar] -= space.width[b] * space.height[b]


@compiled
def place_boxes(space: SearchSpace, state: LayoutState, keys: Ints, places: Ints) -> None:
    """Place many boxes: rows of `keys` are owner and k, of `places` crossbar, x and y."""
    for j in range(keys.shape[1]):
        position = Position(places[0, j], places[1, j], places[2, j])
        place_box(space, state, OwnersBox(keys[0, j], keys[1, j]), position)


@compiled
def remove_box(space: SearchSpace, state: LayoutState, owner: int, k: int) -> None:
    """Take a box off its crossbar."""
    crossbar = state.home[owner, k]
    last = state.load[crossbar] - 1
    j = 0
    while state.content[crossbar, j] != owner * space.crossbars + k:
        j += 1
    state.content[crossbar, j] = state.content[crossbar, last]
    state.load[crossbar] = last
    for j in range(last):
        other = state.content[crossbar, j] // space.crossbars
        state.shared[owner, other] -= 1
        state.shared[other, owner] -= 1
    b = box_of(space, state, owner, k)
    state.free[crossbar] += space.width[b] * space.height[b]


@compiled
def record(state: LayoutState, kind: int, owner: int, value: int) -> None:
    """Enter a change into the undo log: the box placed or removed, or the former copies or variant."""
    entry = state.undo_log[state.undo_length[0]]
    entry[0], entry[1], entry[2] = kind, owner, value
    if kind == REMOVED:
        entry[3], entry[4], entry[5] = state.home[owner, value], state.x[owner, value], state.y[owner, value]
    state.undo_length[0] += 1


@compiled
def undo(space: SearchSpace, state: LayoutState, length: int) -> None:
    """Take back all changes but the first `length` of the undo log."""
    while state.undo_length[0] > length:
        state.undo_length[0] -= 1
        kind, owner, value, crossbar, x, y = state.undo_log[state.undo_length[0]]
        if kind == PLACED:
            remove_box(space, state, owner, value)
        elif kind == REMOVED:
            place_box(space, state, OwnersBox(owner, value), Position(crossbar, x, y))
        elif kind == COPIES:
            state.copies[owner] = value
        else:
            state.variant[owner] = value


@compiled
def free_corner(space: SearchSpace, state: LayoutState, crossbar: int, box: int) -> tuple[int, int]:
    """Column and row where the bottom-left rule puts a box on a crossbar, or (-1, -1)."""
    n = state.load[crossbar]
    corners = state.corners
    for j in range(n):
        owner, k = divmod(state.content[crossbar, j], space.crossbars)
        b = box_of(space, state, owner, k)
        x, y = state.x[owner, k], state.y[owner, k]
        corners[j, 0], corners[j, 1] = x, y
        corners[j, 2], corners[j, 3] = x + space.width[b], y + space.height[b]
    size = CrossbarSize(space.rows, space.columns)
    return bottom_left(corners, n, space.width[box], space.height[box], size)
