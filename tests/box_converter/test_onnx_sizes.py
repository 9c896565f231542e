"""Sizes that an ONNX file computes, leaves open, or contradicts."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_made import boxes, graph_of, ints, node, read, refusal, rows, save, scalar, value, weight

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.errors import BadInput

FIRST = node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1])
KERNEL = weight("w", 8, 3, 3, 3)
FLAT = node("Flatten", ["x"], ["f"])
LAST = node("Conv", ["a", "w"], ["y"])


@pytest.mark.parametrize("opset", [7, 8, 9, 10, 11, 12, 13, 14, 17, 21])
@pytest.mark.parametrize("how", ["slice", "gather"])
def test_a_flatten_by_shape_and_reshape_is_followed_at_every_opset(
    tmp_path: Path, opset: int, how: str
) -> None:
    nodes = [node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], strides=[2, 2]), node("Shape", ["c"], ["s"])]
    if how == "gather":
        nodes.append(node("Gather", ["s", "first"], ["g"]))
        new = opset >= 13
        nodes.append(node("Unsqueeze", ["g", *["zero"] * new], ["b"], **({} if new else {"axes": [0]})))
    elif opset >= 10:
        nodes.append(node("Slice", ["s", "zero", "one", "zero"], ["b"]))
    else:
        nodes.append(node("Slice", ["s"], ["b"], starts=[0], ends=[1], axes=[0]))
    nodes += [node("Concat", ["b", "rest"], ["t"], axis=0), node("Reshape", ["c", "t"], ["f"])]
    nodes.append(node("MatMul", ["f", "m"], ["y"]))
    weights = [KERNEL, weight("m", 128, 10), ints("zero", 0), ints("one", 1), ints("rest", -1)]
    network = read(tmp_path, nodes, [*weights, scalar("first", 0)], ["n", 3, 8, 8], opset=opset)
    assert boxes(network) == [(27, 8, 16), (128, 10, 1)]


def test_padding_that_is_computed_from_constants_is_followed(tmp_path: Path) -> None:
    nodes = [
        node("ConstantOfShape", ["four"], ["z"], value=helper.make_tensor("v", TensorProto.INT64, [1], [0])),
        node("Concat", ["pads", "z"], ["all"], axis=0),
        node("Reshape", ["all", "pairs"], ["r"]),
        node("Slice", ["r", "last", "least", "zero", "last"], ["s"]),
        node("Transpose", ["s"], ["t"], perm=[1, 0]),
        node("Reshape", ["t", "last"], ["flat"]),
        node("Cast", ["flat"], ["p"], to=TensorProto.INT64),
        node("Pad", ["x", "p"], ["padded"], mode="constant"),
        node("Conv", ["padded", "w"], ["y"]),
    ]
    settings = [ints("four", 4), ints("pads", 1, 1, 1, 1), ints("pairs", -1, 2), ints("last", -1)]
    settings += [ints("zero", 0), ints("least", -(2**63) + 1)]
    assert boxes(read(tmp_path, nodes, [KERNEL, *settings], [1, 3, 8, 8])) == [(27, 8, 64)]


def test_half_of_the_channels_is_computed_from_their_number(tmp_path: Path) -> None:
    nodes = [FIRST, node("Shape", ["c"], ["s"]), node("Gather", ["s", "channels"], ["n"])]
    nodes += [
        node("Add", ["n", "one"], ["a"]),
        node("Div", ["a", "two"], ["d"]),
        node("Mul", ["d", "ones"], ["e"]),
    ]
    nodes += [node("Slice", ["c", "zero", "e", "ones"], ["half"])]
    nodes += [node("Conv", ["half", "v"], ["y"], pads=[1, 1, 1, 1])]
    settings = [scalar("channels", 1), scalar("one", 1), scalar("two", 2), ints("ones", 1), ints("zero", 0)]
    network = read(
        tmp_path, nodes, [KERNEL, weight("v", 4, 4, 3, 3), *settings], ["n", 3, "h", "w"], (3, 8, 8)
    )
    assert boxes(network) == [(27, 8, 64), (36, 4, 64)]
    assert [row.status for row in network.coverage] == ["mapped", "mapped"]


def test_upsampling_by_computed_scales_is_followed(tmp_path: Path) -> None:
    """As PyTorch 1.x writes interpolate(scale_factor=2): floats, floors and casts on the sizes."""
    nodes = [FIRST, node("Shape", ["c"], ["s"]), node("Slice", ["s"], ["hw"], starts=[2], ends=[4], axes=[0])]
    nodes += [
        node("Cast", ["hw"], ["f"], to=1),
        node("Mul", ["f", "twice"], ["m"]),
        node("Floor", ["m"], ["l"]),
    ]
    nodes += [node("Div", ["l", "f"], ["q"]), node("Concat", ["ones", "q"], ["scales"], axis=0)]
    nodes += [node("Upsample", ["c", "scales"], ["u"], mode="nearest"), node("Conv", ["u", "v"], ["y"])]
    floats = [numpy_helper.from_array(np.array([2, 2], np.float32), "twice"), weight("ones", 2)]
    network = read(tmp_path, nodes, [KERNEL, weight("v", 4, 8, 1, 1), *floats], ["n", 3, 8, 8], opset=9)
    assert boxes(network) == [(27, 8, 64), (8, 4, 256)]
    assert sum(row.parameters for row in network.coverage) == 216 + 32


@pytest.mark.parametrize(("opset", "inputs"), [(10, ["c", "k"]), (11, ["c", "", "k"]), (13, ["c", "", "k"])])
def test_resizing_at_every_opset(tmp_path: Path, opset: int, inputs: list[str]) -> None:
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "k")
    nodes = [FIRST, node("Resize", inputs, ["u"], mode="nearest"), node("Conv", ["u", "v"], ["y"])]
    network = read(tmp_path, nodes, [KERNEL, weight("v", 4, 8, 1, 1), scales], [1, 3, 8, 8], opset=opset)
    assert boxes(network)[1] == (8, 4, 256)
    assert rows(network) == [("Conv", "mapped", 216, 13824), ("Conv", "mapped", 32, 32 * 256)]


def test_training_outputs_of_norms_and_dropouts_do_no_harm(tmp_path: Path) -> None:
    nodes = [
        FIRST,
        node("BatchNormalization", ["c", "k", "k", "k", "k"], ["b", "m", "v", "sm", "sv"]),
        node("Dropout", ["b"], ["d", "mask"], ratio=0.5),
        node("Conv", ["d", "v1"], ["y"]),
    ]
    network = read(tmp_path, nodes, [KERNEL, weight("k", 8), weight("v1", 4, 8, 1, 1)], [1, 3, 8, 8], opset=9)
    assert boxes(network) == [(27, 8, 64), (8, 4, 64)]


@pytest.mark.parametrize("opset", [1, 6])
def test_early_operators_without_a_rule_have_that_of_their_successors(tmp_path: Path, opset: int) -> None:
    nodes = [
        FIRST,
        node("Relu", ["c"], ["r"]),
        node("Add", ["r", "r"], ["a"]),
        node("Conv", ["a", "v"], ["y"]),
    ]
    network = read(tmp_path, nodes, [KERNEL, weight("v", 4, 8, 1, 1)], [1, 3, 8, 8], opset=opset)
    assert boxes(network) == [(27, 8, 64), (8, 4, 64)]


def test_a_branch_that_the_sizes_choose_is_taken(tmp_path: Path) -> None:
    """As scripts are exported: squeeze an axis if its size is 1."""
    then = graph_of([node("Squeeze", ["x", "axis"], ["t"])], [], [], ["t"])
    other = graph_of([node("Identity", ["x"], ["o"])], [], [], ["o"])
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "first"], ["n"]),
        node("Equal", ["n", "one"], ["is"]),
    ]
    nodes += [
        node("If", ["is"], ["z"], then_branch=then, else_branch=other),
        node("MatMul", ["z", "m"], ["y"]),
    ]
    weights = [weight("m", 64, 4), ints("axis", 1), scalar("first", 1), scalar("one", 1)]
    network = read(tmp_path, nodes, weights, [1, 1, 9, 64])
    assert boxes(network) == [(64, 4, 9)]
    assert rows(network) == [("MatMul", "mapped", 256, 9 * 256)]


@pytest.mark.parametrize(
    ("nodes", "weights"),
    [
        ([node("ConstantOfShape", ["huge"], ["z"])], [ints("huge", 2**20, 2**19)]),
        ([node("Expand", ["one", "huge"], ["z"])], [ints("huge", 2**20, 2**19), weight("one", 1)]),
        ([node("Tile", ["row", "huge"], ["z"])], [ints("huge", 2**20, 2**19), weight("row", 1, 1)]),
        (
            [node("Range", ["zero", "end", "step"], ["z"])],
            [scalar("zero", 0), scalar("end", 2**39), scalar("step", 1)],
        ),
        ([node("Einsum", ["r"] * 6, ["z"], equation="a,b,c,d,e,f->")], [weight("r", 4000)]),
    ],
)
def test_large_constants_are_not_computed(
    tmp_path: Path, nodes: list[Any], weights: list[TensorProto]
) -> None:
    began = time.process_time()
    network = read(
        tmp_path, [*nodes, node("MatMul", ["x", "m"], ["y"])], [weight("m", 6, 2), *weights], [1, 6]
    )
    assert boxes(network) == [(6, 2, 1)]
    assert time.process_time() - began < 2


@pytest.mark.parametrize(("size", "found"), [((3, 4, 4), "-2x-2"), ((3, 6, 6), "0x0"), ((3, 4, 9), "-2x3")])
def test_sizes_below_1_are_refused(tmp_path: Path, size: tuple[int, ...], found: str) -> None:
    nodes = [node("Conv", ["x", "w7"], ["first"], name="conv"), node("Relu", ["first"], ["y"])]
    text = refusal(tmp_path, nodes, [weight("w7", 8, 3, 7, 7)], ["n", 3, "h", "w"], size)
    assert f"Conv 'conv' gives 'first' the size 1x8x{found}; sizes of at least 1" in text


def test_a_pool_that_leaves_nothing_is_refused(tmp_path: Path) -> None:
    nodes = [
        node("MaxPool", ["x"], ["p"], kernel_shape=[5, 5]),
        node("Conv", ["p", "w"], ["y"], pads=[1] * 4),
    ]
    assert "gives 'p' the size 1x3x-1x-1" in refusal(tmp_path, nodes, [KERNEL], ["n", 3, "h", "w"], (3, 3, 3))
    assert "gives 'p' the size 1x3x0x0" in refusal(tmp_path, nodes, [KERNEL], ["n", 3, "h", "w"], (3, 4, 4))


def test_empty_settings_are_no_sizes_below_1(tmp_path: Path) -> None:
    nodes = [FIRST, node("Resize", ["c", "roi", "k"], ["u"]), node("Conv", ["u", "v"], ["y"])]
    scales = numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "k")
    weights = [KERNEL, weight("v", 4, 8, 1, 1), weight("roi", 0), scales]
    assert boxes(read(tmp_path, nodes, weights, [1, 3, 8, 8], opset=11))[1] == (8, 4, 256)


@pytest.mark.parametrize(
    ("nodes", "weights", "both"),
    [
        ([FLAT, node("Gemm", ["f", "g"], ["y"], transB=1)], [weight("g", 10, 48)], "48 and 192"),
        ([FLAT, node("MatMul", ["f", "g"], ["y"])], [weight("g", 48, 10)], "1x192 and 48x10"),
        ([node("MatMul", ["x", "g"], ["y"])], [weight("g", 9, 10)], "1x3x8x8 and 9x10"),
        ([node("MatMul", ["x", "g"], ["y"])], [weight("g", 2, 8, 8)], "1x3x8x8 and 2x8x8"),
        ([node("MatMul", ["g", "x"], ["y"])], [weight("g", 8, 9)], "8x9 and 1x3x8x8"),
        ([node("Conv", ["x", "g"], ["y"])], [weight("g", 8, 4, 3, 3)], "takes 4 channels"),
        ([node("Conv", ["x", "g"], ["y"], group=3)], [weight("g", 8, 1, 3, 3)], "8 channels into 3 groups"),
        ([node("Conv", ["x", "w"], ["y"], kernel_shape=[5, 5])], [KERNEL], "a kernel of 5x5, it has 3x3"),
        ([node("Conv", ["x", "g"], ["y"])], [weight("g", 8, 3, 3)], "8x3x3"),
        ([node("ConvTranspose", ["x", "g"], ["y"])], [weight("g", 4, 8, 3, 3)], "takes 4 channels"),
        ([node("Einsum", ["x", "g"], ["y"], equation="bchw,we->bche")], [weight("g", 9, 4)], "9"),
        ([node("Add", ["x", "b"], ["a"]), LAST], [KERNEL, weight("b", 5)], "1x3x8x8 and 5"),
        ([node("Reshape", ["x", "s"], ["a"]), LAST], [KERNEL, ints("s", 1, 3, 8, 9)], "1x3x8x9 of 1x3x8x8"),
        ([node("Concat", ["x", "b"], ["a"], axis=1), LAST], [KERNEL, weight("b", 1, 3, 4, 4)], "and 1x3x4x4"),
        ([node("BatchNormalization", ["x", *["b"] * 4], ["a"]), LAST], [KERNEL, weight("b", 5)], "8x8 and 5"),
    ],
)
def test_sizes_that_contradict_one_another_are_refused(
    tmp_path: Path, nodes: list[Any], weights: list[TensorProto], both: str
) -> None:
    text = refusal(tmp_path, nodes, weights, ["n", 3, 8, 8])
    assert both in text
    assert any(f"{each.op_type} " in text for each in nodes)


def test_inputs_of_a_recurrent_layer_are_compared(tmp_path: Path) -> None:
    nodes = [FIRST, node("LSTM", ["s", "lw", "lr"], ["y"], hidden_size=4)]
    weights = [KERNEL, weight("lw", 1, 16, 5), weight("lr", 1, 16, 4)]
    inputs = [value("x", [1, 3, 8, 8]), value("s", [7, 1, 6])]
    assert "LSTM 'y' is given 1x16x5 as 'lw', 1x16x6 is expected" in refusal(tmp_path, nodes, weights, inputs)


def test_products_with_scalars_and_without_weights_are_refused(tmp_path: Path) -> None:
    assert "MatMul 'y'" in refusal(
        tmp_path, [node("MatMul", ["x", "k"], ["y"])], [scalar("k", 2, np.float32)], [1, 4]
    )
    assert "Conv 'y'" in refusal(tmp_path, [node("Conv", ["x"], ["y"])], [], [1, 3, 8, 8])
    assert "Conv 'y'" in refusal(tmp_path, [node("Conv", ["x", ""], ["y"])], [], [1, 3, 8, 8])
    assert "Add 'y'" in refusal(tmp_path, [node("Add", [], ["y"])], [], [1, 4])


def test_attributes_of_the_wrong_kind_are_refused_and_a_type_left_out_is_found(tmp_path: Path) -> None:
    conv = node("Conv", ["x", "w"], ["y"], group=3)
    conv.attribute[0].ClearField("type")
    assert boxes(read(tmp_path, [conv], [weight("w", 6, 1, 3, 3)], [1, 3, 8, 8])) == [(9, 6, 6 * 36)]
    for key, odd in {
        "group": [0, -1, 1.5, "x"],
        "strides": [[0, 1], [2**62, 1], 1.5],
        "dilations": [[0, 0]],
    }.items():
        for each in odd:
            text = refusal(tmp_path, [node("Conv", ["x", "w"], ["y"], **{key: each})], [KERNEL], [1, 3, 8, 8])
            assert f"Conv 'y': attribute {key!r} is" in text


@pytest.mark.parametrize("huge", [2**31, 2**62])
def test_sizes_beyond_measure_are_refused(tmp_path: Path, huge: int) -> None:
    conv = node("Conv", ["x", "w1"], ["y"])
    refusal(tmp_path, [conv], [weight("w1", 8, 3, 1, 1)], [1, 3, huge, huge])
    assert "at most" in refusal(tmp_path, [conv], [weight("w1", 8, 3, 1, 1)], [1, 3, 1, huge])
    stored = TensorProto(name="g", data_type=TensorProto.FLOAT, dims=[huge, huge])
    assert "initializer 'g'" in refusal(tmp_path, [node("MatMul", ["x", "g"], ["y"])], [stored], [1, 4])
    reshaped = [node("Reshape", ["x", "s"], ["a"]), node("MatMul", ["a", "g"], ["y"])]
    refusal(tmp_path, reshaped, [ints("s", huge, huge), weight("g", 4, 4)], [1, 4])


@pytest.mark.parametrize("length", [2**31, 2**40])
def test_a_list_of_settings_longer_than_any_is_refused(tmp_path: Path, length: int) -> None:
    """onnx would take gigabytes for it, though the file holds none of its numbers."""
    stored = TensorProto(name="s", data_type=TensorProto.INT64, dims=[length], raw_data=b"\0" * 8)
    for nodes in (
        [node("Slice", ["x", "s", "s"], ["a"]), LAST],
        [node("Reshape", ["x", "s"], ["a"]), LAST],
        [node("ConstantOfShape", ["s"], ["a"]), LAST],
        [node("Pad", ["x", "s"], ["a"]), LAST],
    ):
        text = refusal(tmp_path, nodes, [KERNEL, stored], [1, 3, 8, 8])
        assert "'s' lists more numbers than any size has" in text


def test_a_layer_larger_than_any_network_is_refused(tmp_path: Path) -> None:
    stored = TensorProto(name="g", data_type=TensorProto.FLOAT, dims=[4, 2**32])
    text = refusal(tmp_path, [node("MatMul", ["x", "g"], ["y"])], [stored], [1, 4])
    assert "MatMul 'y' has 4 x 4294967296 weights" in text


def test_a_value_that_nothing_gives_and_a_loop_of_nodes_are_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, [node("MatMul", ["lost", "m"], ["y"], name="fc")], [weight("m", 4, 4)], [1, 4])
    assert "MatMul 'fc' reads 'lost', which nothing before it gives" in text


def test_where_inference_stopped_is_told(tmp_path: Path) -> None:
    nodes = [node("NonZero", ["x"], ["places"], name="find"), node("Cast", ["places"], ["f"], to=1)]
    nodes.append(node("MatMul", ["f", "m"], ["y"]))
    text = refusal(tmp_path, nodes, [weight("m", 4, 4)], [1, 4])
    assert (
        "the size of 'f' is unknown: inference stopped at NonZero 'find', whose result's size depends on"
        in text
    )
    assert "--input-size" not in text
    foreign = [node("Odd", ["x"], ["o"], domain="com.example"), node("Relu", ["o"], ["r"])]
    text = refusal(tmp_path, [*foreign, node("MatMul", ["r", "m"], ["y"])], [weight("m", 4, 4)], [1, 4])
    assert "the size of 'r' is unknown: inference stopped at Odd 'o', an operator of com.example" in text
    assert "--input-size" not in text


def test_an_operator_of_another_domain_has_the_size_that_the_file_states(tmp_path: Path) -> None:
    nodes = [FIRST, node("Odd", ["c"], ["o"], domain="com.example"), node("Conv", ["o", "v"], ["y"])]
    graph = graph_of(nodes, [KERNEL, weight("v", 4, 8, 1, 1)], [value("x", ["n", 3, "h", "w"])])
    graph.value_info.append(value("o", ["n", 8, "h", "w"]))
    assert boxes(read_onnx(save(tmp_path, graph), (3, 8, 6))) == [(27, 8, 48), (8, 4, 48)]
    for dim in graph.value_info[0].type.tensor_type.shape.dim:
        dim.dim_value = {"n": -1}.get(dim.dim_param, dim.dim_value or 8)
    assert boxes(read_onnx(save(tmp_path, graph), (3, 8, 8))) == [(27, 8, 64), (8, 4, 64)]


def test_stated_sizes_of_known_operators_do_not_count(tmp_path: Path) -> None:
    """They may come from an export with other sizes."""
    nodes = [FIRST, node("Conv", ["c", "v"], ["y"])]
    graph = graph_of(nodes, [KERNEL, weight("v", 4, 8, 1, 1)], [value("x", ["n", 3, "h", "w"])])
    graph.value_info.append(value("c", [16, 8, 224, 224]))
    assert boxes(read_onnx(save(tmp_path, graph), (3, 8, 8))) == [(27, 8, 64), (8, 4, 64)]


def test_functions_of_the_file_are_taken_apart(tmp_path: Path) -> None:
    body = [node("MatMul", ["a", "b"], ["m"]), node("Relu", ["m"], ["r"])]
    opsets = [helper.make_opsetid("", 17)]
    function = helper.make_function("own", "Dense", ["a", "b"], ["r"], body, opsets)
    nodes = [node("Dense", ["x", "w1"], ["h"], domain="own"), node("Dense", ["h", "w2"], ["y"], domain="own")]
    network = read(tmp_path, nodes, [weight("w1", 6, 5), weight("w2", 5, 4)], [1, 6], functions=[function])
    assert boxes(network) == [(6, 5, 1), (5, 4, 1)]


def test_functions_that_call_themselves_or_grow_without_end_are_refused(tmp_path: Path) -> None:
    opsets = [helper.make_opsetid("own", 1)]
    again = helper.make_function("own", "F0", ["a"], ["r"], [node("F0", ["a"], ["r"], domain="own")], opsets)
    nodes = [node("F0", ["x"], ["y"], domain="own")]
    assert "the function 'F0' calls itself" in refusal(tmp_path, nodes, [], [1, 6], functions=[again])
    calls = []
    for i in range(12):
        steps = [["a", "v0"], *([f"v{j}", f"v{j + 1}"] for j in range(8)), ["v8", "r"]]
        body = [node(f"F{i + 1}", [given], [result], domain="own") for given, result in steps]
        calls.append(helper.make_function("own", f"F{i}", ["a"], ["r"], body, opsets))
    assert "its functions make" in refusal(tmp_path, nodes, [], [1, 6], functions=calls)


def test_a_file_that_is_cut_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = save(tmp_path, graph_of([FIRST], [KERNEL], [value("x", [1, 3, 8, 8])], ["c"]))
    data = path.read_bytes()
    for damaged in (
        data[:-3],
        data[: len(data) // 2],
        b"",
        b"PK\3\4",
        data.replace(b"Conv", b"\xff\xfe\xfd\xfc"),
    ):
        path.write_bytes(damaged)
        with pytest.raises(BadInput) as caught:
            read_onnx(path)
        assert len(str(caught.value).splitlines()) == 1
