"""The stages together, on networks small enough to check by hand."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import convolution, linear
from rram_nas_comp_pack.compiler import CompileOptions, CompileResult, compile_network
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware import pe
from rram_nas_comp_pack.hardware.chip_costs import read_ns
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.values import NO_RULES, CrossbarSize, Layer, Network, NoFit, Rules

HARDWARE = load_hardware(Path(__file__).parents[1] / "SimConfig.ini")
READ_NS = 152.77319048  # of every box up to 128 x 128, spec section 5
QUICK = CompileOptions(goal=PackingSettings(effort=50, seed=1), samples=(1, 2, 8))


def network(*shapes, reused=None):
    """A network of layers of these shapes; `reused` maps a layer to the one that holds its weights."""
    layers = tuple(
        Layer(i, "Linear", f"part{i}", s.raw, s.positions, s.groups, (reused or {}).get(i, i), s.depthwise)
        for i, s in enumerate(shapes)
    )
    return Network("small", layers, ())


FULL = linear(128, 128, 1)
MIXED = network(
    convolution((16, 3, 3, 3), 1, 64),
    convolution((16, 1, 3, 3), 16, 64),
    linear(200, 150, 2),
    convolution((12, 4, 1, 1), 3, 16),
    linear(200, 150, 1),
    reused={4: 2},
)


def faults(report, options):
    size = report.packing.size
    return list(violations(report.mappings, report.packing.placements, size, options.rules, options.budget))


@pytest.mark.parametrize("factor", [1, 5])
@pytest.mark.parametrize("rules", [Rules(), Rules(threshold=0, max_load=2), NO_RULES])
def test_the_independent_checker_finds_nothing_wrong(factor, rules):
    options = replace(QUICK, depth_split=factor, rules=rules)
    report = compile_network(MIXED, HARDWARE, options)
    assert isinstance(report, CompileResult)
    assert faults(report, options) == []
    assert report.packing.lower_bound <= report.packing.crossbars


def test_what_does_not_fit_says_how_much_is_needed_and_what_was_found():
    """Three full crossbars cannot be had with two."""
    found = compile_network(network(FULL, FULL, FULL), HARDWARE, replace(QUICK, budget=2))
    assert found == NoFit(budget=2, lower_bound=3, found=3)


def test_a_budget_that_just_fits_is_kept():
    report = compile_network(network(FULL, FULL, FULL), HARDWARE, replace(QUICK, budget=3))
    assert report.packing.crossbars == 3
    assert report.packing.proved_optimal
    assert report.layout.utilization == 1


def test_neighbours_do_not_fit_into_one_crossbar_but_do_without_the_rules():
    small = network(linear(8, 8, 1), linear(8, 8, 1))
    assert compile_network(small, HARDWARE, replace(QUICK, budget=1)) == NoFit(1, 2, 2)
    assert compile_network(small, HARDWARE, replace(QUICK, budget=1, rules=NO_RULES)).packing.crossbars == 1


def test_a_reused_layer_is_stored_once():
    once = compile_network(network(FULL, FULL, reused={1: 0}), HARDWARE, QUICK)
    assert once.packing.crossbars == 1
    assert {p.layer_idx for p in once.packing.placements} == {0}


def test_latencies_of_layers_on_their_own_crossbars():
    """Three layers of 1, 4 and 2 reads: one sample takes their sum, each further one the slowest of them."""
    report = compile_network(network(FULL, linear(128, 128, 4), linear(128, 128, 2)), HARDWARE, QUICK)
    for e in report.evaluations:
        reads = 7 + (e.num_sample - 1) * 4
        assert e.latency_ns == pytest.approx(reads * READ_NS, rel=1e-9)
        assert e.ideal_latency_ns == e.baseline_latency_ns == e.latency_ns


def test_the_baseline_is_the_unsplit_partition_with_a_crossbar_for_every_box():
    """16 depthwise channels at 64 positions: split in five, parts of three run side by side."""
    depthwise = network(convolution((16, 1, 3, 3), 16, 64))
    report = compile_network(depthwise, HARDWARE, replace(QUICK, depth_split=5, rules=NO_RULES))
    e = report.evaluations[0]
    assert e.baseline_latency_ns == pytest.approx(16 * 64 * READ_NS, rel=1e-9)
    assert e.ideal_latency_ns == pytest.approx(3 * 64 * READ_NS, rel=1e-9)
    assert e.ideal_latency_ns <= e.latency_ns


def test_the_baseline_does_not_depend_on_split_rules_or_seed():
    others = (
        replace(QUICK, depth_split=5),
        replace(QUICK, rules=NO_RULES),
        replace(QUICK, goal=PackingSettings(seed=9)),
    )
    wanted = [e.baseline_latency_ns for e in compile_network(MIXED, HARDWARE, QUICK).evaluations]
    for options in others:
        report = compile_network(MIXED, HARDWARE, options)
        assert [e.baseline_latency_ns for e in report.evaluations] == wanted


def test_the_evaluations_are_those_of_the_layout():
    report = compile_network(MIXED, HARDWARE, QUICK)
    again = program(report.mappings, partial(read_ns, HARDWARE), report.packing.placements)
    assert [e.num_sample for e in report.evaluations] == [1, 2, 8]
    for e in report.evaluations:
        assert e.latency_ns == simulate(again, e.num_sample).latency_ns
    assert report.schedule.finished_ns.shape == (QUICK.traced_samples, 5)
    assert report.schedule.latency_ns == simulate(again, QUICK.traced_samples).latency_ns


def test_chip_totals_are_the_sums_over_crossbars_and_reads():
    """Eight-bit weights in cells of one bit: seven slices, each two crossbars in a processing element."""
    report = compile_network(MIXED, HARDWARE, QUICK)
    chip, crossbars = report.chip, report.packing.crossbars
    assert (chip.crossbars, chip.physical_crossbars, chip.processing_elements) == (
        crossbars,
        14 * crossbars,
        7 * crossbars,
    )
    assert chip.area_um2 == pytest.approx(7 * crossbars * pe.area(HARDWARE).total_um2)
    energy = 0.0
    for m in report.mappings:
        for box in m.boxes:
            columns = min(box.w, m.layer.raw.w * m.layer.positions // m.layer.raw.cycles)
            power, time = (
                pe.read_power(HARDWARE, box.h, columns),
                pe.read_latency(HARDWARE, box.h, columns, 8),
            )
            energy += 7 * box.cycles * pe.read_energy(power, time).total_nj
    assert chip.energy_nj == pytest.approx(energy)
    assert chip.average_power_w == pytest.approx(energy / report.evaluations[0].latency_ns)
    for share, total in ((chip.area_share, pe.area(HARDWARE)), (chip.energy_share, None)):
        assert sum(share.values()) == pytest.approx(1)
        if total is not None:
            assert share["adc"] == pytest.approx(total.adc_um2 / total.total_um2)


def test_latency_needs_no_single_sample_among_the_evaluations():
    """The search may ask for 8 samples only (spec section 8)."""
    report = compile_network(MIXED, HARDWARE, replace(QUICK, samples=(8,)))
    assert [e.num_sample for e in report.evaluations] == [8]
    whole = compile_network(MIXED, HARDWARE, QUICK)
    assert report.chip == whole.chip


@pytest.mark.parametrize("packer", ["fast", "best", "exact"])
def test_the_same_seed_gives_the_same_report(packer):
    options = replace(QUICK, goal=PackingSettings(packer=packer, effort=200, seed=7))
    first, second = (compile_network(MIXED, HARDWARE, options) for _ in range(2))
    assert first.packing == second.packing
    assert first.evaluations == second.evaluations
    assert first.chip == second.chip
    assert first.mappings == second.mappings == partition(MIXED.layers, CrossbarSize(128, 128))


def test_the_time_of_every_stage_is_told():
    timing = compile_network(MIXED, HARDWARE, QUICK).timing_s
    assert {"partition", "packing", "evaluation"} <= timing.keys()
    assert all(seconds >= 0 for seconds in timing.values())


def test_a_network_that_cannot_be_cut_is_bad_input():
    hardware = replace(HARDWARE, rows=8, columns=8, subarray_rows=8)
    with pytest.raises(BadInput, match="9 rows"):
        compile_network(MIXED, hardware, QUICK)
