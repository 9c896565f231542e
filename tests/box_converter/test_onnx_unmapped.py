"""What an ONNX file multiplies beside the crossbars is counted, or said to be at least so much."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from onnx_made import boxes, graph_of, ints, node, read, rows, scalar, value, weight

from rram_nas_comp_pack.runs.packing.log import coverage_table, mapped_share
from rram_nas_comp_pack.runs.packing.write import coverage_entry
from rram_nas_comp_pack.values import Network

FINE = [node("Conv", ["x", "k"], ["f"], pads=[1, 1, 1, 1]), node("ReduceMax", ["f"], ["top"], keepdims=0)]
KERNEL = weight("k", 8, 3, 3, 3)
SIZE = [1, 3, 8, 8]
MICROSOFT = {"domain": "com.microsoft"}


def beside(
    folder: Path, nodes: list[Any], weights: list[TensorProto], *inputs: Any, opset: int = 17
) -> Network:
    """The network of a Conv of 13 824 MACs and other nodes, which may read `top`, a number."""
    return read(folder, [*FINE, *nodes], [KERNEL, *weights], [value("x", SIZE), *inputs], opset=opset)


def branch(name: str, *nodes: Any) -> onnx.GraphProto:
    return graph_of(list(nodes), [weight(f"w{name}", 8, 1, 4)], [], [f"o{name}"])


def conv(name: str, times: int = 1) -> list[Any]:
    last = [node("Conv", ["a", f"w{name}"], [f"p{i}"]) for i in range(times - 1)]
    return [*last, node("Conv", ["a", f"w{name}"], [f"o{name}"])]


def test_the_dearer_branch_of_an_unknown_condition_counts(tmp_path: Path) -> None:
    nodes = [node("Cast", ["top"], ["yes"], to=TensorProto.BOOL)]
    nodes.append(
        node(
            "If", ["yes"], ["y"], then_branch=branch("a", *conv("a")), else_branch=branch("b", *conv("b", 3))
        )
    )
    network = beside(tmp_path, nodes, [], value("a", [1, 1, 16]))
    assert rows(network)[1:] == [("If", "unsupported", 64, 3 * 416)]
    assert not network.coverage[-1].at_least


def test_a_known_condition_counts_its_branch(tmp_path: Path) -> None:
    for yes, macs in ((True, 416), (False, 3 * 416)):
        then, other = branch("a", *conv("a")), branch("b", *conv("b", 3))
        nodes = [node("If", ["yes"], ["y"], then_branch=then, else_branch=other)]
        network = beside(tmp_path, nodes, [scalar("yes", yes, np.bool_)], value("a", [1, 1, 16]))
        assert rows(network)[1:] == [("If", "unsupported", 64, macs)]


def loop(go_on: Any) -> onnx.GraphProto:
    return helper.make_graph(
        [go_on, node("MatMul", ["state", "v"], ["next"])],
        "body",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("state", None)],
        [value("on", [], TensorProto.BOOL), value("next", None)],
    )


ENDLESS = node("Identity", ["go"], ["on"])
BY_VALUE = node("Cast", ["top"], ["on"], to=TensorProto.BOOL)


@pytest.mark.parametrize(
    ("go_on", "count", "macs", "at_least"),
    [(ENDLESS, "five", 5 * 320, False), (BY_VALUE, "five", 320, True), (ENDLESS, "count", 0, True)],
)
def test_a_loop_counts_as_often_as_it_is_known_to_run(
    tmp_path: Path, go_on: Any, count: str, macs: int, at_least: bool
) -> None:
    nodes = [node("Loop", [count, "", "s"], ["y"], body=loop(go_on))]
    inputs = [value("s", [1, 5, 8]), value("count", [], TensorProto.INT64)]
    network = beside(tmp_path, nodes, [weight("v", 8, 8), scalar("five", 5)], *inputs)
    assert rows(network)[1:] == [("Loop", "unsupported", 64, macs)]
    assert network.coverage[-1].at_least is at_least


def test_a_scan_counts_every_slice(tmp_path: Path) -> None:
    body = helper.make_graph(
        [
            node("MatMul", ["part", "v"], ["m"]),
            node("Add", ["m", "state"], ["sum"]),
            node("Identity", ["sum"], ["out"]),
        ],
        "body",
        [value("state", [1, 4]), value("part", [1, 8])],
        [value("sum", [1, 4]), value("out", [1, 4])],
    )
    nodes = [node("Scan", ["s", "seq"], ["last", "all"], body=body, num_scan_inputs=1, scan_input_axes=[1])]
    nodes.append(node("MatMul", ["all", "m2"], ["y"]))
    inputs = [value("s", [1, 4]), value("seq", [1, 6, 8])]
    network = beside(tmp_path, nodes, [weight("v", 8, 4), weight("m2", 4, 2)], *inputs)
    assert rows(network)[1:] == [("Scan", "unsupported", 32, 6 * 32), ("MatMul", "mapped", 8, 6 * 8)]


def test_recurrent_layers_count_all_their_gates(tmp_path: Path) -> None:
    nodes = [
        node("GRU", ["s", "gw", "gr"], ["g"], hidden_size=32),
        node(
            "LSTM", ["s", "lw", "lr", "lb", "", "h0", "c0"], ["l"], hidden_size=32, direction="bidirectional"
        ),
        node("RNN", ["s", "rw", "rr"], ["y"], hidden_size=32),
    ]
    weights = [
        weight("gw", 1, 96, 16),
        weight("gr", 1, 96, 32),
        weight("lw", 2, 128, 16),
        weight("lr", 2, 128, 32),
    ]
    weights += [weight("lb", 2, 256), weight("rw", 1, 32, 16), weight("rr", 1, 32, 32)]
    weights += [weight("h0", 2, 1, 32), weight("c0", 2, 1, 32)]
    network = beside(tmp_path, nodes, weights, value("s", [5, 1, 16]))
    assert rows(network)[1:] == [
        ("GRU", "unsupported", 96 * 48, 5 * 96 * 48),
        ("LSTM", "unsupported", 256 * 48 + 512, 5 * 256 * 48),
        ("RNN", "unsupported", 32 * 48, 5 * 32 * 48),
    ]


def test_einsums_that_are_no_layer_count_what_they_multiply(tmp_path: Path) -> None:
    nodes = [
        node("Einsum", ["s", "t"], ["a"], equation="bnd,bmd->bnm"),
        node("Einsum", ["s", "w"], ["b"], equation="bnd,ndk->bnk"),
        node("Einsum", ["s", "t", "u"], ["c"], equation="bnd,bmd,de->bne"),
        node("Einsum", ["s"], ["y"], equation="bnd->bdn"),
    ]
    inputs = [value("s", [1, 5, 16]), value("t", [1, 7, 16])]
    network = beside(tmp_path, nodes, [weight("w", 5, 16, 4), weight("u", 16, 3)], *inputs)
    assert rows(network)[1:] == [
        ("Einsum", "digital", 0, 5 * 7 * 16),
        ("Einsum", "unsupported", 320, 5 * 16 * 4),
        ("Einsum", "unsupported", 48, 5 * 7 * 16 + 5 * 16 * 3),
    ]


def test_batched_and_dynamic_products(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["s", "w"], ["a"]),
        node("MatMul", ["s", "t"], ["b"]),
        node("DeformConv", ["x", "d", "offset"], ["c"]),
        node("Attention", ["q", "q", "q"], ["y"], q_num_heads=4, kv_num_heads=4),
    ]
    inputs = [value("s", [1, 4, 7, 64]), value("t", [3, 1, 64, 5]), value("offset", [1, 2, 8, 8])]
    inputs.append(value("q", [1, 9, 32]))
    network = beside(tmp_path, nodes, [weight("w", 4, 64, 16), weight("d", 8, 3, 1, 1)], *inputs, opset=23)
    assert rows(network)[1:] == [
        ("MatMul", "unsupported", 4096, 28672),
        ("MatMul", "digital", 0, 3 * 4 * 7 * 64 * 5),
        ("DeformConv", "unsupported", 24, 24 * 64),
        ("Attention", "digital", 0, 2 * 9 * 9 * 32),
    ]


def test_operators_that_runtimes_fuse_are_read_as_what_they_are(tmp_path: Path) -> None:
    nodes = [
        node("FusedConv", ["x", "w"], ["c"], pads=[1, 1, 1, 1], activation="Relu", **MICROSOFT),
        node("Flatten", ["c"], ["fl"]),
        node("FusedGemm", ["fl", "g", "b"], ["h"], transB=1, activation="Relu", **MICROSOFT),
        node("FusedMatMul", ["h", "m"], ["n"], transB=1, alpha=0.5, **MICROSOFT),
        node("SkipLayerNormalization", ["n", "n", "one"], ["l"], **MICROSOFT),
        node("BiasGelu", ["l", "one"], ["y"], **MICROSOFT),
    ]
    weights = [
        weight("w", 8, 3, 3, 3),
        weight("g", 10, 512),
        weight("b", 10),
        weight("m", 6, 10),
        weight("one", 6),
    ]
    network = read(tmp_path, nodes, weights, SIZE)
    assert boxes(network) == [(27, 8, 64), (512, 10, 1), (10, 6, 1)]
    assert [layer.kind for layer in network.layers] == ["Conv2d", "Linear", "Linear"]
    assert rows(network)[3:] == [("SkipLayerNormalization", "digital", 6, 6), ("BiasGelu", "digital", 0, 0)]


def test_fused_attention_counts_projections_and_scores(tmp_path: Path) -> None:
    nodes = [
        node("Attention", ["s", "w", "b"], ["a"], num_heads=4, **MICROSOFT),
        node("MatMul", ["a", "m"], ["y"]),
    ]
    weights = [weight("w", 32, 96), weight("b", 96), weight("m", 32, 8)]
    network = beside(tmp_path, nodes, weights, value("s", [1, 9, 32]))
    assert rows(network)[1:] == [
        ("Attention", "unsupported", 32 * 96 + 96, 9 * 32 * 96 + 2 * 9 * 9 * 32),
        ("MatMul", "mapped", 256, 9 * 256),
    ]


def test_what_cannot_be_counted_says_at_least(tmp_path: Path) -> None:
    nodes = [
        node("Special", ["f", "w"], ["a"], name="special", domain="com.example"),
        node("Other", ["f"], ["b"], name="other", domain="com.example"),
        node("NonZero", ["f"], ["places"]),
        node("Cast", ["places"], ["p"], to=1),
        node("Transpose", ["p"], ["t"]),
        node("MatMul", ["p", "t"], ["c"], name="scores"),
        node("Mul", ["p", "w2"], ["y"], name="scale"),
    ]
    network = beside(tmp_path, nodes, [weight("w", 6, 6), weight("w2", 4, 1)])
    assert rows(network)[0] == ("Conv", "mapped", 216, 13824)
    told = {row.name: (row.status, row.parameters, row.macs) for row in network.coverage if row.at_least}
    assert told == {
        "special": ("unsupported", 36, 0),
        "other": ("digital", 0, 0),
        "scores": ("digital", 0, 0),
        "scale": ("digital", 4, 0),
    }
    table = list(coverage_table(network))
    assert sum("at least 0 MACs" in line for line in table) == 4
    assert mapped_share(network).endswith("at most 100.0% of the MACs")
    assert "at_least" in coverage_entry(network.coverage[1])
    assert "at_least" not in coverage_entry(network.coverage[0])


def test_constants_around_a_graph_in_a_node_count_with_it(tmp_path: Path) -> None:
    inner = graph_of([node("MatMul", ["a", "shared"], ["o"])], [], [], ["o"])
    nodes = [node("Cast", ["top"], ["yes"], to=TensorProto.BOOL)]
    nodes.append(node("If", ["yes"], ["y"], then_branch=inner, else_branch=inner))
    network = beside(tmp_path, nodes, [weight("shared", 8, 4)], value("a", [1, 8]))
    assert rows(network)[1:] == [("If", "unsupported", 32, 32)]


def test_branches_with_weights_of_one_name_hold_both(tmp_path: Path) -> None:
    def inner(columns: int) -> onnx.GraphProto:
        return graph_of([node("MatMul", ["a", "w"], ["o"])], [weight("w", 8, columns)], [], ["o"])

    nodes = [node("Cast", ["top"], ["yes"], to=TensorProto.BOOL)]
    nodes.append(node("If", ["yes"], ["y"], then_branch=inner(4), else_branch=inner(6)))
    network = beside(tmp_path, nodes, [ints("unused", 1)], value("a", [1, 8]))
    assert rows(network)[1:] == [("If", "unsupported", 32 + 48, 48)]


def test_a_matrix_of_packed_numbers_counts_all_of_them(tmp_path: Path) -> None:
    settings = {"K": 32, "N": 16, "bits": 4, "block_size": 32}
    nodes = [node("MatMulNBits", ["s", "w", "scales", "points"], ["h"], **settings, **MICROSOFT)]
    nodes.append(node("MatMul", ["h", "m"], ["y"]))
    packed = [
        weight("w", 16, 1, 16, dtype=np.uint8),
        weight("scales", 16),
        weight("points", 16, dtype=np.uint8),
    ]
    network = beside(tmp_path, nodes, [*packed, weight("m", 16, 2)], value("s", [1, 3, 32]))
    assert rows(network)[1:] == [("MatMulNBits", "unsupported", 512, 3 * 512), ("MatMul", "mapped", 32, 96)]


def test_a_norm_that_skips_gives_the_sum_too(tmp_path: Path) -> None:
    nodes = [node("SkipLayerNormalization", ["s", "s", "g"], ["h", "", "", "sum"], **MICROSOFT)]
    nodes += [node("Add", ["h", "sum"], ["a"]), node("MatMul", ["a", "m"], ["y"])]
    network = beside(tmp_path, nodes, [weight("g", 32), weight("m", 32, 2)], value("s", [1, 4, 32]))
    assert boxes(network)[1:] == [(32, 2, 4)]


def test_a_linear_layer_that_a_runtime_quantised_as_it_runs(tmp_path: Path) -> None:
    nodes = [
        node("DynamicQuantizeLinear", ["s"], ["q", "qs", "qz"]),
        node("MatMulInteger", ["q", "w", "qz", "wz"], ["i"]),
        node("Cast", ["i"], ["c"], to=TensorProto.FLOAT),
        node("Mul", ["qs", "ws"], ["scale"]),
        node("Mul", ["c", "scale"], ["d"]),
        node("Add", ["d", "b"], ["y"]),
    ]
    weights = [weight("w", 8, 5, dtype=np.int8), weight("wz", 5, dtype=np.int8), weight("b", 5)]
    network = beside(tmp_path, nodes, [*weights, scalar("ws", 0.1, np.float32)], value("s", [1, 8]))
    assert rows(network)[1:] == [("MatMulInteger", "unsupported", 40, 40), ("Add", "digital", 5, 5)]
