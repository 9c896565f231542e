"""A layout for many samples: crossbars in pools, each for a few layers that all use the whole pool.

A layer waits until the last of its crossbars is free. Where layers share some crossbars here and some there,
samples thus hold up each other all over the chip. Layers of one pool wait for each other alone: a pool works
as one machine, a sample passes it once a layer, and the slowest pool sets the pace of all samples. Every
crossbar of a pool looks the same, a template with one box of each of its layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import compiled, inlined
from ..packing.fill import below
from ..packing.search import patience
from .choices import Choices
from .state import boxes_of, is_free

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

HOT, COLD = 0.05, 0.001
"""Temperatures at both ends of the search, as shares of the latency."""

OUT_OF_REACH = 1e12
"""Times from here on stand for pools without room for all their layers."""


class Pools(NamedTuple):
    """Busy stores in pools, updated in place.

    `busy` lists the stores; `pool` and `variant` (stores,) tell each one's pool and cut, `size` (pools,) the
    crossbars of a pool and `time` (pools,) how long it works for a sample. `tall` and `wide` (variants,) are
    the largest sides of a variant's boxes. Scratch: `members` of a pool and the rectangles of its template,
    `corners` (members, 4).
    """

    busy: Ints
    pool: Ints
    variant: Ints
    size: Ints
    time: Floats
    tall: Ints
    wide: Ints
    members: Ints
    corners: Ints
    random: NDArray[np.uint64]


def pools(choices: Choices, busy: Ints, random: NDArray[np.uint64]) -> Pools:
    """Every busy store in a pool of its own, in its first variant."""
    first = choices.box_at[:-1]
    pool = np.full(len(choices.layer), -1)
    pool[busy] = np.arange(len(busy))
    return Pools(
        busy=busy,
        pool=pool,
        variant=choices.variant_at[:-1].copy(),
        size=np.zeros(len(busy), np.int64),
        time=np.zeros(len(busy)),
        tall=np.maximum.reduceat(choices.height, first),
        wide=np.maximum.reduceat(choices.width, first),
        members=np.zeros(choices.max_load, np.int64),
        corners=np.zeros((choices.max_load, 4), np.int64),
        random=random,
    )


@compiled
def gather(choices: Choices, pools: Pools, pool: int) -> int:
    """List the members of a pool, tallest first; -1 where they are too many or too near each other."""
    n = 0
    for o in pools.busy:
        if pools.pool[o] != pool:
            continue
        if n == choices.max_load:
            return -1
        k = n
        for j in range(n):
            if abs(choices.layer[pools.members[j]] - choices.layer[o]) <= choices.threshold:
                return -1
        while k > 0 and pools.tall[pools.variant[pools.members[k - 1]]] < pools.tall[pools.variant[o]]:
            pools.members[k] = pools.members[k - 1]
            k -= 1
        pools.members[k] = o
        n += 1
    return n


@compiled
def template(choices: Choices, pools: Pools, pool: int) -> int:
    """Lay one box of each member onto a crossbar (`corners`); their number, or -1 where they do not fit."""
    n = gather(choices, pools, pool)
    corners = pools.corners
    for q in range(n):
        variant = pools.variant[pools.members[q]]
        w, h = pools.wide[variant], pools.tall[variant]
        best_x, best_y = -1, choices.rows
        for low in range(-1, q):
            y = corners[low, 3] if low >= 0 else 0
            for left in range(-1, q):
                x = corners[left, 2] if left >= 0 else 0
                if x + w > choices.columns or y + h > choices.rows or y > best_y:
                    continue
                if (y < best_y or x < best_x) and is_free(corners[:q], (x, y, x + w, y + h)):
                    best_x, best_y = x, y
        if best_x < 0:
            return -1
        corners[q, 0], corners[q, 1], corners[q, 2], corners[q, 3] = best_x, best_y, best_x + w, best_y + h
    return n


@inlined
def copies_in(choices: Choices, variant: int, crossbars: int) -> int:
    """Copies of a store that so many crossbars take."""
    return int(min(choices.most[variant], crossbars // boxes_of(choices, variant)))


@compiled
def time_of(choices: Choices, pools: Pools, pool: int) -> float:
    """How long a pool of the size it has works for a sample."""
    time = 0.0
    for o in pools.busy:
        if pools.pool[o] == pool:
            variant = pools.variant[o]
            copies = copies_in(choices, variant, pools.size[pool])
            time += np.ceil(choices.alone[variant] / copies) if copies > 0 else OUT_OF_REACH
    return float(time)


@inlined
def room_for(work: Floats, least: Floats, period: float) -> float:
    """Crossbars that pools of so much work need, each to be ready within `period`."""
    total = 0.0
    for pool in range(len(work)):
        total += max(least[pool], work[pool] / period)
    return total


@compiled
def share_out(choices: Choices, pools: Pools, room: int, samples: int) -> float:
    """Give `room` crossbars to the pools so that the slowest is fast; returns the latency of all samples."""
    n = len(pools.size)
    work, least = np.zeros(n), np.zeros(n)
    for o in pools.busy:
        pool, variant = pools.pool[o], pools.variant[o]
        boxes = boxes_of(choices, variant)
        work[pool] += boxes * choices.alone[variant]
        least[pool] = max(least[pool], boxes)
    if least.sum() > room:
        return float(OUT_OF_REACH + least.sum())
    fast, slow = 0.0, work.sum()
    while slow - fast > 1e-3 * slow:
        period = 0.5 * (fast + slow)
        if room_for(work, least, period) > room:
            fast = period
        else:
            slow = period
    pools.size[:] = np.maximum(least, work / slow).astype(np.int64)
    for pool in range(n):
        pools.time[pool] = time_of(choices, pools, pool)
    for _ in range(room - pools.size.sum()):
        slowest = int(np.argmax(pools.time))
        pools.size[slowest] += 1
        pools.time[slowest] = time_of(choices, pools, slowest)
    return float(pools.time.sum() + (samples - 1) * pools.time.max())


@compiled
def change(choices: Choices, pools: Pools) -> tuple[int, int, int, int]:
    """Move a random store to another pool, swap two, or cut one in another way.

    Returns (store, its former pool, its former variant, the store swapped with or -1); a store of -1 where
    the change cannot be and was taken back.
    """
    store = pools.busy[below(pools.random, len(pools.busy))]
    other = -1
    pool, variant = pools.pool[store], pools.variant[store]
    kind = below(pools.random, 3)
    if kind == 1:
        other = pools.busy[below(pools.random, len(pools.busy))]
        pools.pool[store], pools.pool[other] = pools.pool[other], pool
    if kind == 0:
        pools.pool[store] = below(pools.random, len(pools.size))
    if kind == 2 or (kind == 0 and below(pools.random, 3) == 0):
        first = choices.variant_at[store]
        pools.variant[store] = first + below(pools.random, choices.variant_at[store + 1] - first)
    sound = template(choices, pools, pools.pool[store]) >= 0
    # the former pool too: boxes laid one by one may no longer fit once one before them is gone
    if sound and (pools.pool[store] == pool or template(choices, pools, pool) >= 0):
        return store, pool, variant, other
    take_back(pools, (store, pool, variant, other))
    return -1, pool, variant, other


@compiled
def take_back(pools: Pools, changed: tuple[int, int, int, int]) -> None:
    """Undo a change."""
    store, pool, variant, other = changed
    if other >= 0:
        pools.pool[other] = pools.pool[store]
    pools.pool[store], pools.variant[store] = pool, variant


@compiled
def improve(choices: Choices, pools: Pools, terms: tuple[int, int], steps: int) -> float:
    """Anneal the pools for terms (room, samples); leaves the best found and returns its latency."""
    room, samples = terms
    now = best = share_out(choices, pools, room, samples)
    best_pool, best_variant = pools.pool.copy(), pools.variant.copy()
    for k in range(steps):
        left = 1.0 - k / steps
        changed = change(choices, pools)
        if changed[0] < 0:
            continue
        after = share_out(choices, pools, room, samples)
        heat = now * (COLD + (HOT - COLD) * left * left) if now < OUT_OF_REACH else 0.0
        if after <= now or after - now <= heat * patience(pools.random):
            now = after
            if now < best:
                best = now
                best_pool[:], best_variant[:] = pools.pool, pools.variant
        else:
            take_back(pools, changed)
    pools.pool[:], pools.variant[:] = best_pool, best_variant
    return share_out(choices, pools, room, samples)
