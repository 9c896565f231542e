import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from packing_cases import golden

from rram_nas_comp_pack.packing.bounds import lower_bound
from rram_nas_comp_pack.packing.enlarge import enlarged
from rram_nas_comp_pack.packing.items import Items
from rram_nas_comp_pack.packing.pack import PackingSettings, pack
from rram_nas_comp_pack.values import NO_RULES, CrossbarSize, Rules

small = st.lists(st.tuples(st.integers(1, 10), st.integers(1, 10), st.integers(0, 6)), min_size=1, max_size=9)


def items_of(boxes, rows=10, columns=10):
    widths, heights, layers = np.array(boxes, dtype=np.int64).T
    return Items(widths, heights, layers, CrossbarSize(rows, columns))


@settings(max_examples=100, deadline=None)
@given(small, st.sampled_from([NO_RULES, Rules(0, 6), Rules(1, 6)]))
def test_what_was_packed_before_packs_into_as_many_crossbars_after(boxes, rules):
    items = items_of(boxes)
    grown = enlarged(items, rules)
    assert (grown.widths >= items.widths).all()
    assert (grown.heights >= items.heights).all()
    before = pack(items, rules, PackingSettings("exact", effort=200))
    after = pack(grown, rules, PackingSettings("exact", effort=200))
    assert before.lower_bound <= after.crossbars
    if before.crossbars == before.lower_bound:
        assert after.lower_bound <= before.crossbars


def test_a_box_grows_by_the_space_that_no_sum_of_the_others_fills():
    grown = enlarged(items_of([(5, 10, 0), (3, 10, 5)]), Rules())
    assert list(grown.widths) == [7, 3]


def test_boxes_of_one_layer_grow_though_each_would_fill_the_others_space():
    grown = enlarged(items_of([(6, 10, 0), (4, 10, 0)]), Rules())
    assert list(grown.widths) == [10, 10]


def test_resnet18_cannot_do_with_less_than_684():
    assert lower_bound(golden("resnet18_dsf1"), Rules()) == 684
