"""The paper's duplication: exactly the integer program, with the least copies that reach its optimum."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from rram_nas_comp_pack.tuning.paper.integer_program import MARGINS, copies_within, duplicate
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer, Mapping

# By hand


def test_the_margins_are_the_papers():
    assert MARGINS == (0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6)


def test_a_case_by_hand():
    """Three copies of the slowest want one and a half of the second and a good half of the third: 2 and 1.

    That takes 3 * 10 + 2 * 5 + 1 = 41 cells; four copies would take 40 + 10 + 1 = 51.
    """
    cycles, areas = (8, 4, 2), (10, 5, 1)
    assert copies_within(cycles, areas, 51) == (4, 2, 1)
    assert copies_within(cycles, areas, 50) == (3, 2, 1)
    assert copies_within(cycles, areas, 41) == (3, 2, 1)
    assert copies_within(cycles, areas, 40) == (2, 1, 1)
    assert copies_within(cycles, areas, 16) == (1, 1, 1)
    assert copies_within(cycles, areas, 15) is None


def test_copies_end_where_every_read_has_one():
    assert copies_within((8, 4, 2), (10, 5, 1), 10**9) == (8, 4, 2)


def test_layers_equally_slow_get_equally_many_copies():
    assert copies_within((9, 9, 1), (1, 7, 1), 30) == (3, 3, 1)


# Against a general solver


def solve(goal, case, least):
    """x of the least goal @ x under the program's constraints and x >= least, or None where there is none."""
    cycles, areas, capacity = (np.array(each, dtype=float) for each in case)
    slowest = int(np.argmax(cycles))
    is_slowest = np.arange(len(cycles)) == slowest
    keeps_up = np.diag(np.full(len(cycles), cycles[slowest])) - np.outer(cycles, is_slowest)
    rules = [
        LinearConstraint(areas[None, :], -np.inf, capacity),
        LinearConstraint(keeps_up, 0, np.inf),
    ]
    bounds = Bounds(least, np.full(len(cycles), cycles[slowest]))
    return milp(goal, constraints=rules, bounds=bounds, integrality=np.ones(len(cycles))).x


@st.composite
def instances(draw):
    number = draw(st.integers(1, 6))
    cycles = draw(st.lists(st.integers(1, 40), min_size=number, max_size=number))
    areas = draw(st.lists(st.integers(1, 60), min_size=number, max_size=number))
    return cycles, areas, draw(st.integers(0, 20 * sum(areas)))


@given(case=instances())
@settings(max_examples=80, deadline=None)
def test_a_general_solver_finds_the_same_optimum_and_no_smaller_area_for_it(case):
    cycles, areas, _ = case
    found = copies_within(*case)
    is_slowest = (np.arange(len(cycles)) == np.argmax(cycles)).astype(float)
    best = solve(-is_slowest, case, np.ones(len(cycles)))
    if best is None:
        assert found is None
        return
    assert found[int(np.argmax(cycles))] == round(float(is_slowest @ best))
    smallest = solve(np.array(areas, dtype=float), case, np.maximum(1, np.round(best) * is_slowest))
    assert np.dot(found, areas) == round(float(np.dot(smallest, areas)))


@given(case=instances())
def test_the_constraints_hold_in_whole_numbers(case):
    cycles, areas, capacity = case
    found = copies_within(*case)
    if found is None:
        assert sum(areas) > capacity
        return
    slowest = max(range(len(cycles)), key=cycles.__getitem__)
    assert np.dot(found, areas) <= capacity
    for copies, reads in zip(found, cycles, strict=True):
        assert 1 <= copies <= reads
        assert copies * cycles[slowest] >= found[slowest] * reads


@given(case=instances(), more=st.integers(0, 200))
def test_more_room_never_takes_a_copy_away(case, more):
    cycles, areas, capacity = case
    few, many = copies_within(cycles, areas, capacity), copies_within(cycles, areas, capacity + more)
    if few is not None:
        assert all(a <= b for a, b in zip(few, many, strict=True))


# On mappings


def mapping(index, h, w, cycles, stored_in=None):
    raw = Box(h, w, cycles)
    return Mapping(
        Layer(index, "Linear", "fc", raw, cycles, 1, index if stored_in is None else stored_in), (raw,)
    )


PAIR = (mapping(0, 10, 1, 8), mapping(1, 5, 1, 4))


def copies(mappings):
    return None if mappings is None else [m.copies for m in mappings]


def test_the_capacity_is_the_margin_of_the_crossbars_cells():
    """Two copies of the slowest take 25 cells, three 40."""
    assert copies(duplicate(PAIR, 2, CrossbarSize(5, 4), 1.0)) == [3, 2]
    assert copies(duplicate(PAIR, 2, CrossbarSize(5, 4), 0.95)) == [2, 1]
    assert copies(duplicate(PAIR, 1, CrossbarSize(5, 5), 0.6)) == [1, 1]
    assert duplicate(PAIR, 1, CrossbarSize(5, 5), 0.55) is None


@pytest.mark.parametrize("margin", MARGINS)
@pytest.mark.parametrize("crossbars", [3, 7, 29, 249])
def test_what_fills_the_margin_to_the_last_cell_fits(margin, crossbars):
    """Margins are decimal numbers: rounding of floats takes no cell away."""
    cells = round(margin * 100) * crossbars  # of 10 x 10 cells a crossbar
    layer = (mapping(0, cells, 1, 5),)
    assert copies(duplicate(layer, crossbars, CrossbarSize(10, 10), margin)) == [1]
    assert duplicate((mapping(0, cells + 1, 1, 5),), crossbars, CrossbarSize(10, 10), margin) is None


def test_nothing_but_the_copies_changes():
    found = duplicate(PAIR, 2, CrossbarSize(5, 4), 1.0)
    assert tuple(replace(m, copies=1) for m in found) == PAIR


def test_raw_boxes_count_however_the_layer_is_cut():
    split = replace(PAIR[0], boxes=(Box(10, 1, 2),) * 4)
    assert copies(duplicate((split, PAIR[1]), 2, CrossbarSize(5, 4), 1.0)) == [3, 2]


@pytest.mark.parametrize(("first", "second"), [(2, 8), (8, 2)])
def test_a_layer_that_runs_again_takes_no_area_and_its_slowest_run_decides(first, second):
    again = (mapping(0, 10, 1, first), PAIR[1], mapping(2, 10, 1, second, stored_in=0))
    assert copies(duplicate(again, 2, CrossbarSize(5, 4), 1.0)) == [3, 2, 3]
