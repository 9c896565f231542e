"""Small networks for the tuner, with small crossbars, and what a layout of the search is as values."""

from math import sqrt

import numpy as np
from hypothesis import strategies as st

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import convolution, linear
from rram_nas_comp_pack.packing.check import violations
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.tuning.joint.objective import incumbent_of
from rram_nas_comp_pack.tuning.joint.result import as_values
from rram_nas_comp_pack.tuning.joint.search_space import build_problem
from rram_nas_comp_pack.tuning.settings import Target
from rram_nas_comp_pack.values import CrossbarSize, Layer, Layout, Rules

ROWS, COLUMNS = 18, 16
SIZE = CrossbarSize(ROWS, COLUMNS)
MODES = ("dense", "diagonal", "auto")


def one_ns(_layer, _box):
    return 1.0


def sized_ns(layer, box):
    """Longer for larger boxes, and such that sums of reads of different layers are never equal."""
    prime = (2, 3, 5, 7, 11, 13, 17, 19)[layer.index]
    return sqrt(prime) * (1 + box.h / 37 + box.w / 41)


def layers(*shapes, reused=None):
    """Layers of these shapes; `reused` maps a layer to the one that holds its weights."""
    return tuple(
        Layer(i, "Conv2d", f"part{i}", s.raw, s.positions, s.groups, (reused or {}).get(i, i), s.depthwise)
        for i, s in enumerate(shapes)
    )


def depthwise(channels, kernel, positions):
    return convolution((channels, 1, kernel), channels, positions)


MIXED = layers(
    linear(18, 12, 5),
    depthwise(12, 3, 6),
    linear(20, 20, 3),  # four boxes
    convolution((12, 4, 1), 3, 4),  # three groups
    depthwise(12, 3, 2),  # the second's weights again
    linear(9, 5, 7),
    reused={4: 1},
)


def target_of(crossbars, rules=None, mode="auto"):
    return Target(crossbars, SIZE, rules or Rules(), mode)


@st.composite
def shapes(draw):
    """How to make a shape from a number of positions."""
    kind = draw(st.integers(0, 3))
    if kind == 0:
        groups, inputs, outputs = draw(st.integers(2, 4)), draw(st.integers(2, 5)), draw(st.integers(1, 7))
        return lambda positions: convolution((groups * outputs, inputs), groups, positions)
    if kind == 1:
        channels, kernel = draw(st.integers(2, 24)), draw(st.integers(1, 9))
        return lambda positions: depthwise(channels, kernel, positions)
    inputs, outputs = draw(st.integers(1, 24)), draw(st.integers(1, 20))
    return lambda positions: linear(inputs, outputs, positions)


@st.composite
def networks(draw, most=6):
    """Layers of all kinds, some of them called again with other numbers of positions."""
    makers, stores = [], {}
    for i in range(draw(st.integers(1, most))):
        if i and draw(st.integers(0, 4)) == 0:
            stores[i] = draw(st.sampled_from([k for k in range(i) if k not in stores]))
            makers.append(makers[stores[i]])
        else:
            makers.append(draw(shapes()))
    return layers(*(make(draw(st.integers(1, 30))) for make in makers), reused=stores)


def packed(network, rules=None, *, split=1, diagonal=False):
    """The un-duplicated network and its packing."""
    mappings = partition(network, SIZE, split, diagonal)
    return Layout(mappings, pack_mappings(mappings, SIZE, rules or Rules(), PackingSettings("fast")))


def menu_of(network, crossbars, rules=None, mode="auto", read_ns=one_ns):
    target = target_of(crossbars, rules, mode)
    return build_problem(partition(network, SIZE, 1, mode == "diagonal"), target, read_ns)


def values_of(found, state):
    """Mappings and packing of the layout that the search works on."""
    return as_values(found, incumbent_of(state), "effort")


def faults(mappings, packing, target):
    """What the independent checker finds wrong."""
    return list(violations(mappings, packing.placements, SIZE, target.rules, target.crossbars))


def in_use(found, state):
    """Stores and numbers of all boxes that lie somewhere, read off their crossbars."""
    codes = [code for row, n in zip(state.content, state.load, strict=True) for code in row[:n].tolist()]
    return sorted(divmod(code, found.space.crossbars) for code in codes)


def snapshot(found, state):
    """All that a layout is, without what is left behind in unused places of the arrays."""
    places = [
        (o, k, int(state.home[o, k]), int(state.x[o, k]), int(state.y[o, k])) for o, k in in_use(found, state)
    ]
    content = [frozenset(row[:n].tolist()) for row, n in zip(state.content, state.load, strict=True)]
    numbers = [np.array(a).tolist() for a in (state.variant, state.copies, state.load, state.free)]
    return places, content, numbers, state.shared.tolist()
