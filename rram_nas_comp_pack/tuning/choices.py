"""What the tuner may choose from: the variants of every layer, as flat arrays for the kernels."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..box_converter.boxes import cut, cut_diagonal, cut_strips, most_channels
from ..kernels.arrays import Floats, Ints, offsets
from ..values import Box, CrossbarSize, Layer, Mapping, Rules

ReadTime = Callable[[Layer, Box], float]

DepthwiseMapping = Literal["dense", "diagonal", "auto"]

MOST_ON_A_CROSSBAR = 16
"""Boxes that the tuner puts on one crossbar where no rule limits them."""


class Target(NamedTuple):
    """The crossbars to be filled, who may share one, and how depthwise layers may be mapped."""

    crossbars: int
    size: CrossbarSize
    rules: Rules
    depthwise: DepthwiseMapping


class Way(NamedTuple):
    """How to cut a depthwise layer: into diagonal or dense boxes of `width` columns; 0 where it is none."""

    diagonal: bool
    width: int

    def boxes(self, layer: Layer, target: Target) -> tuple[Box, ...]:
        """The boxes of one replica of `layer`."""
        if not self.width:
            return cut(layer, target.size)
        if self.diagonal:
            return cut_diagonal(layer, target.size, self.width)
        return cut_strips(layer, target.size, self.width)


class Choices(NamedTuple):
    """Layers, their variants (ways to cut them) and the budget.

    A store is a layer that brings boxes of its own; an execution runs on the boxes of its `store`
    (executions,). Variants of store o are numbers variant_at[o] to variant_at[o + 1] - 1, the first of them
    the cut of the un-duplicated network; boxes of variant v are box_at[v] to box_at[v + 1] - 1, of `width`
    columns and `height` rows. Execution e under the k-th variant of its store takes cycles[reads_at[e] + k]
    reads of unit[reads_at[e] + k] each (whole reads where all take equally long, else ns). A single copy of
    a variant takes `alone` (variants,) for a sample in all executions; more than `most` find no work.
    """

    store: Ints
    layer: Ints
    variant_at: Ints
    box_at: Ints
    width: Ints
    height: Ints
    reads_at: Ints
    cycles: Ints
    unit: Floats
    alone: Floats
    most: Ints
    crossbars: int
    rows: int
    columns: int
    threshold: int
    max_load: int


class Menu(NamedTuple):
    """`Choices`, the way of each variant (variants,), the ns of one unit of time, and who asks."""

    choices: Choices
    ways: tuple[Way, ...]
    unit_ns: float
    plain: tuple[Mapping, ...]
    target: Target

    def mappings(self, variant: Sequence[int], copies: Sequence[int]) -> tuple[Mapping, ...]:
        """The network with these variants and copies (stores,)."""
        return tuple(
            Mapping(m.layer, self.ways[variant[o]].boxes(m.layer, self.target), int(copies[o]))
            for m, o in zip(self.plain, self.choices.store.tolist(), strict=True)
        )


def menu(plain: Sequence[Mapping], target: Target, read_ns: ReadTime) -> Menu:
    """All variants of the layers of an un-duplicated network. `read_ns` is the time of one read of a box.

    What a layer brings is remembered: of networks that have layers in common it is computed once.
    """
    stores = [m for m in plain if m.stored]
    number = {m.layer.index: o for o, m in enumerate(stores)}
    store = [number[m.layer.stored_in] for m in plain]
    columns = [_column(m, stores[o], target, read_ns) for m, o in zip(plain, store, strict=True)]
    owned = [c for m, c in zip(plain, columns, strict=True) if m.stored]
    times = frozenset().union(*(c.times for c in columns))
    uniform = len(times) == 1
    cycles = [c.cycles for c in columns]
    unit = [np.ones(len(c.unit)) if uniform else c.unit for c in columns]
    choices = Choices(
        store=np.array(store),
        layer=np.array([m.layer.index for m in stores]),
        variant_at=offsets([len(c.ways) for c in owned]),
        box_at=offsets(np.concatenate([c.boxes for c in owned])),
        width=np.concatenate([c.width for c in owned]),
        height=np.concatenate([c.height for c in owned]),
        reads_at=offsets([len(c.cycles) for c in columns]),
        cycles=np.concatenate(cycles),
        unit=np.concatenate(unit),
        alone=_per_variant(store, [np.multiply(*row) for row in zip(cycles, unit, strict=True)], np.add),
        most=_per_variant(store, cycles, np.minimum),
        crossbars=target.crossbars,
        rows=target.size.rows,
        columns=target.size.columns,
        threshold=max(target.rules.threshold, 0),
        max_load=target.rules.max_load or MOST_ON_A_CROSSBAR,
    )
    ways = tuple(chain.from_iterable(c.ways for c in owned))
    return Menu(choices, ways, next(iter(times)) if uniform else 1.0, tuple(plain), target)


class _Column(NamedTuple):
    """What a layer brings to the menu.

    Its ways and, per way, the number of boxes, the reads of the slowest, and the ns of the slowest read;
    `height` and `width` are those of all boxes, way by way, `times` the ns of all reads.
    """

    ways: tuple[Way, ...]
    boxes: Ints
    height: Ints
    width: Ints
    cycles: Ints
    unit: Floats
    times: frozenset[float]


@lru_cache(maxsize=16384)
def _column(mapping: Mapping, store: Mapping, target: Target, read_ns: ReadTime) -> _Column:
    """Of a layer that runs on the boxes of `store`, be it itself."""
    ways = tuple(_ways(store, target))
    sizes = [_sizes(store, way) for way in ways]
    reads = [_reads(mapping, way, read_ns) for way in ways]
    height, width = np.array([size for found in sizes for size in found]).T
    return _Column(
        ways,
        boxes=np.array([len(found) for found in sizes]),
        height=height,
        width=width,
        cycles=np.array([slowest for slowest, _ in reads]),
        unit=np.array([max(all_ns) for _, all_ns in reads]),
        times=frozenset(ns for _, all_ns in reads for ns in all_ns),
    )


def _ways(mapping: Mapping, target: Target) -> Iterator[Way]:
    """The given cut, then for every possible number of boxes the one into parts as equal as can be."""
    layer = mapping.layer
    if not layer.depthwise:
        yield Way(False, 0)
        return
    given = Way(mapping.diagonal, mapping.boxes[0].w)
    yield given
    dense, diagonal = target.depthwise != "diagonal", target.depthwise != "dense"
    others = []
    if dense:
        others += [Way(False, w) for w in _widths(layer.raw.w, target.size.columns, target.crossbars)]
    if diagonal:
        most = most_channels(layer, target.size)
        others += [Way(True, w) for w in _widths(layer.raw.w, most, target.crossbars) if w > 1 or not dense]
    yield from (way for way in others if way != given)


def _widths(columns: int, widest: int, parts: int) -> list[int]:
    """Widths of equal parts, from the fewest parts to `parts` of them, widest first, each width once."""
    fewest = -(-columns // widest)
    return sorted({-(-columns // n) for n in range(fewest, min(columns, parts) + 1)}, reverse=True)


def _sizes(mapping: Mapping, way: Way) -> list[tuple[int, int]]:
    """(height, width) of the boxes of a replica."""
    if not way.width:
        return [(box.h, box.w) for box in mapping.boxes]
    full, rest = divmod(mapping.layer.raw.w, way.width)
    rows = mapping.layer.raw.h
    size = (rows * way.width, way.width) if way.diagonal else (rows, way.width)
    last = (rows * rest, rest) if way.diagonal else (rows, rest)
    return [size] * full + [last] * (rest > 0)


def _reads(mapping: Mapping, way: Way, read_ns: ReadTime) -> tuple[int, list[float]]:
    """Reads of the slowest box, and the times of one read of all sizes of boxes."""
    layer = mapping.layer
    if not way.width:
        return max(b.cycles for b in mapping.boxes), [read_ns(layer, b) for b in mapping.boxes]
    cycles = layer.positions * (1 if way.diagonal else way.width)
    sizes = dict.fromkeys(_sizes(mapping, way))
    return cycles, [read_ns(layer, Box(h, w, cycles)) for h, w in sizes]


def _per_variant(store: Sequence[int], rows: Sequence[NDArray[Any]], combine: np.ufunc) -> NDArray[Any]:
    """What the executions of each store have per variant, combined."""
    found: dict[int, NDArray[Any]] = {}
    for o, row in zip(store, rows, strict=True):
        found[o] = combine(found[o], row) if o in found else row
    return np.concatenate([found[o] for o in sorted(found)])
