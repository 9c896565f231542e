"""Names in an ONNX file say what is shown; what is counted does not depend on them."""

from __future__ import annotations

from pathlib import Path

import pytest
from onnx_made import node, read, refusal, rows, weight

CHAIN = [weight("w1", 16, 8), weight("w2", 8, 8), weight("w3", 8, 2)]


def chain(first: str, second: str, third: str) -> list[object]:
    return [
        node("MatMul", ["x", "w1"], ["a"], name=first),
        node("MatMul", ["a", "w2"], ["b"], name=second),
        node("MatMul", ["b", "w3"], ["y"], name=third),
    ]


@pytest.mark.parametrize(
    "names", [("", "", ""), ("b", "", "z"), ("y", "y", "y"), ("b", "a", ""), ("w1", "w2", "w3")]
)
def test_nodes_of_any_names_are_counted_once(tmp_path: Path, names: tuple[str, str, str]) -> None:
    network = read(tmp_path, chain(*names), CHAIN, ["n", 16], (16,))
    assert [row.macs for row in network.coverage] == [128, 64, 16]
    assert [row.parameters for row in network.coverage] == [128, 64, 16]


def test_a_node_named_as_another_ones_result_keeps_its_name(tmp_path: Path) -> None:
    network = read(tmp_path, chain("b", "", "z"), CHAIN, ["n", 16], (16,))
    assert [row.name for row in network.coverage] == ["b", "b", "z"]
    assert [layer.name for layer in network.layers] == ["b", "b", "z"]


def test_an_unused_constant_named_as_a_node_counts_for_itself(tmp_path: Path) -> None:
    network = read(tmp_path, chain("fc", "", "z"), [*CHAIN, weight("fc", 5, 5)], ["n", 16], (16,))
    assert rows(network)[0] == ("MatMul", "mapped", 128, 128)
    assert rows(network)[3:] == [("initializer", "unsupported", 25, 0)]


@pytest.mark.parametrize("name", ["a", "x", "w1"])
def test_a_value_that_two_things_give_is_refused(tmp_path: Path, name: str) -> None:
    nodes = [node("MatMul", ["x", "w1"], ["a"]), node("MatMul", ["x", "w1"], [name], name="second")]
    nodes.append(node("MatMul", ["a", "w2"], ["y"]))
    said = refusal(tmp_path, nodes, CHAIN, ["n", 16], (16,))
    assert f"MatMul 'second' gives '{name}', a value that there is already" in said
