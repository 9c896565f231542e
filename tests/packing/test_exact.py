import sys
from itertools import count, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing_cases import any_items, assert_sound, golden, make, rules, same

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.packing import exact as module
from rram_nas_comp_pack.packing.pack import PackingSettings, pack
from rram_nas_comp_pack.values import NO_RULES, Rules

pytest.importorskip("ortools")


def fits(items, members, taken=None):
    """Whether one crossbar holds these items, by trying every position."""
    taken = np.zeros((items.size.rows, items.size.columns), bool) if taken is None else taken
    if not members:
        return True
    i, rest = members[0], members[1:]
    h, w = items.heights[i], items.widths[i]
    for y, x in product(range(items.size.rows - h + 1), range(items.size.columns - w + 1)):
        if not taken[y : y + h, x : x + w].any():
            now = taken.copy()
            now[y : y + h, x : x + w] = True
            if fits(items, rest, now):
                return True
    return False


def may_share(items, members, rules):
    layers = [int(items.layers[i]) for i in members]
    near = any(abs(a - b) <= rules.threshold for k, a in enumerate(layers) for b in layers[:k])
    return not near and (not rules.max_load or len(members) <= rules.max_load) and fits(items, members)


def fewest(items, rules):
    """The fewest crossbars, by trying every assignment."""
    for crossbars in count(0):
        for assignment in product(range(crossbars), repeat=len(items)):
            groups = [[i for i, b in enumerate(assignment) if b == k] for k in range(crossbars)]
            if all(may_share(items, group, rules) for group in groups):
                return crossbars
    raise AssertionError


@given(any_items(most=4, largest=4), rules)
@settings(max_examples=40, deadline=None)
def test_agrees_with_trying_everything(items, rules):
    layout = pack(items, rules, PackingSettings("exact", effort=50))
    assert_sound(items, rules, layout)
    assert layout.crossbars == layout.lower_bound == fewest(items, rules)


def test_proves_what_no_bound_shows():
    """Four boxes of the last layer need a crossbar each and leave room for half of one only."""
    items = golden("resnet18_dsf1")
    layout = pack(items, Rules(), PackingSettings("exact", effort=2000))
    assert_sound(items, Rules(), layout)
    assert (layout.crossbars, layout.lower_bound, layout.stopped) == (684, 684, "bound")


@given(any_items(most=12, largest=12), st.integers(0, 3))
@settings(max_examples=15, deadline=None)
def test_is_never_worse_than_best_and_repeats(items, seed):
    best = pack(items, NO_RULES, PackingSettings("best", effort=1, seed=seed))
    layout = pack(items, NO_RULES, PackingSettings("exact", effort=1, seed=seed))
    assert_sound(items, NO_RULES, layout)
    assert layout.crossbars <= best.crossbars
    assert same(layout, pack(items, NO_RULES, PackingSettings("exact", effort=1, seed=seed)))


def test_improves_a_poor_start():
    """Without a search the solver alone has to find the perfect packing."""
    items = make([(7, 4), (7, 6), (3, 10), (5, 5), (5, 5), (10, 3), (2, 2), (8, 2)])
    apart = np.arange(len(items))
    start = module.Proof(np.stack([apart, 0 * apart, 0 * apart]), 2, True)
    proof = module.fewest(items, NO_RULES, start, 0, None)
    assert proof.bound == proof.places[0].max() + 1 == 2


def test_gives_up_on_large_problems(monkeypatch):
    monkeypatch.setattr(module, "SOLVER_EFFORT", 0.1)
    items = golden("mbv3_small_dsf1")
    layout = pack(items, Rules(), PackingSettings("exact", effort=2000))
    assert_sound(items, Rules(), layout)
    assert layout.stopped == "effort"


def test_the_clock_cuts_a_proof_short():
    layout = pack(golden("mbv3_small_dsf1"), Rules(), PackingSettings("exact", effort=500, seconds=0.5))
    assert layout.stopped == "time"


def test_a_budget_that_suffices_needs_no_proof():
    layout = pack(golden("mbv3_small_dsf1"), Rules(), PackingSettings("exact", budget=106))
    assert layout.stopped == "budget"


def test_a_missing_solver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "ortools.sat.python", None)
    with pytest.raises(BadInput, match=r"pip install .*\[exact\]"):
        pack(make([(1, 1), (2, 2)]), Rules(), PackingSettings("exact"))
