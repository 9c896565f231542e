"""The paper's packing rule, compiled: what a plain Python one does, and what it is needed for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing_cases import assert_sound, golden, make, same

from benchmarks.paper_packer import paper_packer
from rram_nas_comp_pack.packing import first_fit as module
from rram_nas_comp_pack.packing.fill import problem_of
from rram_nas_comp_pack.packing.first_fit import first_fit, in_order
from rram_nas_comp_pack.values import NO_RULES, Rules

boxes = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 8), st.integers(0, 9)), min_size=1, max_size=40)
rules = st.builds(Rules, threshold=st.integers(-1, 2), max_load=st.sampled_from([0, 1, 2, 6]))


def items_of(found):
    return make([box[:2] for box in found], 10, 8, [box[2] for box in found])


@given(found=boxes, rules=rules, seed=st.integers(0, 99))
@settings(max_examples=80, deadline=None)
def test_every_box_lies_where_the_plain_rule_puts_it(found, rules, seed):
    items, order = items_of(found), np.random.default_rng(seed).permutation(len(found))
    wanted = paper_packer(items, rules, order)
    used, places = in_order(problem_of(items, rules), order, len(items))
    assert [tuple(row) for row in places.tolist()] == list(wanted)
    assert used == len(set(wanted[0]))
    assert in_order(problem_of(items, rules), order, used)[0] == used
    if used > 1:
        assert in_order(problem_of(items, rules), order, used - 1)[0] == used


@given(found=boxes, rules=rules, budget=st.integers(1, 30), seed=st.integers(0, 9))
@settings(max_examples=80, deadline=None)
def test_a_layout_is_sound_and_within_the_budget(found, rules, budget, seed):
    items = items_of(found)
    layout = first_fit(items, rules, budget, seed)
    if layout is not None:
        assert_sound(items, rules, layout)
        assert layout.crossbars <= budget
        assert same(layout, first_fit(items, rules, budget, seed))


def test_it_needs_as_many_crossbars_as_the_papers_program():
    """Of 100 random orders: 107 to 111 for mbv3_small, 45 to 49 for squeezenet."""
    for name, fewest, most in (("mbv3_small_dsf1", 107, 111), ("squeezenet_dsf1", 45, 49)):
        items, random = golden(name), np.random.default_rng(1)
        problem = problem_of(items, Rules())
        found = [in_order(problem, random.permutation(len(items)), len(items))[0] for _ in range(100)]
        assert min(found) >= fewest - 1
        assert max(found) <= most + 1
        assert fewest < np.median(found) < most


def test_orders_are_tried_until_one_packs():
    """Wide before narrow: two columns of 5 and of 3; the other way round, 3 and 3 leave too little."""
    items = make([(10, 5), (10, 5), (10, 3), (10, 3)], 10, 8)
    assert {first_fit(items, NO_RULES, 2, seed).crossbars for seed in range(20)} == {2}
    assert first_fit(items, NO_RULES, 1, 0) is None


def test_too_many_boxes_are_not_tried(monkeypatch):
    monkeypatch.setattr(module, "LONGEST", 15)
    assert first_fit(make([(1, 1)] * 4), NO_RULES, 4, 0) is None
    assert first_fit(make([(1, 1)] * 3), NO_RULES, 4, 0) is not None


@pytest.mark.parametrize("name", ["resnet18_dsf1"])
def test_many_full_boxes_are_no_trouble(name):
    items = golden(name)
    assert_sound(items, Rules(), first_fit(items, Rules(), 700, 0))
