"""Subnets by rows: their graph is that of a trace, and their figures those of their layout."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ofa
from ofa.architecture import layer_shapes, sample
from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.hardware.chip_costs import read_time_of
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas import compile_subnet as subnet
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, compile_subnet, layers_of
from rram_nas_comp_pack.nas.subnet_rows import graph_of_subnet, rows_of_shapes
from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.simulation.row_graph import ScheduleKind, graph_for
from rram_nas_comp_pack.simulation.schedules import fastest_graph
from rram_nas_comp_pack.values import NoFit, Rules

NET = ofa.build_supernet().eval()
HARDWARE = load_hardware(Path("SimConfig.ini"))
SETTINGS = CompileSettings(HARDWARE, 211, 4, Rules(1, 6), schedule="row")


@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
@settings(max_examples=5, deadline=None)
def test_the_graph_by_arithmetic_is_that_of_a_trace(seed: int, resolution: int) -> None:
    chosen = sample(np.random.default_rng(seed))
    NET.set_active_subnet(*chosen)
    traced = trace(NET.get_active_subnet(), (3, resolution, resolution), "subnet").graph
    assert rows_of_shapes(layer_shapes(*chosen, resolution), resolution) == traced
    for kind in ("branch", "row"):
        assert graph_of_subnet(chosen, kind, resolution) == graph_for(kind, traced)
    assert graph_of_subnet(chosen, "layer", resolution) is None


@pytest.mark.parametrize("schedule", ["branch", "row"])
@pytest.mark.parametrize("duplicate", [True, False])
def test_figures_are_those_of_the_layout_and_never_slower_than_by_layers(
    schedule: ScheduleKind, duplicate: bool
) -> None:
    chosen, resolution = sample(np.random.default_rng(3)), 32
    own = replace(
        SETTINGS, schedule=schedule, duplicate=duplicate, depthwise="auto" if duplicate else "dense"
    )
    graph = graph_of_subnet(chosen, schedule, resolution)
    assert graph is not None
    found, by_layers = (
        compile_subnet(chosen, each, resolution) for each in (own, replace(own, schedule="layer"))
    )
    mapped = subnet._layout(layers_of(chosen, resolution), own, graph)
    assert not isinstance(found, NoFit)
    assert not isinstance(by_layers, NoFit)
    assert not isinstance(mapped, NoFit)
    layout = mapped.values()
    assert not list(violations(layout.mappings, layout.packing.placements, HARDWARE.size, own.rules, 211))
    latency_ns = fastest_graph(layout, read_time_of(HARDWARE), graph, own.samples)[1]
    assert found.latency_ns == latency_ns <= by_layers.latency_ns
    assert found.baseline_ns == by_layers.baseline_ns
