"""An ONNX file gives the same layers as the network that it was made from."""

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
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.values import Box, Network

node = helper.make_node
Size = Sequence[int | str | None]


def weight(name: str, *dims: int, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.ones(dims, dtype), name)


def value(name: str, size: Size, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, size)


def save(path: Path, nodes: list[Any], weights: list[TensorProto], size: Size, **options: Any) -> Path:
    """Write a graph from `x` to `y`."""
    inputs = [value("x", size, options.pop("kind", TensorProto.FLOAT))]
    graph = helper.make_graph(nodes, "net", inputs, [value("y", None)], weights)
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("com.example", 1)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=10, **options), path)
    return path


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "net.onnx"


def layers(network: Network) -> list[tuple[str, str, Box, int]]:
    return [(layer.label, layer.name, layer.raw, layer.stored_in) for layer in network.layers]


def rows(network: Network) -> list[tuple[str, str, str, int, int]]:
    return [(row.name, row.kind, row.status, row.parameters, row.macs) for row in network.coverage]


def test_convolutions_of_every_kind(file: Path) -> None:
    nodes = [
        node("Conv", ["x", "w0", "b0"], ["a"], name="plain", pads=[1, 1, 1, 1]),
        node("Conv", ["a", "w1"], ["b"], name="depthwise", group=4, strides=[2, 2]),
        node("Conv", ["b", "w2"], ["c"], name="grouped", group=2),
        node("ConvTranspose", ["c", "w3"], ["y"], name="up", strides=[2, 2], group=2),
    ]
    weights = [weight("w0", 4, 3, 3, 3), weight("b0", 4), weight("w1", 8, 1, 3, 3)]
    weights += [weight("w2", 6, 4, 1, 1), weight("w3", 6, 2, 2, 2)]
    network = read_onnx(save(file, nodes, weights, [1, 3, 7, 7]), (3, 7, 7))
    assert layers(network) == [
        ("Conv2d_0", "plain", Box(27, 4, 49), 0),
        ("Conv2d_1", "depthwise", Box(9, 8, 8 * 9), 1),
        ("Conv2d_2", "grouped", Box(4, 6, 2 * 9), 2),
        ("ConvTranspose2d_3", "up", Box(3, 16, 2 * 9), 3),
    ]
    assert rows(network) == [
        ("plain", "Conv", "mapped", 112, 108 * 49),
        ("depthwise", "Conv", "mapped", 72, 72 * 9),
        ("grouped", "Conv", "mapped", 24, 24 * 9),
        ("up", "ConvTranspose", "mapped", 48, 48 * 9),
    ]


def test_matrix_products_with_weights_on_either_side(file: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w0"], ["a"], name="right"),
        node("MatMul", ["w1", "a"], ["b"], name="left"),
        node("Flatten", ["b"], ["c"]),
        node("Gemm", ["c", "w2", "b2"], ["d"], name="gemm", transB=1),
        node("Gemm", ["w3", "d"], ["y"], name="gemm_left", transA=1, transB=1),
    ]
    weights = [
        weight("w0", 4, 6),
        weight("w1", 3, 5),
        weight("w2", 2, 18),
        weight("b2", 2),
        weight("w3", 2, 7),
    ]
    network = read_onnx(save(file, nodes, weights, [1, 5, 4]), (5, 4))
    assert layers(network) == [
        ("Linear_0", "right", Box(4, 6, 5), 0),
        ("Linear_1", "left", Box(5, 3, 6), 1),
        ("Linear_2", "gemm", Box(18, 2, 1), 2),
        ("Linear_3", "gemm_left", Box(2, 7, 1), 3),
    ]
    assert sum(row.parameters for row in network.coverage) == 24 + 15 + 36 + 2 + 14


