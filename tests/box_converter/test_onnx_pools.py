"""Pools of an ONNX file give the sizes that torch's give, at every opset."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest
import torch
from onnx import defs, helper
from onnx_made import boxes, node, read, weight
from torch import nn

from rram_nas_comp_pack.box_converter.onnx import size_rules as onnx_rules
from rram_nas_comp_pack.box_converter.onnx.graph import dims_of, tensor_type

LAST = weight("v", 2, 3, 1, 1)


@pytest.mark.parametrize("opset", [10, 11, 12, 13, 19, 21, 22])
@pytest.mark.parametrize("kind", ["MaxPool", "AveragePool"])
def test_a_window_never_starts_beyond_the_input(tmp_path: Path, kind: str, opset: int) -> None:
    pool = node(kind, ["x"], ["p"], kernel_shape=[2, 2], strides=[4, 4], ceil_mode=1)
    network = read(tmp_path, [pool, node("Conv", ["p", "v"], ["y"])], [LAST], [1, 3, 4, 4], opset=opset)
    assert boxes(network) == [(3, 2, 1)]


@pytest.mark.parametrize(("size", "reads"), [(9, 9), (12, 16)])
def test_a_pool_with_ceil_mode_is_as_large_as_torch_makes_it(tmp_path: Path, size: int, reads: int) -> None:
    pool = node("MaxPool", ["x"], ["p"], kernel_shape=[2, 2], strides=[3, 3], ceil_mode=1)
    nodes = [pool, node("Conv", ["p", "v"], ["y"])]
    assert boxes(read(tmp_path, nodes, [LAST], [1, 3, size, size], opset=13)) == [(3, 2, reads)]


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("opset", [10, 13, 22])
def test_pools_are_sized_as_in_torch(opset: int, ceil: bool) -> None:
    for size, kernel, stride, pad in product((4, 5, 7, 9), (1, 2, 3), (1, 3, 4, 5), (0, 1)):
        if pad > kernel // 2 or size + 2 * pad < kernel:
            continue
        x = torch.zeros(1, 1, size)
        pools = {
            "MaxPool": nn.MaxPool1d(kernel, stride, pad, ceil_mode=ceil),
            "AveragePool": nn.AvgPool1d(kernel, stride, pad, ceil_mode=ceil),
        }
        for kind, pool in pools.items():
            made = helper.make_node(
                kind,
                ["x"],
                ["y"],
                kernel_shape=[kernel],
                strides=[stride],
                pads=[pad, pad],
                ceil_mode=int(ceil),
            )
            schema = defs.get_schema(kind, opset, "")
            types = onnx_rules.infer(schema, made, {"x": tensor_type(1, (1, 1, size))}, {}, {"": opset})
            assert dims_of(types["y"]) == tuple(pool(x).shape), made
