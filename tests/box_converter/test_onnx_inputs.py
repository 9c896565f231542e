"""Which sizes an ONNX file is read with: its own, those of --input-size, by name or not, or the default."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx import TensorProto
from onnx_made import Size, boxes, graph_of, ints, node, read, refusal, save, scalar, value, weight

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.values import InputSize

CONV = [node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])]
KERNEL = [weight("w", 8, 3, 3, 3)]
TWO = [
    node("MatMul", ["a", "wa"], ["p"]),
    node("MatMul", ["b", "wb"], ["q"]),
    node("Concat", ["p", "q"], ["y"], axis=-1),
]
MATRICES = [weight("wa", 8, 4), weight("wb", 6, 4)]


@pytest.mark.parametrize(
    "size", [[-1, 3, -1, -1], ["n", 3, "h", "w"], [None, None, None, None], None, [1, 3, None, 8]]
)
def test_open_sizes_in_every_spelling(tmp_path: Path, size: Size | None) -> None:
    network = read(tmp_path, CONV, KERNEL, [value("x", size)], (3, 8, 8))
    assert boxes(network) == [(27, 8, 64)]
    assert network.inputs == (("x", (1, 3, 8, 8)),)


def test_the_default_serves_open_sizes_and_is_not_held_against_fixed_ones(tmp_path: Path) -> None:
    assert read(tmp_path, CONV, KERNEL, ["n", 3, "h", "w"]).inputs == (("x", (1, 3, 64, 64)),)
    assert read(tmp_path, CONV, KERNEL, [1, 3, 24, 20]).inputs == (("x", (1, 3, 24, 20)),)
    grey = [weight("w", 8, 1, 3, 3)]
    assert read(tmp_path, CONV, grey, ["n", 1, "h", "w"]).inputs == (("x", (1, 1, 64, 64)),)
    text = refusal(tmp_path, [node("MatMul", ["x", "w"], ["y"])], [weight("w", 4, 4)], ["n", "length", 4])
    assert "input 'x' is ?x?x4, the default is 1x3x64x64; give its open sizes with --input-size" in text


def test_a_size_that_contradicts_the_file_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, CONV, KERNEL, [1, 3, 224, 224], (3, 64, 64))
    assert "--input-size gives 1x3x64x64, but the file fixes its sizes: 'x' is 1x3x224x224" in text
    text = refusal(tmp_path, CONV, KERNEL, ["n", 3, "h", "w"], (1, 64, 64))
    assert "input 'x' is ?x3x?x?, --input-size gives 1x1x64x64" in text
    text = refusal(tmp_path, CONV, KERNEL, [1, 3, 224, 224], {"x": (3, 64, 64)})
    assert "input 'x' is 1x3x224x224, --input-size gives 1x3x64x64" in text
    assert boxes(read(tmp_path, CONV, KERNEL, [1, 3, 24, 24], (3, 24, 24))) == [(27, 8, 576)]


def test_sizes_by_name(tmp_path: Path) -> None:
    inputs = [value("a", ["n", "k", 8]), value("b", ["n", "k", "m"])]
    network = read(tmp_path, TWO, MATRICES, inputs, {"a": (5, 8), "b": (5, 6)})
    assert network.inputs == (("a", (1, 5, 8)), ("b", (1, 5, 6)))
    assert boxes(network) == [(8, 4, 5), (6, 4, 5)]
    assert read(tmp_path, TWO, MATRICES, inputs, {"": (5, 8), "b": (5, 6)}).inputs == network.inputs


def test_a_name_that_the_file_does_not_have_is_refused(tmp_path: Path) -> None:
    text = refusal(tmp_path, TWO, MATRICES, [value("a", [1, 8]), value("b", [1, 6])], {"c": (8,)})
    assert "has no input 'c' for --input-size; its inputs are: a, b" in text
    text = refusal(tmp_path, CONV, KERNEL, [1, 3, 8, 8], {"w": (3, 3, 3)})  # a weight is no input
    assert "its inputs are: x" in text


def test_one_size_goes_to_the_inputs_that_it_fits(tmp_path: Path) -> None:
    """Others take what the names of their open sizes stand for, or have to be named."""
    nodes = [*CONV[:0], node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), node("Add", ["c", "mask"], ["y"])]
    named = [value("x", ["n", 3, "h", "w"]), value("mask", ["n", "h", "w"])]
    assert read(tmp_path, nodes, KERNEL, named, (3, 8, 6)).inputs[1] == ("mask", (1, 8, 6))
    unnamed = [value("x", ["n", 3, "h", "w"]), value("mask", ["n", "rows", "w"])]
    text = refusal(tmp_path, nodes, KERNEL, unnamed, (3, 8, 6))
    assert "input 'mask' is ?x?x?, --input-size gives 1x3x8x6" in text
    assert "--input-size mask=" in text


def test_scalars_and_states_are_taken_as_they_are(tmp_path: Path) -> None:
    nodes = [node("MatMul", ["x", "w"], ["a"]), node("Cast", ["rate"], ["r"], to=TensorProto.FLOAT)]
    nodes += [
        node("ReduceMax", ["state"], ["s"]),
        node("Mul", ["a", "r"], ["b"]),
        node("Mul", ["b", "s"], ["y"]),
    ]
    beside = [value("rate", [], TensorProto.INT64), value("state", [2, 1, 16])]
    for inputs in ([value("x", [1, 64]), *beside], [*beside, value("x", ["n", 64])]):
        for given in (None, (64,), {"x": (64,)}):
            network = read(tmp_path, nodes, [weight("w", 64, 16)], inputs, given)
            assert boxes(network) == [(64, 16, 1)]
            assert dict(network.inputs) == {"x": (1, 64), "rate": (), "state": (2, 1, 16)}


def test_a_batch_in_the_middle_of_a_state_is_1(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "w"], ["a"]),
        node("ReduceMax", ["state"], ["s"]),
        node("Mul", ["a", "s"], ["y"]),
    ]
    inputs = [value("x", ["n", "time", 64]), value("state", [2, "n", 16])]
    network = read(tmp_path, nodes, [weight("w", 64, 16)], inputs, (5, 64))
    assert dict(network.inputs) == {"x": (1, 5, 64), "state": (2, 1, 16)}


def test_a_vector_of_tokens_may_be_given_its_length(tmp_path: Path) -> None:
    nodes = [node("Gather", ["table", "ids"], ["e"]), node("MatMul", ["e", "w"], ["y"])]
    weights = [weight("table", 50, 8), weight("w", 8, 4)]
    ids = [value("ids", ["length"], TensorProto.INT64)]
    assert boxes(read(tmp_path, nodes, weights, ids, {"ids": (7,)})) == [(8, 4, 7)]
    assert boxes(read(tmp_path, nodes, weights, ids, (7,))) == [(8, 4, 7)]
    batch = [value("ids", ["n", "length"], TensorProto.INT64)]
    assert boxes(read(tmp_path, nodes, weights, batch, (7,))) == [(8, 4, 7)]


@pytest.mark.parametrize("given", [None, (8, 3, 9, 9), (3, 9, 9), {"x": (8, 3, 9, 9)}])
def test_fixed_sizes_are_one_sample_whatever_the_first_is(tmp_path: Path, given: InputSize | None) -> None:
    network = read(tmp_path, CONV, KERNEL, [8, 3, 9, 9], given)
    assert network.inputs == (("x", (8, 3, 9, 9)),)
    assert boxes(network) == [(27, 8, 8 * 81)]


@pytest.mark.parametrize("given", [None, (16,), {"x": (16,)}])
def test_a_vector_of_fixed_length_has_no_batch(tmp_path: Path, given: InputSize | None) -> None:
    network = read(tmp_path, [node("MatMul", ["x", "w"], ["y"])], [weight("w", 16, 4)], [16], given)
    assert boxes(network) == [(16, 4, 1)]


@pytest.mark.parametrize("given", [None, (3, 8, 8), {"x": (3, 8, 8)}])
def test_an_image_without_a_batch_is_taken_as_it_is(tmp_path: Path, given: InputSize | None) -> None:
    nodes = [node("Unsqueeze", ["x", "first"], ["u"]), node("Conv", ["u", "w"], ["y"])]
    assert boxes(read(tmp_path, nodes, [*KERNEL, ints("first", 0)], [3, 8, 8], given)) == [(27, 8, 36)]


def test_a_sequence_before_its_batch_is_taken_as_it_is(tmp_path: Path) -> None:
    nodes = [node("LSTM", ["x", "w", "r"], ["", "h"], hidden_size=4), node("MatMul", ["h", "u"], ["y"])]
    weights = [weight("w", 1, 16, 8), weight("r", 1, 16, 4), weight("u", 4, 2)]
    network = read(tmp_path, nodes, weights, [5, 1, 8])
    assert boxes(network) == [(4, 2, 1)]
    assert network.coverage[0].macs == 5 * 16 * (8 + 4)


def test_open_sizes_beside_several_samples_are_refused(tmp_path: Path) -> None:
    said = refusal(tmp_path, CONV, KERNEL, [8, 3, "h", "w"], (3, 9, 9))
    assert "input 'x' is 8x3x?x?; a batch of 1, or an open one, is expected beside open sizes" in said
    rate = value("rate", [1])
    assert "a batch of 1" in refusal(tmp_path, CONV, KERNEL, [value("x", [8, 3, None, 9]), rate])


@pytest.mark.parametrize("size", [[1, 3, 0, 8], [1, 3, -2, 8]])
def test_an_input_with_a_size_below_1_is_refused(tmp_path: Path, size: list[int]) -> None:
    assert "input 'x' is 1x3x" in refusal(tmp_path, CONV, KERNEL, size)


def test_weights_among_the_inputs_are_no_inputs(tmp_path: Path) -> None:
    """As files before IR version 4 list them."""
    inputs = [value("x", ["n", 3, 8, 8]), value("w", [8, 3, 3, 3])]
    assert read(tmp_path, CONV, KERNEL, inputs).inputs == (("x", (1, 3, 8, 8)),)


def test_a_model_of_the_command_line_takes_sizes_by_name(tmp_path: Path) -> None:
    inputs = [value("a", ["n", 8]), value("b", ["n", "m"])]
    path = save(tmp_path, graph_of(TWO, MATRICES, inputs))
    assert load_network(str(path), {"b": (6,)}).inputs == (("a", (1, 8)), ("b", (1, 6)))


def test_several_outputs_and_unused_inputs_do_no_harm(tmp_path: Path) -> None:
    inputs = [value("x", [1, 3, 8, 8]), value("unused", ["n", 5], TensorProto.INT64)]
    nodes = [*CONV, node("Shape", ["y"], ["size"]), node("Mul", ["y", "k"], ["z"])]
    graph = graph_of(nodes, [*KERNEL, scalar("k", 2.0, "float32")], inputs, ["y", "size", "z"])
    assert boxes(read_onnx(save(tmp_path, graph))) == [(27, 8, 64)]
