"""Chips: the same faults wherever, whenever and in whatever order they are drawn."""

from dataclasses import replace
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from devices import device, shipped

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.chip import (
    STUCK_HIGH,
    STUCK_LOW,
    ArrayKey,
    StuckRates,
    apply_stuck,
    cell_shape,
    chip_of,
    chip_with_maps,
    crossbar_state,
    draw_quantiles,
    draw_stuck,
)
from rram_nas_comp_pack.execution.quantiles import normal_quantiles, scaled_deviation
from rram_nas_comp_pack.values import CrossbarSize

SIZE = CrossbarSize(96, 80)
ONE_PERCENT = StuckRates(0.01, 0.01)


def draw_deviation(key, size):
    return normal_quantiles()[draw_quantiles(key, size)]


def test_a_crossbar_has_the_same_faults_whatever_else_is_drawn():
    alone = crossbar_state(chip_of(5, shipped()), shipped(), 7)
    for crossbar in (9, 0, 3):
        crossbar_state(chip_of(5, shipped()), shipped(), crossbar)
    after = crossbar_state(chip_of(5, shipped()), shipped(), 7)
    many = chip_with_maps(5, 10, shipped())
    assert (alone.stuck == after.stuck).all()
    assert (alone.deviation == after.deviation).all()
    assert (many.stuck[7] == alone.stuck).all()
    assert (chip_with_maps(5, 8, shipped()).stuck == many.stuck[:8]).all()
    assert (crossbar_state(many, shipped(), 7).deviation == alone.deviation).all()


def test_seed_crossbar_array_and_slice_all_tell_arrays_apart():
    keys = [ArrayKey(s, c, a, j) for s in (0, 1) for c in (0, 1) for a in (0, 1) for j in (0, 1)]
    for drawn in (lambda key: draw_stuck(key, SIZE, StuckRates(0.3, 0.3)), lambda k: draw_deviation(k, SIZE)):
        assert len({drawn(key).tobytes() for key in keys}) == len(keys)


def test_neighbouring_arrays_share_no_stretch_of_random_numbers():
    one, other = (draw_deviation(ArrayKey(0, 0, 0, j), SIZE).ravel() for j in (0, 1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(one.size)
    stretches = {one[i : i + 4].tobytes() for i in range(one.size - 4)}
    assert not any(other[i : i + 4].tobytes() in stretches for i in range(other.size - 4))


@pytest.mark.parametrize("seed", range(3))
def test_a_lower_rate_makes_some_of_the_faults_of_a_higher_one(seed):
    key = ArrayKey(seed, 2, 1, 3)
    rates = [StuckRates(0.001, 0.002), ONE_PERCENT, StuckRates(0.1, 0.02), StuckRates(0.5, 0.5)]
    drawn = [draw_stuck(key, CrossbarSize(256, 256), rate) for rate in rates]
    for fewer, more in pairwise(drawn):
        assert (fewer != 0).any()
        assert (more[fewer != 0] == fewer[fewer != 0]).all()
        assert (more != 0).sum() > (fewer != 0).sum()
    assert (drawn[-1] != 0).all()


def test_a_seed_draws_the_same_chip_on_every_machine_and_in_every_version():
    stuck = crossbar_state(chip_of(0, shipped()), shipped(), 7).stuck
    assert sha256(stuck.tobytes()).hexdigest()[:16] == "4f823adb46549e5f"
    normal = draw_deviation(ArrayKey(0, 7, 1, 6), CrossbarSize(128, 128))
    assert np.allclose(normal[0, :5], [0.59232, 0.63822, -1.12151, -0.2075, -1.75423], atol=1e-5)


def test_rates_of_none_and_of_all_are_exact():
    key = ArrayKey(0, 0, 0, 0)
    assert not draw_stuck(key, SIZE, StuckRates(0, 0)).any()
    assert (draw_stuck(key, SIZE, StuckRates(1, 0)) == STUCK_HIGH).all()
    assert (draw_stuck(key, SIZE, StuckRates(0, 1)) == STUCK_LOW).all()


@pytest.mark.parametrize("rates", [ONE_PERCENT, StuckRates(0.1, 0.02)])
def test_as_many_cells_are_stuck_as_the_rates_say(rates):
    """Of all cells, whether a box lies there or not: binomial, 4 sigma."""
    d = replace(shipped(), stuck_high=rates.high, stuck_low=rates.low)
    stuck = crossbar_state(chip_of(1, d), d, 0).stuck
    for state, rate in ((STUCK_HIGH, rates.high), (STUCK_LOW, rates.low)):
        sigma = np.sqrt(rate * (1 - rate) * stuck.size)
        assert abs((stuck == state).sum() - rate * stuck.size) < 4 * sigma


def test_deviations_are_standard_normal():
    x = np.concatenate([draw_deviation(ArrayKey(0, c, 0, 0), SIZE).ravel() for c in range(20)]).astype(float)
    n = x.size
    assert abs(x.mean()) < 4 / np.sqrt(n)
    assert abs(x.var() - 1) < 4 * np.sqrt(2 / n)
    assert abs((x**3).mean()) < 4 * np.sqrt(15 / n)
    assert abs((x**4).mean() - 3) < 4 * np.sqrt(96 / n)


def test_the_deviation_of_a_cell_grows_with_the_variation():
    """The same normal deviate, times the sigma of a log-normal resistance."""
    states = {}
    for variation in (0.01, 0.1, 0.3):
        d = replace(shipped(), variation=variation)
        states[variation] = crossbar_state(chip_of(3, d), d, 4).deviation / np.sqrt(np.log(1 + variation**2))
    assert np.allclose(states[0.01], states[0.1], rtol=1e-6)
    assert np.allclose(states[0.01], states[0.3], rtol=1e-6)


def test_resistances_deviate_by_the_share_of_their_mean_that_is_asked_for():
    normal = np.concatenate([draw_deviation(ArrayKey(0, c, 0, 0), SIZE).ravel() for c in range(20)])
    ohm = np.exp(scaled_deviation(normal, 0.1).astype(float))
    assert ohm.std() / ohm.mean() == pytest.approx(0.1, rel=4 * np.sqrt(0.5 / ohm.size) * 1.05)


def test_without_variation_no_deviation_is_drawn():
    assert crossbar_state(chip_of(0, device()), device(), 0).deviation is None


def test_a_stuck_cell_keeps_its_level_whatever_is_programmed():
    stuck = np.array([0, STUCK_HIGH, STUCK_LOW], np.int8)
    assert apply_stuck(stuck, np.array([2, 2, 2], np.int8), top=3).tolist() == [2, 0, 3]


def test_a_chip_of_other_cells_is_refused_in_one_line():
    chip = chip_with_maps(0, 2, shipped())
    assert chip.shape == cell_shape(shipped())
    with pytest.raises(BadInput, match=r"^chip: found cells 2x7x128x128 a crossbar, allowed is 2x4x128x128"):
        crossbar_state(chip, device(2), 0)
    with pytest.raises(BadInput, match=r"^chip: found 2 crossbars, needed is crossbar 2$"):
        crossbar_state(chip, shipped(), 2)
