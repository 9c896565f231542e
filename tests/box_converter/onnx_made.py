"""Small ONNX files, made as exporters write them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import InputSize, Network

node = helper.make_node
Size = Sequence[int | str | None]


def weight(name: str, *dims: int, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.ones(dims, dtype), name)


def ints(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def scalar(name: str, number: Any, dtype: Any = np.int64) -> TensorProto:
    return numpy_helper.from_array(np.array(number, dtype), name)


def value(name: str, size: Size | None, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, size)


def graph_of(
    nodes: Sequence[Any],
    weights: Sequence[TensorProto],
    inputs: Sequence[Any],
    outputs: Sequence[str] = ("y",),
) -> onnx.GraphProto:
    return helper.make_graph(nodes, "net", inputs, [value(name, None) for name in outputs], weights)


def save(folder: Path, graph: onnx.GraphProto, opset: int = 17, **options: Any) -> Path:
    """Write a model; the domains of all operators are declared."""
    domains = {each.domain for each in graph.node if each.domain}
    opsets = [helper.make_opsetid("", opset), *(helper.make_opsetid(domain, 1) for domain in sorted(domains))]
    path = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8, **options), path)
    return path


def read(
    folder: Path,
    nodes: Sequence[Any],
    weights: Sequence[TensorProto],
    size: Size | Sequence[onnx.ValueInfoProto],
    given: InputSize | None = None,
    opset: int = 17,
    **options: Any,
) -> Network:
    """The network of a file whose input `x` is of `size`, or that has the inputs in `size`."""
    whole = all(isinstance(each, onnx.ValueInfoProto) for each in size) and size
    inputs: Any = size if whole else [value("x", size)]  # type: ignore[arg-type]
    return read_onnx(save(folder, graph_of(nodes, weights, inputs), opset, **options), given)


def boxes(network: Network) -> list[tuple[int, int, int]]:
    return [(layer.raw.h, layer.raw.w, layer.raw.cycles) for layer in network.layers]


def rows(network: Network) -> list[tuple[str, str, int, int]]:
    return [(row.kind, row.status, row.parameters, row.macs) for row in network.coverage]


def refusal(*args: Any, **options: Any) -> str:
    """What is said, in one line, about a file that `read` refuses."""
    with pytest.raises(BadInput) as caught:
        read(*args, **options)
    text = str(caught.value)
    assert len(text.splitlines()) == 1
    assert "net.onnx" in text
    return text
