"""The graph of rows as the schedules take it: every row, one row a layer (branches), or nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from ..kernels.arrays import Floats, Ints, offsets
from ..values import LayerRows, RowGraph, RowRead

ScheduleKind = Literal["layer", "branch", "row"]
"""What may run at once within a sample: one layer, layers of different branches, or rows of any layers."""


class RowArrays(NamedTuple):
    """A graph as flat arrays.

    Per layer: `rows`; its inputs are numbers read_offset[l] to read_offset[l + 1] - 1. Input k comes from
    layer `source[k]`, of which row r needs the rows up to last[last_offset[k] + r]. The layers that read
    layer l are reader[reader_offset[l]] to reader[reader_offset[l + 1] - 1], by rising number.
    """

    rows: Ints
    read_offset: Ints
    source: Ints
    last_offset: Ints
    last: Ints
    reader_offset: Ints
    reader: Ints


def chain(layers: int) -> RowGraph:
    """Return the graph of layers that each wait for the whole of the one before, as in the paper."""
    return tuple(LayerRows(1, (RowRead(index - 1, (0,)),) if index else ()) for index in range(layers))


def graph_for(kind: ScheduleKind, graph: RowGraph) -> RowGraph | None:
    """Return what a schedule runs by; None for that of whole layers."""
    if kind == "layer":
        return None
    return branches(graph) if kind == "branch" else without_idle_rows(graph)


def branches(graph: RowGraph) -> RowGraph:
    """Return the graph with a barrier on every edge: layers of one row."""
    return tuple(LayerRows(1, tuple(RowRead(read.layer, (0,)) for read in each.reads)) for each in graph)


def without_idle_rows(graph: RowGraph) -> RowGraph:
    """Return the graph with a single row where rows bring nothing.

    A layer between barriers starts all its rows at once and is needed in full, so that rows would only round
    its reads up more often.
    """
    useful = [any(len(set(read.last)) > 1 for read in each.reads) for each in graph]
    for each in graph:
        for read in each.reads:
            useful[read.layer] |= read.last[0] < graph[read.layer].rows - 1
    return tuple(
        LayerRows(
            each.rows if kept else 1, tuple(_shortened(read, graph, useful, kept) for read in each.reads)
        )
        for each, kept in zip(graph, useful, strict=True)
    )


def _shortened(read: RowRead, graph: RowGraph, useful: list[bool], kept: bool) -> RowRead:
    last = read.last if kept else read.last[-1:]
    first = read.first if kept else read.first[:1]
    if useful[read.layer]:
        return RowRead(read.layer, last, first)
    return RowRead(read.layer, tuple(min(row, 0) for row in last))


def arrays_of(graph: RowGraph) -> RowArrays:
    """Return a graph as flat arrays."""
    reads = [read for each in graph for read in each.reads]
    edges = sorted((read.layer, number) for number, each in enumerate(graph) for read in each.reads)
    sources = np.array([source for source, _ in edges], dtype=np.int64)
    return RowArrays(
        rows=np.array([each.rows for each in graph], dtype=np.int64),
        read_offset=offsets([len(each.reads) for each in graph]),
        source=np.array([read.layer for read in reads], dtype=np.int64),
        last_offset=offsets([len(read.last) for read in reads]),
        last=np.array([row for read in reads for row in read.last], dtype=np.int64),
        reader_offset=offsets(np.bincount(sources, minlength=len(graph))),
        reader=np.array([number for _, number in edges], dtype=np.int64),
    )


def no_graph(layers: int) -> RowArrays:
    """Return what stands for the schedule of whole layers: layers of one row, without offsets of edges."""
    nothing = np.zeros(0, dtype=np.int64)
    return RowArrays(np.ones(layers, dtype=np.int64), *[nothing] * 6)


def critical_path(graph: RowGraph, row_times: Sequence[float]) -> float:
    """Return when the last row ends if rows take `row_times` (layers,) and wait for no crossbars."""
    finished: list[Floats] = []
    for each, time in zip(graph, row_times, strict=True):
        ready = np.zeros(each.rows)
        for read in each.reads:
            last = np.array(read.last)
            ready = np.maximum(ready, np.where(last < 0, 0.0, finished[read.layer][last]))
        # finish(r) = max(finish(r - 1), ready(r)) + time, without a loop
        ahead = np.maximum.accumulate(ready - time * np.arange(each.rows))
        finished.append(ahead + time * (np.arange(each.rows) + 1))
    return max(float(rows[-1]) for rows in finished)
