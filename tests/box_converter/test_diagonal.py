"""Diagonal boxes of depthwise layers: every channel in one box, and a read serves all of a box's channels."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.box_converter.partition import cut, cut_diagonal, most_channels, partition
from rram_nas_comp_pack.box_converter.shapes import convolution, linear
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer, Mapping


def layer_of(shape, index=0):
    return Layer(
        index, "Conv2d", f"conv{index}", shape.raw, shape.positions, shape.groups, index, shape.depthwise
    )


def depthwise(channels, kernel, positions=1):
    return layer_of(convolution((channels, 1, kernel, kernel), channels, positions))


@st.composite
def diagonal_cuts(draw, most_channels_in_all=60):
    """A depthwise layer, a crossbar that holds its kernel, and how many channels to put into a box."""
    channels, times = draw(st.integers(2, most_channels_in_all)), draw(st.integers(1, 2))
    kernel = draw(st.integers(1, 4))
    shape = convolution((channels * times, 1, kernel, kernel), channels, draw(st.integers(1, 50)))
    rows, columns = draw(st.integers(kernel**2, 140)), draw(st.integers(1, 140))
    layer = layer_of(shape)
    return layer, rows, columns, draw(st.integers(1, min(rows // kernel**2, columns, channels * times)))


# By hand


def test_a_box_has_the_kernels_rows_for_every_channel_and_the_last_one_holds_the_rest():
    layer = depthwise(8, 3, positions=64)
    assert cut_diagonal(layer, CrossbarSize(128, 128), 3) == (Box(27, 3, 64), Box(27, 3, 64), Box(18, 2, 64))


def test_without_a_choice_the_boxes_are_as_few_as_can_be_and_of_like_size():
    """128 rows hold 14 kernels of 9 rows: 30 channels need three boxes, of ten channels each."""
    fewest = partition(
        (depthwise(30, 3, 4), layer_of(linear(200, 8, 4), 1)), CrossbarSize(128, 128), 5, diagonal=True
    )
    assert fewest[0].boxes == (Box(90, 10, 4),) * 3
    assert fewest[1:] == partition((layer_of(linear(200, 8, 4), 1),), CrossbarSize(128, 128))


def test_a_channel_of_its_own_is_the_same_box_diagonal_or_dense():
    layer = depthwise(5, 3, positions=7)
    assert cut_diagonal(layer, CrossbarSize(17, 128), 1) == cut(layer, CrossbarSize(17, 128), depth_split=5)
    assert not Mapping(layer, cut_diagonal(layer, CrossbarSize(17, 128), 1)).diagonal


@pytest.mark.parametrize("channels", [0, -1, 15])
def test_more_channels_than_the_crossbar_holds_are_refused_in_one_line(channels):
    with pytest.raises(BadInput, match=rf"Conv2d_2 \(conv2\).*found {channels}, allowed is 1 to 14") as error:
        cut_diagonal(layer_of(convolution((20, 1, 3, 3), 20, 4), 2), CrossbarSize(128, 128), channels)
    assert "\n" not in str(error.value)


def test_columns_and_channels_limit_a_box_as_well():
    assert most_channels(depthwise(20, 3), CrossbarSize(128, 128)) == 14
    assert most_channels(depthwise(20, 3), CrossbarSize(128, 6)) == 6
    assert most_channels(depthwise(5, 3), CrossbarSize(128, 128)) == 5


def test_fewer_rows_than_the_crossbar_s_may_be_allowed_but_a_channel_always_fits():
    size, layer = CrossbarSize(128, 128), depthwise(20, 3)
    assert [most_channels(layer, size, rows) for rows in (0, 8, 18, 64, 128, 500)] == [1, 1, 2, 7, 14, 14]
    assert partition((layer,), size, diagonal=True, diagonal_rows=64)[0].boxes == cut_diagonal(layer, size, 7)


@pytest.mark.parametrize("shape", [linear(9, 9, 1), convolution((6, 2, 3, 3), 3, 4)])
def test_layers_that_are_not_depthwise_have_no_diagonal_boxes(shape):
    with pytest.raises(BadInput, match="only a depthwise layer"):
        cut_diagonal(layer_of(shape), CrossbarSize(128, 128), 1)


def test_a_kernel_taller_than_the_crossbar_is_refused_as_in_the_dense_mapping():
    layer = depthwise(4, 5)
    with pytest.raises(BadInput) as dense:
        partition((layer,), CrossbarSize(24, 24))
    with pytest.raises(BadInput) as diagonal:
        partition((layer,), CrossbarSize(24, 24), diagonal=True)
    assert str(diagonal.value) == str(dense.value)


# Any depthwise layer


@given(case=diagonal_cuts())
def test_every_channel_lies_in_exactly_one_box_that_fits_and_is_read_once_a_position(case):
    layer, rows, columns, channels = case
    boxes = cut_diagonal(layer, CrossbarSize(rows, columns), channels)
    assert sum(box.w for box in boxes) == layer.raw.w
    assert [box.w for box in boxes[:-1]] == [channels] * (len(boxes) - 1)
    assert 1 <= boxes[-1].w <= channels
    assert all(box.h == layer.raw.h * box.w for box in boxes)
    assert all(box.h <= rows and box.w <= columns for box in boxes)
    assert {box.cycles for box in boxes} == {layer.positions}


@given(case=diagonal_cuts())
def test_the_cells_that_hold_weights_are_the_layers_weights_in_both_mappings(case):
    layer, rows, columns, channels = case
    diagonal = Mapping(layer, cut_diagonal(layer, CrossbarSize(rows, columns), channels))
    dense = Mapping(layer, cut(layer, CrossbarSize(rows, columns)))
    assert diagonal.diagonal == (channels > 1)
    assert not dense.diagonal
    for mapping in (diagonal, dense):
        assert sum(mapping.weight_cells(box) for box in mapping.boxes) == layer.weights


@given(case=diagonal_cuts())
def test_no_choice_of_channels_gives_fewer_boxes_than_the_partition(case):
    layer, rows, columns, _ = case
    found = partition((layer,), CrossbarSize(rows, columns), diagonal=True)[0].boxes
    choices = range(1, most_channels(layer, CrossbarSize(rows, columns)) + 1)
    assert len(found) == min(
        len(cut_diagonal(layer, CrossbarSize(rows, columns), channels)) for channels in choices
    )
    slack = found[0].w - found[-1].w
    assert slack < len(found)  # no narrower box would do with as many boxes


# What the crossbars compute


def read(weights, patches, box, first):
    """One analog read per position: the products of a box's cells with its rows' inputs, summed by column.

    `weights` is (channels, rows of a kernel), `patches` (channels, rows of a kernel, positions).
    """
    cells = np.zeros((box.h, box.w))
    kernel = weights.shape[1]
    for c in range(box.w):
        cells[c * kernel : (c + 1) * kernel, c] = weights[first + c]
    return cells.T @ patches[first : first + box.w].reshape(box.h, -1)


@given(case=diagonal_cuts(most_channels_in_all=12), seed=st.integers(0, 99))
@settings(max_examples=40, deadline=None)
def test_reading_the_diagonal_boxes_computes_the_depthwise_convolution(case, seed):
    layer, rows, columns, channels = case
    side, draw = int(layer.raw.h**0.5), np.random.default_rng(seed)
    weights = draw.standard_normal((layer.raw.w, layer.raw.h))
    inputs = torch.tensor(draw.standard_normal((1, layer.groups, 6, 7)))
    kernels = torch.tensor(weights).reshape(layer.raw.w, 1, side, side)
    wanted = torch.nn.functional.conv2d(inputs, kernels, groups=layer.groups)[0].flatten(1).numpy()
    patches = torch.nn.functional.unfold(inputs, side)[0].reshape(layer.groups, layer.raw.h, -1).numpy()
    patches = patches.repeat(layer.raw.w // layer.groups, axis=0)  # a column reads the inputs of its group
    found, first = [], 0
    for box in cut_diagonal(layer, CrossbarSize(rows, columns), channels):
        found.append(read(weights, patches, box, first))
        first += box.w
    np.testing.assert_allclose(np.concatenate(found), wanted, rtol=1e-9, atol=1e-12)
