"""What counts as a weight: constants of a graph that are no settings (axes, bounds, indices, scales)."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from typing import Any

from onnx import TensorProto

from .model_file import attribute

_TYPES = (TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING)

_ALL_BUT_FIRST = frozenset((
    "Clip", "DequantizeLinear", "Dropout", "Expand", "Gather", "GatherElements", "GatherND", "Pad",
    "QuantizeLinear", "QLinearGlobalAveragePool", "QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax",
    "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin",
    "ReduceProd", "ReduceSum", "ReduceSumSquare", "Reshape", "Resize", "Slice", "Split", "Squeeze", "Tile",
    "TopK", "Unsqueeze", "Upsample",
))  # fmt: skip
_ALL = ("ConstantOfShape", "OneHot", "Range")
_SOME = {
    "AffineGrid": (1,),
    "CenterCropPad": (1,),
    "Col2Im": (1, 2),
    "ConvInteger": (2, 3),
    "DynamicQuantizeMatMul": (2, 3),
    "GRU": (4, 5),
    "LSTM": (4, 5, 6),
    "MatMulInteger": (2, 3),
    "MatMulIntegerToFloat": (2, 3, 4, 5),
    "MatMulNBits": (2, 3, 4),
    "MaxUnpool": (2,),
    "NonMaxSuppression": (2, 3, 4),
    "QAttention": (3, 4, 5, 6, 7),
    "QGemm": (1, 2, 4, 5, 7, 8),
    "QLinearAdd": (1, 2, 4, 5, 6, 7),
    "QLinearConv": (1, 2, 4, 5, 6, 7),
    "QLinearMatMul": (1, 2, 4, 5, 6, 7),
    "QLinearMul": (1, 2, 4, 5, 6, 7),
    "RNN": (4, 5),
    "Scatter": (1,),
    "ScatterElements": (1,),
    "ScatterND": (1,),
    "Where": (0,),
}


def is_setting(node: Any, position: int) -> bool:
    """Say whether the input at `position` only says how the others are taken."""
    if node.op_type in _ALL_BUT_FIRST:
        return position > 0
    if node.op_type == "QLinearConcat":
        return position < 2 or position % 3 != 2
    return node.op_type in _ALL or position in _SOME.get(node.op_type, ())


def content_inputs(node: Any) -> list[str]:
    """Return the operands that the content of a node's results depends on; CastLike takes a type only."""
    return [name for name in (node.input[:1] if node.op_type == "CastLike" else node.input) if name]


@dataclass(frozen=True, slots=True)
class Stored:
    """A constant that a graph holds: its sizes, and what tells it from others of its name."""

    dims: tuple[int, ...]
    content: Hashable


def stored(graph: Any) -> dict[str, Stored]:
    """Return the constants that a graph itself holds and that count as parameters.

    Not scalars and not 64-bit integers, which are settings (axes, sizes, bounds).
    """
    found = {}
    for name, kind, dims, holder in _constants(graph):
        if dims and kind not in _TYPES:
            found[name] = Stored(dims, hash(holder.SerializeToString(deterministic=True)))
    return found


def _constants(graph: Any) -> Iterable[tuple[str, int, tuple[int, ...], Any]]:
    for tensor in graph.initializer:
        yield tensor.name, tensor.data_type, tuple(tensor.dims), tensor
    for sparse in graph.sparse_initializer:
        yield sparse.values.name, sparse.values.data_type, tuple(sparse.dims), sparse
    for node in graph.node:
        if node.op_type != "Constant" or node.domain or not node.output:
            continue
        name, (tensor, sparse, floats) = node.output[0], (attribute(node, key, None) for key in _VALUES)
        if isinstance(tensor, TensorProto):
            yield name, tensor.data_type, tuple(tensor.dims), node
        elif sparse is not None:
            yield name, sparse.values.data_type, tuple(sparse.dims), node
        elif floats is not None:
            yield name, TensorProto.FLOAT, (len(floats),), node


_VALUES = ("value", "sparse_value", "value_floats")
