"""One subnet of the supernet compiled as a search does it, beside the ordinary way to the same figures."""

from functools import partial
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest

from ofa.architecture import sample
from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.hardware.chip_costs import chip_costs, read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, compile_subnet, layers_of
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.joint.multi_start import tune
from rram_nas_comp_pack.tuning.settings import Effort, Target
from rram_nas_comp_pack.values import CrossbarSize, Layout, Rules

SIZE, RULES, BUDGET, SAMPLES = CrossbarSize(128, 128), Rules(1, 6), 211, 8
HARDWARE = load_hardware(Path("SimConfig.ini"))
READ = partial(read_ns, HARDWARE)
SETTINGS = CompileSettings(HARDWARE, BUDGET, SAMPLES, RULES)


@pytest.fixture(scope="module")
def chosen():
    """Random subnets, seen once: what is remembered of layers is there."""
    drawn = [sample(np.random.default_rng(seed)) for seed in range(60)]
    for each in drawn:
        compile_subnet(each, SETTINGS)
    return drawn


def ordinary(each):
    """Pack, tune without effort, simulate, add up."""
    plain = partition(layers_of(each), SIZE)
    packing = pack_mappings(plain, SIZE, RULES, PackingSettings("fast", BUDGET))
    target = Target(BUDGET, SIZE, RULES, "auto")
    mappings, packing = tune(Layout(plain, packing), target, READ, Effort(SAMPLES, 0)).layout
    latency = simulate(program(mappings, READ, packing.placements), SAMPLES).latency_ns
    baseline = simulate(program(plain, READ), SAMPLES).latency_ns
    return baseline, chip_costs(HARDWARE, mappings, packing.crossbars, latency)


@pytest.mark.benchmark(group="one subnet, 211 crossbars, 8 samples")
def test_compile_subnet(benchmark, chosen):
    subnets = cycle(chosen)
    benchmark.pedantic(lambda: compile_subnet(next(subnets), SETTINGS), rounds=120)


@pytest.mark.benchmark(group="one subnet, 211 crossbars, 8 samples")
def test_the_ordinary_way(benchmark, chosen):
    subnets = cycle(chosen)
    benchmark.pedantic(lambda: ordinary(next(subnets)), rounds=60, warmup_rounds=2)
