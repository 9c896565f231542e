from fractions import Fraction
from itertools import product
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing_cases import any_items, cut_from_full, golden, make, rules

from benchmarks.instances import BEST_KNOWN, DFF_BOUND, SIZES, instance
from rram_nas_comp_pack.packing.bounds import (
    conflict_bound,
    count_bound,
    counting_bound,
    dual_feasible_bound,
    lower_bound,
    stands_alone,
)
from rram_nas_comp_pack.packing.pack import PackingSettings, pack
from rram_nas_comp_pack.values import NO_RULES, Rules


def oracle_functions(cuts):
    """The dual feasible functions on [0, 1], written as their papers define them."""
    half, one = Fraction(1, 2), Fraction(1)
    yield lambda x: x
    for k in range(1, 101):
        yield lambda x, k=k: x if ((k + 1) * x).denominator == 1 else Fraction((k + 1) * x // 1, k)
    for eps in cuts:
        yield lambda x, eps=eps: one if x > 1 - eps else x if x >= eps else Fraction(0)
        whole = one // eps
        yield (
            lambda x, eps=eps, whole=whole: (
                1 - Fraction((1 - x) // eps, whole)
                if x > half
                else half
                if x == half
                else Fraction(x // eps, whole)
            )
        )


def oracle_bound(items):
    """The best pair of functions, in exact fractions."""
    axes = []
    for sizes, whole in ((items.widths, items.size.columns), (items.heights, items.size.rows)):
        shares = [Fraction(int(s), whole) for s in sizes]
        cuts = [Fraction(c, whole) for c in range(1, whole // 2 + 1)]
        axes.append({tuple(map(f, shares)) for f in oracle_functions(cuts)})
    return max(ceil(sum(a * b for a, b in zip(*pair, strict=True))) for pair in product(*axes))


@given(any_items(most=8, largest=12))
@settings(max_examples=60, deadline=None)
def test_dual_feasible_functions_match_the_papers(items):
    assert dual_feasible_bound(items) == (oracle_bound(items) if len(items) else 0)


@given(st.integers(2, 30), st.data())
@settings(max_examples=100, deadline=None)
def test_what_fitted_still_fits(whole, data):
    sizes = data.draw(st.lists(st.integers(1, whole), min_size=1, max_size=8))
    shares = [Fraction(s, whole) for s in sizes]
    kept = [x for k, x in enumerate(shares) if sum(shares[: k + 1]) <= 1]
    for f in oracle_functions([Fraction(c, whole) for c in range(1, whole // 2 + 1)]):
        assert sum(map(f, kept)) <= 1


@given(any_items(), rules)
@settings(max_examples=60, deadline=None)
def test_bounds_stay_below_feasible_packings(items, rules):
    assert lower_bound(items, rules) <= pack(items, rules, PackingSettings("fast")).crossbars


@given(cut_from_full())
@settings(max_examples=60, deadline=None)
def test_full_crossbars_are_needed(cut):
    items, crossbars = cut
    assert lower_bound(items, NO_RULES) == crossbars


@pytest.mark.parametrize("group", range(1, 11))
def test_published_bounds_of_the_standard_instances(group):
    published, total = 0, 0
    for n, p in product(SIZES, range(1, 11)):
        found = instance(group, n, p)
        items = make(np.stack([found.heights, found.widths], 1), found.side, found.side)
        published += max(dual_feasible_bound(items), _apart_and_shared(items))
        total += lower_bound(items, NO_RULES)
    assert published == DFF_BOUND[group]
    assert published <= total <= BEST_KNOWN[group]


def _apart_and_shared(items):
    alone = stands_alone(items)
    return int(alone.sum()) + dual_feasible_bound(items.subset(~alone))


def test_bounds_of_the_networks():
    names = ("mbv3_small_dsf1", "mbv3_small_dsf5", "squeezenet_dsf1", "resnet18_dsf1")
    assert [lower_bound(golden(name), Rules()) for name in names] == [103, 103, 45, 684]


def test_loads_and_near_layers_bound():
    items = make([(1, 1)] * 13, layers=[0, 0, 1, 1, 1, 2, 5, 5, 9, 9, 9, 9, 9])
    assert count_bound(items, Rules(-1, 6)) == 3
    assert count_bound(items, NO_RULES) == 0
    assert [conflict_bound(items, Rules(t, 0)) for t in (-1, 0, 1, 4, 100)] == [0, 5, 5, 7, 13]


def test_items_without_room_for_any_other_stand_alone():
    items = make([(10, 10), (6, 9), (2, 3), (8, 7), (9, 8)])
    assert stands_alone(items).tolist() == [True, False, False, False, True]
    assert stands_alone(make([(1, 1)])).tolist() == [True]


@given(any_items(), rules)
def test_counting_alone_never_exceeds_the_whole_bound(items, rules):
    counted = counting_bound(items, rules)
    assert counted >= max(conflict_bound(items, rules), count_bound(items, rules))
    assert counted <= lower_bound(items, rules)
