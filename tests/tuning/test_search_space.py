"""The menu of variants: each has the boxes that the box converter cuts, and the times of their reads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tuning_cases import COLUMNS, MIXED, MODES, SIZE, depthwise, layers, networks, one_ns, sized_ns
from tuning_cases import menu_of as make

from rram_nas_comp_pack.box_converter.partition import cut, cut_diagonal, cut_strips, most_channels, partition
from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.tuning.joint.search_space import MOST_ON_A_CROSSBAR, DepthwiseCut, build_problem
from rram_nas_comp_pack.values import NO_RULES, Rules

modes = st.sampled_from(MODES)


def variants(space, store):
    return range(space.variant_offset[store], space.variant_offset[store + 1])


def sizes(space, variant):
    boxes = slice(space.box_offset[variant], space.box_offset[variant + 1])
    return list(zip(space.height[boxes].tolist(), space.width[boxes].tolist(), strict=True))


def boxes_by_way(layer, way):
    """The boxes that a way stands for, from the box converter itself."""
    if not layer.depthwise:
        return cut(layer, SIZE)
    if way.diagonal:
        return cut_diagonal(layer, SIZE, way.width)
    return cut_strips(layer, SIZE, way.width)


def narrow_ns(layer, box):
    """Reads of diagonal and dense boxes of a layer differ, as those of few converters do."""
    columns = box.w if layer.lies_diagonally(box) else min(box.w, layer.columns_per_read)
    return 1.0 + columns / 3 + box.h / 100


@pytest.mark.parametrize("read_ns", [one_ns, sized_ns, narrow_ns])
@given(network=networks(), mode=modes, crossbars=st.integers(1, 30))
@settings(max_examples=40, deadline=None)
def test_every_variant_has_the_boxes_and_the_times_of_its_cut(read_ns, network, mode, crossbars):
    found = make(network, crossbars, mode=mode, read_ns=read_ns)
    c = found.space
    stores = [layer for layer in network if layer.stored_in == layer.index]
    number = {layer.index: o for o, layer in enumerate(stores)}
    assert c.layer.tolist() == [layer.index for layer in stores]
    assert c.owner.tolist() == [number[layer.stored_in] for layer in network]
    for o, store in enumerate(stores):
        for v in variants(c, o):
            boxes = boxes_by_way(store, found.cuts[v])
            assert found.cuts[v].boxes(store, found.target) == boxes
            assert sizes(c, v) == [(b.h, b.w) for b in boxes]
            runs = [(e, layer) for e, layer in enumerate(network) if layer.stored_in == store.index]
            reads, alone = [], 0.0
            for e, layer in runs:
                again = boxes_by_way(layer, found.cuts[v])
                k = c.reads_offset[e] + v - c.variant_offset[o]
                reads.append(max(b.cycles for b in again))
                assert c.cycles[k] == reads[-1]
                slowest = max(b.cycles * read_ns(layer, b) for b in again)
                assert c.cycles[k] * c.read_time[k] * found.unit_ns == pytest.approx(slowest, rel=1e-12)
                alone += slowest
            assert c.single_copy_time[v] * found.unit_ns == pytest.approx(alone, rel=1e-12)
            assert c.max_useful_copies[v] == min(reads)


@given(network=networks(), mode=modes, crossbars=st.integers(1, 30), split=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_the_first_variant_is_the_given_cut(network, mode, crossbars, split):
    plain = partition(network, SIZE, split, mode == "diagonal")
    found = build_problem(plain, make(network, crossbars, mode=mode).target, one_ns)
    first = found.space.variant_offset[:-1].tolist()
    stores = [m for m in plain if m.stored]
    for m, v in zip(stores, first, strict=True):
        assert sizes(found.space, v) == [(b.h, b.w) for b in m.boxes]
    assert found.mappings(first, [1] * len(stores)) == plain


@given(network=networks(), mode=modes, crossbars=st.integers(1, 30))
@settings(max_examples=60, deadline=None)
def test_every_number_of_equal_parts_is_on_the_menu(network, mode, crossbars):
    """All dense and diagonal boxes of w columns, w the parts' width for some number of parts, if allowed."""
    found = make(network, crossbars, mode=mode)
    stores = [layer for layer in network if layer.stored_in == layer.index]
    for o, layer in enumerate(stores):
        ways = [found.cuts[v] for v in variants(found.space, o)]
        assert len(set(ways)) == len(ways)
        if not layer.depthwise:
            assert ways == [DepthwiseCut(False, 0)]
            continue
        wanted = {ways[0]}
        for parts in range(1, crossbars + 1):
            width = -(-layer.raw.w // parts)
            if width <= COLUMNS and mode != "diagonal":
                wanted.add(DepthwiseCut(False, width))
            if width <= most_channels(layer, SIZE) and (width > 1 or mode == "diagonal") and mode != "dense":
                wanted.add(DepthwiseCut(True, width))
        assert set(ways) == wanted


@given(network=networks(), rows=st.integers(0, 40), mode=st.sampled_from(["diagonal", "auto"]))
@settings(max_examples=40, deadline=None)
def test_diagonal_boxes_keep_to_the_rows_that_are_allowed(network, rows, mode):
    plain = partition(network, SIZE, 1, mode == "diagonal", rows)
    target = make(network, 20, mode=mode).target._replace(diagonal_rows=rows)
    found = build_problem(plain, target, one_ns)
    free = build_problem(partition(network, SIZE, 1, mode == "diagonal"), target, one_ns)
    for o, m in enumerate(m for m in plain if m.stored):
        cuts = [found.cuts[v] for v in variants(found.space, o)]
        assert all(c.width == 1 or c.width * m.layer.raw.h <= rows for c in cuts if c.diagonal)
        allowed = {free.cuts[v] for v in variants(free.space, o)}
        if mode == "auto":
            assert set(cuts) <= allowed | {cuts[0]}


def test_equal_reads_are_counted_and_different_ones_timed():
    counted, timed = make(MIXED, 9, read_ns=lambda *_: 152.77), make(MIXED, 9, read_ns=sized_ns)
    assert (counted.unit_ns, timed.unit_ns) == (152.77, 1.0)
    assert set(counted.space.read_time.tolist()) == {1.0}
    assert np.array_equal(counted.space.cycles, timed.space.cycles)


def test_a_module_called_again_adds_its_time_and_brings_no_boxes():
    """Twelve channels of three rows, six positions and then two: in 12 columns 72 and 24 reads."""
    network = layers(depthwise(12, 3, 6), linear(1, 1, 1), depthwise(12, 3, 2), reused={2: 0})
    c = make(network, 3, mode="dense").space
    assert c.owner.tolist() == [0, 1, 0]
    assert [sizes(c, v) for v in variants(c, 0)] == [[(3, 12)], [(3, 6)] * 2, [(3, 4)] * 3]
    assert c.single_copy_time[:3].tolist() == [96, 48, 32]
    assert c.max_useful_copies[:3].tolist() == [24, 12, 8]


def test_a_diagonal_box_is_read_whole():
    """Eighteen rows hold six channels of three: two boxes of six, three of four; all are read at once."""
    c = make(layers(depthwise(12, 3, 6)), 3, mode="diagonal").space
    assert [sizes(c, v) for v in variants(c, 0)] == [[(18, 6)] * 2, [(12, 4)] * 3]
    assert c.single_copy_time.tolist() == [6, 6]


def test_without_rules_boxes_of_a_layer_still_part_and_a_crossbar_holds_a_bounded_number():
    free, ruled = make(MIXED, 9, NO_RULES).space, make(MIXED, 9, Rules(2, 3)).space
    assert (free.threshold, free.max_load) == (0, MOST_ON_A_CROSSBAR)
    assert (ruled.threshold, ruled.max_load) == (2, 3)
