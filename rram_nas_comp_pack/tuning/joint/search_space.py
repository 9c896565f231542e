"""What the tuner may choose from: the variants of every layer, as flat arrays for the kernels."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...box_converter.partition import cut, cut_diagonal, cut_strips, most_channels
from ...kernels.arrays import Floats, Ints, offsets
from ...simulation.row_graph import RowArrays, arrays_of, no_graph
from ...values import Box, Layer, Mapping, ReadTime, RowGraph, beside_reads_ns
from ..settings import Target

MOST_ON_A_CROSSBAR = 16
"""Boxes that the tuner puts on one crossbar where no rule limits them."""


class DepthwiseCut(NamedTuple):
    """How to cut a depthwise layer: into diagonal or dense boxes of `width` columns.

    A `width` of 0 stands for the only cut of a layer that is not depthwise.
    """

    diagonal: bool
    width: int

    def boxes(self, layer: Layer, target: Target) -> tuple[Box, ...]:
        """The boxes of one replica of `layer`."""
        if not self.width:
            return cut(layer, target.size)
        if self.diagonal:
            return cut_diagonal(layer, target.size, self.width)
        return cut_strips(layer, target.size, self.width)


class SearchSpace(NamedTuple):
    """Layers, their variants (ways to cut them) and the budget.

    An owner is a layer that brings boxes of its own; a layer that runs its weights again reads the owner's.
    Variants of owner o are numbers variant_offset[o] to variant_offset[o + 1] - 1, the first of them the cut
    of the un-duplicated network; the boxes of a variant are counted likewise. Under the k-th variant of its
    owner layer e takes cycles[reads_offset[e] + k] reads for a row. Times are in whole reads where all reads
    take equally long, so that equal times are equal, else in ns.
    """

    owner: Ints  # (E,) whose boxes a layer reads
    layer: Ints  # (O,) index of the layer, which the sharing rules compare
    variant_offset: Ints  # (O + 1,)
    box_offset: Ints  # (V + 1,)
    width: Ints  # (B,) columns
    height: Ints  # (B,) rows
    reads_offset: Ints  # (E + 1,)
    cycles: Ints  # (variants of all E,) reads of the slowest box for a row
    read_time: Floats  # (variants of all E,) of one read
    beside: Floats  # (E,) time of a sample that no copy shortens: moves and digital operators
    single_copy_time: Floats  # (V,) that one copy takes for a sample, in all layers that read it
    max_useful_copies: Ints  # (V,) further copies would find no work
    crossbars: int
    rows: int
    columns: int
    threshold: int
    max_load: int
    graph: RowArrays  # of a schedule of rows; else without offsets (`no_graph`)


class TuningProblem(NamedTuple):
    """The search space, the cut of each variant (V,), the ns of one unit of time, and what was asked for."""

    space: SearchSpace
    cuts: tuple[DepthwiseCut, ...]
    unit_ns: float
    plain: tuple[Mapping, ...]
    target: Target

    def mappings(self, variant: Sequence[int], copies: Sequence[int]) -> tuple[Mapping, ...]:
        """The network with these variants and copies, each (O,)."""
        return tuple(
            Mapping(m.layer, self.cuts[variant[o]].boxes(m.layer, self.target), int(copies[o]))
            for m, o in zip(self.plain, self.space.owner.tolist(), strict=True)
        )


def build_problem(
    plain: Sequence[Mapping], target: Target, read_ns: ReadTime, graph: RowGraph | None = None
) -> TuningProblem:
    """All variants of the layers of an un-duplicated network. `read_ns` is the time of one read of a box.

    `graph` is what the schedule runs by; None for that of whole layers, which have one row each.

    What a layer brings is remembered: of networks that have layers in common it is computed once.
    """
    owners = [m for m in plain if m.stored]
    number = {m.layer.index: o for o, m in enumerate(owners)}
    owner = [number[m.layer.stored_in] for m in plain]
    columns = [_column(m, owners[o], target, read_ns) for m, o in zip(plain, owner, strict=True)]
    owned = [c for m, c in zip(plain, columns, strict=True) if m.stored]
    times = frozenset().union(*(c.times for c in columns))
    uniform = len(times) == 1
    unit_ns = next(iter(times)) if uniform else 1.0
    rows = no_graph(len(plain)) if graph is None else arrays_of(graph)
    cycles = [-(-c.cycles // n) for c, n in zip(columns, rows.rows.tolist(), strict=True)]
    read_time = [np.ones(len(c.read_time)) if uniform else c.read_time for c in columns]
    space = SearchSpace(
        owner=np.array(owner),
        layer=np.array([m.layer.index for m in owners]),
        variant_offset=offsets([len(c.cuts) for c in owned]),
        box_offset=offsets(np.concatenate([c.boxes for c in owned])),
        width=np.concatenate([c.width for c in owned]),
        height=np.concatenate([c.height for c in owned]),
        reads_offset=offsets([len(c.cycles) for c in columns]),
        cycles=np.concatenate(cycles),
        read_time=np.concatenate(read_time),
        beside=np.array([beside_reads_ns(m, read_ns) for m in plain]) / unit_ns,
        single_copy_time=_per_variant(
            owner, [c.cycles * ns for c, ns in zip(columns, read_time, strict=True)], np.add
        ),
        max_useful_copies=_per_variant(owner, cycles, np.minimum),
        crossbars=target.crossbars,
        rows=target.size.rows,
        columns=target.size.columns,
        threshold=max(target.rules.threshold, 0),
        max_load=target.rules.max_load or MOST_ON_A_CROSSBAR,
        graph=rows,
    )
    cuts = tuple(chain.from_iterable(c.cuts for c in owned))
    return TuningProblem(space, cuts, unit_ns, tuple(plain), target)


class _Column(NamedTuple):
    """What a layer brings to the search space."""

    cuts: tuple[DepthwiseCut, ...]
    boxes: Ints  # (cuts,) boxes of a copy
    height: Ints  # (boxes of all cuts,)
    width: Ints  # (boxes of all cuts,)
    cycles: Ints  # (cuts,) reads of the slowest box for a row
    read_time: Floats  # (cuts,) ns of the slowest read
    times: frozenset[float]  # ns of all reads


@lru_cache(maxsize=16384)
def _column(mapping: Mapping, owner: Mapping, target: Target, read_ns: ReadTime) -> _Column:
    """Of a layer that runs on the boxes of `owner`, be it itself."""
    cuts = tuple(_possible_cuts(owner, target))
    sizes = [_sizes(owner, choice) for choice in cuts]
    reads = [_reads(mapping, choice, read_ns) for choice in cuts]
    height, width = np.array([size for found in sizes for size in found]).T
    return _Column(
        cuts,
        boxes=np.array([len(found) for found in sizes]),
        height=height,
        width=width,
        cycles=np.array([slowest for slowest, _ in reads]),
        read_time=np.array([max(all_ns) for _, all_ns in reads]),
        times=frozenset(ns for _, all_ns in reads for ns in all_ns),
    )


def _possible_cuts(mapping: Mapping, target: Target) -> Iterator[DepthwiseCut]:
    """The given cut, then for every possible number of boxes the one into parts as equal as can be."""
    layer = mapping.layer
    if not layer.depthwise:
        yield DepthwiseCut(False, 0)
        return
    given = DepthwiseCut(mapping.diagonal, mapping.boxes[0].w)
    yield given
    dense, diagonal = target.depthwise != "diagonal", target.depthwise != "dense"
    others = []
    if dense:
        others += [
            DepthwiseCut(False, w) for w in _widths(layer.raw.w, target.size.columns, target.crossbars)
        ]
    if diagonal:
        most = most_channels(layer, target.size, target.diagonal_rows)
        others += [
            DepthwiseCut(True, w) for w in _widths(layer.raw.w, most, target.crossbars) if w > 1 or not dense
        ]
    yield from (choice for choice in others if choice != given)


def _widths(columns: int, widest: int, parts: int) -> list[int]:
    """Widths of equal parts, from the fewest parts to `parts` of them, widest first, each width once."""
    fewest = -(-columns // widest)
    return sorted({-(-columns // n) for n in range(fewest, min(columns, parts) + 1)}, reverse=True)


def _sizes(mapping: Mapping, choice: DepthwiseCut) -> list[tuple[int, int]]:
    """(height, width) of the boxes of a replica."""
    if not choice.width:
        return [(box.h, box.w) for box in mapping.boxes]
    full, rest = divmod(mapping.layer.raw.w, choice.width)
    rows = mapping.layer.raw.h
    size = (rows * choice.width, choice.width) if choice.diagonal else (rows, choice.width)
    last = (rows * rest, rest) if choice.diagonal else (rows, rest)
    return [size] * full + [last] * (rest > 0)


def _reads(mapping: Mapping, choice: DepthwiseCut, read_ns: ReadTime) -> tuple[int, list[float]]:
    """Reads of the slowest box, and the times of one read of all sizes of boxes."""
    layer = mapping.layer
    if not choice.width:
        return max(b.cycles for b in mapping.boxes), [read_ns(layer, b) for b in mapping.boxes]
    cycles = layer.positions * (1 if choice.diagonal else choice.width)
    sizes = dict.fromkeys(_sizes(mapping, choice))
    return cycles, [read_ns(layer, Box(h, w, cycles)) for h, w in sizes]


def _per_variant(owner: Sequence[int], rows: Sequence[NDArray[Any]], combine: np.ufunc) -> NDArray[Any]:
    """What the layers that read each owner have per variant, combined."""
    found: dict[int, NDArray[Any]] = {}
    for o, row in zip(owner, rows, strict=True):
        found[o] = combine(found[o], row) if o in found else row
    return np.concatenate([found[o] for o in sorted(found)])
