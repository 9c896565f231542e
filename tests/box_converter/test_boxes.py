"""Partition: the published boxes in order, and every weight in exactly one box."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.box_converter.partition import cut, partition
from rram_nas_comp_pack.box_converter.shapes import convolution, linear, transposed_convolution
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer

GOLDEN = Path(__file__).parents[1] / "golden"


def layer_of(shape, index=0):
    return Layer(
        index, "Conv2d", f"conv{index}", shape.raw, shape.positions, shape.groups, index, shape.depthwise
    )


def golden_layers(model):
    """The layers of a network as the paper's program lists them."""
    found = []
    for row in json.loads((GOLDEN / f"layers_{model}.json").read_text())["layers"]:
        if row["cls"] == "Linear":
            shape = linear(row["raw_h"], row["raw_w"], 1)
        else:
            groups = row["groups"]
            weight = (row["out_channels"], row["in_channels"] // groups, *row["kernel"])
            shape = convolution(weight, groups, row["output_size"][2] * row["output_size"][3])
        assert (shape.raw.h, shape.raw.w, shape.raw.cycles) == (row["raw_h"], row["raw_w"], row["raw_cycle"])
        found.append(layer_of(shape, row["idx"]))
    return tuple(found)


@pytest.mark.parametrize(
    ("model", "factor", "boxes"),
    [("mbv3_small", 1, 210), ("mbv3_small", 5, 249), ("squeezenet", 1, 80), ("resnet18", 1, 698)],
)
def test_the_boxes_are_the_published_ones_in_order(model, factor, boxes):
    wanted = json.loads((GOLDEN / f"partition_{model}_dsf{factor}.json").read_text())["boxes"]
    found = [
        (m.layer.index, box.h, box.w, box.cycles)
        for m in partition(golden_layers(model), CrossbarSize(128, 128), factor)
        for box in m.boxes
    ]
    assert len(found) == boxes
    assert found == [(b["layer"], b["h"], b["w"], b["cycle"]) for b in wanted]


# By hand, for crossbars of 4 rows x 3 columns.


def test_a_layer_that_fits_is_one_box():
    assert cut(layer_of(linear(4, 3, 7)), CrossbarSize(4, 3)) == (Box(4, 3, 7),)


def test_full_tiles_come_first_then_corner_bottom_edge_and_right_edge():
    assert cut(layer_of(linear(10, 7, 1)), CrossbarSize(4, 3)) == (
        *[Box(4, 3, 1)] * 4,
        Box(2, 1, 1),
        *[Box(2, 3, 1)] * 2,
        *[Box(4, 1, 1)] * 2,
    )


def test_a_depthwise_layer_is_cut_into_parts_and_a_remainder():
    depthwise = layer_of(convolution((11, 1, 2, 2), 11, 9))
    assert depthwise.depthwise
    assert cut(depthwise, CrossbarSize(4, 8), depth_split=2) == (Box(4, 5, 45), Box(4, 5, 45), Box(4, 1, 9))
    assert cut(depthwise, CrossbarSize(4, 8), depth_split=99) == (Box(4, 1, 9),) * 11
    assert cut(depthwise, CrossbarSize(4, 3)) == (*[Box(4, 3, 27)] * 3, Box(4, 2, 18))


def test_the_split_factor_leaves_other_layers_alone():
    for shape in (
        linear(10, 7, 2),
        convolution((6, 2, 3, 3), 2, 5),
        transposed_convolution((4, 2, 2, 2), 1, 5),
    ):
        assert cut(layer_of(shape), CrossbarSize(4, 3), depth_split=5) == cut(
            layer_of(shape), CrossbarSize(4, 3)
        )


def test_a_tile_of_a_grouped_layer_is_read_once_for_every_group_it_holds():
    """Six columns in groups of two, cut after the third: tiles of groups 0 and 1, and of 1 and 2."""
    grouped = layer_of(convolution((6, 2, 1, 1), 3, 5))
    assert cut(grouped, CrossbarSize(4, 3)) == (Box(2, 3, 10), Box(2, 3, 10))


def test_a_depthwise_kernel_with_more_rows_than_the_crossbar_is_refused_by_name():
    with pytest.raises(BadInput, match=r"Conv2d_3 \(conv3\).*25 rows.*24") as error:
        cut(layer_of(convolution((8, 1, 5, 5), 8, 4), 3), CrossbarSize(24, 24))
    assert "\n" not in str(error.value)


def test_a_depthwise_kernel_as_tall_as_the_crossbar_is_kept_whole():
    assert cut(layer_of(convolution((8, 1, 5, 5), 8, 4)), CrossbarSize(25, 8)) == (Box(25, 8, 32),)


def test_groups_of_one_output_but_many_inputs_are_cut_like_any_grouped_layer():
    """Two groups of 128 inputs and one output: not depthwise (groups < C_in), so its rows may be cut."""
    two_groups = layer_of(convolution((2, 128, 3, 3), 2, 4))
    boxes = cut(two_groups, CrossbarSize(128, 128))
    assert boxes == (Box(128, 2, 8),) * 9


# Any layer.

sizes = st.integers(1, 6)


@st.composite
def dense(draw):
    return linear(draw(st.integers(1, 60)), draw(st.integers(1, 60)), draw(st.integers(1, 9)))


@st.composite
def grouped(draw):
    groups, inputs, outputs = draw(st.integers(2, 6)), draw(st.integers(2, 4)), draw(st.integers(2, 6))
    return convolution((groups * outputs, inputs, draw(sizes)), groups, draw(sizes))


@st.composite
def transposed(draw):
    groups = draw(st.integers(1, 3))
    return transposed_convolution((groups * draw(sizes), draw(sizes), draw(sizes)), groups, draw(sizes))


@st.composite
def depthwise(draw):
    channels, times = draw(st.integers(2, 30)), draw(st.integers(1, 3))
    return convolution((channels * times, 1, draw(st.integers(1, 9))), channels, draw(sizes))


cuttable = st.one_of(dense(), grouped(), transposed()).map(layer_of).filter(lambda x: not x.depthwise)
any_layer = st.one_of(cuttable, depthwise().map(layer_of))
crossbar = st.builds(CrossbarSize, st.integers(9, 40), st.integers(1, 40))  # any depthwise kernel above fits
small_crossbar = st.builds(CrossbarSize, st.integers(1, 20), st.integers(1, 20))


@given(layer=any_layer, size=crossbar, factor=st.integers(1, 12))
def test_boxes_fit_the_crossbar_and_their_areas_add_up(layer, size, factor):
    boxes = cut(layer, size, factor)
    assert all(1 <= b.h <= size[0] and 1 <= b.w <= size[1] and b.cycles >= 1 for b in boxes)
    assert sum(b.h * b.w for b in boxes) == layer.raw.h * layer.raw.w


def cover(layer, boxes, rows, columns):
    """How often each weight is covered, with boxes laid where the stated order puts them; and the reads that
    each box needs, counted group by group.
    """
    h, w = layer.raw.h, layer.raw.w
    rows, columns = min(rows, h), min(columns, w)
    inner_h, inner_w = h // rows * rows, w // columns * columns
    corners = [(y, x) for y in range(0, inner_h, rows) for x in range(0, inner_w, columns)]
    corners += [(inner_h, inner_w)] if inner_h < h and inner_w < w else []
    corners += [(inner_h, x) for x in range(0, inner_w, columns)] if inner_h < h else []
    corners += [(y, inner_w) for y in range(0, inner_h, rows)] if inner_w < w else []
    covered = np.zeros((h, w), dtype=int)
    groups = [column // layer.columns_per_read for column in range(w)]
    reads = []
    for (y, x), box in zip(corners, boxes, strict=True):
        assert y + box.h <= h
        assert x + box.w <= w
        covered[y : y + box.h, x : x + box.w] += 1
        reads.append(len(set(groups[x : x + box.w])) * layer.positions)
    return covered, reads


@given(layer=cuttable, size=small_crossbar)
@settings(max_examples=100)
def test_every_weight_lies_in_exactly_one_box_and_is_read_with_its_group(layer, size):
    boxes = cut(layer, size)
    covered, reads = cover(layer, boxes, *size)
    assert (covered == 1).all()
    assert [b.cycles for b in boxes] == reads


@given(layer=depthwise().map(layer_of), size=crossbar, factor=st.integers(1, 12))
def test_depthwise_parts_are_equal_but_for_a_narrower_last_and_read_one_column_at_a_time(layer, size, factor):
    boxes = cut(layer, size, factor)
    part = min(size[1], max(1, layer.raw.w // factor))
    assert [b.w for b in boxes[:-1]] == [part] * (len(boxes) - 1)
    assert 1 <= boxes[-1].w <= part
    assert {b.h for b in boxes} == {layer.raw.h}
    assert all(b.cycles == b.w * layer.positions for b in boxes)
    assert sum(b.cycles for b in boxes) == layer.raw.cycles


@given(layer=any_layer)
def test_on_a_crossbar_as_large_as_the_layer_the_raw_box_stays_whole(layer):
    assert cut(layer, CrossbarSize(layer.raw.h, layer.raw.w)) == (layer.raw,)


@given(layer=any_layer, size=crossbar)
def test_no_box_needs_more_reads_than_the_raw_box_and_some_as_many_where_nothing_is_split(layer, size):
    boxes = cut(layer, size)
    assert max(b.cycles for b in boxes) <= layer.raw.cycles
    if layer.groups == 1:
        assert {b.cycles for b in boxes} == {layer.raw.cycles}
