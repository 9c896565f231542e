"""How many rows are kept behind each layer, so that a schedule of rows never gets stuck.

A layer computes a row only if its buffer has room for it. A row leaves the buffer when all layers that need
it have finished the rows that they need it for. Only the graph decides whether all rows can be computed so:
crossbars and replicas are taken for a single row, by who is ready for it, and always given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..kernels.arrays import Ints
from ..values import Mapping, RowGraph, RowRead

RESULT_BYTES = 1
"""Of a number that a layer computes, as the next one takes it."""


@dataclass(frozen=True, slots=True)
class RowBuffers:
    """Per layer, the rows that its buffer holds and their bytes (layers,)."""

    rows: tuple[int, ...]
    bytes: tuple[int, ...]


def row_buffers(mappings: Sequence[Mapping], graph: RowGraph) -> RowBuffers:
    """Return the buffers behind mapped layers whose schedule runs by `graph`."""
    sizes = [
        -(-m.layer.positions * m.layer.raw.w // each.rows) * RESULT_BYTES
        for m, each in zip(mappings, graph, strict=True)
    ]
    rows = buffer_rows(graph, sizes)
    return RowBuffers(tuple(rows), tuple(n * size for n, size in zip(rows, sizes, strict=True)))


def buffer_rows(graph: RowGraph, sizes: Sequence[int]) -> list[int]:
    """Return rows (layers,) with which no schedule gets stuck; `sizes` are bytes of a row of each layer.

    No layer can do with fewer than `fewest_rows`. Where these are not enough, because layers wait for one
    another across branches, the smallest of the buffers in the way grows.
    """
    rows = fewest_rows(graph)
    run = _Run(graph, rows)
    while True:
        stuck = run.advance()
        if stuck is None:
            return rows
        smallest = min(run.full_buffers(stuck), key=lambda layer: sizes[layer])
        rows[smallest] += 1


def fewest_rows(graph: RowGraph) -> list[int]:
    """Return what each buffer (layers,) needs at least.

    Before a layer finishes a row, all that this row needs by any path has been computed, and what itself
    reads is still there.
    """
    rows = [1] * len(graph)
    for each in graph:
        if not each.reads:
            continue
        needed = _needed(graph, each.reads)
        for read in each.reads:
            kept = needed[read.layer] - _firsts(read) + 1
            rows[read.layer] = max(rows[read.layer], int(kept.max()))
    return rows


def _needed(graph: RowGraph, reads: Sequence[RowRead]) -> dict[int, Ints]:
    """Return the last row of layers that each row of a reader needs by any path, down to those it reads."""
    earliest = min(read.layer for read in reads)
    needed = {read.layer: np.array(read.last) for read in reads}
    for layer in range(max(needed), earliest, -1):
        if layer not in needed:
            continue
        rows = needed[layer]
        for read in graph[layer].reads:
            if read.layer >= earliest:
                last = np.where(rows < 0, -1, np.array(read.last)[rows])
                needed[read.layer] = np.maximum(needed.get(read.layer, last), last)
    return needed


def _firsts(read: RowRead) -> Ints:
    return np.array(read.first or (0,) * len(read.last))


class _Run:
    """Layers that compute rows as soon as they can, however long rows take; `capacity` may grow meanwhile."""

    def __init__(self, graph: RowGraph, capacity: Sequence[int]) -> None:
        self._graph, self._capacity = graph, capacity
        self._done = [0] * len(graph)
        self._readers: list[list[tuple[int, RowRead]]] = [[] for _ in graph]
        for layer, each in enumerate(graph):
            for read in each.reads:
                self._readers[read.layer].append((layer, read))
        self._waiting = set(range(len(graph)))

    def advance(self) -> int | None:
        """Compute all rows that can be; return a layer that is stuck, or None where none is."""
        again = set(self._waiting)
        while again:
            layer = again.pop()
            before = self._done[layer]
            while self._done[layer] < self._graph[layer].rows and self._in_the_way(layer) is None:
                self._done[layer] += 1
            if self._done[layer] > before:
                again |= {reader for reader, _ in self._readers[layer]}
                again |= {read.layer for read in self._graph[layer].reads}
        self._waiting = {k for k, each in enumerate(self._graph) if self._done[k] < each.rows}
        return min(self._waiting, default=None)

    def full_buffers(self, layer: int) -> list[int]:
        """Return the layers without room among those that wait for one another in a circle behind one."""
        met: list[int] = []
        while layer not in met:
            met.append(layer)
            layer = self._next(layer)
        return [each for each in met[met.index(layer) :] if self._next(each) > each]

    def _next(self, layer: int) -> int:
        blocking = self._in_the_way(layer)
        assert blocking is not None
        return blocking

    def _in_the_way(self, layer: int) -> int | None:
        """Return what a layer's next row waits for: one that it reads, or a reader that keeps rows of it."""
        row = self._done[layer]
        for read in self._graph[layer].reads:
            if self._done[read.layer] <= read.last[row]:
                return read.layer
        for reader, read in self._readers[layer]:
            at = self._done[reader]
            if at < len(read.last) and row - (read.first[at] if read.first else 0) >= self._capacity[layer]:
                return reader
        return None
