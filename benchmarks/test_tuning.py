"""The tuners on MobileNetV3-small: first answers, and their parts against a plain counterpart."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.hardware.chip_costs import read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.joint.construction import add_copies_greedily, from_packing
from rram_nas_comp_pack.tuning.joint.fast_schedule import makespan, schedule_buffers
from rram_nas_comp_pack.tuning.joint.multi_start import tune
from rram_nas_comp_pack.tuning.joint.objective import set_durations
from rram_nas_comp_pack.tuning.joint.search_space import build_problem
from rram_nas_comp_pack.tuning.paper.integer_program import copies_within
from rram_nas_comp_pack.tuning.paper.margin_tuner import margin_trials
from rram_nas_comp_pack.tuning.settings import Effort, Target
from rram_nas_comp_pack.values import CrossbarSize, Layout, Rules

SIZE = CrossbarSize(128, 128)
SAMPLES = 8
READ = partial(read_ns, load_hardware(Path("SimConfig.ini")))


def network(budget, split=1):
    """The un-duplicated layout and what it may be tuned to."""
    plain = partition(load_network("mbv3_small").layers, SIZE, split)
    packing = pack_mappings(plain, SIZE, Rules(), PackingSettings("fast", budget=budget))
    return Layout(plain, packing), Target(budget, SIZE, Rules(), "auto")


class Stop(Exception):
    """Ends a search from its progress callback."""


@pytest.mark.benchmark(group="tuners of mbv3_small")
def test_first_answer_of_the_joint_tuner(benchmark):
    plain, target = network(211)

    def stop(*_):
        raise Stop

    def first():
        with pytest.raises(Stop):
            tune(plain, target, READ, Effort(SAMPLES), stop)

    benchmark(first)


@pytest.mark.benchmark(group="tuners of mbv3_small")
def test_joint_tuner_without_effort(benchmark):
    plain, target = network(211)
    benchmark(tune, plain, target, READ, Effort(SAMPLES, steps=0))


@pytest.mark.benchmark(group="tuners of mbv3_small")
@pytest.mark.parametrize("budget", [249, 449])
def test_margin_tuner(benchmark, budget):
    plain, target = network(budget, 5)
    benchmark(lambda: list(margin_trials(plain, target, 123, lambda *_: 0.0)))


def instance():
    layers = load_network("mbv3_small").layers
    return [m.raw.cycles for m in layers], [m.weights for m in layers], 0.95 * 211 * 128 * 128


@pytest.mark.benchmark(group="the paper's integer program")
def test_bisection(benchmark):
    benchmark(copies_within, *instance())


@pytest.mark.benchmark(group="the paper's integer program")
def test_milp(benchmark):
    cycles, areas, capacity = (np.array(x, dtype=float) for x in instance())
    slowest = int(np.argmax(cycles))
    rates = 1 / cycles
    rows = np.diag(rates)
    rows[:, slowest] -= rates[slowest]
    limits = [LinearConstraint(rows, lb=0), LinearConstraint(areas, ub=capacity)]
    goal = np.zeros(len(cycles))
    goal[slowest] = -1
    solved = benchmark(milp, goal, integrality=np.ones(len(cycles)), bounds=Bounds(1), constraints=limits)
    assert round(solved.x[slowest]) == copies_within(*instance())[slowest]


@pytest.fixture
def duplicated():
    """A layout in the making, with about 800 boxes."""
    (plain, packing), target = network(211)
    found = build_problem(plain, target, READ)
    state = from_packing(found.space, packing.placements, 1)
    add_copies_greedily(found.space, state, SAMPLES)
    set_durations(found.space, state)
    return found, state


@pytest.mark.benchmark(group="schedule of 8 samples, 63 layers with copies")
def test_replay(benchmark, duplicated):
    found, state = duplicated
    scratch = schedule_buffers(found.space, SAMPLES)
    benchmark(makespan, found.space, state, scratch, SAMPLES)


@pytest.mark.benchmark(group="schedule of 8 samples, 63 layers with copies")
def test_simulate(benchmark):
    plain, target = network(211)
    tuned = tune(plain, target, READ, Effort(SAMPLES, steps=0))
    prepared = program(tuned.layout.mappings, READ, tuned.layout.packing.placements)
    benchmark(simulate, prepared, SAMPLES)
