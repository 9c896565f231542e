"""What a chip computes with a whole network: three paths, one result; and what many chips say together."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from devices import device, shipped
from loaded import Cut, Loaded, load, samples_of
from test_kinds import NETWORKS
from torch import nn

from rram_nas_comp_pack.errors import BadInput, CannotBeDone
from rram_nas_comp_pack.execution.adc_calibration import calibrate_exponents
from rram_nas_comp_pack.execution.box_reader import BoxReader
from rram_nas_comp_pack.execution.chip import chip_of, chip_with_maps
from rram_nas_comp_pack.execution.chip_product import AdcSettings, ChipProduct, code_of, conversions, key_of
from rram_nas_comp_pack.execution.converters import MOST_SATURATED
from rram_nas_comp_pack.execution.exact import ExactProduct
from rram_nas_comp_pack.execution.image import copies_of
from rram_nas_comp_pack.execution.judging import Judged, Labelled, judge_chip, layer_errors, program_chip
from rram_nas_comp_pack.execution.monte_carlo import LayerCounts, added, snr_db, summary
from rram_nas_comp_pack.execution.network import Arguments, by_reads
from rram_nas_comp_pack.execution.reads import read_full
from rram_nas_comp_pack.values import CrossbarSize

SIZE = CrossbarSize(64, 32)
SMALL = Cut(tuple(SIZE), diagonal=True, copies=(1, 2, 3))
PLAIN = AdcSettings("calibrated", (0,) * 99)


def chips(**changes):
    """The shipped device on small crossbars."""
    return replace(shipped(), size=SIZE, driven_rows=SIZE.rows, **changes)


IDEAL, STUCK = device(size=SIZE, driven_rows=SIZE.rows), chips(variation=0.0)
VARYING = chips(variation=0.05, stuck_high=0.0, stuck_low=0.0)


def net() -> nn.Module:
    """A convolution, a depthwise one, one that grows, and a classifier."""
    torch.manual_seed(3)
    return nn.Sequential(
        *(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, groups=12), nn.ReLU()),
        *(nn.Conv2d(12, 40, 1), nn.ReLU(), nn.Flatten(), nn.Linear(640, 5)),
    ).eval()


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    return load(net(), (3, 6, 6), SMALL, count=4)


def judged(loaded, model, encoding="fault-aware", adc=PLAIN, **more):
    return Judged(loaded.module, loaded.image, model, encoding, adc, **more)


def product(loaded, model, seed=0, adc=PLAIN, encoding="plain"):
    case = judged(loaded, model, encoding, adc)
    return ChipProduct(loaded.image, program_chip(case, chip_of(seed, model)), adc)


def noise(loaded, model, adc=PLAIN, encoding="plain"):
    """Squared errors of all layers of a chip."""
    case = judged(loaded, model, encoding, adc)
    own = product(loaded, model, adc=adc, encoding=encoding)
    return sum(error for _, error in layer_errors(case, own, loaded.x))


def slow(loaded, model, adc, seed=0):
    """Every box read bit by bit, whatever loses nothing; and how many conversions that took."""
    programmed = dict(program_chip(judged(loaded, model, "plain", adc), chip_of(seed, model)))
    taken = [[0, 0] for _ in loaded.layers]

    def multiply(layer_index, x, how):
        code = code_of(loaded.image.ranges[layer_index])

        def read_box(box, x):
            converter = adc.of_box(model, layer_index, len(box.weights))
            read = read_full(programmed[key_of(box)], x.numpy().astype(np.int64), converter, code)
            taken[layer_index][0] += read.conversions
            taken[layer_index][1] += read.saturated
            return torch.from_numpy(np.asarray(read.sums, np.float64))

        return by_reads(BoxReader(loaded.image, read_box), loaded.layers)(layer_index, x, how)

    return multiply, taken


@pytest.mark.parametrize(
    ("kind", "diagonal"),
    [(kind, True) for kind in NETWORKS] + [("depthwise", False), ("grouped, many", False)],
)
def test_every_network_gives_what_reading_bit_by_bit_gives(kind, diagonal):
    """Single weights, blocks of weights, and conversions."""
    own = load(*NETWORKS[kind], SMALL._replace(diagonal=diagonal), count=2)
    cases = [(STUCK, PLAIN), (VARYING, AdcSettings("ideal")), (chips(variation=0.3), PLAIN)]
    chosen = [(product(own, model, adc=adc), slow(own, model, adc)[0]) for model, adc in cases]
    exact = ExactProduct(own.image)

    def multiply(layer, x, how):
        for chip, oracle in chosen:
            assert torch.equal(chip(layer, x, how).double(), oracle(layer, x, how).double()), layer
        return exact(layer, x, how)

    own.executed(multiply)


@pytest.mark.parametrize("kind", NETWORKS)
def test_ideal_cells_give_the_integers_of_every_network(kind):
    own = load(*NETWORKS[kind], SMALL, count=2)
    chip, exact = product(own, IDEAL), ExactProduct(own.image)

    def multiply(layer, x, how):
        wanted = exact(layer, x, how)
        assert torch.equal(chip(layer, x, how).double(), wanted.double()), layer
        return wanted

    own.executed(multiply)
    assert set(chip.paths) == {"folded"}


@pytest.mark.parametrize("model", [IDEAL, STUCK, VARYING, chips()], ids=["ideal", "stuck", "varying", "both"])
@pytest.mark.parametrize("kind", ["ideal", "fixed", "calibrated"])
def test_all_paths_give_what_reading_bit_by_bit_gives(loaded, model, kind):
    model = replace(model, adc_bits=5 if kind == "calibrated" else model.adc_bits)
    adc = AdcSettings(kind, (0, 1, 0, 2))
    chip = product(loaded, model, adc=adc)
    oracle, taken = slow(loaded, model, adc)

    def multiply(layer, x, how):
        wanted = oracle(layer, x, how)
        assert torch.equal(chip(layer, x, how).double(), wanted.double()), (layer, chip.paths[layer])
        return wanted

    loaded.executed(multiply)
    assert chip.take_saturated() == [saturated for _, saturated in taken]
    assert chip.take_saturated() == [0] * 4
    samples = len(loaded.x.args[0])
    assert [samples * n for n in conversions(loaded.image, model)] == [count for count, _ in taken]


def test_the_paths_of_the_tests_are_all_three(loaded):
    assert set(product(loaded, IDEAL).paths) == {"folded"}
    assert set(product(loaded, STUCK, adc=AdcSettings("ideal")).paths) == {"by copies"}
    assert set(product(loaded, replace(VARYING, variation=0.5)).paths) == {"full"}


@pytest.mark.parametrize("variation", [0.01, 0.3])
def test_neither_batches_nor_threads_change_a_byte_of_the_outputs(loaded, variation):
    own, threads = product(loaded, chips(variation=variation)), torch.get_num_threads()
    many = loaded._replace(x=samples_of(loaded.recording, 64, seed=1))
    found = []
    try:
        for count in (1, 2, 8):
            torch.set_num_threads(count)
            found.append(many.executed(own).numpy().tobytes())
        singles = [many._replace(x=Arguments([x[None]], {})) for x in many.x.args[0]]
        found.append(torch.cat([one.executed(own) for one in singles]).numpy().tobytes())
    finally:
        torch.set_num_threads(threads)
    assert len(set(found)) == 1


@pytest.mark.skipif(not torch.cuda.is_available(), reason="takes a GPU")
@pytest.mark.parametrize("variation", [0.01, 0.3])
def test_a_gpu_changes_no_byte_of_the_outputs(loaded, variation):
    own = product(loaded, chips(variation=variation))
    there = loaded._replace(module=net().cuda(), x=Arguments([loaded.x.args[0].cuda()], {}))
    for multiply in (own, ExactProduct(loaded.image)):
        found = there.executed(multiply).cpu().numpy().tobytes()
        assert found == loaded.executed(multiply).numpy().tobytes()


@pytest.mark.parametrize("model", [STUCK, chips(variation=0.3)], ids=["stuck", "varying"])
def test_vectors_that_come_position_by_position_are_read_by_the_copies_of_their_positions(model):
    own = load(nn.Linear(20, 7), (5, 20), SMALL._replace(copies=(3,)))
    programmed = list(program_chip(judged(own, model, "plain"), chip_of(0, model)))
    usual, turned = (
        ChipProduct(own.image, programmed, PLAIN, layers) for layers in (frozenset(), frozenset({0}))
    )
    x = torch.randint(0, 100, (4, own.layers[0].positions, 20)).float()
    wanted = usual(0, x, None)
    assert torch.equal(turned(0, x.transpose(0, 1), None).transpose(0, 1), wanted)
    assert not torch.equal(usual(0, x.transpose(0, 1), None).transpose(0, 1), wanted)


@pytest.mark.parametrize("encoding", ["plain", "fault-aware"])
def test_fewer_faults_make_smaller_errors(loaded, encoding):
    """The faults of a lower rate are some of those of a higher one."""
    rates = (0.0, 0.002, 0.02, 0.1)
    errors = [
        noise(loaded, replace(IDEAL, stuck_high=rate, stuck_low=rate), encoding=encoding) for rate in rates
    ]
    assert errors[0] == 0
    assert errors == sorted(errors)
    assert errors[-1] > 0


def test_codes_around_the_faults_make_smaller_errors(loaded):
    assert noise(loaded, STUCK, encoding="fault-aware") < noise(loaded, STUCK, encoding="plain") / 10


def test_less_variation_makes_smaller_errors(loaded):
    errors = [
        noise(loaded, replace(VARYING, variation=v), AdcSettings("ideal")) for v in (0.0, 0.01, 0.1, 0.5)
    ]
    assert errors[0] == 0
    assert all(a < b for a, b in pairwise(errors))


def test_more_bits_make_smaller_errors(loaded):
    errors = [noise(loaded, replace(IDEAL, adc_bits=bits)) for bits in (8, 6, 5, 4, 3, 2)]
    assert errors[0] == 0
    assert all(a <= b for a, b in pairwise(errors))
    assert errors[-1] > errors[0]


def test_an_adc_without_bits_is_refused(loaded):
    with pytest.raises(BadInput, match="ADC: found 0 bits"):
        product(loaded, replace(IDEAL, adc_bits=0))


def test_a_step_is_the_smallest_at_which_few_conversions_saturate(loaded):
    model = replace(IDEAL, adc_bits=4)
    found = calibrate_exponents(loaded.module, loaded.image, [loaded.x], model)
    assert max(found) > 0
    totals = [len(loaded.x.args[0]) * n for n in conversions(loaded.image, model)]
    for layer, exponent in enumerate(found):
        for k in {exponent, max(0, exponent - 1)}:
            own = product(loaded, model, adc=AdcSettings("calibrated", (k,) * 4))
            exact = ExactProduct(loaded.image)

            def multiply(i, x, how, own=own, exact=exact):
                own(i, x, how)
                return exact(i, x, how)

            loaded.executed(multiply)
            share = own.take_saturated()[layer] / totals[layer]
            assert (share <= MOST_SATURATED) == (k == exponent), (layer, k)


def test_a_chip_without_faults_is_right_where_the_integers_are(loaded):
    with torch.no_grad():
        labels = loaded.executed(ExactProduct(loaded.image)).argmax(1)
    told = []
    counts = judge_chip(
        judged(loaded, IDEAL), chip_of(0, IDEAL), [Labelled(loaded.x, labels)], loaded.x, told.append
    )
    assert (counts.right, counts.inputs, counts.share, told) == (4, 4, 1.0, [4])
    assert all(layer.noise == layer.saturated == 0 < layer.signal for layer in counts.layers)
    assert [snr_db(layer) for layer in counts.layers] == [None] * 4


def test_chosen_crossbars_leave_smaller_errors_of_the_weights(loaded):
    model = replace(IDEAL, stuck_high=0.05, stuck_low=0.05)
    boxes = [b for copies in copies_of(loaded.image) for own in copies for b in own]

    def errors(assign):
        programmed = dict(program_chip(judged(loaded, model, assign=assign), chip_of(0, model)))
        return sum(np.square(programmed[key_of(b)].matrix - b.weights).sum() for b in boxes)

    assert errors(True) < errors(False)


def test_a_chip_with_too_few_crossbars_is_refused(loaded):
    few = chip_with_maps(0, len(loaded.image.weights) - 1, IDEAL)
    with pytest.raises(CannotBeDone, match="the layout needs"):
        program_chip(judged(loaded, IDEAL), few)


def test_a_summary_has_students_interval():
    found = summary([0.9, 0.8, 0.7])
    assert (found.mean, found.worst) == (pytest.approx(0.8), 0.7)
    assert found.deviation == pytest.approx(0.1)
    half = 4.302653 * 0.1 / 3**0.5  # of two degrees of freedom
    assert found.interval_95 == pytest.approx((0.8 - half, 1.0))
    assert summary([0.5]) == (0.5, None, 0.5, None)


def test_counts_of_chips_add():
    one, two = LayerCounts(100.0, 1.0, 10, 1), LayerCounts(100.0, 3.0, 10, 0)
    (both,) = added([[one], [two]])
    assert both == (200.0, 4.0, 20, 1)
    assert snr_db(both) == pytest.approx(16.9897)
