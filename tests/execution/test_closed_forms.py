"""Means and variances that can be written down, 4 sigma each.

q' is the weight that the cells of a weight q amount to. The standard error of a variance is taken from the
sample's own fourth moment.
"""

from dataclasses import replace

import numpy as np
import pytest
from devices import device, shipped

from rram_nas_comp_pack.execution.chip import chip_of
from rram_nas_comp_pack.execution.program import BoxCells, program_box
from rram_nas_comp_pack.values import CrossbarSize

SIZE = CrossbarSize(200, 500)


def held_weights(d, weight, seed=0):
    """What 100 000 weights of one value amount to on a chip, in steps of the weight."""
    d = replace(d, size=SIZE)
    box = BoxCells(np.full(SIZE, weight), 0, 0, 0)
    return program_box(box, d, chip_of(seed, d)).matrix.astype(float).ravel()


def assert_mean(found, mean):
    assert abs(found.mean() - mean) < 4 * found.std() / np.sqrt(found.size)


def assert_variance(found, variance):
    fourth = ((found - found.mean()) ** 4).mean()
    assert abs(found.var() - variance) < 4 * np.sqrt((fourth - found.var() ** 2) / found.size)


def stuck_variance(weight, high, low, slices):
    digits = [(abs(weight) >> j) & 1 for j in range(slices)]
    one, none = high * (1 - high), low * (1 - low)
    return sum(4**j * ((one if digit else none) + none) for j, digit in enumerate(digits))


@pytest.mark.parametrize(
    ("bits", "weight", "high", "low", "mean", "deviation"),
    [(8, 100, 0.01, 0.01, 98.0, 10.40), (9, 255, 0.1, 0.02, 224.4, 48.93), (8, -77, 0.002, 0.03, None, None)],
)
def test_stuck_cells_shrink_the_mean_and_spread_the_weights(bits, weight, high, low, mean, deviation):
    d = device(weight_bits=bits, stuck_high=high, stuck_low=low)
    found = held_weights(d, weight)
    variance = stuck_variance(weight, high, low, bits - 1)
    if mean is not None:
        assert (1 - high - low) * weight == pytest.approx(mean)
        assert np.sqrt(variance) == pytest.approx(deviation, abs=0.005)
    assert_mean(found, (1 - high - low) * weight)
    assert_variance(found, variance)


def test_so_they_do_in_an_offset_code():
    """All levels shrink towards the share that is stuck low, the offset's too."""
    high, low, weight = 0.03, 0.01, 37
    found = held_weights(device(polarity=1, stuck_high=high, stuck_low=low), weight)
    assert_mean(found, (1 - high - low) * (weight + 128) + low * 255 - 128)
    digits = [((weight + 128) >> j) & 1 for j in range(8)]
    assert_variance(
        found, sum(4**j * (high * (1 - high) if d else low * (1 - low)) for j, d in enumerate(digits))
    )


@pytest.mark.parametrize("weight", [100, -127, 1])
def test_variation_of_cells_at_low_resistance(weight):
    """v^2 * sum of 4^j over the slices that hold a 1; other cells conduct nothing.

    1 / R of a log-normal R spreads by exactly v times its mean, which is 1 + v^2 times the nominal one where
    the median of R is nominal: E[1/R] = exp(sigma^2 / 2).
    """
    v = 0.1
    found = held_weights(device(variation=v), weight)
    assert_mean(found, weight * np.sqrt(1 + v**2))
    digits = [(abs(weight) >> j) & 1 for j in range(7)]
    assert_variance(found, v**2 * (1 + v**2) * sum(4**j * d for j, d in enumerate(digits)))


def test_the_leak_of_a_pair_cancels_in_the_mean_and_varies_twice():
    """A weight of 0: both cells of each slice at high resistance."""
    v, leak = 0.3, 0.5
    found = held_weights(device(leak=leak, variation=v), 0)
    assert found.std() > 0
    assert_mean(found, 0.0)
    assert_variance(found, 2 * (v * leak) ** 2 * (1 + v**2) * sum(4**j for j in range(7)))


def test_a_stuck_cell_varies_like_a_cell_of_its_level():
    v = 0.1
    found = held_weights(device(stuck_low=1.0, variation=v), 0)
    assert_mean(found, 0.0)
    assert_variance(found, 2 * v**2 * (1 + v**2) * sum(4**j for j in range(7)))


def test_all_at_once_at_the_shipped_file():
    """Faults and variation are independent: means multiply, leak and mean of 1/R included."""
    d = shipped()
    found = held_weights(d, 100)
    assert_mean(found, 0.98 * 100 * np.sqrt(1 + d.variation**2))
