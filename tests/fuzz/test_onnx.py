"""No damaged .onnx file gives anything but a network or one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Network
from tests.fuzz.damage import damaged_bytes, fuzzed

node = helper.make_node
ODD_NUMBERS = (0, -1, 1, 2, 3, 7, 255, 2**31, 2**40, 2**62, 2**63 - 1, -(2**63))
ODD_NAMES = ("", "x", "w", "nowhere", "\0", "é", "y" * 1000)
OPERATORS = (
    *(
        "Conv",
        "ConvTranspose",
        "MatMul",
        "Gemm",
        "Einsum",
        "Reshape",
        "Range",
        "Expand",
        "Tile",
        "ConstantOfShape",
    ),
    *(
        "Pad",
        "Slice",
        "Split",
        "Gather",
        "Concat",
        "Shape",
        "Constant",
        "If",
        "Loop",
        "Scan",
        "LSTM",
        "Attention",
    ),
    *(
        "Resize",
        "Upsample",
        "MaxPool",
        "QLinearConv",
        "MatMulInteger",
        "DequantizeLinear",
        "Squeeze",
        "Unsqueeze",
    ),
    *(
        "DepthToSpace",
        "OneHot",
        "TopK",
        "NonZero",
        "SequenceAt",
        "SplitToSequence",
        "DeformConv",
        "Nothing",
        "",
    ),
    *(
        "Add",
        "Transpose",
        "Flatten",
        "BatchNormalization",
        "GridSample",
        "RoiAlign",
        "Col2Im",
        "STFT",
        "Trilu",
    ),
)


def tensor(name: str, *dims: int, dtype: Any = np.float32) -> TensorProto:
    return numpy_helper.from_array(np.ones(dims, dtype), name)


def numbers(name: str, *values: int) -> TensorProto:
    return numpy_helper.from_array(np.array(values, np.int64), name)


def value(name: str, size: Any, kind: int = TensorProto.FLOAT) -> onnx.ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, size)


def convolutions() -> onnx.ModelProto:
    """A convolution, a chain of sizes and a product by constants."""
    nodes = [
        node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2], group=1),
        node("Shape", ["c"], ["s"]),
        node("Slice", ["s", "zero", "one"], ["b"]),
        node("Concat", ["b", "rest"], ["t"], axis=0),
        node("Reshape", ["c", "t"], ["f"]),
        node("Gemm", ["f", "m"], ["y"], transB=1),
    ]
    weights = [tensor("w", 4, 3, 3, 3), tensor("m", 5, 512), numbers("zero", 0), numbers("one", 1)]
    graph = helper.make_graph(
        nodes, "net", [value("x", ["n", 3, "h", 8])], [value("y", None)], [*weights, numbers("rest", -1)]
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def odd_operators() -> onnx.ModelProto:
    """Graphs in nodes, quantised and recurrent operators, operators of another domain."""
    branch = [
        helper.make_graph([node("MatMul", ["a", "v"], [f"o{i}"])], f"g{i}", [], [value(f"o{i}", None)])
        for i in range(2)
    ]
    body = helper.make_graph(
        [node("Identity", ["go"], ["on"]), node("MatMul", ["state", "v"], ["next"])],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("state", [1, 4, 8])],
        [value("on", [], TensorProto.BOOL), value("next", [1, 4, 8])],
    )
    nodes = [
        node("DequantizeLinear", ["q", "scale", "point"], ["w"], axis=0),
        node("MatMul", ["x", "w"], ["a"], name="first"),
        node("Constant", [], ["many"], value_ints=[3]),
        node("Squeeze", ["many"], ["count"]),
        node("ReduceMax", ["a"], ["top"], keepdims=0),
        node("Cast", ["top"], ["yes"], to=TensorProto.BOOL),
        node("If", ["yes"], ["b"], then_branch=branch[0], else_branch=branch[1]),
        node("Loop", ["count", "", "b"], ["d"], body=body),
        node("LSTM", ["d", "lw", "lr"], ["e"], hidden_size=8),
        node("Squeeze", ["e", "axis"], ["sq"]),
        node("Gelu", ["sq"], ["g"], domain="com.microsoft"),
        node("Einsum", ["g", "v"], ["y"], equation="bnd,de->bne"),
    ]
    weights = [tensor("q", 6, 8, dtype=np.int8), tensor("scale", 6), tensor("point", 6, dtype=np.int8)]
    weights += [tensor("v", 8, 8), tensor("lw", 1, 32, 8), tensor("lr", 1, 32, 8), numbers("axis", 1)]
    graph = helper.make_graph(nodes, "net", [value("x", [1, 4, 6])], [value("y", None)], weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def functions() -> onnx.ModelProto:
    """A product inside a function of the file's own."""
    body = [node("MatMul", ["a", "b"], ["m"]), node("Add", ["m", "m"], ["r"])]
    double = helper.make_function("own", "Twice", ["a", "b"], ["r"], body, [helper.make_opsetid("", 17)])
    nodes = [node("Twice", ["x", "w"], ["a"], domain="own"), node("Twice", ["a", "w"], ["y"], domain="own")]
    graph = helper.make_graph(nodes, "net", [value("x", [1, 6])], [value("y", None)], [tensor("w", 6, 6)])
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(graph, opset_imports=opsets, functions=[double], ir_version=8)


MODELS = (convolutions, odd_operators, functions)


