"""The search for pools: simulated annealing of who is in which pool, cut in which way."""

from __future__ import annotations

import numpy as np

from ..kernels.annealing import accepts, cooled
from ..kernels.jit import compiled
from ..kernels.random import random_below
from .pools import ALONE, BOXES, MOST, OUT_OF_REACH, TALL, WIDE, Pools, enlist, share_out, shift, template

HOT, COLD = 0.02, 0.002
"""Temperatures at both ends of the search, as shares of the latency."""

DRAWS, BULKY = 3, 1.5
"""A store is cut the best of so many random ways; one that fills a crossbar counts that much slower."""


@compiled
def another_way(pools: Pools, store: int, pool: int) -> int:
    """The fastest for its room of some random variants of a store, in a pool of the size it has."""
    first, ways, now = pools.first[store], pools.ways, pools.variant[store]
    variants = pools.first[store + 1] - first
    size = max(pools.size[pool], 1)
    best, least = now, np.inf
    for _ in range(DRAWS if variants > 1 else 0):
        v = first + random_below(pools.random, variants)
        if v == now or ways[v, BOXES] > size + 3:
            continue
        filled = ways[v, TALL] * ways[v, WIDE] / (pools.rows * pools.columns)
        copies = max(1.0, min(ways[v, MOST], size // int(ways[v, BOXES])))
        time = np.ceil(ways[v, ALONE] / copies) * (1.0 + BULKY * filled)
        if time < least:
            best, least = v, time
    return int(best)


@compiled
def goal_of(pools: Pools) -> int:
    """A pool to go to: mostly that of a random store, at times an empty one."""
    if random_below(pools.random, 16) == 0:
        for p in range(len(pools.held)):
            if pools.held[p] == 0:
                return p
    return int(pools.pool[pools.busy[random_below(pools.random, len(pools.busy))]])


@compiled
def change(pools: Pools) -> tuple[int, int, int, int]:
    """Move a random store to another pool, swap two, or cut one in another way.

    Returns (store, its former pool, its former variant, the store swapped with or -1); a store of -1 where
    nothing changed, or it was taken back as the change cannot be.
    """
    random, busy = pools.random, pools.busy
    store = busy[random_below(random, len(busy))]
    pool, variant, other = pools.pool[store], pools.variant[store], -1
    kind, goal = random_below(random, 16), pool
    if kind < 3:
        goal = goal_of(pools)
    elif kind < 11:
        other = busy[random_below(random, len(busy))]
        goal = pools.pool[other]
    if kind >= 11 or (kind < 3 and random_below(random, 3) == 0):
        pools.variant[store] = another_way(pools, store, goal)
    if goal != pool:
        shift(pools, store, goal)
        if other >= 0:
            shift(pools, other, pool)
    elif pools.variant[store] == variant:
        return -1, pool, variant, -1
    sound = template(pools, goal) >= 0
    # the former pool too: boxes laid one by one may no longer fit once one before them is gone
    if sound and (goal == pool or template(pools, pool) >= 0):
        return store, pool, variant, other
    take_back(pools, (store, pool, variant, other))
    return -1, pool, variant, other


@compiled
def take_back(pools: Pools, changed: tuple[int, int, int, int]) -> None:
    """Undo a change."""
    store, pool, variant, other = changed
    goal = pools.pool[store]
    pools.variant[store] = variant
    if goal != pool:
        shift(pools, store, pool)
        if other >= 0:
            shift(pools, other, goal)


@compiled
def improve(pools: Pools, terms: tuple[int, int], steps: int) -> float:
    """Anneal the pools for terms (room, samples); leaves the best found and returns its latency."""
    room, samples = terms
    now = best = share_out(pools, room, samples)
    best_pool, best_variant = pools.pool.copy(), pools.variant.copy()
    for k in range(steps):
        left = 1.0 - k / steps
        changed = change(pools)
        if changed[0] < 0:
            continue
        after = share_out(pools, room, samples)
        heat = now * cooled(HOT, COLD, left, 2) if now < OUT_OF_REACH else 0.0
        if accepts(after - now, heat, pools.random):
            now = after
            if now < best:
                best = now
                best_pool[:], best_variant[:] = pools.pool, pools.variant
        else:
            take_back(pools, changed)
    pools.pool[:], pools.variant[:] = best_pool, best_variant
    enlist(pools)
    return share_out(pools, room, samples)
