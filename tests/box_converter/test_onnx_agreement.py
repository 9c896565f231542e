"""Operands of an ONNX node whose sizes contradict one another are refused; those that fit are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper
from onnx_made import boxes, graph_of, ints, node, read, refusal, save, value, weight

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.errors import BadInput

MS = {"domain": "com.microsoft"}
KERNEL = weight("k", 4, 6, 3, 3)
FIRST = node("Conv", ["image", "k"], ["c"], pads=[1, 1, 1, 1])
INPUTS = [value("image", [1, 6, 8, 8]), value("v", [1, 16]), value("s", [5, 1, 3]), value("t", [1, 5, 16])]


def small(name: str, *dims: int) -> Any:
    return weight(name, *dims, dtype=np.int8)


LSTM = [weight("w", 1, 16, 3), weight("r", 1, 16, 4)]
GRU = [weight("w", 1, 12, 3), weight("r", 1, 12, 4)]

CASES: dict[str, tuple[Any, list[Any], Any, Any, str]] = {
    "gemm": (node("Gemm", ["v", "w", "b"], ["y"]), [weight("w", 16, 4)], ["b", 1, 4], ["b", 5], "5 as 'b'"),
    "gemm rows": (
        node("Gemm", ["v", "w", "b"], ["y"]),
        [weight("w", 16, 4)],
        ["b", 1],
        ["b", 3, 4],
        "over 1x4",
    ),
    "conv": (
        node("Conv", ["c", "w", "b"], ["y"]),
        [weight("w", 2, 4, 3, 3)],
        ["b", 2],
        ["b", 7],
        "2 is expected",
    ),
    "transposed": (
        node("ConvTranspose", ["c", "w", "b"], ["y"], group=2),
        [weight("w", 4, 3, 3, 3)],
        ["b", 6],
        ["b", 3],
        "6 is expected",
    ),
    "fused": (
        node("FusedConv", ["c", "w", "b"], ["y"], activation="Relu", **MS),
        [weight("w", 2, 4, 3, 3)],
        ["b", 2],
        ["b", 9],
        "2 is expected",
    ),
    "summand": (
        node("FusedConv", ["c", "w", "b", "z"], ["y"], activation="Relu", **MS),
        [weight("w", 2, 4, 3, 3), weight("b", 2)],
        ["z", 1, 2, 6, 6],
        ["z", 1, 9, 9, 9],
        "adds 1x9x9x9 to its result, 1x2x6x6",
    ),
    "instances": (
        node("InstanceNormalization", ["c", "b", "b"], ["y"]),
        [],
        ["b", 4],
        ["b", 5],
        "4 is expected",
    ),
    "layers": (node("LayerNormalization", ["c", "b", "b"], ["y"]), [], ["b", 8], ["b", 5], "over 1x4x8x8"),
    "slopes": (node("PRelu", ["c", "b"], ["y"]), [], ["b", 4, 1, 1], ["b", 4], "over 1x4x8x8"),
    "rows of slopes": (node("PRelu", ["v", "b"], ["y"]), [], ["b", 16], ["b", 3, 16], "over 1x16"),
    "steps": (
        node("GRU", ["s", "w", "r"], ["y"], hidden_size=4),
        GRU[:1],
        ["r", 1, 12, 4],
        ["r", 1, 12, 9],
        "1x12x4",
    ),
    "hidden": (
        node("LSTM", ["s", "w", "r"], ["y"], hidden_size=4),
        LSTM[:1],
        ["r", 1, 16, 4],
        ["r", 1, 32, 8],
        "1x16x4",
    ),
    "directions": (
        node("LSTM", ["s", "w", "r"], ["y"], direction="bidirectional", hidden_size=4),
        [weight("r", 2, 16, 4)],
        ["w", 2, 16, 3],
        ["w", 1, 16, 3],
        "2x16x3",
    ),
    "bias": (
        node("LSTM", ["s", "w", "r", "b"], ["y"], hidden_size=4),
        LSTM,
        ["b", 1, 32],
        ["b", 1, 16],
        "1x32",
    ),
    "state": (
        node("LSTM", ["s", "w", "r", "", "", "h"], ["y"], hidden_size=4),
        LSTM,
        ["h", 1, 1, 4],
        ["h", 1, 3, 4],
        "1x1x4",
    ),
    "attention": (
        node("Attention", ["t", "w", "b"], ["y"], num_heads=4, **MS),
        [weight("b", 48)],
        ["w", 16, 48],
        ["w", 99, 48],
        "16x48",
    ),
    "attention bias": (
        node("Attention", ["t", "w", "b"], ["y"], num_heads=4, **MS),
        [weight("w", 16, 48)],
        ["b", 48],
        ["b", 11],
        "48 is expected",
    ),
    "scales of blocks": (
        node("MatMulNBits", ["v", "q", "b"], ["y"], K=16, N=8, bits=4, block_size=16, **MS),
        [weight("q", 8, 1, 8, dtype=np.uint8)],
        ["b", 8],
        ["b", 7],
        "8 or 8x1",
    ),
    "skips": (
        node("SkipLayerNormalization", ["t", "t", "b"], ["y"], **MS),
        [],
        ["b", 16],
        ["b", 5],
        "16 is expected",
    ),
    "gelu": (node("BiasGelu", ["t", "b"], ["y"], **MS), [], ["b", 16], ["b", 5], "16 is expected"),
}


def with_first(made: Any) -> list[Any]:
    return [FIRST, made]


@pytest.mark.parametrize("case", CASES)
def test_an_operand_that_fits_is_read_and_another_refused(tmp_path: Path, case: str) -> None:
    made, weights, right, wrong, says = CASES[case]
    read(tmp_path, with_first(made), [KERNEL, *weights, weight(*right)], INPUTS)
    said = refusal(tmp_path, with_first(made), [KERNEL, *weights, weight(*wrong)], INPUTS)
    assert says in said
    assert made.op_type.removeprefix("Fused") in said
    assert "x".join(map(str, wrong[1:])) in said


def test_kinds_of_operands_that_inputs_of_blocks_need(tmp_path: Path) -> None:
    made = node("MatMulNBits", ["v", "q", "b"], ["y"], K=99, N=8, bits=4, block_size=16, **MS)
    weights = [KERNEL, weight("q", 8, 1, 8, dtype=np.uint8), weight("b", 8)]
    assert "MatMulNBits 'y' is given 1x16 as 'v', 1x99 is expected" in refusal(
        tmp_path, with_first(made), weights, INPUTS
    )


@pytest.mark.parametrize(("opset", "right"), [(18, 2), (21, 4)])
def test_scales_of_groups_are_compared_by_version(tmp_path: Path, opset: int, right: int) -> None:
    made = node("GroupNormalization", ["c", "b", "b"], ["y"], num_groups=2)
    read(tmp_path, with_first(made), [KERNEL, weight("b", right)], INPUTS, opset=opset)
    said = refusal(tmp_path, with_first(made), [KERNEL, weight("b", 6 - right)], INPUTS, opset=opset)
    assert f"GroupNormalization 'y' is given {6 - right} as 'b', {right} is expected" in said


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (
            node("GroupNormalization", ["c", "b", "b"], ["y"], num_groups=3),
            "cannot part 4 channels (1x4x8x8) into 3",
        ),
        (
            node("DepthToSpace", ["image"], ["y"], blocksize=2),
            "cannot make blocks of 2x2 from 6 channels (1x6x8x8)",
        ),
        (node("SpaceToDepth", ["image"], ["y"], blocksize=3), "cannot part 8x8 (1x6x8x8) into blocks of 3x3"),
        (
            node("Gather", ["v", "i"], ["y"], axis=1),
            "takes entry 99 along axis 1 of 1x16, which has 16 entries",
        ),
        (node("Gather", ["table", "i"], ["y"]), "takes entry 99 along axis 0 of 4x16, which has 4 entries"),
    ],
)
def test_what_cannot_be_parted_or_taken_is_refused(tmp_path: Path, made: Any, says: str) -> None:
    weights = [KERNEL, weight("b", 4), weight("table", 4, 16), ints("i", 1, 99)]
    said = refusal(tmp_path, with_first(made), weights, INPUTS, opset=21)
    assert f"{made.op_type} 'y' {says}" in said


def test_a_sequence_longer_than_its_table_of_positions_is_refused(tmp_path: Path) -> None:
    nodes = [node("EmbedLayerNormalization", ["i", "", "words", "places", "", "b", "b"], ["e", "m"], **MS)]
    nodes.append(node("MatMul", ["e", "w"], ["y"]))
    weights = [weight("words", 50, 16), weight("places", 7, 16), weight("b", 16), weight("w", 16, 4)]
    assert boxes(read(tmp_path, nodes, weights, [value("i", [1, 7], 6)])) == [(16, 4, 7)]
    assert "takes 8 positions (1x8)" in refusal(tmp_path, nodes, weights, [value("i", [1, 8], 6)])


@pytest.mark.parametrize("scales", [7, 3])
def test_scales_of_stored_integers_are_as_many_as_channels(tmp_path: Path, scales: int) -> None:
    nodes = [FIRST, node("DequantizeLinear", ["q", "b"], ["w"], axis=0), node("Conv", ["c", "w"], ["y"])]
    assert f"is given {scales} as 'b', a scalar or 1 or 2 is expected" in refusal(
        tmp_path, nodes, [KERNEL, small("q", 2, 4, 3, 3), weight("b", scales)], INPUTS
    )


def test_scales_of_a_stored_bias_need_no_axis(tmp_path: Path) -> None:
    nodes = [FIRST, node("DequantizeLinear", ["q", "s"], ["b"]), node("Conv", ["c", "w", "b"], ["y"])]
    weights = [KERNEL, small("q", 2), weight("s", 2), weight("w", 2, 4, 1, 1)]
    assert boxes(read(tmp_path, nodes, weights, INPUTS[:1]))[1] == (4, 2, 64)


@pytest.mark.parametrize("bias", [4, 9])
def test_an_integer_convolution_has_a_bias_for_every_channel(tmp_path: Path, bias: int) -> None:
    nodes = [FIRST, node("QuantizeLinear", ["c", "s", "z"], ["q"])]
    nodes.append(node("QLinearConv", ["q", "s", "z", "w", "s", "z", "s", "z", "b"], ["y"]))
    weights = [KERNEL, helper.make_tensor("s", 1, [], [0.1]), helper.make_tensor("z", 3, [], [0])]
    weights += [small("w", 4, 4, 1, 1), weight("b", bias, dtype=np.int32)]
    if bias == 4:
        assert len(read(tmp_path, nodes, weights, INPUTS[:1]).coverage) == 2
    else:
        assert "QLinearConv 'y' is given 9 as 'b', 4 is expected" in refusal(
            tmp_path, nodes, weights, INPUTS[:1]
        )


def stated(folder: Path, inner: Any, outer: Any, first: Any = "n") -> list[tuple[int, int, int]]:
    nodes = [node("MatMul", ["x", "w"], ["c"]), node("MatMul", ["c", "u"], ["y"])]
    graph = graph_of(nodes, [weight("w", 16, 4), weight("u", 4, 5)], [value("x", [first, 16])])
    graph.output[0].CopyFrom(value("y", outer))
    graph.value_info.append(value("c", inner))
    return boxes(read_onnx(save(folder, graph), {"": (16,)}))


@pytest.mark.parametrize("inner", [None, ["n", 4], [1, "k"], [None, None], [8, 4]])
def test_stated_sizes_may_be_open_and_the_batch_another(tmp_path: Path, inner: Any) -> None:
    assert stated(tmp_path, inner, inner and [inner[0], None]) == [(16, 4, 1), (4, 5, 1)]


@pytest.mark.parametrize(
    ("inner", "outer", "says"),
    [
        (["n", 7], None, "MatMul 'c' gives 'c' the size 1x4, the file states ?x7"),
        (None, ["n", 9], "MatMul 'y' gives 'y' the size 1x5, the file states ?x9"),
        (None, [1, 0], "MatMul 'y' gives 'y' the size 1x5, the file states 1x0"),
        ([1, 4, 1], None, "MatMul 'c' gives 'c' the size 1x4, the file states 1x4x1"),
    ],
)
def test_a_stated_size_that_contradicts_the_operators_is_refused(
    tmp_path: Path, inner: Any, outer: Any, says: str
) -> None:
    with pytest.raises(BadInput) as caught:
        stated(tmp_path, inner, outer)
    assert says in str(caught.value)


def test_a_fixed_batch_that_is_stated_otherwise_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="gives 'c' the size 1x4, the file states 3x4"):
        stated(tmp_path, [3, 4], None, first=1)
