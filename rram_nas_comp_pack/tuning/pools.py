"""A layout for many samples: crossbars in pools, each for a few layers that all use the whole pool.

A layer waits until the last of its crossbars is free. Where layers share some crossbars here and some there,
samples thus hold up each other all over the chip. Layers of one pool wait for each other alone: a pool works
as one machine, a sample passes it once a layer, and the slowest pool sets the pace of all samples. Every
crossbar of a pool looks the same, a template with one box of each of its layers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..kernels.arrays import Floats, Ints
from ..kernels.bottom_left import bottom_left
from ..kernels.jit import compiled
from ..kernels.random import RandomState
from .choices import Choices

OUT_OF_REACH = 1e12
"""Times from here on stand for pools without room for all their layers."""

BOXES, ALONE, MOST, TALL, WIDE = range(5)
"""Columns of `Pools.ways`: boxes of a copy, the time of one copy, most copies, largest sides of a box."""


class Pools(NamedTuple):
    """Busy stores in pools, updated in place. It has few arrays: each costs time whenever it is handed on.

    `busy` lists the stores; `pool` and `variant` (stores,) tell each one's pool and cut. Row p of `listed`
    (pools, busy stores) starts with the `held[p]` members of pool p. Per pool: `size` in crossbars, `time`
    that it works for a sample, and its `needs` (pools, 2): work on a single crossbar, least crossbars. From
    `Choices`: `ways` (variants, 5), `layer`, `first` (its variant_at), rows, columns and rules. Scratch:
    `members` of a pool and the rectangles of its template, `corners` (members, 4).
    """

    busy: Ints
    pool: Ints
    variant: Ints
    listed: Ints
    held: Ints
    size: Ints
    time: Floats
    needs: Floats
    ways: Floats
    layer: Ints
    first: Ints
    members: Ints
    corners: Ints
    random: RandomState
    rows: int
    columns: int
    threshold: int
    max_load: int


def pools(choices: Choices, busy: Ints, random: RandomState) -> Pools:
    """Every busy store in a pool of its own, in its first variant."""
    at, n = choices.box_at[:-1], len(busy)
    pool = np.full(len(choices.layer), -1)
    pool[busy] = np.arange(n)
    tall, wide = np.maximum.reduceat(choices.height, at), np.maximum.reduceat(choices.width, at)
    ways = np.column_stack([np.diff(choices.box_at), choices.alone, choices.most, tall, wide])
    found = Pools(
        busy=busy,
        pool=pool,
        variant=choices.variant_at[:-1].copy(),
        listed=np.zeros((n, n), np.int64),
        held=np.zeros(n, np.int64),
        size=np.zeros(n, np.int64),
        time=np.zeros(n),
        needs=np.zeros((n, 2)),
        ways=ways.astype(np.float64),
        layer=choices.layer,
        first=choices.variant_at,
        members=np.zeros(choices.max_load, np.int64),
        corners=np.zeros((choices.max_load, 4), np.int64),
        random=random,
        rows=choices.rows,
        columns=choices.columns,
        threshold=choices.threshold,
        max_load=choices.max_load,
    )
    enlist(found)
    return found


@compiled
def enlist(pools: Pools) -> None:
    """List the members of all pools anew, as `pool` tells them."""
    pools.held[:] = 0
    for o in pools.busy:
        pool = pools.pool[o]
        if pool >= 0:
            pools.listed[pool, pools.held[pool]] = o
            pools.held[pool] += 1


@compiled
def shift(pools: Pools, store: int, goal: int) -> None:
    """Move a store from its pool to another."""
    pool, listed, held = pools.pool, pools.listed, pools.held
    p = pool[store]
    j, last = 0, held[p] - 1
    while listed[p, j] != store:
        j += 1
    listed[p, j] = listed[p, last]
    held[p] = last
    listed[goal, held[goal]] = store
    held[goal] += 1
    pool[store] = goal


@compiled
def gather(pools: Pools, pool: int) -> int:
    """List the members of a pool, tallest first; -1 where they are too many, too large or too near."""
    members, variant, ways, layer = pools.members, pools.variant, pools.ways, pools.layer
    n, cells = pools.held[pool], 0.0
    if n > pools.max_load:
        return -1
    for q in range(n):
        o = pools.listed[pool, q]
        height = ways[variant[o], TALL]
        cells += height * ways[variant[o], WIDE]
        for j in range(q):
            if abs(layer[members[j]] - layer[o]) <= pools.threshold:
                return -1
        k = q
        while k > 0:
            other = members[k - 1]
            h = ways[variant[other], TALL]
            if h > height or (h == height and other < o):
                break
            members[k] = other
            k -= 1
        members[k] = o
    return int(n) if cells <= pools.rows * pools.columns else -1


@compiled
def template(pools: Pools, pool: int) -> int:
    """Lay one box of each member onto a crossbar (`corners`); their number, or -1 where they do not fit."""
    n = gather(pools, pool)
    corners, rows, columns = pools.corners, pools.rows, pools.columns
    for q in range(n):
        way = pools.ways[pools.variant[pools.members[q]]]
        w, h = int(way[WIDE]), int(way[TALL])
        best_x, best_y = bottom_left(corners, q, w, h, (columns, rows))
        if best_x < 0:
            return -1
        corners[q, 0], corners[q, 1], corners[q, 2], corners[q, 3] = best_x, best_y, best_x + w, best_y + h
    return n


@compiled
def time_of(pools: Pools, pool: int) -> float:
    """How long a pool of the size it has, enough for each of its members, works for a sample."""
    ways, size, time = pools.ways, float(pools.size[pool]), 0.0
    for j in range(pools.held[pool]):
        v = pools.variant[pools.listed[pool, j]]
        copies = min(ways[v, MOST], np.floor(size / ways[v, BOXES]))
        time += np.ceil(ways[v, ALONE] / copies)
    return float(time)


@compiled
def shortest_period(needs: Floats, room: int) -> float:
    """The time within which all pools can be ready if `room` crossbars could be shared out in fractions.

    Pools that need less than their least size for it are set apart until there are no more of them.
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
def weigh(pools: Pools) -> float:
    """Set the needs of all pools; returns the least crossbars for all of them."""
    needs, variant, ways = pools.needs, pools.variant, pools.ways
    least = 0.0
    for p in range(len(needs)):
        needs[p, 0] = needs[p, 1] = 0.0
        for j in range(pools.held[p]):
            v = variant[pools.listed[p, j]]
            needs[p, 0] += ways[v, BOXES] * ways[v, ALONE]
            needs[p, 1] = max(needs[p, 1], ways[v, BOXES])
        least += needs[p, 1]
    return float(least)


@compiled
def share_out(pools: Pools, room: int, samples: int) -> float:
    """Give `room` crossbars to the pools so that the slowest is fast; returns the latency of all samples."""
    least = weigh(pools)
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
