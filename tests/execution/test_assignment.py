"""Which logical crossbar goes to which physical one."""

from itertools import permutations

import numpy as np
import pytest
from devices import sized

from rram_nas_comp_pack.errors import CannotBeDone
from rram_nas_comp_pack.execution.assignment import assign_crossbars, assignment_costs
from rram_nas_comp_pack.execution.cells import weights_of
from rram_nas_comp_pack.execution.chip import apply_stuck, chip_of, crossbar_state
from rram_nas_comp_pack.execution.encoding import encode

DEVICE = sized(32, 32, stuck_high=0.02, stuck_low=0.02)


def layout(crossbars=5, share=0.4):
    random = np.random.default_rng(1)
    weights = random.integers(-127, 128, (crossbars, 32, 32))
    occupied = np.zeros(weights.shape, bool)
    occupied[:, : round(32 * share)] = True
    return np.where(occupied, weights, 0), occupied


def test_the_price_is_the_squared_error_on_the_cells_that_are_read():
    weights, occupied = layout(2)
    costs = assignment_costs(weights, occupied, DEVICE, chip_of(0, DEVICE), 3)
    for (logical, physical), cost in np.ndenumerate(costs):
        stuck = crossbar_state(chip_of(0, DEVICE), DEVICE, physical).stuck
        levels = encode(weights[logical], DEVICE, stuck, "fault-aware")
        error = weights_of(apply_stuck(stuck, levels, DEVICE.top), DEVICE) - weights[logical]
        assert cost == (error[occupied[logical]] ** 2).sum()


def test_no_other_assignment_costs_less():
    costs = assignment_costs(*layout(4), DEVICE, chip_of(0, DEVICE), 5)
    chosen = assign_crossbars(costs)
    assert len(set(chosen)) == 4
    prices = [sum(costs[i, p] for i, p in enumerate(order)) for order in permutations(range(5), 4)]
    assert costs[np.arange(4), chosen].sum() == min(prices)


@pytest.mark.parametrize("seed", range(3))
def test_it_takes_a_good_part_of_the_error_away_that_encoding_leaves(seed):
    """Twelve crossbars, four tenths full: less than two thirds of the squared error as they come."""
    costs = assignment_costs(*layout(12), DEVICE, chip_of(seed, DEVICE), 12)
    assert costs[np.arange(12), assign_crossbars(costs)].sum() < 2 / 3 * np.trace(costs)


def test_spare_crossbars_help():
    costs = assignment_costs(*layout(6), DEVICE, chip_of(0, DEVICE), 12)
    few, many = (c[np.arange(6), assign_crossbars(c)].sum() for c in (costs[:, :6], costs))
    assert many < few


def test_too_few_crossbars_are_said():
    with pytest.raises(CannotBeDone, match=r"^chip: found 2 crossbars, the layout needs 3$"):
        assign_crossbars(np.zeros((3, 2)))
