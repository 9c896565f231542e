"""Subnets compiled in milliseconds: their figures are those of the ordinary way, told by other means."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ofa
from ofa.architecture import BLOCKS, DEPTHS, EXPANSIONS, KERNELS, configuration, sample
from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.hardware.chip_costs import chip_costs, read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas import compile_subnet as subnet
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, SubnetMetrics, compile_subnet, layers_of
from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.values import NO_RULES, NoFit, Rules

NET = ofa.build_supernet().eval()
HARDWARE = load_hardware(Path("SimConfig.ini"))
SIZE = HARDWARE.size
READ = partial(read_ns, HARDWARE)
QUICK = CompileSettings(HARDWARE, 211, 8, Rules(1, 6))
SMALLEST, LARGEST = configuration(3, 3, 2), configuration(7, 6, 4)


def each_of(values, length):
    return st.tuples(*[st.sampled_from(values)] * length)


configurations = st.builds(
    configuration, each_of(KERNELS, len(BLOCKS)), each_of(EXPANSIONS, len(BLOCKS)), each_of(DEPTHS, 4)
)


def drawn(seed):
    return sample(np.random.default_rng(seed))


@given(configurations, st.integers(1, 70), st.integers(1, 100))
@settings(max_examples=6, deadline=None)
def test_layers_by_arithmetic_are_those_of_a_trace(chosen, resolution, classes):
    net = NET if classes == 10 else ofa.build_supernet(num_classes=classes).eval()
    net.set_active_subnet(*chosen)
    traced = trace(net.get_active_subnet(), (3, resolution, resolution), "subnet").layers
    assert layers_of(chosen, resolution, classes) == traced


def judged(chosen, options, resolution=64):
    """The figures of a subnet, after its layout was checked and told anew from its values."""
    found = compile_subnet(chosen, options, resolution)
    layers = layers_of(chosen, resolution)
    layout = subnet._layout(layers, options)
    if isinstance(found, NoFit):
        assert found == layout
        return found
    whole = layout.values()
    mappings, packing = whole
    assert list(violations(mappings, packing.placements, SIZE, options.rules, options.crossbars)) == []
    assert tuple(m.layer for m in mappings) == layers
    run = program(mappings, READ, packing.placements)
    latency = simulate(run, options.samples).latency_ns
    baseline = simulate(program(partition(layers, SIZE), READ), options.samples).latency_ns
    chip = chip_costs(HARDWARE, mappings, packing.crossbars, latency)
    area_mm2 = pytest.approx(chip.area_um2 / 1e6)
    figures = (latency, baseline, chip.energy_nj, packing.crossbars, whole.utilization, area_mm2)
    assert found == SubnetMetrics(*figures)
    assert found.speed == baseline / latency
    return found


@given(
    chosen=configurations,
    crossbars=st.integers(150, 300),
    samples=st.integers(1, 12),
    depthwise=st.sampled_from(["dense", "diagonal", "auto"]),
    split=st.integers(1, 5),
    rules=st.sampled_from([Rules(1, 6), Rules(2, 4), NO_RULES]),
    seed=st.integers(0, 9),
    resolution=st.integers(16, 64),
)
@settings(max_examples=25, deadline=None)
def test_figures_are_those_of_a_sound_layout(
    chosen, crossbars, samples, depthwise, split, rules, seed, resolution
):
    mode = {"depthwise": depthwise, "depth_split": split, "rules": rules, "seed": seed}
    judged(chosen, replace(QUICK, crossbars=crossbars, samples=samples, **mode), resolution)


@pytest.mark.parametrize(
    "change",
    [
        {"duplicate": False},
        {"tuner": "margin"},
        {"quick": False, "steps": 40},
        {"quick": False},
        {"depthwise": "dense", "samples": 1},
    ],
    ids=str,
)
def test_so_are_those_of_every_way_to_compile(change):
    assert judged(drawn(5), replace(QUICK, **change)).crossbars <= 211


# In full


@given(
    chosen=configurations,
    crossbars=st.integers(60, 300),
    samples=st.sampled_from([1, 2, 8, 100]),
    change=st.sampled_from(
        [
            *({}, {"tuner": "margin"}, {"duplicate": False}, {"depth_split": 5}),
            *({"depthwise": "dense"}, {"depthwise": "diagonal"}, {"rules": NO_RULES}, {"rules": Rules(2, 4)}),
        ]
    ),
    steps=st.sampled_from([0, 0, 30]),
    seed=st.integers(0, 9),
)
@settings(max_examples=25, deadline=None)
def test_no_subnet_is_slower_compiled_in_full_than_the_search_saw_it(
    chosen, crossbars, samples, change, steps, seed
):
    options = replace(QUICK, crossbars=crossbars, samples=samples, seed=seed, steps=steps, **change)
    seen, full = (
        compile_subnet(chosen, options, 32),
        compile_subnet(chosen, replace(options, quick=False), 32),
    )
    if isinstance(seen, SubnetMetrics):
        assert isinstance(full, SubnetMetrics)
        assert full.latency_ns <= seen.latency_ns
        assert full.baseline_ns == seen.baseline_ns
        assert full.speed >= seen.speed


@pytest.mark.parametrize("tuner", ["joint", "margin"])
def test_where_tuning_in_full_finds_worse_or_nothing_the_quick_layout_is_kept(monkeypatch, tuner):
    options, compiled = replace(QUICK, tuner=tuner), subnet._compiled
    seen = compile_subnet(drawn(4), options)

    def slow(layers, how, graph):
        return compiled(layers, how if how.quick else replace(how, duplicate=False), graph)

    def too_large(layers, how, graph):
        return compiled(layers, how, graph) if how.quick else NoFit(211, 212, 212)

    for worse in (slow, too_large):
        monkeypatch.setattr(subnet, "_compiled", worse)
        assert compile_subnet(drawn(4), replace(options, quick=False)) == seen


def test_where_tuning_gains_its_layout_is_kept():
    seen, full = (compile_subnet(drawn(4), replace(QUICK, quick=quick)) for quick in (True, False))
    assert full.latency_ns < seen.latency_ns


def test_without_duplication_it_is_the_plain_packing():
    chosen = drawn(3)
    found = compile_subnet(chosen, replace(QUICK, duplicate=False, depthwise="dense"))
    plain = partition(layers_of(chosen), SIZE)
    packing = pack_mappings(plain, SIZE, Rules(1, 6), PackingSettings("fast", 211, seed=0))
    latency = simulate(program(plain, READ, packing.placements), 8).latency_ns
    assert (found.latency_ns, found.crossbars) == (latency, packing.crossbars)


def test_a_baseline_is_read_dense_whatever_the_subnet_is():
    figures = {
        compile_subnet(drawn(1), replace(QUICK, depthwise=mode)).baseline_ns for mode in ("dense", "auto")
    }
    assert len(figures) == 1


def test_hardware_whose_reads_differ_in_length_is_no_exception(monkeypatch):
    monkeypatch.setattr(subnet, "read_time_of", lambda hardware: slow_ns)
    found = compile_subnet(drawn(2), QUICK)
    layout = subnet._layout(layers_of(drawn(2)), QUICK)
    whole = layout.values()
    mappings, packing = whole
    assert found.latency_ns == simulate(program(mappings, slow_ns, packing.placements), 8).latency_ns
    uncut = partition(layers_of(drawn(2)), SIZE)
    assert found.baseline_ns == simulate(program(uncut, slow_ns), 8).latency_ns


def slow_ns(layer, box):
    """Reads whose length depends on the box."""
    return 100.0 + box.h / 7 + min(box.w, layer.columns_per_read) / 3


# What does not fit


def test_a_subnet_that_cannot_fit_is_refused_before_it_is_packed(monkeypatch):
    def never(*_):
        raise AssertionError("packed")

    monkeypatch.setattr(subnet, "_packed", never)
    monkeypatch.setattr(subnet, "quick_layout", never)
    found = compile_subnet(LARGEST, replace(QUICK, crossbars=60))
    assert isinstance(found, NoFit)
    assert found.budget == 60 < found.lower_bound <= found.found


@pytest.mark.parametrize("duplicate", [True, False])
@pytest.mark.parametrize("seed", range(3))
def test_around_the_smallest_budget_a_subnet_fits_or_is_refused(seed, duplicate):
    chosen = drawn(seed)
    plain = partition(layers_of(chosen), SIZE)
    fewest = pack_mappings(plain, SIZE, Rules(1, 6), PackingSettings("fast", seed=0)).crossbars
    for crossbars in range(fewest - 3, fewest + 2):
        options = replace(QUICK, crossbars=crossbars, duplicate=duplicate, depthwise="dense")
        found = judged(chosen, options)
        assert isinstance(found, SubnetMetrics) or found.lower_bound <= found.found
        if crossbars >= fewest:
            assert isinstance(found, SubnetMetrics)


def test_where_the_split_does_not_fit_the_joint_tuner_does_without():
    chosen = drawn(0)
    fewest = pack_mappings(
        partition(layers_of(chosen), SIZE), SIZE, Rules(1, 6), PackingSettings("fast", seed=0)
    ).crossbars
    options = replace(QUICK, crossbars=fewest + 3, depth_split=64, depthwise="dense")
    assert isinstance(judged(chosen, options), SubnetMetrics)
    assert isinstance(judged(chosen, replace(options, tuner="margin")), NoFit)


# The same whatever was done before


def test_what_was_compiled_before_changes_nothing():
    first = [compile_subnet(drawn(seed), QUICK) for seed in range(4)]
    compile_subnet(SMALLEST, replace(QUICK, seed=3, depthwise="dense"))
    assert [compile_subnet(drawn(seed), QUICK) for seed in reversed(range(4))] == first[::-1]


def test_what_lies_beyond_a_depth_changes_nothing():
    one, other = configuration(3, 4, 2), configuration([3, 3, 7, 7] * 4, [4, 4, 6, 3] * 4, 2)
    assert compile_subnet(one, QUICK) == compile_subnet(other, QUICK)


def test_copies_are_worth_their_trouble():
    copies, none = (
        [compile_subnet(drawn(seed), replace(QUICK, duplicate=wanted)).speed for seed in range(8)]
        for wanted in (True, False)
    )
    assert min(copies) > 10
    assert np.mean(copies) > 30 * np.mean(none)