def read(path: Path) -> Network | None:
    """What comes of a file: a network, or nothing after one line."""
    refused: BadInput | None = None
    try:
        return read_onnx(path)
    except BadInput as error:
        refused = error
    assert len(str(refused).splitlines()) == 1
    assert str(path) in str(refused)
    return None


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("onnx") / "net.onnx"


@pytest.mark.parametrize("make", MODELS)
def test_the_files_that_are_damaged_are_sound(file: Path, make: Callable[[], onnx.ModelProto]) -> None:
    onnx.save(make(), file)
    assert read(file) is not None


@fuzzed
@given(st.sampled_from(MODELS).flatmap(lambda make: damaged_bytes(make().SerializeToString())))
def test_damaged_bytes(file: Path, data: bytes) -> None:
    file.write_bytes(data)
    read(file)


def _numbers(draw: st.DrawFn, field: Any) -> None:
    """Change one of a repeated field's numbers."""
    number = draw(st.sampled_from(ODD_NUMBERS))
    if len(field) and draw(st.booleans()):
        field[draw(st.integers(0, len(field) - 1))] = number
    elif draw(st.booleans()):
        field.append(number)
    else:
        del field[draw(st.integers(0, len(field))) :]


def _damage_attribute(draw: st.DrawFn, model: onnx.ModelProto) -> None:
    each = draw(st.sampled_from(list(model.graph.node)))
    if not each.attribute or draw(st.booleans()):
        name = draw(st.sampled_from(("group", "strides", "axis", "perm", "equation", "body", "to", "value")))
        del each.attribute[: draw(st.integers(0, 1))]
        odd = (
            0,
            -1,
            2**62,
            1.5,
            "x",
            [0],
            [2**62],
            [-1, 2],
            [1.5],
            tensor("t", 2),
            numbers("t", 2**40, 2**40),
        )
        each.attribute.append(helper.make_attribute(name, draw(st.sampled_from(odd))))
        return
    found = draw(st.sampled_from(list(each.attribute)))
    how = draw(st.sampled_from(("type", "int", "ints", "drop", "name", "string")))
    if how == "type":
        found.type = draw(st.integers(0, 14))
    elif how == "int":
        found.i = draw(st.sampled_from(ODD_NUMBERS))
    elif how == "ints":
        _numbers(draw, found.ints)
    elif how == "string":
        found.s = draw(st.binary(max_size=8))
    elif how == "name":
        found.name = draw(st.sampled_from(ODD_NAMES))
    else:
        each.attribute.remove(found)


def _damage_node(draw: st.DrawFn, model: onnx.ModelProto) -> None:
    nodes = model.graph.node
    each = draw(st.sampled_from(list(nodes)))
    how = draw(
        st.sampled_from(("input", "input", "output", "drop", "double", "operator", "operator", "domain"))
    )
    names = each.input if how == "input" else each.output
    if how in ("input", "output"):
        known = [name for other in nodes for name in (*other.input, *other.output)]
        name = draw(st.sampled_from((*ODD_NAMES, *known)))
        at = draw(st.integers(0, len(names)))
        if draw(st.booleans()):
            del names[at:]
        elif at < len(names):
            names[at] = name
        else:
            names.append(name)
    elif how == "drop":
        nodes.remove(each)
    elif how == "double":
        nodes.add().CopyFrom(each)
    elif how == "operator":
        each.op_type = draw(st.sampled_from(OPERATORS))
    else:
        each.domain = draw(st.sampled_from(("", "ai.onnx", "com.microsoft", "ai.onnx.ml", "own", "x.y")))


def _damage_value(draw: st.DrawFn, model: onnx.ModelProto) -> None:
    """Damage a weight or the size of an input."""
    graph = model.graph
    how = draw(
        st.sampled_from(("dims", "dims", "type", "content", "drop", "input", "input", "opset", "rank"))
    )
    if how in ("dims", "type", "content", "drop"):
        found = draw(st.sampled_from(list(graph.initializer)))
        if how == "dims":
            _numbers(draw, found.dims)
        elif how == "type":
            found.data_type = draw(st.integers(0, 25))
        elif how == "content":
            found.raw_data = draw(st.binary(max_size=64))
        else:
            graph.initializer.remove(found)
    elif how == "opset":
        model.opset_import[0].version = draw(st.sampled_from((*range(30), *ODD_NUMBERS)))
    elif how == "rank":
        dims = graph.input[0].type.tensor_type.shape.dim
        del dims[draw(st.integers(0, len(dims))) :]
    else:
        dims = graph.input[0].type.tensor_type.shape.dim
        draw(st.sampled_from(list(dims))).dim_value = draw(st.sampled_from(ODD_NUMBERS))


@st.composite
def damaged_model(draw: st.DrawFn) -> onnx.ModelProto:
    """A sound model with one to three of its parts changed."""
    model = draw(st.sampled_from(MODELS))()
    for _ in range(draw(st.integers(1, 3))):
        if model.graph.node and model.graph.initializer and model.graph.input[0].type.tensor_type.shape.dim:
            draw(st.sampled_from((_damage_attribute, _damage_node, _damage_value)))(draw, model)
    return model


@fuzzed
@given(damaged_model())
def test_damaged_fields(file: Path, model: onnx.ModelProto) -> None:
    file.write_bytes(model.SerializeToString())
    read(file)
