"""The layers of a subnet by arithmetic are those that run."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from drawn import GOLDEN, configurations
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import ofa
from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.values import Layer

NET = ofa.build_supernet().eval()


def seen(layer: Layer) -> tuple[object, ...]:
    return (
        layer.kind,
        layer.name,
        layer.raw.h,
        layer.raw.w,
        layer.groups,
        layer.positions,
        layer.depthwise,
    )


def computed(shape: ofa.LayerShape) -> tuple[object, ...]:
    rows = shape.kernel**2 * shape.channels // shape.groups
    return shape.kind, shape.path, rows, shape.out, shape.groups, shape.size**2, shape.groups > 1


@settings(max_examples=15, deadline=None)
@given(configurations, st.integers(1, 70))
def test_they_are_what_a_trace_of_the_subnet_sees(chosen, resolution):
    NET.set_active_subnet(*chosen)
    subnet = NET.get_active_subnet()
    shapes = ofa.layer_shapes(*chosen, resolution)
    traced = trace(subnet, (3, resolution, resolution), "subnet").layers
    assert [computed(shape) for shape in shapes] == [seen(layer) for layer in traced]
    for shape in shapes:
        module = subnet.get_submodule(shape.path)
        if isinstance(module, nn.Conv2d):
            settings_of = (module.kernel_size[0], module.stride[0], module.groups)
            assert (*settings_of, module.in_channels, module.out_channels) == shape[2:7]


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_their_weights_are_all_the_subnet_has(case):
    ks, e, d = case["ks"], case["e"], case["d"]
    NET.set_active_subnet(ks, e, d)
    matrices = [p for p in NET.get_active_subnet().parameters() if p.dim() > 1]
    shapes = ofa.layer_shapes(ks, e, d)
    assert [s.kernel**2 * s.channels // s.groups * s.out for s in shapes] == [p.numel() for p in matrices]


def test_the_largest_and_the_smallest():
    largest, smallest = ofa.layer_shapes(7, 6, 4), ofa.layer_shapes(3, 3, 2, 32, num_classes=100)
    assert (len(largest), len(smallest)) == (78, 42)
    assert largest[4] == ("Conv2d", "blocks.1.conv.depth_conv.conv", 7, 2, 96, 96, 96, 16)
    assert smallest[-1] == ("Linear", "classifier.linear", 1, 1, 1, 1280, 100, 1)


def test_what_lies_beyond_a_depth_means_nothing():
    other = [3, 3, 7, 7] * 4
    assert ofa.layer_shapes(other, 4, 2) == ofa.layer_shapes(3, 4, 2)


def test_a_resolution_must_be_positive():
    with pytest.raises(ofa.BadInput, match="resolution: found 0, allowed is at least 1"):
        ofa.layer_shapes(3, 3, 2, 0)


def test_torch_is_not_needed():
    code = "import sys, ofa; ofa.layer_shapes(7, 6, 4); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_the_package_has_the_names_it_promises():
    assert all(getattr(ofa, name) for name in ofa.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ofa.nothing
    assert torch.is_tensor(next(ofa.build_supernet().parameters()))
