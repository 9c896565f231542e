"""The event loop against plain SimPy, on MobileNetV3-small."""

from functools import partial
from pathlib import Path

import pytest

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.hardware.chip_costs import read_ns, read_time_of
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.simulation.row_graph import graph_for
from rram_nas_comp_pack.simulation.row_loop import loop_rows, row_program, simulate_rows
from rram_nas_comp_pack.tuning.joint.quick import quick_layout
from rram_nas_comp_pack.tuning.settings import Effort, Target
from rram_nas_comp_pack.values import Rules
from tests.simulation.simpy_oracle import Oracle

SAMPLES = 512


@pytest.fixture(scope="module")
def packed():
    hardware = load_hardware(Path("SimConfig.ini"))
    mappings = partition(load_network("mbv3_small").layers, hardware.size, 5)
    packing = pack_mappings(mappings, hardware.size, Rules(), PackingSettings(packer="fast"))
    return mappings, partial(read_ns, hardware), packing.placements


@pytest.mark.benchmark(group="512 samples of mbv3_small")
def test_compiled(benchmark, packed):
    prepared = program(*packed)
    simulate(prepared, 1)
    benchmark(simulate, prepared, SAMPLES)


@pytest.mark.benchmark(group="512 samples of mbv3_small")
def test_simpy(benchmark, packed):
    latency_ns = benchmark.pedantic(lambda: Oracle(*packed).run(SAMPLES), rounds=1)
    assert latency_ns == pytest.approx(simulate(program(*packed), SAMPLES).latency_ns, rel=1e-9)


@pytest.fixture(scope="module")
def by_rows():
    """A layout with copies on 211 crossbars, and the graph of rows."""
    hardware, network = load_hardware(Path("SimConfig.ini")), load_network("mbv3_small")
    graph, read = graph_for("row", network.graph), read_time_of(hardware)
    target, effort = Target(211, hardware.size, Rules(), "auto"), Effort(8, 0, graph=graph)
    layout = quick_layout(partition(network.layers, hardware.size), target, read, effort).values()
    return row_program(layout.mappings, read, graph, layout.packing.placements)


@pytest.mark.benchmark(group="512 samples of mbv3_small by rows")
@pytest.mark.parametrize("run", [simulate_rows, loop_rows])
def test_rows(benchmark, by_rows, run):
    run(by_rows, 1)
    found = benchmark(run, by_rows, SAMPLES)
    assert found.latency_ns == loop_rows(by_rows, SAMPLES).latency_ns
