"""Items for the tests, and the way from a layout to the independent checker."""

import json
from pathlib import Path

import numpy as np
from hypothesis import strategies as st

from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.packing.items import Items
from rram_nas_comp_pack.packing.pack import BinAssignment
from rram_nas_comp_pack.values import Box, CrossbarSize, Layer, Mapping, Placement, Rules

GOLDEN = Path(__file__).parents[1] / "golden"


def make(sizes, rows=10, columns=10, layers=None):
    """Items from (height, width) pairs; layers are all 0 where not given."""
    heights, widths = np.array(sizes, dtype=np.int64).reshape(-1, 2).T
    layers = np.zeros(len(widths), np.int64) if layers is None else np.array(layers, dtype=np.int64)
    return Items(widths, heights, layers, CrossbarSize(rows, columns))


def golden(name):
    """The boxes of a network as the paper's program cut them, for 128 x 128 crossbars."""
    boxes = json.loads((GOLDEN / f"partition_{name}.json").read_text())["boxes"]
    return make([(b["h"], b["w"]) for b in boxes], 128, 128, [b["layer"] for b in boxes])


def faults(items: Items, rules: Rules, layout: BinAssignment):
    """What the checker finds wrong with a layout."""
    mappings, placements = [], []
    for layer in np.unique(items.layers):
        members = np.flatnonzero(items.layers == layer)
        boxes = tuple(Box(int(items.heights[i]), int(items.widths[i]), 1) for i in members)
        mappings.append(Mapping(_layer(int(layer), boxes), boxes))
        for box, i in enumerate(members):
            x, y = int(layout.xs[i]), int(layout.ys[i])
            ends = (x + boxes[box].w, y + boxes[box].h)
            placements.append(Placement(int(layer), int(layout.bins[i]), x, y, *ends, 0, box))
    return list(violations(mappings, placements, items.size, rules, layout.crossbars))


def _layer(index, boxes):
    weights = sum(box.h * box.w for box in boxes)
    return Layer(index, "Linear", f"fc{index}", Box(weights, 1, 1), 1, 1, index)


def assert_sound(items: Items, rules: Rules, layout: BinAssignment):
    assert faults(items, rules, layout) == []
    assert sorted(set(layout.bins.tolist())) == list(range(layout.crossbars))
    assert layout.crossbars >= layout.lower_bound


def same(a: BinAssignment, b: BinAssignment):
    """Whether two layouts agree in everything."""
    arrays = all(np.array_equal(getattr(a, f), getattr(b, f)) for f in ("bins", "xs", "ys"))
    return arrays and (a.crossbars, a.lower_bound, a.stopped) == (b.crossbars, b.lower_bound, b.stopped)


rules = st.builds(Rules, threshold=st.integers(-1, 3), max_load=st.sampled_from([0, 1, 2, 6]))


@st.composite
def any_items(draw, most=40, largest=40):
    """Items of any sizes and layers, none of them too large."""
    rows, columns = draw(st.integers(1, largest)), draw(st.integers(1, largest))
    item = st.tuples(st.integers(1, rows), st.integers(1, columns), st.integers(0, 12))
    found = draw(st.lists(item, max_size=most))
    return make([(h, w) for h, w, _ in found], rows, columns, [layer for *_, layer in found])


@st.composite
def cut_from_full(draw, rows=24, columns=30):
    """Items that fill some crossbars completely, cut by random straight cuts; and how many crossbars."""
    crossbars = draw(st.integers(1, 4))
    pieces = [(rows, columns)] * crossbars
    for _ in range(draw(st.integers(0, 20))):
        h, w = pieces.pop(draw(st.integers(0, len(pieces) - 1)))
        if draw(st.booleans()) and h > 1:
            at = draw(st.integers(1, h - 1))
            pieces += [(at, w), (h - at, w)]
        elif w > 1:
            at = draw(st.integers(1, w - 1))
            pieces += [(h, at), (h, w - at)]
        else:
            pieces.append((h, w))
    return make(pieces, rows, columns), crossbars
