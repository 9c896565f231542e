"""A layout whose busy layers lie in pools of crossbars."""

from __future__ import annotations

import numpy as np

from ....kernels.arrays import Floats, Ints
from ....kernels.jit import compiled
from ..construction import pack_single_copies, room_of
from ..layout_state import LayoutState, boxes_of, empty_layout, place_boxes
from ..search_space import SearchSpace
from .annealing import anneal_pools
from .model import OUT_OF_REACH, pack_template, single_pools


def pooled_layout(space: SearchSpace, busy: Ints, samples: int, seed: int, steps: int) -> LayoutState | None:
    """Busy owners in pools of crossbars of their own, all others packed; None where pools have no room.

    `steps` is how long the search for pools goes on.
    """
    state = empty_layout(space, seed)
    others = np.setdiff1d(np.arange(len(space.layer)), busy)
    used = pack_single_copies(space, state, others)
    if not len(busy) or used >= space.crossbars:
        return None
    found = single_pools(space, busy, state.random)
    latency = anneal_pools(found, space.crossbars - used, samples, steps)
    if latency >= OUT_OF_REACH:
        return None
    state.variant[busy] = found.variant[busy]
    first = used
    for pool, size in enumerate(found.size.tolist()):
        members = found.members[: pack_template(found, pool)].tolist()
        for q, o in enumerate(members):
            x, y = found.corners[q, :2].tolist()
            boxes = boxes_of(space, state.variant[o])
            copies = int(min(space.max_useful_copies[state.variant[o]], size // boxes))
            keys = np.array([[o], [0]]) + np.array([[0], [1]]) * np.arange(copies * boxes)
            place_boxes(
                space, state, keys, np.array([[first], [x], [y]]) + np.array([[1], [0], [0]]) * keys[1]
            )
            state.copies[o] = copies
        first += size
    return state


@compiled
def _rooms(space: SearchSpace, variants: Ints) -> Floats:
    """What a copy of each of these variants takes up."""
    rooms = np.zeros(len(variants))
    for j in range(len(variants)):
        rooms[j] = room_of(space, variants[j])
    return rooms


def busy_owners(space: SearchSpace, times: float) -> Ints:
    """Owners that take so many times more reads for their room than the network for the whole chip."""
    first = space.variant_offset[:-1]
    time = space.single_copy_time[first]
    room = _rooms(space, first)
    return np.flatnonzero(time / room > times * time.sum() / space.crossbars)
