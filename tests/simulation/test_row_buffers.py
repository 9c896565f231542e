"""Buffers of rows: closed forms, and a slow run that gets through with them and is stuck with a row fewer."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from row_graphs import any_graphs, in_line, same

from rram_nas_comp_pack.simulation.row_buffers import buffer_rows, fewest_rows, row_buffers
from rram_nas_comp_pack.simulation.row_graph import branches, chain
from rram_nas_comp_pack.values import Box, Layer, LayerRows, Mapping, RowGraph, RowRead


def gets_through(graph: RowGraph, capacity: list[int], seed: int) -> bool:
    """Run rows one at a time, started and finished in random order, by the rule alone; say whether all ran.

    A row takes a place when it starts. The rows of a layer that a reader's unfinished rows need stay.
    """
    rng, done, running = random.Random(seed), [0] * len(graph), set[int]()

    def can_start(layer: int) -> bool:
        row = done[layer]
        if layer in running or row == graph[layer].rows:
            return False
        if any(done[read.layer] <= read.last[row] for read in graph[layer].reads):
            return False
        kept = 0
        for held in range(row):
            for reader, each in enumerate(graph):
                needs = [read for read in each.reads if read.layer == layer]
                rest = range(done[reader], each.rows)
                if any(read.first[r] <= held for read in needs for r in rest if held < row):
                    kept += 1
                    break
        return kept < capacity[layer]

    while True:
        moves = [(layer, True) for layer in range(len(graph)) if can_start(layer)]
        moves += [(layer, False) for layer in running]
        if not moves:
            return all(n == each.rows for n, each in zip(done, graph, strict=True))
        layer, starts = rng.choice(moves)
        if starts:
            running.add(layer)
        else:
            running.remove(layer)
            done[layer] += 1


@st.composite
def lines_with_skips(draw: st.DrawFn) -> RowGraph:
    """A few convolutions in a line; some add a map of the same size from further back."""
    kernels = draw(
        st.lists(st.sampled_from([(3, 1, 1), (1, 1, 0), (5, 1, 2), (3, 2, 1), (2, 2, 0)]), max_size=4)
    )
    found = in_line(kernels, draw(st.integers(3, 6)))
    for layer in range(2, len(found)):
        near = [k for k in range(layer - 1) if found[k].rows == found[layer - 1].rows]
        if near and draw(st.booleans()):
            _, last = found[layer].rows, found[layer].reads[0]
            skip = RowRead(draw(st.sampled_from(near)), last.last, last.first)
            found[layer] = LayerRows(found[layer].rows, (skip, *found[layer].reads))
    return tuple(found)


@given(lines_with_skips(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_a_slow_run_gets_through_with_them_and_not_with_a_row_fewer(graph: RowGraph, seed: int) -> None:
    rows = buffer_rows(graph, [1] * len(graph))
    assert rows == fewest_rows(graph)
    assert gets_through(graph, rows, seed)
    for layer in range(len(graph)):
        fewer = [n - (k == layer) for k, n in enumerate(rows)]
        assert not gets_through(graph, fewer, seed)


@given(any_graphs(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_no_graph_gets_stuck(graph: RowGraph, seed: int) -> None:
    rows = buffer_rows(graph, [1] * len(graph))
    assert all(n <= each.rows for n, each in zip(rows, graph, strict=True))
    assert gets_through(graph, rows, seed)


@pytest.mark.parametrize(("kernel", "rows"), [((3, 1, 1), 3), ((1, 1, 0), 1), ((5, 2, 2), 5), ((7, 2, 3), 7)])
def test_a_convolution_keeps_the_rows_of_its_window(kernel: tuple[int, int, int], rows: int) -> None:
    assert buffer_rows(tuple(in_line([kernel], 20)), [1, 1]) == [rows, 1]


def test_a_skip_edge_keeps_the_distance_between_both_paths() -> None:
    """x + f(f(x)) with windows of 3: the row that is added is two rows behind the newest."""
    line = in_line([(3, 1, 1), (3, 1, 1)], 10)
    graph = (*line, LayerRows(10, (same(0, 10), same(2, 10))))
    assert buffer_rows(graph, [1] * 4) == [3, 3, 1, 1]
    deeper = in_line([(3, 1, 1)] * 4, 10)
    assert buffer_rows((*deeper, LayerRows(10, (same(0, 10), same(4, 10)))), [1] * 6) == [5, 3, 3, 3, 1, 1]


def test_a_map_that_waits_for_its_squeeze_is_kept_in_full() -> None:
    gate = LayerRows(1, (RowRead(0, (9,), (0,)),))
    graph = (LayerRows(10), gate, LayerRows(10, (same(0, 10), RowRead(1, (0,) * 10, (0,) * 10))))
    assert buffer_rows(graph, [1] * 3) == [10, 1, 1]


def test_layers_that_wait_for_each_other_across_branches_get_what_they_need() -> None:
    """Two layers read the same two, each one of them three rows ahead: the smaller buffer holds these."""
    ahead, level = (3, 4, 5, 5, 5, 5), tuple(range(6))
    first = LayerRows(6, (RowRead(0, level, level), RowRead(1, ahead, ahead)))
    second = LayerRows(6, (RowRead(0, ahead, ahead), RowRead(1, level, level)))
    graph = (LayerRows(6), LayerRows(6), first, second)
    assert fewest_rows(graph) == [1, 1, 1, 1]
    for sizes in ([1, 9, 1, 1], [9, 1, 1, 1]):
        rows = buffer_rows(graph, sizes)
        assert rows[sizes.index(1)] > rows[sizes.index(9)]
        assert gets_through(graph, rows, 0)


def test_whole_layers_keep_their_maps() -> None:
    layers = [Layer(k, "Conv2d", f"l{k}", Box(9, 4 + k, 30), 30, 1, k) for k in range(3)]
    mappings = [Mapping(layer, (layer.raw,)) for layer in layers]
    graph = tuple(in_line([(3, 1, 1), (3, 1, 1)], 6))
    found = row_buffers(mappings, graph)
    assert found.bytes == (3 * 5 * 4, 3 * 5 * 5, 5 * 6)
    for whole in (chain(3), branches(graph)):
        assert row_buffers(mappings, whole).bytes == (30 * 4, 30 * 5, 30 * 6)
