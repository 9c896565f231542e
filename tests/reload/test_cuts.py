"""The cheapest cuts are those that trying all of them finds."""

import math
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.reload.cuts import cheapest_cuts, full_cuts


def all_cuts(units):
    for count in range(units):
        for inner in combinations(range(1, units), count):
            yield (*inner, units)


def total(ends, costs):
    return sum(costs[span] for span in zip((0, *ends[:-1]), ends, strict=True))


@st.composite
def priced(draw, most=12):
    """Costs of all segments of up to 12 layers, some of them impossible, and bounds below."""
    units = draw(st.integers(1, most))
    random = draw(st.randoms(use_true_random=False))
    spans = [(i, j) for i in range(units) for j in range(i + 1, units + 1)]
    impossible = draw(st.sampled_from((0.0, 0.2, 0.9)))
    costs = {s: math.inf if random.random() < impossible else random.randint(1, 50) for s in spans}
    bounds = {s: random.uniform(0, min(c, 60)) for s, c in costs.items()}
    return units, costs, bounds


@given(priced())
def test_cuts_equal_brute_force(case):
    units, costs, bounds = case
    found = cheapest_cuts(units, lambda i, j: bounds[i, j], lambda i, j: costs[i, j])
    least = min(total(ends, costs) for ends in all_cuts(units))
    if found is None:
        assert math.isinf(least)
    else:
        assert found.cost == least == total(found.ends, costs)
        assert found.spans[0][0] == 0
        assert found.spans[-1][1] == units


def test_tight_bounds_leave_most_segments_unpaid():
    paid = []

    def cost(first, end):
        paid.append((first, end))
        return (end - first) ** 2 + 10

    found = cheapest_cuts(40, lambda i, j: (j - i) ** 2 + 10, cost)
    assert found is not None
    assert found.paid == len(paid) == len(found.ends)


def test_naive_cuts_take_what_fits():
    def cost(first, end):
        return 1.0 if end - first <= 3 else math.inf

    found = full_cuts(8, lambda i, j: 0.0, cost)
    assert found is not None
    assert found.ends == (3, 6, 8)
    assert found.cost == 3
    assert full_cuts(2, lambda i, j: math.inf, cost) is None


@pytest.mark.parametrize("units", [1, 5])
def test_nothing_that_fits_has_no_cuts(units):
    assert cheapest_cuts(units, lambda i, j: 0.0, lambda i, j: math.inf) is None
