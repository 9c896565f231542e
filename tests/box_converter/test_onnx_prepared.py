"""Weights that nodes only prepare, biases as exporters write them, and sizes that onnx has no rule for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from onnx_made import boxes, graph_of, ints, node, read, refusal, rows, scalar, value, weight

VECTOR = ["n", 16]


def chosen(yes: bool, then: onnx.GraphProto, other: onnx.GraphProto) -> tuple[list[Any], Any]:
    nodes = [
        node("If", ["yes"], ["w"], then_branch=then, else_branch=other),
        node("MatMul", ["x", "w"], ["y"]),
    ]
    return nodes, scalar("yes", yes, np.bool_)


@pytest.mark.parametrize("yes", [True, False])
@pytest.mark.parametrize("size", [16, 200])
def test_a_weight_that_a_known_condition_turns_counts_once(tmp_path: Path, yes: bool, size: int) -> None:
    then = graph_of([node("Identity", ["a"], ["o1"])], [], [], ["o1"])
    other = graph_of([node("Transpose", ["a"], ["o2"], perm=[1, 0])], [], [], ["o2"])
    nodes, condition = chosen(yes, then, other)
    network = read(tmp_path, nodes, [weight("a", size, size), condition], ["n", size], (size,))
    assert rows(network) == [("MatMul", "mapped", size**2, size**2)]


@pytest.mark.parametrize("inside", [True, False])
def test_the_weight_of_a_branch_that_never_runs_is_unsupported(tmp_path: Path, inside: bool) -> None:
    held = [weight("a", 16, 4)], [weight("b", 16, 4)]
    then = graph_of([node("Identity", ["a"], ["o1"])], held[0] if inside else [], [], ["o1"])
    other = graph_of([node("Identity", ["b"], ["o2"])], held[1] if inside else [], [], ["o2"])
    nodes, condition = chosen(True, then, other)
    weights = [condition] if inside else [condition, *held[0], *held[1]]
    network = read(tmp_path, nodes, weights, VECTOR, (16,))
    assert rows(network) == [("MatMul", "mapped", 64, 64), ("initializer", "unsupported", 64, 0)]
    assert network.coverage[1].name == "b"


def test_a_weight_cast_to_the_type_of_data_stays_a_weight(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "u"], ["a"]),
        node("CastLike", ["h", "a"], ["w"]),
        node("MatMul", ["a", "w"], ["y"]),
    ]
    weights = [weight("u", 16, 8), weight("h", 8, 4, dtype=np.float16)]
    network = read(tmp_path, nodes, weights, VECTOR, (16,))
    assert boxes(network) == [(16, 8, 1), (8, 4, 1)]
    assert rows(network) == [("MatMul", "mapped", 128, 128), ("MatMul", "mapped", 32, 32)]


def test_data_cast_to_the_type_of_a_weight_stays_data(tmp_path: Path) -> None:
    nodes = [node("CastLike", ["x", "w"], ["a"]), node("MatMul", ["a", "w"], ["y"])]
    assert boxes(read(tmp_path, nodes, [weight("w", 16, 4)], VECTOR, (16,))) == [(16, 4, 1)]


@pytest.mark.parametrize("size", [(4,), (1, 4), (1,), (1, 1)])
def test_a_bias_of_any_rank_belongs_to_its_layer(tmp_path: Path, size: tuple[int, ...]) -> None:
    nodes = [node("Gemm", ["x", "w", "b"], ["y"])]
    network = read(tmp_path, nodes, [weight("w", 16, 4), weight("b", *size)], VECTOR, (16,))
    assert rows(network) == [("Gemm", "mapped", 64 + int(np.prod(size)), 64)]


@pytest.mark.parametrize(
    ("how", "told"), [("Expand", (3, 16, 2)), ("Tile", (3, 1, 1)), ("Expand", (1, 3, 16, 2))]
)
def test_a_matrix_repeated_over_a_batch_is_one_that_is_read_more_often(
    tmp_path: Path, how: str, told: tuple[int, ...]
) -> None:
    nodes = [node(how, ["w", "s"], ["e"]), node("MatMul", ["x", "e"], ["y"])]
    network = read(tmp_path, nodes, [weight("w", 1, 16, 2), ints("s", *told)], [1, 3, 5, 16])
    assert boxes(network) == [(16, 2, 15)]
    assert rows(network) == [("MatMul", "mapped", 32, 480)]


def test_several_matrices_that_are_repeated_stay_several(tmp_path: Path) -> None:
    nodes = [
        node("Expand", ["w", "s"], ["e"]),
        node("MatMul", ["x", "e"], ["b"]),
        node("MatMul", ["b", "u"], ["y"]),
    ]
    weights = [weight("w", 3, 16, 2), ints("s", 1, 3, 16, 2), weight("u", 2, 2)]
    network = read(tmp_path, nodes, weights, [1, 3, 5, 16])
    assert rows(network)[0] == ("MatMul", "unsupported", 96, 480)


@pytest.mark.parametrize(("options", "bins"), [({}, 9), ({"onesided": 1}, 9), ({"onesided": 0}, 16)])
def test_a_short_time_fourier_transform_gives_one_side_unless_told(
    tmp_path: Path, options: dict[str, int], bins: int
) -> None:
    nodes = [node("STFT", ["x", "step", "", "long"], ["f"], **options), node("MatMul", ["f", "w"], ["y"])]
    weights = [scalar("step", 8), scalar("long", 16), weight("w", 2, 4)]
    assert boxes(read(tmp_path, nodes, weights, [1, 64, 1])) == [(2, 4, 7 * bins)]


@pytest.mark.parametrize("opset", [18, 21])
def test_norms_of_groups_keep_the_size(tmp_path: Path, opset: int) -> None:
    nodes = [
        node("Conv", ["x", "k"], ["c"]),
        node("GroupNormalization", ["c", "s", "s"], ["g"], num_groups=2),
        node("MeanVarianceNormalization", ["g"], ["m"]),
        node("Conv", ["m", "v"], ["y"]),
    ]
    scales = 4 if opset >= 21 else 2
    weights = [weight("k", 4, 3, 3, 3), weight("s", scales), weight("v", 2, 4, 1, 1)]
    network = read(tmp_path, nodes, weights, [1, 3, 8, 8], opset=opset)
    assert boxes(network) == [(27, 4, 36), (4, 2, 36)]
    assert rows(network)[1] == ("GroupNormalization", "digital", scales, 144)
    assert not network.coverage[1].at_least


def test_an_operator_without_a_rule_for_sizes_is_named_as_such(tmp_path: Path) -> None:
    nodes = [node("Scaler", ["x"], ["a"], domain="ai.onnx.ml"), node("MatMul", ["a", "w"], ["y"])]
    said = refusal(tmp_path, nodes, [weight("w", 16, 4)], [value("x", [1, 16], TensorProto.FLOAT)])
    assert "inference stopped at Scaler 'a', for whose size there is no rule here" in said
