"""Parts of a layer hold each of its weights once, in the boxes of the whole layer."""

from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.reload.units import joined, numbers_of, units_of
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer

SIZE = CrossbarSize(8, 8)


def conv(h, w, positions=4, groups=1, depthwise=False):
    cycles = positions * (w if depthwise else groups)
    return Layer(0, "Conv2d", "a", Box(h, w, cycles), positions, w if depthwise else groups, 0, depthwise)


@st.composite
def layers(draw):
    kind = draw(st.sampled_from(("dense", "depthwise", "grouped")))
    if kind == "depthwise":
        return conv(draw(st.integers(1, 8)), draw(st.integers(1, 60)), depthwise=True)
    if kind == "grouped":
        groups, width = draw(st.integers(2, 6)), draw(st.integers(1, 20))
        return conv(draw(st.integers(1, 30)), groups * width, groups=groups)
    return conv(draw(st.integers(1, 60)), draw(st.integers(1, 60)))


@given(layers(), st.integers(1, 12), st.integers(1, 3), st.booleans())
def test_parts_are_boxes_of_the_whole_layer(layer, most, split, diagonal):
    (whole,) = partition([layer], SIZE, split, diagonal)
    units = units_of([whole], SIZE, [most])
    assert len(units) == 1 or all(not unit.whole for unit in units)
    own = partition([unit.layer for unit in units], SIZE, split if len(units) == 1 else 1, diagonal)
    if len(units) == 1:
        assert own[0] == whole
        return
    again = joined(layer, own, SIZE)
    assert sum(again.weight_cells(box) for box in again.boxes) == layer.weights
    numbers = [numbers_of(again, unit, m, SIZE) for unit, m in zip(units, own, strict=True)]
    assert sorted(n for part in numbers for n in part) == list(range(len(again.boxes)))
    for part, m in zip(numbers, own, strict=True):
        assert [(again.boxes[n].h, again.boxes[n].w) for n in part] == [(b.h, b.w) for b in m.boxes]
        if not layer.depthwise:
            assert len(m.boxes) <= most
    if layer.groups == 1:
        assert [again.boxes[n].cycles for n in numbers[0]] == [b.cycles for b in own[0].boxes]


def test_columns_are_divided_before_rows():
    (whole,) = partition([conv(16, 64)], SIZE)
    units = units_of([whole], SIZE, [4])
    assert [(u.row, u.column, u.layer.raw.h, u.layer.raw.w) for u in units] == [
        (0, 0, 16, 16),
        (0, 16, 16, 16),
        (0, 32, 16, 16),
        (0, 48, 16, 16),
    ]
