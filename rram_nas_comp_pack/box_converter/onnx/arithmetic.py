"""The nodes that only compute with sizes and small constants are run when they are met."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, TypeProto, helper
from onnx.reference import ReferenceEvaluator

from .model_file import Dims, attribute

Array = NDArray[Any]

_ARITHMETIC = frozenset((
    "Abs", "Add", "And", "ArgMax", "ArgMin", "Cast", "CastLike", "Ceil", "Clip", "Concat",
    "ConstantOfShape", "CumSum", "Div", "Equal", "Exp", "Expand", "EyeLike", "Flatten", "Floor", "Gather",
    "GatherElements", "GatherND", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Log",
    "Max", "Min", "Mod", "Mul", "Neg", "NonZero", "Not", "Or", "Pad", "Pow", "Range", "ReduceMax",
    "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "Reshape", "Round", "ScatterElements",
    "ScatterND", "Sign", "Slice", "Split", "Sqrt", "Squeeze", "Sub", "Sum", "Tile", "TopK", "Transpose",
    "Trilu", "Unique", "Unsqueeze", "Where", "Xor",
))  # fmt: skip
SIZED_BY_VALUES = ("NonZero", "Unique")


def is_arithmetic(node: Any) -> bool:
    """Say whether sizes are computed with an operator; what others make of constants may take long."""
    return not node.domain and node.op_type in _ARITHMETIC


def size_value(node: Any, dims: Dims) -> Array | None:
    """Return what Shape and Size give for an input of `dims`; None for any other node."""
    if node.domain or node.op_type not in ("Shape", "Size") or None in dims:
        return None
    whole = np.array(dims, np.int64)
    if node.op_type == "Size":
        return np.array(whole.prod())
    return whole[attribute(node, "start", 0) : attribute(node, "end", len(dims))]


def run(node: Any, known: Mapping[str, Array], types: Mapping[str, Any], opset: int) -> dict[str, Array]:
    """Return the results of a node whose inputs are all known; nothing where it cannot be run."""
    names = dict.fromkeys(name for name in node.input if name)
    makes = [helper.make_value_info(name, TypeProto()) for name in node.output if name]
    takes = [helper.make_value_info(name, types[name]) for name in names]
    graph = helper.make_graph([node], "one", takes, makes)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
            found = ReferenceEvaluator(model).run(None, {name: known[name] for name in names})
    except Exception:
        return {}
    return dict(_arrays(zip((value.name for value in makes), found, strict=False)))


def element_type(array: Array) -> int:
    """Return ONNX's number for the type of an array's elements."""
    try:
        return int(helper.np_dtype_to_tensor_dtype(array.dtype))
    except Exception:
        return int(TensorProto.UNDEFINED)


def _arrays(found: Iterable[tuple[str, Any]]) -> Iterable[tuple[str, Array]]:
    for name, value in found:
        if isinstance(value, np.ndarray | np.generic):
            yield name, np.asarray(value)