def test_weights_may_be_prepared_by_other_nodes(file: Path) -> None:
    nodes = [
        node("Constant", [], ["w0"], value=weight("", 6, 4)),
        node("Transpose", ["w0"], ["w0t"]),
        node("MatMul", ["x", "w0t"], ["a"], name="turned"),
        node("DequantizeLinear", ["w1", "scale"], ["w1f"]),
        node("MatMul", ["a", "w1f"], ["y"], name="quantized"),
    ]
    weights = [weight("w1", 6, 3, dtype=np.int8), numpy_helper.from_array(np.float32(2), "scale")]
    network = read_onnx(save(file, nodes, weights, [1, 4]), (4,))
    assert [box for _, _, box, _ in layers(network)] == [Box(4, 6, 1), Box(6, 3, 1)]
    assert rows(network) == [
        ("turned", "MatMul", "mapped", 24, 24),
        ("quantized", "MatMul", "mapped", 18, 18),
    ]


def test_a_weight_of_several_nodes_is_stored_once_and_turned_it_is_another(file: Path) -> None:
    nodes = [
        node("Identity", ["w"], ["same"]),
        node("MatMul", ["x", "w"], ["a"], name="first"),
        node("MatMul", ["a", "same"], ["b"], name="second"),
        node("Gemm", ["b", "w"], ["c"], name="third"),
        node("Gemm", ["c", "w"], ["y"], name="turned", transB=1),
    ]
    network = read_onnx(save(file, nodes, [weight("w", 4, 4)], [1, 4]), (4,))
    assert [stored for *_, stored in layers(network)] == [0, 0, 0, 3]
    assert [row.parameters for row in network.coverage] == [16, 0, 0, 0]


def test_open_sizes_are_taken_from_the_input_size(file: Path) -> None:
    nodes = [
        node("Conv", ["x", "w0"], ["a"], name="conv"),
        node("Shape", ["a"], ["size"], start=0, end=1),
        node("Constant", [], ["rest"], value=numpy_helper.from_array(np.array([-1]))),
        node("Concat", ["size", "rest"], ["flat"], axis=0),
        node("Reshape", ["a", "flat"], ["b"]),
        node("MatMul", ["b", "w1"], ["y"], name="fc"),
    ]
    weights = [weight("w0", 2, 3, 3, 3), weight("w1", 2 * 4 * 6, 5)]
    save(file, nodes, weights, ["batch", 3, "height", None])
    assert [box for _, _, box, _ in layers(read_onnx(file, (3, 6, 8)))] == [Box(27, 2, 24), Box(48, 5, 1)]


def test_fixed_sizes_are_those_of_the_file(file: Path) -> None:
    save(file, [node("Conv", ["x", "w"], ["y"], name="conv")], [weight("w", 2, 3, 3, 3)], ["n", 3, 5, 5])
    assert layers(read_onnx(file)) == [("Conv2d_0", "conv", Box(27, 2, 9), 0)]


def test_what_is_no_matrix_product_is_digital(file: Path) -> None:
    nodes = [
        node("Gather", ["table", "x"], ["a"], name="table", axis=0),
        node("MatMul", ["a", "w"], ["b"], name="fc"),
        node("Add", ["b", "bias"], ["c"], name="bias"),
        node("LayerNormalization", ["c", "gain"], ["d"], name="norm"),
        node("Transpose", ["d"], ["t"], perm=[0, 2, 1]),
        node("MatMul", ["d", "t"], ["y"], name="scores"),
    ]
    weights = [weight("table", 9, 4), weight("w", 4, 3), weight("bias", 3), weight("gain", 3)]
    save(file, nodes, weights, [1, 5], kind=TensorProto.INT64)
    assert rows(read_onnx(file, (5,))) == [
        ("table", "Gather", "digital", 36, 0),
        ("fc", "MatMul", "mapped", 12, 60),
        ("bias", "Add", "digital", 3, 15),
        ("norm", "LayerNormalization", "digital", 3, 15),
        ("scores", "MatMul", "digital", 0, 75),
    ]


