"""What counts as a parameter of an ONNX file, and where: by any path that a weight takes to its product."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from onnx_made import boxes, graph_of, ints, node, read, rows, save, scalar, value, weight

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.values import Network

CONV = node("Conv", ["x", "W"], ["y"], pads=[1, 1, 1, 1])
INT8 = {"dtype": np.int8}


def mapped(network: Network) -> int:
    return sum(row.parameters for row in network.coverage if row.status == "mapped")


def all_parameters(network: Network) -> int:
    return sum(row.parameters for row in network.coverage)


SCALE, POINT = scalar("s", 0.1, np.float32), scalar("z", 0, np.int8)
FILL = helper.make_tensor("v", TensorProto.FLOAT, [1], [0.5])
TO, ONE = ints("to", 8, 3, 3, 3), scalar("k", 1.0, np.float32)
HALVES = [weight("a", 4, 3, 3, 3), weight("b", 4, 3, 3, 3)]
PATHS: dict[str, tuple[list[Any], list[TensorProto]]] = {
    "identity": ([node("Identity", ["w"], ["W"])], [weight("w", 8, 3, 3, 3)]),
    "transpose": ([node("Transpose", ["w"], ["W"], perm=[3, 2, 0, 1])], [weight("w", 3, 3, 3, 8)]),
    "constant": ([node("Constant", [], ["W"], value=weight("w", 8, 3, 3, 3))], []),
    "floats": (
        [node("Constant", [], ["w"], value_floats=[1.0] * 216), node("Reshape", ["w", "to"], ["W"])],
        [TO],
    ),
    "filled": ([node("ConstantOfShape", ["to"], ["W"], value=FILL)], [TO]),
    "expanded": ([node("Expand", ["k", "to"], ["W"])], [TO, ONE]),
    "reshape": ([node("Reshape", ["w", "to"], ["W"])], [weight("w", 8, 27), TO]),
    "concat": ([node("Concat", ["a", "b"], ["W"], axis=0)], HALVES),
    "scaled": ([node("Mul", ["w", "g"], ["W"])], [weight("w", 8, 3, 3, 3), weight("g", 8, 1, 1, 1)]),
    "half": ([node("Cast", ["w"], ["W"], to=1)], [weight("w", 8, 3, 3, 3, dtype=np.float16)]),
    "integers": ([node("Cast", ["w"], ["W"], to=1)], [weight("w", 8, 3, 3, 3, dtype=np.int64)]),
    "by tensor": (
        [node("DequantizeLinear", ["w", "s", "z"], ["W"])],
        [weight("w", 8, 3, 3, 3, **INT8), SCALE, POINT],
    ),
    "by channel": (
        [node("DequantizeLinear", ["w", "ss", "zz"], ["W"], axis=0)],
        [weight("w", 8, 3, 3, 3, **INT8), weight("ss", 8), weight("zz", 8, **INT8)],
    ),
    "quantised and back": (
        [node("QuantizeLinear", ["w", "s", "z"], ["q"]), node("DequantizeLinear", ["q", "s", "z"], ["W"])],
        [weight("w", 8, 3, 3, 3), SCALE, POINT],
    ),
    "by hand": (
        [node("Cast", ["w"], ["f"], to=1), node("Sub", ["f", "zz"], ["d"]), node("Mul", ["d", "ss"], ["W"])],
        [weight("w", 8, 3, 3, 3, dtype=np.uint8), weight("zz", 8, 1, 1, 1), weight("ss", 8, 1, 1, 1)],
    ),
}


@pytest.mark.parametrize("path", PATHS)
def test_a_kernel_counts_once_by_every_path(tmp_path: Path, path: str) -> None:
    nodes, weights = PATHS[path]
    network = read(tmp_path, [*nodes, CONV], weights, [1, 3, 8, 8])
    assert boxes(network) == [(27, 8, 64)]
    assert (mapped(network), all_parameters(network)) == (216, 216)


def test_a_half_that_a_split_takes_is_mapped(tmp_path: Path) -> None:
    nodes = [node("Split", ["w"], ["W", "V"], axis=0, num_outputs=2), CONV]
    assert boxes(read(tmp_path, nodes, [weight("w", 16, 3, 3, 3)], [1, 3, 8, 8], opset=18)) == [(27, 8, 64)]


def test_a_file_of_quantised_and_dequantised_values(tmp_path: Path) -> None:
    nodes = [
        node("QuantizeLinear", ["x", "xs", "xz"], ["xq"]),
        node("DequantizeLinear", ["xq", "xs", "xz"], ["xd"]),
        node("DequantizeLinear", ["w", "s", "z"], ["W"], axis=0),
        node("DequantizeLinear", ["b", "bs", "bz"], ["B"], axis=0),
        node("Conv", ["xd", "W", "B"], ["y"], pads=[1, 1, 1, 1]),
    ]
    weights = [weight("w", 8, 3, 3, 3, **INT8), weight("s", 8), weight("z", 8, **INT8)]
    weights += [weight("b", 8, dtype=np.int32), weight("bs", 8), weight("bz", 8, dtype=np.int32)]
    weights += [scalar("xs", 0.1, np.float32), scalar("xz", 0, np.int8)]
    assert rows(read(tmp_path, nodes, weights, [1, 3, 8, 8])) == [("Conv", "mapped", 224, 13824)]


def test_integer_operators_hold_their_weights_and_nothing_else(tmp_path: Path) -> None:
    nodes = [
        node("DynamicQuantizeLinear", ["x"], ["q", "qs", "qz"]),
        node("ConvInteger", ["q", "w", "qz", "wz"], ["ci"]),
        node("QLinearConv", ["q", "qs", "qz", "v", "vs", "vz", "ys", "yz", "b"], ["qc"]),
        node("QLinearMatMul", ["q", "qs", "qz", "m", "ms", "mz", "ys", "yz"], ["qm"]),
        node("MatMulInteger", ["q", "m", "qz", "mz"], ["mi"]),
        node("Conv", ["x", "k"], ["y"]),
    ]
    u8 = {"dtype": np.uint8}
    weights = [
        weight("w", 8, 3, 3, 3, **u8),
        weight("wz", 8, **u8),
        weight("v", 8, 3, 1, 1, **u8),
        weight("vs", 8),
    ]
    weights += [
        weight("vz", 8, **u8),
        weight("b", 8, dtype=np.int32),
        weight("m", 8, 5, **u8),
        weight("ms", 5),
    ]
    weights += [
        weight("mz", 5, **u8),
        scalar("ys", 1.0, np.float32),
        scalar("yz", 0, np.uint8),
        weight("k", 2, 3, 1, 1),
    ]
    assert rows(read(tmp_path, nodes, weights, [1, 3, 8, 8])) == [
        ("ConvInteger", "unsupported", 216, 216 * 36),
        ("QLinearConv", "unsupported", 24 + 8, 24 * 64),
        ("QLinearMatMul", "unsupported", 40, 40 * 24),
        ("MatMulInteger", "unsupported", 0, 40 * 24),
        ("Conv", "mapped", 6, 6 * 64),
    ]


def test_a_table_that_is_also_a_matrix_lies_on_crossbars(tmp_path: Path) -> None:
    nodes = [node("Gather", ["table", "x"], ["e"]), node("Transpose", ["table"], ["t"], perm=[1, 0])]
    nodes.append(node("MatMul", ["e", "t"], ["y"]))
    inputs = [value("x", [1, 8], TensorProto.INT64)]
    network = read(tmp_path, nodes, [weight("table", 200, 64)], inputs)
    assert boxes(network) == [(64, 200, 8)]
    assert rows(network) == [("Gather", "digital", 0, 0), ("MatMul", "mapped", 12800, 102400)]
    head = [node("MatMul", ["h", "t"], ["a"]), nodes[1], node("Gather", ["table", "x"], ["y"])]
    both = [value("h", [1, 8, 64]), *inputs]
    assert mapped(read(tmp_path, [head[1], head[0], head[2]], [weight("table", 200, 64)], both)) == 12800


def test_a_matrix_that_is_added_and_multiplied_with_counts_where_it_is_mapped(tmp_path: Path) -> None:
    nodes = [node("Add", ["x", "m"], ["a"]), node("LSTM", ["s", "lw", "lr"], ["l"], hidden_size=2)]
    nodes.append(node("MatMul", ["a", "m"], ["y"]))
    inputs = [value("x", [1, 6, 6]), value("s", [3, 1, 6])]
    network = read(tmp_path, nodes, [weight("m", 6, 6), weight("lw", 1, 8, 6), weight("lr", 1, 8, 2)], inputs)
    assert rows(network)[-1] == ("MatMul", "mapped", 36, 216)
    assert all_parameters(network) == 36 + 64


def test_the_weights_of_light_alexnet_are_counted() -> None:
    """Its weights are made by ConstantOfShape; biases that a node fills are settings."""
    folder = Path(os.path.dirname(onnx.__file__)) / "backend" / "test" / "data" / "light"
    network = read_onnx(folder / "light_bvlc_alexnet.onnx")
    assert len(network.layers) == 8
    assert sum(layer.weights for layer in network.layers) == mapped(network) == 60_954_656


@pytest.mark.parametrize(
    ("name", "layers", "weights", "macs"),
    [
        ("densenet121", 121, 7_894_208, 2_834_161_664),
        ("resnet50", 54, 25_502_912, 4_089_184_256),
        ("vgg19", 19, 143_652_544, 19_632_062_464),
    ],
)
def test_published_files_have_the_weights_of_their_networks(
    name: str, layers: int, weights: int, macs: int
) -> None:
    folder = Path(os.path.dirname(onnx.__file__)) / "backend" / "test" / "data" / "light"
    network = read_onnx(folder / f"light_{name}.onnx")
    assert len(network.layers) == layers
    assert sum(layer.weights for layer in network.layers) == weights
    assert sum(row.macs for row in network.coverage if row.status == "mapped") == macs
    assert mapped(network) >= weights


def test_settings_of_other_operators_are_no_parameters(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["x", "w"], ["c"]),
        node("Gather", ["c", "order"], ["g"], axis=1),
        node("Pad", ["g", "pads"], ["p"]),
        node("Clip", ["p", "low", "high"], ["r"]),
        node("Resize", ["r", "", "scales"], ["u"]),
        node("QuantizeLinear", ["u", "s", "z"], ["q"], axis=1),
        node("DequantizeLinear", ["q", "s", "z"], ["y"], axis=1),
    ]
    weights = [weight("w", 8, 3, 1, 1), weight("order", 8, dtype=np.int32), ints("pads", *[0, 0, 1, 1] * 2)]
    weights += [scalar("low", 0.0, np.float32), scalar("high", 6.0, np.float32), weight("scales", 4)]
    weights += [weight("s", 8), weight("z", 8, **INT8)]
    assert rows(read(tmp_path, nodes, weights, [1, 3, 8, 8])) == [("Conv", "mapped", 24, 24 * 64)]


def test_weights_shared_by_name_are_stored_once(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["x", "m"], ["a"]),
        node("MatMul", ["a", "m"], ["b"]),
        node("Add", ["b", "m"], ["y"]),
    ]
    network = read(tmp_path, nodes, [weight("m", 6, 6)], [1, 6, 6])
    assert [layer.stored_in for layer in network.layers] == [0, 0]
    assert all_parameters(network) == 36


def test_weights_in_a_file_of_their_own(tmp_path: Path) -> None:
    """Small tensors that sizes depend on are looked up there; the weights need not be there."""
    nodes = [node("Reshape", ["x", "to"], ["f"]), node("MatMul", ["f", "m"], ["y"])]
    path = save(
        tmp_path, graph_of(nodes, [weight("m", 192, 10), ints("to", 1, -1)], [value("x", [1, 3, 8, 8])])
    )
    model = onnx.load(path)
    onnx.save(model, path, save_as_external_data=True, location="net.data", size_threshold=0)
    assert boxes(read_onnx(path)) == [(192, 10, 1)]
    onnx.save(onnx.load(path), path, save_as_external_data=True, location="weights.data", size_threshold=1024)
    (tmp_path / "weights.data").unlink()
    assert boxes(read_onnx(path)) == [(192, 10, 1)]


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE", "FLOAT8E4M3FN", "INT4", "UINT8"])
def test_weights_of_every_type_count_by_their_sizes(tmp_path: Path, kind: str) -> None:
    number = getattr(TensorProto, kind)
    stored = TensorProto(name="w", data_type=number, dims=[8, 3, 3, 3], raw_data=b"\0" * 8 * 216)
    floats = kind in ("FLOAT16", "BFLOAT16", "DOUBLE")
    nodes = [node("Cast", ["w"], ["W"], to=1)] if not floats else [node("Identity", ["w"], ["W"])]
    inputs = [value("x", [1, 3, 8, 8], number if floats else TensorProto.FLOAT)]
    network = read(tmp_path, [*nodes, CONV], [stored], inputs, opset=21)
    assert rows(network) == [("Conv", "mapped", 216, 13824)]


def test_sparse_weights_count_by_their_full_size(tmp_path: Path) -> None:
    graph = graph_of([node("MatMul", ["x", "m"], ["y"])], [], [value("x", [1, 6])])
    some = numpy_helper.from_array(np.ones(3, np.float32), "m")
    graph.sparse_initializer.add(values=some, indices=ints("", 0, 7, 14), dims=[6, 5])
    assert rows(read_onnx(save(tmp_path, graph))) == [("MatMul", "mapped", 30, 30)]


def test_products_of_every_form_are_layers(tmp_path: Path) -> None:
    nodes = [
        node("MatMul", ["w1", "x"], ["a"]),  # 7x5 @ 1x5x4
        node("MatMul", ["a", "w2"], ["b"]),  # 1x7x4 @ 1x4x6
        node("Squeeze", ["b", "zero"], ["s"]),
        node("Gemm", ["s", "w3"], ["c"], transA=1),  # 6x7 @ 7x3
        node("Gemm", ["w4", "c"], ["d"], transA=1),  # 8x6 @ 6x3
        node("MatMul", ["d", "v"], ["e"]),  # 8x3 @ 3
        node("Einsum", ["e", "w5"], ["y"], equation="i,oi->o"),
    ]
    weights = [
        weight("w1", 7, 5),
        weight("w2", 1, 4, 6),
        weight("w3", 7, 3),
        weight("w4", 6, 8),
        weight("v", 3),
    ]
    network = read(tmp_path, nodes, [*weights, weight("w5", 9, 8), ints("zero", 0)], [1, 5, 4])
    assert boxes(network) == [(5, 7, 4), (4, 6, 7), (7, 3, 6), (6, 8, 3), (3, 1, 8), (8, 9, 1)]
    assert all_parameters(network) == mapped(network) == 35 + 24 + 21 + 48 + 3 + 72


@pytest.mark.parametrize(
    ("equation", "x", "w", "box"),
    [
        ("bnd,de->bne", [1, 5, 16], (16, 32), (16, 32, 5)),
        ("bnd,hde->bnhe", [1, 5, 16], (4, 16, 8), (16, 32, 5)),
        ("...d,de->...e", [1, 2, 5, 16], (16, 32), (16, 32, 10)),
        ("bchw,oc->bohw", [1, 3, 4, 5], (7, 3), (3, 7, 20)),
        ("bnhe,hed->bnd", [1, 5, 4, 8], (4, 8, 16), (32, 16, 5)),
        ("bd,de", [1, 16], (16, 32), (16, 32, 1)),
    ],
)
def test_an_einsum_by_one_matrix_is_a_layer(
    tmp_path: Path, equation: str, x: list[int], w: tuple[int, ...], box: tuple[int, int, int]
) -> None:
    network = read(tmp_path, [node("Einsum", ["x", "w"], ["y"], equation=equation)], [weight("w", *w)], x)
    assert boxes(network) == [box]
    assert rows(network) == [("Einsum", "mapped", box[0] * box[1], box[0] * box[1] * box[2])]
    operands = [np.ones(x), np.ones(w)]
    assert np.einsum(equation, *operands).size == box[1] * box[2]
