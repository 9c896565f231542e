"""The schedule of rows: closed forms, SimPy, and the schedule of layers where all edges are barriers."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import simpy

from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.simulation.row_bounds import row_bounds
from rram_nas_comp_pack.simulation.row_graph import branches, chain, graph_for, without_idle_rows
from rram_nas_comp_pack.simulation.row_loop import loop_rows, row_executions, row_program, simulate_rows
from rram_nas_comp_pack.simulation.row_rounds import round_lists
from rram_nas_comp_pack.values import Box, Layer, LayerRows, Mapping, Placement, RowGraph, RowRead


def one_ns(_layer: Layer, _box: Box) -> float:
    return 1.0


def by_width(_layer: Layer, box: Box) -> float:
    return 1.0 + 0.37 * box.w


def mapped(
    index: int, positions: int, copies: int = 1, boxes: int = 1, stored_in: int | None = None
) -> Mapping:
    store = index if stored_in is None else stored_in
    layer = Layer(index, "Conv2d", f"l{index}", Box(9, 9, positions), positions, 1, store)
    return Mapping(layer, tuple(Box(9, 3 + k, positions) for k in range(boxes)), copies)


def in_line(layers: int, rows: int, ahead: int) -> RowGraph:
    """Layers of so many rows, each of which needs `ahead` more rows of the layer before it."""
    last = tuple(min(rows - 1, row + ahead) for row in range(rows))
    return tuple(LayerRows(rows, (RowRead(k - 1, last),) if k else ()) for k in range(layers))


@pytest.mark.parametrize(("layers", "rows", "row"), [(1, 5, 3), (2, 4, 2), (5, 8, 1), (4, 2, 6)])
@pytest.mark.parametrize("ahead", [0, 1])
def test_equal_layers_take_what_the_closed_forms_say(layers: int, rows: int, row: int, ahead: int) -> None:
    """n layers of h rows: (h + n - 1) c where a row needs one row, (h + 2 (n - 1)) c where it needs two."""
    graph = in_line(layers, rows, ahead)
    ran = row_program([mapped(k, rows * row) for k in range(layers)], one_ns, graph)
    wanted = row * (rows + (1 + ahead) * (layers - 1))
    assert simulate_rows(ran, 1).latency_ns == wanted
    assert row_bounds(ran, graph).critical_path_ns == wanted


def test_copies_share_a_row() -> None:
    ran = row_program([mapped(0, 5 * 7, copies=3)], one_ns, in_line(1, 5, 0))
    assert simulate_rows(ran, 1).latency_ns == 5 * 3  # 7 positions by 3 copies


def test_branches_run_at_once() -> None:
    graph = (LayerRows(1), LayerRows(1, (RowRead(0, (0,)),)), LayerRows(1, (RowRead(0, (0,)),)))
    joined = (*graph, LayerRows(1, (RowRead(1, (0,)), RowRead(2, (0,)))))
    mappings = [mapped(0, 2), mapped(1, 5), mapped(2, 7), mapped(3, 1)]
    assert simulate_rows(row_program(mappings, one_ns, joined), 1).latency_ns == 2 + 7 + 1


def random_case(seed: int) -> tuple[list[Mapping], list[Placement], RowGraph]:
    """A few layers, some of which run again, on few crossbars, and a graph between them."""
    rng = random.Random(seed)
    crossbars, mappings, graph = rng.randint(2, 6), list[Mapping](), list[LayerRows]()
    for k in range(rng.randint(1, 6)):
        again = rng.randrange(k) if k and rng.random() < 0.3 else None
        first = None if again is None else mappings[mappings[again].layer.stored_in]
        rows = rng.randint(1, 5)
        positions = rows * rng.randint(1, 4)
        if first is None:
            mappings.append(mapped(k, positions, rng.randint(1, 4), rng.randint(1, 3)))
        else:
            mappings.append(mapped(k, positions, first.copies, len(first.boxes), first.layer.index))
        graph.append(LayerRows(rows, tuple(_random_reads(rng, rows, graph))))
    placements = [
        Placement(m.layer.index, rng.randrange(crossbars), 0, 0, 1, 1, replica, box)
        for m in mappings
        if m.stored
        for replica in range(m.copies)
        for box in range(len(m.boxes))
    ]
    return mappings, placements, tuple(graph)


def _random_reads(rng: random.Random, rows: int, earlier: list[LayerRows]) -> Iterator[RowRead]:
    sources = rng.sample(range(len(earlier)), min(len(earlier), rng.randint(1, 2)))
    for source in sorted(sources):
        last = sorted(rng.randrange(-1, earlier[source].rows) for _ in range(rows))
        yield RowRead(source, (*last[:-1], max(last[-1], 0)))


@pytest.mark.parametrize("read_ns", [one_ns, by_width])
def test_a_chain_of_barriers_is_the_schedule_of_layers_to_the_bit(read_ns: Any) -> None:
    for seed in range(40):
        mappings, placements, _ = random_case(seed)
        for samples in (1, 5):
            wanted = simulate(program(mappings, read_ns, placements), samples)
            found = simulate_rows(row_program(mappings, read_ns, chain(len(mappings)), placements), samples)
            for name in ("asked_ns", "started_ns", "finished_ns", "busy_ns", "waited_ns"):
                assert np.array_equal(getattr(found, name), getattr(wanted, name)), (seed, name)


class RowOracle:
    """The schedule in SimPy: a process for every row; crossbars and replicas are first come, first served.

    Only for layers that take all replicas and hold a crossbar once: then a row is one round.
    """

    def __init__(self, mappings: list[Mapping], placements: list[Placement], graph: RowGraph) -> None:
        self.mappings, self.graph = mappings, graph
        self.env = simpy.Environment()
        self.crossbars = {p.crossbar_idx: simpy.Resource(self.env) for p in placements}
        self.stores = {m.layer.index: simpy.Resource(self.env) for m in mappings}
        self.homes = {m.layer.index: set[int]() for m in mappings}
        for p in placements:
            self.homes[p.layer_idx].add(p.crossbar_idx)
        self.finished: dict[tuple[int, int, int], Any] = {}
        self.entered: dict[int, Any] = {}

    def run(self, samples: int) -> np.ndarray[Any, Any]:
        """When each layer of each sample is finished."""
        for s in range(samples):
            self.entered[s] = self.env.event()
            for layer, each in enumerate(self.graph):
                for row in range(each.rows):
                    self.finished[s, layer, row] = self.env.event()
        for s in range(samples):
            for layer in range(len(self.graph)):
                self.env.process(self._layer(s, layer))
        self.entered[0].succeed()
        self.env.run()
        shape = (samples, len(self.graph))
        return np.array(
            [
                [self.finished[s, k, self.graph[k].rows - 1].value for k in range(shape[1])]
                for s in range(shape[0])
            ]
        )

    def _layer(self, s: int, layer: int) -> Iterator[Any]:
        m, each = self.mappings[layer], self.graph[layer]
        if not each.reads:
            yield self.entered[s]
        for row in range(each.rows):
            needed = [
                self.finished[s, read.layer, read.last[row]] for read in each.reads if read.last[row] >= 0
            ]
            yield self.env.all_of(needed)
            with self.stores[m.layer.stored_in].request() as store:
                yield store
                requests = [self.crossbars[c].request() for c in sorted(self.homes[m.layer.stored_in])]
                yield self.env.all_of(requests)
                reads = -(-m.layer.positions // each.rows)
                # times that hardly ever coincide: the order of equal ones is not what is tested
                yield self.env.timeout(-(-reads // m.copies) * (1.0 + 0.01 * np.sqrt(layer + 2.0)))
                for c, request in zip(sorted(self.homes[m.layer.stored_in]), requests, strict=True):
                    self.crossbars[c].release(request)
            if (layer, row) == (0, each.rows - 1) and s + 1 in self.entered:
                self.entered[s + 1].succeed()  # before the layers that wait for this row
            self.finished[s, layer, row].succeed(self.env.now)


def uneven(layer: Layer, _box: Box) -> float:
    return float(1.0 + 0.01 * np.sqrt(layer.index + 2.0))


def one_round_case(seed: int) -> tuple[list[Mapping], list[Placement], RowGraph]:
    """As `random_case`, but all replicas are taken and no crossbar is held twice by a layer."""
    rng = random.Random(seed)
    mappings, graph, placements = list[Mapping](), list[LayerRows](), list[Placement]()
    for k in range(rng.randint(2, 6)):
        rows, copies = rng.randint(1, 6), rng.randint(1, 2)
        mappings.append(mapped(k, rows * rng.randint(copies, 5), copies))
        graph.append(LayerRows(rows, tuple(_random_reads(rng, rows, graph))))
        homes = rng.sample(range(5), copies)
        placements += [Placement(k, c, 0, 0, 1, 1, replica, 0) for replica, c in enumerate(homes)]
    return mappings, placements, tuple(graph)


def test_the_event_loop_gives_what_simpy_gives() -> None:
    for seed in range(60):
        mappings, placements, graph = one_round_case(seed)
        if any(not each.reads or each.reads[0].last[0] < 0 for each in graph[1:]):
            graph = branches(graph)  # rows that need nothing begin with the sample, all at one time
        found = simulate_rows(row_program(mappings, uneven, graph, placements), 3).finished_ns
        wanted = RowOracle(mappings, placements, graph).run(3)
        assert np.allclose(found, wanted, rtol=1e-12), seed


@pytest.mark.parametrize("read_ns", [one_ns, uneven, by_width])
def test_the_fast_way_is_the_loop_to_the_bit(read_ns: Any) -> None:
    """Many rows end at the same time, on crossbars that several layers share, in groups and alone."""
    for seed in range(60):
        mappings, placements, graph = one_round_case(seed)
        several = seed % 3 + 1  # each crossbar so many times, which makes groups
        places = [(p, k) for p in placements for k in range(several)]
        placements = [replace(p, crossbar_idx=several * p.crossbar_idx + k, box=k) for p, k in places]
        mappings = [replace(m, boxes=m.boxes * several) for m in mappings]
        ran = row_program(mappings, read_ns, graph, placements)
        rounds = round_lists(ran.layers)
        assert rounds is not None
        assert rounds.groups <= len({p.crossbar_idx for p in placements}) // several
        for samples in (1, 4):
            found, wanted = simulate_rows(ran, samples), loop_rows(ran, samples)
            for name in ("asked_ns", "started_ns", "finished_ns", "busy_ns", "waited_ns"):
                assert np.array_equal(getattr(found, name), getattr(wanted, name)), (seed, name)


def test_no_crossbar_reads_two_boxes_at_once_and_rows_wait_for_what_they_need() -> None:
    for seed in range(30):
        mappings, placements, graph = random_case(seed)
        ran = row_program(mappings, by_width, graph, placements)
        reads = row_executions(ran, 3)
        home = {(p.layer_idx, p.replica, p.box): p.crossbar_idx for p in placements}
        by_crossbar: dict[int, list[tuple[float, float]]] = {}
        for _, layer, _, replica, box, start, end in zip(*(c.tolist() for c in reads), strict=True):
            crossbar = home[mappings[layer].layer.stored_in, replica, box]
            by_crossbar.setdefault(crossbar, []).append((start, end))
        for slices in by_crossbar.values():
            assert all(a[1] <= b[0] for a, b in pairwise(sorted(slices)))
        bounds = row_bounds(ran, graph)
        assert simulate_rows(ran, 1).latency_ns >= bounds.largest_ns * (1 - 1e-12)


def test_rows_between_barriers_become_one() -> None:
    """A layer that starts all rows at once and is needed in full has nothing to gain from rows."""
    barrier = tuple(LayerRows(4, (RowRead(k - 1, (3,) * 4),) if k else ()) for k in range(3))
    assert without_idle_rows(barrier) == chain(3)
    assert without_idle_rows(in_line(3, 4, 1)) == in_line(3, 4, 1)
    mixed = (*in_line(2, 4, 0), LayerRows(2, (RowRead(1, (3, 3)),)))
    assert [each.rows for each in without_idle_rows(mixed)] == [4, 4, 1]
    assert graph_for("layer", mixed) is None
    assert graph_for("branch", mixed) == branches(mixed) == chain(3)
