"""A layout for many samples: crossbars in pools, each for a few layers that all use the whole pool.

A layer waits until the last of its crossbars is free. Where layers share some crossbars here and some there,
samples thus hold up each other all over the chip. Layers of one pool wait for each other alone: a pool works
as one machine, a sample passes it once a layer, and the slowest pool sets the pace of all samples. Every
crossbar of a pool looks the same, a template with one box of each of its layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ....kernels.arrays import Floats, Ints
from ....kernels.bottom_left import bottom_left
from ....kernels.jit import compiled
from ....kernels.random import RandomState
from ....values import CrossbarSize
from ..search_space import SearchSpace

OUT_OF_REACH = 1e12
"""Times from here on stand for pools without room for all their layers."""

BOXES, SINGLE_COPY_TIME, MAX_COPIES, TALL, WIDE = range(5)
"""Columns of `Pools.traits`: boxes of a copy, the time of one copy, most copies, largest sides of a box."""


class Pools(NamedTuple):
    """Busy owners in pools, updated in place. It has few arrays: each costs time whenever it is handed on.

    K is the number of busy owners, and of pools: each starts in a pool of its own.
    """

    busy: Ints  # (K,) the owners
    pool: Ints  # (O,) pool of an owner, -1 where it is not busy
    variant: Ints  # (O,) how an owner is cut
    listed: Ints  # (K, K) row p starts with the members of pool p
    held: Ints  # (K,) members of a pool
    size: Ints  # (K,) crossbars of a pool
    time: Floats  # (K,) that a pool works for a sample
    needs: Floats  # (K, 2) work on a single crossbar (crossbars x time), least crossbars
    traits: Floats  # (V, 5) of a variant: the columns named above
    layer: Ints  # (O,) of the search space
    first: Ints  # (O + 1,) variant_offset of the search space
    members: Ints  # (L,) scratch: members of a pool, tallest first
    corners: Ints  # (L, 4) scratch: rectangles (x0, y0, x1, y1) of a template
    random: RandomState
    rows: int
    columns: int
    threshold: int
    max_load: int


def single_pools(space: SearchSpace, busy: Ints, random: RandomState) -> Pools:
    """Every busy owner in a pool of its own, in its first variant."""
    at, n = space.box_offset[:-1], len(busy)
    pool = np.full(len(space.layer), -1)
    pool[busy] = np.arange(n)
    tall, wide = np.maximum.reduceat(space.height, at), np.maximum.reduceat(space.width, at)
    traits = np.column_stack(
        [np.diff(space.box_offset), space.single_copy_time, space.max_useful_copies, tall, wide]
    )
    found = Pools(
        busy=busy,
        pool=pool,
        variant=space.variant_offset[:-1].copy(),
        listed=np.zeros((n, n), np.int64),
        held=np.zeros(n, np.int64),
        size=np.zeros(n, np.int64),
        time=np.zeros(n),
        needs=np.zeros((n, 2)),
        traits=traits.astype(np.float64),
        layer=space.layer,
        first=space.variant_offset,
        members=np.zeros(space.max_load, np.int64),
        corners=np.zeros((space.max_load, 4), np.int64),
        random=random,
        rows=space.rows,
        columns=space.columns,
        threshold=space.threshold,
        max_load=space.max_load,
    )
    rebuild_members(found)
    return found


@compiled
def rebuild_members(pools: Pools) -> None:
    """List the members of all pools anew, as `pool` tells them."""
    pools.held[:] = 0
    for o in pools.busy:
        pool = pools.pool[o]
        if pool >= 0:
            pools.listed[pool, pools.held[pool]] = o
            pools.held[pool] += 1


@compiled
def move_member(pools: Pools, owner: int, goal: int) -> None:
    """Move a owner from its pool to another."""
    pool, listed, held = pools.pool, pools.listed, pools.held
    p = pool[owner]
    j, last = 0, held[p] - 1
    while listed[p, j] != owner:
        j += 1
    listed[p, j] = listed[p, last]
    held[p] = last
    listed[goal, held[goal]] = owner
    held[goal] += 1
    pool[owner] = goal


@compiled
def sort_members(pools: Pools, pool: int) -> int:
    """List the members of a pool, tallest first; -1 where they are too many, too large or too near."""
    members, variant, traits, layer = pools.members, pools.variant, pools.traits, pools.layer
    n, cells = pools.held[pool], 0.0
    if n > pools.max_load:
        return -1
    for q in range(n):
        o = pools.listed[pool, q]
        height = traits[variant[o], TALL]
        cells += height * traits[variant[o], WIDE]
        for j in range(q):
            if abs(layer[members[j]] - layer[o]) <= pools.threshold:
                return -1
        k = q
        while k > 0:
            other = members[k - 1]
            h = traits[variant[other], TALL]
            if h > height or (h == height and other < o):
                break
            members[k] = other
            k -= 1
        members[k] = o
    return int(n) if cells <= pools.rows * pools.columns else -1


@compiled
def pack_template(pools: Pools, pool: int) -> int:
    """Lay one box of each member onto a crossbar (`corners`); their number, or -1 where they do not fit."""
    n = sort_members(pools, pool)
    corners, size = pools.corners, CrossbarSize(pools.rows, pools.columns)
    for q in range(n):
        trait = pools.traits[pools.variant[pools.members[q]]]
        w, h = int(trait[WIDE]), int(trait[TALL])
        best_x, best_y = bottom_left(corners, q, w, h, size)
        if best_x < 0:
            return -1
        corners[q, 0], corners[q, 1], corners[q, 2], corners[q, 3] = best_x, best_y, best_x + w, best_y + h
    return n


@compiled
def time_of(pools: Pools, pool: int) -> float:
    """How long a pool of the size it has, enough for each of its members, works for a sample."""
    traits, size, time = pools.traits, float(pools.size[pool]), 0.0
    for j in range(pools.held[pool]):
        v = pools.variant[pools.listed[pool, j]]
        copies = min(traits[v, MAX_COPIES], np.floor(size / traits[v, BOXES]))
        time += np.ceil(traits[v, SINGLE_COPY_TIME] / copies)
    return float(time)


@compiled
def shortest_period(needs: Floats, room: int) -> float:
    """The time within which all pools can be ready if `room` crossbars could be shared out in fractions.

    Water-filling with lower limits: each pool gets crossbars in proportion to its work, but at least the
    number it needs. Pools whose share would be below that are set apart with this number, and what is left
    is shared out among the others, until there are no more such pools. (On allocations of this kind see
    Ibaraki and Katoh, "Resource Allocation Problems", 1988.)
    """
    before, period = -1.0, 0.0
    while period > before:
        before, shared, left = period, 0.0, float(room)
        for p in range(len(needs)):
            if needs[p, 0] > needs[p, 1] * before:
                shared += needs[p, 0]
            else:
                left -= needs[p, 1]
        if shared > 0 and left > 0:
            period = shared / left
    return before


@compiled
def set_needs(pools: Pools) -> float:
    """Set the needs of all pools; returns the least crossbars for all of them."""
    needs, variant, traits = pools.needs, pools.variant, pools.traits
    least = 0.0
    for p in range(len(needs)):
        needs[p, 0] = needs[p, 1] = 0.0
        for j in range(pools.held[p]):
            v = variant[pools.listed[p, j]]
            needs[p, 0] += traits[v, BOXES] * traits[v, SINGLE_COPY_TIME]
            needs[p, 1] = max(needs[p, 1], traits[v, BOXES])
        least += needs[p, 1]
    return float(least)


@compiled
def allocate_crossbars(pools: Pools, room: int, samples: int) -> float:
    """Give `room` crossbars to the pools so that the slowest is fast; returns the latency of all samples."""
    least = set_needs(pools)
    if least > room:
        return float(OUT_OF_REACH + least)
    size, time, needs = pools.size, pools.time, pools.needs
    period, left = shortest_period(needs, room), room
    for p in range(len(size)):
        size[p] = int(max(needs[p, 1], needs[p, 0] / period))
        left -= size[p]
        time[p] = time_of(pools, p)
    for _ in range(left):
        slowest = int(np.argmax(time))
        size[slowest] += 1
        time[slowest] = time_of(pools, slowest)
    return float(time.sum() + (samples - 1) * time.max())
