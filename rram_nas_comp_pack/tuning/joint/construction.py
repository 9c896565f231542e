"""Layouts to start from: the packing without copies, and copies added to a layout (design: *Starts*)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...kernels.arrays import Ints
from ...kernels.jit import compiled
from ...packing.items import Items
from ...packing.pack import PackingSettings, pack
from ...values import CrossbarSize, Placement, Rules
from .fast_schedule import ScheduleBuffers
from .layout_state import (
    LayoutState,
    OwnersBox,
    Position,
    boxes_of,
    empty_layout,
    place_box,
    place_boxes,
    undo,
)
from .moves import grow, grow_to, recut
from .objective import (
    AUGMENTED,
    CURRENT,
    Incumbent,
    accept_layout,
    crowding_penalty,
    latency,
    set_durations,
)
from .search_space import SearchSpace

PACK_EFFORT = 120
"""Steps to pack the layers without pools: a fraction of a millisecond."""


def from_packing(space: SearchSpace, placements: Sequence[Placement], seed: int) -> LayoutState | None:
    """The un-duplicated layout, packed anew where boxes of a layer share a crossbar; None without room."""
    state = empty_layout(space, seed)
    homes = {(p.layer_idx, p.crossbar_idx) for p in placements}
    fullest = np.bincount([p.crossbar_idx for p in placements]).max()
    if len(homes) < len(placements) or fullest > space.max_load:
        pack_single_copies(space, state, np.arange(len(space.layer)))
        return state if state.copies.all() else None
    owner = {layer: o for o, layer in enumerate(space.layer.tolist())}
    for p in placements:
        position = Position(p.crossbar_idx, p.loc_x, p.loc_y)
        place_box(space, state, OwnersBox(owner[p.layer_idx], p.box), position)
    state.copies[:] = 1
    return state


@compiled
def add_copies_greedily(space: SearchSpace, state: LayoutState, samples: int) -> None:
    """Cut layers the way that gains most for its room, then add copies where they gain most."""
    state.undo_length[0] = 0
    set_durations(space, state)
    for owner in range(len(space.layer)):
        variant = _best_cut(space, owner)
        if variant != state.variant[owner]:
            recut(space, state, owner, variant)
            if not grow(space, state, owner):
                undo(space, state, 0)
        state.undo_length[0] = 0
    closed = np.zeros(len(space.layer), np.bool_)
    while not closed.all():
        set_durations(space, state)
        owner = _best_copy_to_add(space, state, closed, samples)
        closed[owner] = not grow(space, state, owner)
        state.undo_length[0] = 0


@compiled
def room_of(space: SearchSpace, variant: int) -> float:
    """What a copy takes up, in crossbars: of their cells and of the boxes that they may hold."""
    boxes = slice(space.box_offset[variant], space.box_offset[variant + 1])
    cells = (space.width[boxes] * space.height[boxes]).sum()
    return float(cells / (space.rows * space.columns) + boxes_of(space, variant) / space.max_load)


@compiled
def _best_cut(space: SearchSpace, owner: int) -> int:
    """The variant with the least product of time and room."""
    best, least = space.variant_offset[owner], np.inf
    for variant in range(space.variant_offset[owner], space.variant_offset[owner + 1]):
        product = space.single_copy_time[variant] * room_of(space, variant)
        if product < least and boxes_of(space, variant) <= space.crossbars:
            best, least = variant, product
    return int(best)


@compiled
def _best_copy_to_add(space: SearchSpace, state: LayoutState, closed: NDArray[np.bool_], samples: int) -> int:
    """The open owner whose next copy saves most time for its room; the slowest counts for every sample."""
    saved = np.zeros(len(closed))
    slowest = state.duration.max()
    for e in range(len(space.owner)):
        owner = space.owner[e]
        copies = state.copies[owner]
        weight = samples if state.duration[e] == slowest else 1
        saved[owner] += weight * state.duration[e] / (copies + 1)
    best, most = -1, -1.0
    for owner in range(len(closed)):
        worth = saved[owner] / room_of(space, state.variant[owner])
        if not closed[owner] and worth > most:
            best, most = owner, worth
    return best


def pack_single_copies(space: SearchSpace, state: LayoutState, owners: Ints) -> int:
    """Pack one copy of each of these owners into the first crossbars; returns how many they take."""
    if not len(owners):
        return 0
    counts = np.diff(space.box_offset)[state.variant[owners]]
    owner = np.repeat(owners, counts)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    boxes, layers = space.box_offset[state.variant[owner]] + number, space.layer[owner]
    size = CrossbarSize(space.rows, space.columns)
    items = Items(space.width[boxes], space.height[boxes], layers, size)
    layout = pack(
        items,
        Rules(space.threshold, space.max_load),
        PackingSettings("best", effort=PACK_EFFORT, seed=0, full_bound=False),
    )
    if layout.crossbars > space.crossbars:
        return space.crossbars
    place_boxes(space, state, np.stack([owner, number]), np.stack([layout.bins, layout.xs, layout.ys]))
    state.copies[owners] = 1
    return layout.crossbars


class Doubling(NamedTuple):
    """How many samples' latency counts, and how often more copies are tried."""

    samples: int
    tries: int


@compiled
def double_copies(
    space: SearchSpace,
    state: LayoutState,
    buffers: ScheduleBuffers,
    incumbent: Incumbent,
    effort: Doubling,
) -> None:
    """Double the copies of owners where that makes an evaluated layout faster.

    Boxes go where they bring least waiting in the schedule at hand. An owner that gained nothing, or found no
    room, is not tried again.
    """
    samples, tries = effort
    closed = np.zeros(len(space.layer), np.bool_)
    for _ in range(tries):
        owner = _most_promising(space, state, closed)
        if owner < 0:
            break
        state.undo_length[0] = 0
        before, now = state.copies[owner], incumbent.latency[CURRENT]
        grow_to(space, state, owner, 2 * before)
        set_durations(space, state)
        if state.copies[owner] > before:
            now = latency(space, state, buffers, samples)
        if now < incumbent.latency[CURRENT]:
            accept_layout(space, state, buffers, incumbent, now)
        else:
            undo(space, state, 0)
            set_durations(space, state)
            closed[owner] = True
    incumbent.latency[AUGMENTED] = incumbent.latency[CURRENT] + crowding_penalty(space, state, samples)


@compiled
def _most_promising(space: SearchSpace, state: LayoutState, closed: NDArray[np.bool_]) -> int:
    """The open owner that takes longest for the room of a copy; -1 where none is left."""
    best, most = -1, 0.0
    for e in range(len(space.owner)):
        owner = space.owner[e]
        promise = state.duration[e] / room_of(space, state.variant[owner])
        if not closed[owner] and promise > most:
            best, most = owner, promise
    return best
