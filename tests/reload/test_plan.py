"""Plans of small networks: the best of all cuts, sound layouts, and bounds that hold."""

from dataclasses import replace
from itertools import pairwise

import pytest
from test_cuts import all_cuts

from rram_nas_comp_pack.compiler import NOBODY_WATCHES, CompileOptions, compile_network
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.hardware.writing import WriteSettings
from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.reload.cuts import cost_of
from rram_nas_comp_pack.reload.plan import Planner, plan, quick_bound
from rram_nas_comp_pack.reload.rebuild import pieces_of
from rram_nas_comp_pack.reload.result import ReloadResult, compile_reloaded
from rram_nas_comp_pack.reload.segments import ReloadSettings
from rram_nas_comp_pack.tuning.settings import Effort, Tuning
from rram_nas_comp_pack.values import Box, Layer, Network

HARDWARE = replace(load_hardware(), rows=16, columns=16, subarray_rows=16)
SHAPES = ((9, 8, 64), (40, 16, 64), (9, 16, 16), (16, 24, 16), (70, 40, 4), (40, 10, 1))
"""Rows, columns and positions; the third is depthwise."""


def network(shapes=SHAPES, again=None):
    layers = [
        Layer(i, "Conv2d", f"l{i}", Box(h, w, p * (w if i == 2 else 1)), p, w if i == 2 else 1, i, i == 2)
        for i, (h, w, p) in enumerate(shapes)
    ]
    if again is not None:
        layers.append(replace(layers[again], index=len(layers), stored_in=again))
    return Network("small", tuple(layers), ())


def options(budget, tuned):
    tuning = Tuning("joint", Effort(4, 0, None, 1)) if tuned else None
    goal = PackingSettings("best", budget, 200, seed=1)
    depthwise = "auto" if tuned else "dense"
    return CompileOptions(tuning=tuning, budget=budget, depthwise=depthwise, goal=goal, samples=(1, 4))


SETTINGS = ReloadSettings(batch=4)


@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("budget", [3, 12])
def test_a_plan_is_the_best_of_all_cuts(budget, tuned):
    planner = Planner(network().layers, SETTINGS.compiling(HARDWARE, options(budget, tuned)))
    best, full = planner.best(), planner.full()
    if budget == 12:  # else a layer is divided, and there are too many cuts to try
        least = min(cost_of(ends, planner.cost) for ends in all_cuts(len(planner.units)))
        assert best.cost == pytest.approx(least)
    assert best.cost <= full.cost
    count = len(planner.units)
    for first in range(count):
        for end in range(first + 1, min(first + 4, count) + 1):
            assert planner.bound(first, end) <= planner.cost(first, end)


@pytest.mark.parametrize("tuned", [False, True])
@pytest.mark.parametrize("budget", [1, 2, 12])
def test_every_segment_is_a_sound_layout(budget, tuned):
    chosen = options(budget, tuned)
    found = compile_reloaded(network(again=1), HARDWARE, chosen, SETTINGS, NOBODY_WATCHES)
    assert isinstance(found, ReloadResult)
    slots = budget * len(found.loaded)
    assert not [*violations(found.mappings, found.packing.placements, HARDWARE.size, chosen.rules, slots)]
    order = [unit.layer.index for each in found.loaded for unit in each.units]
    assert all(b - a in (0, 1) for a, b in pairwise(order))
    assert order[0] == 0
    assert order[-1] == 6
    assert found.plan.total_ns <= found.plan.planned_ns * (1 + 1e-9) <= found.plan.full_ns * (1 + 1e-9)
    one, four = found.evaluations
    assert one.ideal_latency_ns <= one.latency_ns * (1 + 1e-9) < four.latency_ns
    assert four.latency_ns == pytest.approx(found.plan.total_ns)
    assert found.schedule.latency_ns == pytest.approx(found.plan.total_ns)
    bound = quick_bound(network(again=1).layers, SETTINGS.compiling(HARDWARE, chosen))
    assert bound.ns <= found.plan.total_ns
    assert bound.fewest <= len(found.loaded)


def test_passes_follow_one_another():
    found = compile_reloaded(
        network(), HARDWARE, replace(options(12, False), samples=(1, 4, 5, 8)), SETTINGS, NOBODY_WATCHES
    )
    one, four, five, eight = (e.latency_ns for e in found.evaluations)
    assert five == pytest.approx(four + one)
    assert eight == pytest.approx(2 * four)


def test_a_network_that_fits_is_compiled_as_ever():
    chosen = options(60, True)
    plain = compile_network(network(), HARDWARE, chosen)
    found = compile_reloaded(network(), HARDWARE, chosen, SETTINGS, NOBODY_WATCHES)
    assert not isinstance(found, ReloadResult)
    assert (found.layout, found.evaluations, found.chip) == (plain.layout, plain.evaluations, plain.chip)


def test_slow_writing_makes_few_segments():
    slow = replace(HARDWARE, write_latency_ns=1e6)
    chosen = options(12, True)
    few = compile_reloaded(network(), slow, chosen, SETTINGS, NOBODY_WATCHES)
    many = compile_reloaded(network(), HARDWARE, chosen, SETTINGS, NOBODY_WATCHES)
    assert len(few.loaded) < len(many.loaded)
    assert few.costs.wear.years > many.costs.wear.years
    assert few.chip.energy_share["writing"] > many.chip.energy_share["writing"] > 0


def test_a_depth_split_that_has_no_room_is_given_up():
    for tuned in (False, True):
        chosen = replace(options(1, tuned), depth_split=8)
        found = compile_reloaded(network(), HARDWARE, chosen, SETTINGS, NOBODY_WATCHES)
        assert not [
            *violations(
                found.mappings, found.packing.placements, HARDWARE.size, chosen.rules, len(found.loaded)
            )
        ]


def test_a_depthwise_kernel_taller_than_a_crossbar_is_refused():
    tall = network(((9, 8, 4), (9, 8, 4), (25, 8, 4)))
    with pytest.raises(BadInput, match="25 rows"):
        compile_reloaded(tall, HARDWARE, options(2, True), SETTINGS, NOBODY_WATCHES)


def test_layers_stay_on_the_chip_where_writing_is_slow():
    """The last layers have few reads and many weights, so that writing them again is dear."""
    slow, one = replace(HARDWARE, write_latency_ns=1e5), replace(SETTINGS, writing=WriteSettings(parallel=1))
    chosen = options(12, True)
    found = compile_reloaded(network(again=0), slow, chosen, one, NOBODY_WATCHES)
    kept = found.plan.residents
    assert kept.mappings
    without = plan(network(again=0).layers, one.compiling(slow, chosen), residents=False)
    assert found.plan.total_ns < without.total_ns
    assert found.split.segments.count(-1) == sum(
        m.copies * len(m.boxes) for m in found.mappings if m.layer.index in kept.mappings
    )
    slots = 12 * (len(found.loaded) + 1)
    assert not [*violations(found.mappings, found.packing.placements, HARDWARE.size, chosen.rules, slots)]
    stays = {
        p.crossbar_idx for p, s in zip(found.split.placements, found.split.segments, strict=True) if s < 0
    }
    assert stays.isdisjoint(p.crossbar_idx for each in found.loaded for p in each.written)
    again = pieces_of(found.split, [[u.layer.index for u in e.units] for e in found.loaded], HARDWARE.size)
    for each, piece in zip(found.loaded, again, strict=True):
        assert each.mappings == piece.mappings
        assert each.kept == piece.kept
        assert set(each.placements) == set(piece.placements)
