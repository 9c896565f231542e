"""The judge counts weights, not cells: diagonal boxes hold zeros off their diagonal."""

from dataclasses import replace

import pytest

from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.values import (
    NO_RULES,
    Box,
    CrossbarSize,
    Layer,
    Layout,
    Mapping,
    Packing,
    Placement,
    cells_with_weights,
)

LAYER = Layer(0, "Conv2d", "dw", Box(9, 5, 5 * 16), 16, 5, 0, depthwise=True)
BOXES = (Box(27, 3, 16), Box(18, 2, 16))


def placed(boxes, copies=1):
    """Every box on a crossbar of its own."""
    keys = [(replica, box) for replica in range(copies) for box in range(len(boxes))]
    return tuple(
        Placement(0, n, 0, 0, boxes[box].w, boxes[box].h, replica, box)
        for n, (replica, box) in enumerate(keys)
    )


def faults(boxes, layer=LAYER):
    return list(violations([Mapping(layer, boxes)], placed(boxes), (128, 128), NO_RULES))


@pytest.mark.parametrize(
    "boxes", [BOXES, (Box(36, 4, 16), Box(9, 1, 16)), (Box(9, 5, 80),), (Box(9, 1, 16),) * 5]
)
def test_a_sound_layout_holds_every_weight_once_diagonal_or_dense(boxes):
    assert faults(boxes) == []


def test_a_channel_that_lies_in_no_box_is_missed():
    assert faults(BOXES[:1]) == ["layer 0 has 45 weights, its boxes hold 27"]


def test_as_many_cells_as_weights_are_not_enough_where_some_hold_zeros():
    """27 x 3 and 9 cells are twice 45 cells, but 36 weights."""
    assert any("its boxes hold 36" in line for line in faults((Box(27, 3, 16), Box(9, 1, 16))))


@pytest.mark.parametrize("box", [Box(18, 3, 16), Box(18, 1, 16), Box(20, 2, 16)])
def test_a_diagonal_box_with_other_rows_than_its_channels_need_is_named(box):
    found = faults((Box(27, 3, 16), box))
    assert any("layer 0 box 1 of its diagonal mapping" in line for line in found)


def test_only_depthwise_layers_have_diagonal_boxes():
    ordinary = replace(LAYER, depthwise=False)
    assert not Mapping(ordinary, BOXES).diagonal
    assert any("its boxes hold 117" in line for line in faults(BOXES, ordinary))


def test_the_share_of_weights_leaves_zeros_and_empty_cells_out():
    mapping = Mapping(LAYER, BOXES, copies=2)
    again = Mapping(replace(LAYER, index=1), BOXES, copies=2)
    packing = Packing(placed(BOXES, copies=2), CrossbarSize(128, 128), 4, 1, "fast", "effort")
    assert cells_with_weights([mapping, again]) == 2 * 45
    layout = Layout((mapping, again), packing)
    assert layout.weight_utilization == 2 * 45 / (4 * 128 * 128)
    assert layout.utilization == 2 * (27 * 3 + 18 * 2) / (4 * 128 * 128)
