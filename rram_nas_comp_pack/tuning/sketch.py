"""A layout in some milliseconds, for searches that compile thousands of networks.

It is a start in pools of the joint tuner, not annealed. Its figures are read off the arrays of the
search; the values that the rest of the toolkit works on are made where somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..simulation import Program
from ..values import Box, Layer, Mapping, Packing
from .anneal import Best, best_of, judge
from .choices import Menu, ReadTime, Target, Way, menu
from .joint import as_values, simulated
from .replay import bench
from .starts import busy_stores, in_pools
from .topping import top_up

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]

BUSY = 0.75
"""Which layers get pools; see `busy_stores`."""

POOL_STEPS, TRIES = 6_000, 20
"""Steps of the search for pools, and how often more copies are tried after it: some milliseconds in all."""


class Sketch(NamedTuple):
    """A layout as the search left it, and the network with its copies."""

    menu: Menu
    best: Best
    mappings: tuple[Mapping, ...]
    read_ns: ReadTime

    @property
    def crossbars(self) -> int:
        """Crossbars in use."""
        return int(np.count_nonzero(np.bincount(np.concatenate(self._homes()))))

    @property
    def utilization(self) -> float:
        """`Packing.utilization` of `values`."""
        cells = sum(m.copies * box.h * box.w for m in self.mappings if m.stored for box in m.boxes)
        return cells / (self.crossbars * self.menu.target.rows * self.menu.target.columns)

    def values(self) -> tuple[tuple[Mapping, ...], Packing]:
        """Mapped layers and their packing, as the joint tuner returns them."""
        return as_values(self.menu, self.best, "effort")

    def program(self) -> Program:
        """What `simulation.program` makes of `values`."""
        store = self.menu.choices.layer[self.menu.choices.store]
        copies = self.best.copies[self.menu.choices.store]
        return _program(self.mappings, self.read_ns, store, copies, np.concatenate(self._homes()))

    def _homes(self) -> list[Ints]:
        """Crossbars of the boxes of every store, replica by replica."""
        choices, best = self.menu.choices, self.best
        boxes = (choices.box_at[best.variant + 1] - choices.box_at[best.variant]) * best.copies
        return [best.home[o, :n] for o, n in enumerate(boxes.tolist())]


def sketch(
    mappings: Sequence[Mapping], target: Target, read_ns: ReadTime, samples: int, seed: int
) -> Sketch | None:
    """Make an un-duplicated network fast for `samples` samples.

    None where pools have no room, or would not be faster than the network as it is without any waiting.

    The same seed gives the same layout on every machine.
    """
    found = menu(mappings, target, read_ns)
    choices = found.choices
    state = in_pools(choices, busy_stores(choices, BUSY), samples, seed, POOL_STEPS)
    if state is None:
        return None
    best, scratch = best_of(state), bench(choices, simulated(found, samples))
    judge(choices, state, scratch, best, samples)
    top_up(choices, state, scratch, best, (samples, TRIES))
    alone = choices.alone[choices.variant_at[:-1]]
    if best.score[0] >= alone.sum() + (samples - 1) * alone.max():
        return None
    copies, variant = best.copies.tolist(), best.variant.tolist()
    mapped = tuple(
        _mapped(m.layer, found.ways[variant[o]], target, copies[o])
        for m, o in zip(mappings, choices.store.tolist(), strict=True)
    )
    return Sketch(found, best, mapped, read_ns)


def unpacked(mappings: Sequence[Mapping], read_ns: ReadTime) -> Program:
    """What `simulation.program` makes of mappings without placements, of layers with boxes of their own."""
    crossbars = np.full(sum(m.copies * len(m.boxes) for m in mappings), -1)
    store = np.arange(len(mappings))
    return _program(mappings, read_ns, store, np.array([m.copies for m in mappings]), crossbars)


@lru_cache(maxsize=65536)
def _mapped(layer: Layer, way: Way, target: Target, copies: int) -> Mapping:
    return Mapping(layer, way.boxes(layer, target), copies)


@lru_cache(maxsize=65536)
def _reads(layer: Layer, boxes: tuple[Box, ...], read_ns: ReadTime) -> tuple[Floats, Floats]:
    """Number of reads of every box, and the ns of one."""
    return np.array([float(box.cycles) for box in boxes]), np.array([read_ns(layer, box) for box in boxes])


def _program(
    mappings: Sequence[Mapping], read_ns: ReadTime, store: Ints, copies: Ints, crossbars: Ints
) -> Program:
    """A program from arrays; `store` and `copies` are per mapping, `crossbars` per box."""
    reads = [_reads(m.layer, m.boxes, read_ns) for m in mappings]
    takes = np.minimum(copies, [m.layer.raw.cycles for m in mappings])
    boxes = np.array([len(m.boxes) for m in mappings])
    ns = np.concatenate([each for _, each in reads])
    uniform = bool((ns == ns[0]).all())
    rounds = np.ceil(np.concatenate([cycles for cycles, _ in reads]) / np.repeat(takes, boxes))
    stored = np.array([m.stored for m in mappings])
    return Program(
        store,
        takes,
        boxes,
        _starts(boxes),
        rounds if uniform else rounds * ns,
        copies,
        _starts(copies),
        _starts(boxes * copies * stored),
        crossbars,
        float(ns[0]) if uniform else 1.0,
    )


def _starts(sizes: Ints) -> Ints:
    """Where parts of these sizes start in a row."""
    return np.cumsum(sizes) - sizes
