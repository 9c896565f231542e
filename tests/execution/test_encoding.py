"""Codes around stuck cells are the best that there are: told by trying all."""

from functools import cache
from itertools import product

import numpy as np
import pytest
from devices import device, sized
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.execution.cells import largest_weight, plain_levels, weights_of
from rram_nas_comp_pack.execution.chip import STUCK_HIGH, STUCK_LOW, apply_stuck, chip_of, crossbar_state
from rram_nas_comp_pack.execution.encoding import encode, remaining_error

KINDS = [(1, 2), (2, 2), (3, 2), (4, 2), (1, 1), (2, 1), (4, 1)]  # bits of a cell, polarity


def weights_of_all_bits(d):
    most = largest_weight(d)
    return np.arange(-most - (d.polarity == 1), most + 1).reshape(1, -1)


@cache
def pairs(top, polarity):
    """All levels of the cells of a slice: (combinations, arrays)."""
    return np.array(list(product(range(top + 1), repeat=polarity)))


def best_codes(d, stuck):
    """Of all levels that the healthy cells can have, for each reachable value the least sum of levels: by
    slices, highest first. `stuck` is (arrays, slices). Returns a dictionary.
    """
    reached = {-d.offset: 0}
    for j in range(d.slices):
        options = {}
        for levels in pairs(d.top, d.polarity):
            held = np.where(stuck[:, j] == STUCK_HIGH, 0, np.where(stuck[:, j] == STUCK_LOW, d.top, levels))
            digit = int(held[0] - held[1]) if d.polarity == 2 else int(held[0])
            options[digit] = min(options.get(digit, 10**6), int(held.sum()))
        after = {}
        for value, cost in reached.items():
            for digit, more in options.items():
                found = value + digit * 2 ** (d.cell_bits * j)
                after[found] = min(after.get(found, 10**6), cost + more)
        reached = after
    return reached


def assert_best(d, stuck):
    """All weights, one pattern of faults (arrays, slices): error and sum of levels are the least."""
    weights = weights_of_all_bits(d)
    faults = np.broadcast_to(stuck[:, :, None, None], (*stuck.shape, 1, weights.size))
    levels = apply_stuck(faults, encode(weights, d, faults, "fault-aware"), d.top)
    assert 0 <= levels.min() <= levels.max() <= d.top
    held = weights_of(levels, d)
    reached = best_codes(d, stuck)
    values, costs = (np.array(list(part)) for part in (reached.keys(), reached.values()))
    errors = np.abs(values[:, None] - weights)
    least = errors.min(axis=0)
    assert (np.abs(held - weights)[0] == least).all()
    cheapest = np.where(errors == least, costs[:, None], 10**6).min(axis=0)
    assert (levels.sum(axis=(0, 1))[0] == cheapest).all()


def faults_of(d, probability=0.25):
    state = st.sampled_from([0] * round(2 / probability) + [STUCK_HIGH, STUCK_LOW])
    size = d.polarity * d.slices
    return st.lists(state, min_size=size, max_size=size).map(
        lambda states: np.array(states, np.int8).reshape(d.polarity, d.slices)
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_all_weights_get_the_nearest_code_at_the_lowest_levels(kind, data):
    d = device(kind[0], polarity=kind[1])
    assert_best(d, data.draw(faults_of(d, data.draw(st.sampled_from([0.1, 0.5, 1.0])))))


@pytest.mark.parametrize("kind", KINDS)
def test_so_they_do_where_one_cell_or_none_is_stuck(kind):
    d = device(kind[0], polarity=kind[1])
    healthy = np.zeros((d.polarity, d.slices), np.int8)
    assert_best(d, healthy)
    for at, state in product(np.ndindex(healthy.shape), (STUCK_HIGH, STUCK_LOW)):
        stuck = healthy.copy()
        stuck[at] = state
        assert_best(d, stuck)


def test_many_codes_of_nine_bits_in_cells_of_three():
    assert_best(device(3, weight_bits=9), np.zeros((2, 3), np.int8))


def test_without_faults_known_the_code_is_plain():
    d, weights = device(), np.arange(-127, 128).reshape(5, 51)
    stuck = np.full((2, 7, 5, 51), STUCK_LOW, np.int8)
    assert (encode(weights, d, None, "fault-aware") == plain_levels(weights, d)).all()
    assert (encode(weights, d, stuck, "plain") == plain_levels(weights, d)).all()


def test_a_healthy_seven_takes_two_cells_and_not_three():
    levels = encode(np.array([[7]]), device(), np.zeros((2, 7, 1, 1), np.int8), "fault-aware")
    assert levels.sum() == 2
    assert plain_levels(np.array([[7]]), device()).sum() == 3


@pytest.mark.parametrize("kind", KINDS)
def test_the_error_that_remains_is_that_of_the_codes(kind):
    d = sized(40, 30, cell_bits=kind[0], polarity=kind[1], stuck_high=0.1, stuck_low=0.05)
    weights = np.random.default_rng(0).integers(-127, 128, (40, 30))
    stuck = crossbar_state(chip_of(0, d), d, 0).stuck
    held = weights_of(apply_stuck(stuck, encode(weights, d, stuck, "fault-aware"), d.top), d)
    assert remaining_error(weights, d, stuck) == ((held - weights) ** 2).sum() > 0


def test_an_empty_box_has_no_error():
    assert remaining_error(np.zeros((0, 3), np.int8), device(), np.zeros((2, 7, 0, 3), np.int8)) == 0


DRAWS = 120
ROUNDING = 0.006


def deviations(high, low):
    """Standard deviation of the error in each draw of 6 000 normal weights, the largest of which is 127."""
    d = sized(60, 100, stuck_high=high / 100, stuck_low=low / 100)
    found = {"plain": [], "fault-aware": []}
    for seed in range(DRAWS):
        weights = np.random.default_rng(seed).standard_normal((60, 100))
        weights = np.rint(weights / np.abs(weights).max() * 127).astype(np.int8)
        stuck = crossbar_state(chip_of(seed, d), d, 0).stuck
        for encoding, draws in found.items():
            held = weights_of(apply_stuck(stuck, encode(weights, d, stuck, encoding), d.top), d)
            draws.append((held - weights).std())
    return {encoding: np.array(draws) for encoding, draws in found.items()}


@pytest.mark.parametrize(
    ("high", "low", "by_hand", "mean_square"),
    [
        (1, 1, (9.97, 0.62), (10.41, 0.79)),
        (5, 5, (23.2, 2.59), (22.99, 3.06)),
        (0.1, 0.1, (2.62, 0.00), (3.33, 0.16)),
        (10, 2, (16.9, 3.30), (16.61, 3.27)),
    ],
)
def test_encoding_around_faults_leaves_a_small_part_of_the_error(high, low, by_hand, mean_square):
    """One draw made by hand lies among ours, which differ much: rare large errors make most of them.

    The roots of the mean squares are those of 150 draws.
    """
    found = deviations(high, low)
    for draws, hand, square in zip(found.values(), by_hand, mean_square, strict=True):
        assert draws.min() - ROUNDING <= hand <= draws.max()
        assert np.sqrt((draws**2).mean()) == pytest.approx(square, rel=0.15, abs=0.05)
    assert (found["fault-aware"] < 0.25 * found["plain"]).all()
