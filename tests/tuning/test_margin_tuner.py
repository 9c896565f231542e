"""The paper's tuner with its packer: margin after margin until the copies pack."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuning_cases import MIXED, faults, layers, networks, packed, target_of

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.tuning.paper import margin_tuner
from rram_nas_comp_pack.tuning.paper.integer_program import MARGINS, duplicate
from rram_nas_comp_pack.tuning.paper.margin_tuner import margin_trials
from rram_nas_comp_pack.tuning.settings import Target
from rram_nas_comp_pack.values import NO_RULES, CrossbarSize, Layout, MarginTrial, Rules


def most_copies(layout):
    """Stands for a latency: tells layouts apart."""
    return float(max(m.copies for m in layout.mappings))


def tries(network, more, rules=None, split=1):
    plain = packed(network, rules, split=split)
    target = target_of(plain.packing.crossbars + more, rules, "dense")
    return plain, target, list(margin_trials(plain, target, 0, most_copies))


rules = st.builds(Rules, threshold=st.integers(-1, 2), max_load=st.sampled_from([0, 1, 2, 6]))


@given(network=networks(), more=st.integers(0, 40), rules=rules, split=st.integers(1, 9))
@settings(max_examples=80, deadline=None)
def test_margins_are_tried_in_order_until_one_packs(network, more, rules, split):
    plain, target, found = tries(network, more, rules, split)
    trials = [trial for trial, _ in found]
    margins = [trial.margin for trial in trials]
    assert margins == [*MARGINS, None][: len(margins)]
    assert [trial.packed for trial in trials] == [False] * (len(trials) - 1) + [True]
    for trial, layout in found[:-1]:
        assert layout == plain
        assert trial.latency_ns is None
    for trial, _ in found:
        copies = plain.mappings
        if trial.margin is not None:
            copies = duplicate(plain.mappings, target.crossbars, target.size, trial.margin)
        counts = [m.copies * len(m.boxes) for m in copies or () if m.stored]
        assert trial.boxes == sum(counts)
    last, (mappings, packing) = found[-1]
    assert faults(mappings, packing, target) == []
    assert last.latency_ns == most_copies(Layout(mappings, packing))
    assert last.boxes == len(packing.placements)
    if last.margin is None:
        assert (mappings, packing) == plain
    else:
        assert mappings == duplicate(plain.mappings, target.crossbars, target.size, last.margin)


@given(network=networks(), more=st.integers(0, 40), rules=rules)
@settings(max_examples=40, deadline=None)
def test_counting_boxes_saves_time_and_changes_nothing(network, more, rules):
    """Margins that it refutes are not packed; the packer would not have packed them."""
    _, _, found = tries(network, more, rules)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(margin_tuner, "counting_bound", lambda *_: 0)
        _, _, without = tries(network, more, rules)
    assert found == without


def test_the_first_margin_that_packs_ends_the_search():
    """A crossbar of 18 x 16 cells holds sixteen squares of 4 x 4, and 0.95 of its cells are those of 17."""
    _, _, found = tries(layers(linear(4, 4, 100)), 0, NO_RULES)
    assert [trial for trial, _ in found] == [
        MarginTrial(0.95, 17, False, None),
        MarginTrial(0.9, 16, True, 16.0),
    ]
    _, _, found = tries(layers(linear(2, 4, 100)), 0, NO_RULES)
    assert [trial for trial, _ in found] == [MarginTrial(0.95, 34, True, 34.0)]


def test_margins_without_room_for_one_copy_of_each_layer_have_no_boxes():
    """Two full crossbars of two."""
    _, _, found = tries(layers(linear(18, 16, 4), linear(18, 16, 4)), 0)
    assert [(trial.margin, trial.boxes) for trial, _ in found] == [*((m, 0) for m in MARGINS), (None, 2)]


def test_boxes_of_a_layer_that_may_not_share_a_crossbar_refute_a_margin():
    """Copies of a layer never share one, and there is one."""
    _, target, found = tries(layers(linear(4, 4, 100)), 0, Rules())
    assert target.crossbars == 1
    assert [trial.boxes for trial, _ in found] == [17, 16, 15, 14, 13, 12, 11, 10, 1]


def test_a_module_called_again_counts_its_boxes_once():
    plain, _, found = tries(MIXED, 0)
    boxes = sum(len(m.boxes) for m in plain.mappings if m.layer.index != 4)
    assert found[-1][0].boxes == boxes == len(plain.packing.placements)


# The published settings


@pytest.fixture(scope="module")
def mbv3_small():
    """Its un-duplicated layout, depthwise layers in five parts."""
    mappings = partition(load_network("mbv3_small").layers, CrossbarSize(128, 128), 5)
    return Layout(mappings, pack_mappings(mappings, CrossbarSize(128, 128), Rules(), PackingSettings("fast")))


@pytest.mark.parametrize("crossbars", [249, 299, 349, 399, 449])
def test_no_margin_packs_at_the_published_budgets(mbv3_small, crossbars):
    target = Target(crossbars, CrossbarSize(128, 128), Rules(), "dense")
    trials = [trial for trial, _ in margin_trials(mbv3_small, target, 0, most_copies)]
    assert [trial.margin for trial in trials] == [*MARGINS, None]
    assert [trial.packed for trial in trials] == [False] * 8 + [True]
    wanted = {249: (3107, 1247), 449: (7202, 3795)}
    assert (trials[0].boxes, trials[7].boxes) == wanted.get(crossbars, (trials[0].boxes, trials[7].boxes))
    assert trials[8].boxes == 249
