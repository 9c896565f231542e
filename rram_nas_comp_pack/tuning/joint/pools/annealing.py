"""The search for pools: simulated annealing of who is in which pool, cut in which way (design: *Pools*)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ....kernels.annealing import accepts, cooled
from ....kernels.jit import compiled
from ....kernels.random import random_below
from .model import (
    BOXES,
    MAX_COPIES,
    OUT_OF_REACH,
    SINGLE_COPY_TIME,
    TALL,
    WIDE,
    Pools,
    allocate_crossbars,
    move_member,
    pack_template,
    rebuild_members,
)

HOT, COLD = 0.02, 0.002
"""Temperatures at both ends of the search, as shares of the latency."""

MOVE, SWAP, RECUT = 3, 8, 5
"""How often, in sixteenths, an owner goes to another pool, two change places, or one is cut another way.

Swaps keep the sizes of both pools, so that most of them are sound; a lone move often leaves a pool too full.
"""

MOVES_THAT_RECUT = 3
"""One in so many moves cuts the owner for the pool that it comes to."""

EMPTY_POOL = 16
"""One in so many moves goes to an empty pool, if there is one: else pools could only become fewer."""

GROWTH = 3
"""A cut may need so many crossbars more than the pool has now: they are shared out anew after a change."""

DRAWS, BULKY = 3, 1.5
"""An owner gets the best of so many random cuts; one whose box fills a crossbar counts 1 + BULKY times as
slow, since little else finds room beside it."""


@compiled
def draw_faster_cut(pools: Pools, owner: int, pool: int) -> int:
    """The fastest for its room of some random variants of an owner, in a pool of the size it has."""
    first, traits, now = pools.first[owner], pools.traits, pools.variant[owner]
    variants = pools.first[owner + 1] - first
    size = max(pools.size[pool], 1)
    best, least = now, np.inf
    for _ in range(DRAWS if variants > 1 else 0):
        v = first + random_below(pools.random, variants)
        if v == now or traits[v, BOXES] > size + GROWTH:
            continue
        filled = traits[v, TALL] * traits[v, WIDE] / (pools.rows * pools.columns)
        copies = max(1.0, min(traits[v, MAX_COPIES], size // int(traits[v, BOXES])))
        time = np.ceil(traits[v, SINGLE_COPY_TIME] / copies) * (1.0 + BULKY * filled)
        if time < least:
            best, least = v, time
    return int(best)


@compiled
def draw_pool(pools: Pools) -> int:
    """A pool to go to: mostly that of a random owner, at times an empty one."""
    if random_below(pools.random, EMPTY_POOL) == 0:
        for p in range(len(pools.held)):
            if pools.held[p] == 0:
                return p
    return int(pools.pool[pools.busy[random_below(pools.random, len(pools.busy))]])


class Change(NamedTuple):
    """What `draw_change` did: an owner, its former pool and variant, and the owner swapped with or -1.

    An owner of -1: nothing changed, or it was taken back as the change cannot be.
    """

    owner: int
    pool: int
    variant: int
    other: int


@compiled
def draw_change(pools: Pools) -> Change:
    """Move a random owner to another pool, swap two, or cut one in another way."""
    random, busy = pools.random, pools.busy
    owner = busy[random_below(random, len(busy))]
    pool, variant, other = pools.pool[owner], pools.variant[owner], -1
    kind, goal = random_below(random, MOVE + SWAP + RECUT), pool
    if kind < MOVE:
        goal = draw_pool(pools)
    elif kind < MOVE + SWAP:
        other = busy[random_below(random, len(busy))]
        goal = pools.pool[other]
    if kind >= MOVE + SWAP or (kind < MOVE and random_below(random, MOVES_THAT_RECUT) == 0):
        pools.variant[owner] = draw_faster_cut(pools, owner, goal)
    if goal != pool:
        move_member(pools, owner, goal)
        if other >= 0:
            move_member(pools, other, pool)
    elif pools.variant[owner] == variant:
        return Change(-1, pool, variant, -1)
    changed = Change(owner, pool, variant, other)
    sound = pack_template(pools, goal) >= 0
    # the former pool too: boxes laid one by one may no longer fit once one before them is gone
    if sound and (goal == pool or pack_template(pools, pool) >= 0):
        return changed
    take_back(pools, changed)
    return Change(-1, pool, variant, other)


@compiled
def take_back(pools: Pools, changed: Change) -> None:
    """Undo a change."""
    owner, pool, variant, other = changed
    goal = pools.pool[owner]
    pools.variant[owner] = variant
    if goal != pool:
        move_member(pools, owner, pool)
        if other >= 0:
            move_member(pools, other, goal)


@compiled
def anneal_pools(pools: Pools, room: int, samples: int, steps: int) -> float:
    """Anneal the pools on `room` crossbars; leaves the best found and returns its latency."""
    now = best = allocate_crossbars(pools, room, samples)
    best_pool, best_variant = pools.pool.copy(), pools.variant.copy()
    for k in range(steps):
        left = 1.0 - k / steps
        changed = draw_change(pools)
        if changed.owner < 0:
            continue
        after = allocate_crossbars(pools, room, samples)
        heat = now * cooled(HOT, COLD, left, 2) if now < OUT_OF_REACH else 0.0
        if accepts(after - now, heat, pools.random):
            now = after
            if now < best:
                best = now
                best_pool[:], best_variant[:] = pools.pool, pools.variant
        else:
            take_back(pools, changed)
    pools.pool[:], pools.variant[:] = best_pool, best_variant
    rebuild_members(pools)
    return allocate_crossbars(pools, room, samples)