def test_what_cannot_be_mapped_is_unsupported_with_its_macs(file: Path) -> None:
    inner = helper.make_graph(
        [node("Add", ["x", "inner"], ["z"])], "inner", [], [value("z", [1, 5, 4])], [weight("inner", 5, 4)]
    )
    nodes = [
        node("MatMul", ["x", "w0"], ["fine"], name="fine"),
        node("LSTM", ["x", "w1", "r1"], ["a"], name="lstm", hidden_size=3),
        node("MatMul", ["x", "w2"], ["b"], name="stacked"),
        node("Special", ["x", "w3"], ["c"], name="special", domain="com.example"),
        node("If", ["yes"], ["d"], name="if", then_branch=inner, else_branch=inner),
        node("Identity", ["fine"], ["y"]),
    ]
    weights = [weight("w0", 4, 2), weight("w1", 1, 12, 4), weight("r1", 1, 12, 3), weight("w2", 2, 4, 3)]
    weights += [weight("w3", 6, 6), weight("lost", 5, 5), numpy_helper.from_array(np.array(True), "yes")]
    assert rows(read_onnx(save(file, nodes, weights, [1, 5, 4]), (5, 4))) == [
        ("fine", "MatMul", "mapped", 8, 40),
        ("lstm", "LSTM", "unsupported", 84, 84 * 5),
        ("stacked", "MatMul", "unsupported", 24, 24 * 5),
        ("special", "Special", "unsupported", 36, 0),
        ("if", "If", "unsupported", 20, 0),
        ("lost", "initializer", "unsupported", 25, 0),
    ]


def test_integer_operators_and_kernels_that_depend_on_data_are_unsupported(file: Path) -> None:
    nodes = [
        node("ConvInteger", ["x", "w0"], ["a"], name="integer"),
        node("Cast", ["x"], ["f"], to=TensorProto.FLOAT),
        node("Conv", ["f", "f"], ["b"], name="dynamic"),
        node("Conv", ["f", "w1"], ["y"], name="fine"),
    ]
    weights = [weight("w0", 2, 3, 1, 1, dtype=np.uint8), weight("w1", 2, 3, 1, 1)]
    save(file, nodes, weights, [1, 3, 4, 4], kind=TensorProto.UINT8)
    assert rows(read_onnx(file, (3, 4, 4))) == [
        ("integer", "ConvInteger", "unsupported", 6, 6 * 16),
        ("dynamic", "Conv", "unsupported", 0, 48),
        ("fine", "Conv", "mapped", 6, 6 * 16),
    ]


def test_nodes_without_a_name_of_their_own_are_called_after_their_result(file: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"], name="twice"),
        node("MatMul", ["a", "w"], ["b"], name="twice"),
        node("MatMul", ["b", "w"], ["y"]),
    ]
    network = read_onnx(save(file, nodes, [weight("w", 4, 4)], [1, 4]), (4,))
    assert [name for _, name, *_ in layers(network)] == ["a", "b", "y"]


def refusal(path: Path, *size: int) -> str:
    with pytest.raises(BadInput) as caught:
        read_onnx(path, size)
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.mark.parametrize("content", [b"", b"not a model at all", b"\x08\x07"])
def test_a_broken_file_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert "net.onnx is not an ONNX model" in refusal(file, 4)


def test_sizes_that_do_not_fit_or_stay_unknown_are_refused(file: Path) -> None:
    save(file, [node("MatMul", ["x", "w"], ["y"])], [weight("w", 4, 4)], ["n", "length", 4])
    assert "input 'x' is ?x?x4, --input-size gives 1x3x64x64" in refusal(file, 3, 64, 64)
    nodes = [
        node("NonZero", ["x"], ["a"]),
        node("Cast", ["a"], ["f"], to=1),
        node("MatMul", ["f", "w"], ["y"]),
    ]
    save(file, nodes, [weight("w", 4, 4)], [1, 4])
    assert "the size of 'f' is unknown" in refusal(file, 4)


def test_a_file_without_layers_is_refused(file: Path) -> None:
    save(file, [node("Relu", ["x"], ["y"])], [], [1, 4])
    assert "has no layer that can be mapped" in refusal(file, 4)


def test_a_path_ending_in_onnx_is_a_model(file: Path) -> None:
    save(file, [node("MatMul", ["x", "w"], ["y"], name="fc")], [weight("w", 4, 2)], [1, 4])
    network = load_network(str(file))
    assert (network.name, [name for _, name, *_ in layers(network)]) == (str(file), ["fc"])
