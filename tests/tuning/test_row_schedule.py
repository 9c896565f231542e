"""The tuner's replay of rows, and what tuning by rows promises."""

from __future__ import annotations

import numpy as np
import pytest
from tuning_cases import one_ns

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.row_loop import row_program, simulate_rows
from rram_nas_comp_pack.simulation.schedules import fastest_graph, prepared, schedule_of
from rram_nas_comp_pack.tuning.joint.multi_start import _MultiStart, tune
from rram_nas_comp_pack.tuning.joint.objective import BEST
from rram_nas_comp_pack.tuning.joint.result import as_values
from rram_nas_comp_pack.tuning.joint.search_space import build_problem
from rram_nas_comp_pack.tuning.settings import Effort, Target, Tuning
from rram_nas_comp_pack.tuning.tuner import tune_layout
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer, LayerRows, Layout, RowGraph, RowRead, Rules

SIZE = CrossbarSize(16, 16)
RULES = Rules()


def in_line(rows: int, layers: int) -> tuple[tuple[Layer, ...], RowGraph]:
    """Layers that each need one more row than they have, of differing lengths of a row."""
    lengths = [5 + (3 * k) % 7 for k in range(layers)]
    made = tuple(
        Layer(k, "Conv2d", f"l{k}", Box(9, 7 + k, rows * n), rows * n, 1, k) for k, n in enumerate(lengths)
    )
    last = tuple(min(rows - 1, row + 1) for row in range(rows))
    return made, tuple(LayerRows(rows, (RowRead(k - 1, last),) if k else ()) for k in range(layers))


def plain_layout(layers: tuple[Layer, ...]) -> Layout:
    mappings = partition(layers, SIZE)
    return Layout(mappings, pack_mappings(mappings, SIZE, RULES, PackingSettings(budget=8)))


@pytest.mark.parametrize("samples", [1, 3])
def test_the_replay_of_rows_is_the_simulation(samples: int) -> None:
    """Times of reads that hardly ever coincide: of equal times, the order is not the same."""
    layers, graph = in_line(6, 5)

    def uneven(layer: Layer, _box: Box) -> float:
        return float(1.0 + 0.01 * np.sqrt(layer.index + 2.0))

    plain = plain_layout(layers)
    problem = build_problem(plain.mappings, Target(9, SIZE, RULES, "dense"), uneven, graph)
    for steps in (0, 100):
        search = _MultiStart(problem, Effort(samples, steps, graph=graph), None)
        best = search.run(plain.packing.placements)
        assert best is not None
        layout = as_values(problem, best, "effort")
        ran = row_program(layout.mappings, uneven, graph, layout.packing.placements)
        wanted = simulate_rows(ran, samples).latency_ns
        assert best.latency[BEST] * problem.unit_ns == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("samples", [1, 4])
def test_rows_are_never_slower_than_layers(samples: int) -> None:
    layers, graph = in_line(6, 5)
    plain, target = plain_layout(layers), Target(9, SIZE, RULES, "dense")
    chosen, found = tune_layout(plain, target, one_ns, Tuning("joint", Effort(samples, 200, graph=graph)))
    by_layers = tune(plain, target, one_ns, Effort(samples, 200))
    assert by_layers is not None
    for layout in (chosen, by_layers.layout):
        ran = prepared(layout.mappings, one_ns, None, layout.packing.placements)
        assert found.latency_ns <= schedule_of(ran, samples).latency_ns
        assert found.latency_ns <= fastest_graph(layout, one_ns, graph, samples)[1]
