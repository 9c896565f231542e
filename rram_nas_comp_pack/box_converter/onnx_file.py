"""An ONNX file with every size filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, inliner, shape_inference

from rram_nas_comp_pack.errors import BadInput

Dims = tuple[int | None, ...]
_SETTINGS = (TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING)


@dataclass(frozen=True, slots=True)
class Graph:
    """The nodes in execution order, the sizes of all values, and the constants among them.

    `shapes` has None for a size that is not known, and no entry for a value of unknown rank. `weights` are
    the constants that count as parameters: not scalars and not 64-bit integers, which are settings (axes,
    sizes, bounds).
    """

    nodes: tuple[Any, ...]
    shapes: dict[str, Dims]
    constants: frozenset[str]
    weights: dict[str, tuple[int, ...]]


def load(path: Path, input_size: tuple[int, ...]) -> Graph:
    """Read `path`; open dimensions of its input are taken from `input_size`, the batch is 1.

    Only sizes are read: weights kept in files of their own need not be there. Raises BadInput for a file
    that is not a model, and for sizes that contradict one another or that no inference can fill.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:
        raise BadInput(f"{path} is not an ONNX model ({_first_line(error)})") from error
    if not model.graph.node:
        raise BadInput(f"{path} is not an ONNX model (it has no nodes)")
    _fill_inputs(model.graph, input_size, str(path))
    del model.graph.value_info[:]
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    try:
        model = inliner.inline_local_functions(model)
        model = shape_inference.infer_shapes(model, strict_mode=False, data_prop=True)
    except Exception as error:
        raise BadInput(f"{path}: its sizes cannot be inferred ({_first_line(error)})") from error
    return _graph(model.graph)


def nested(node: Any) -> list[Any]:
    """Return the graphs inside a node (If, Loop, Scan), at any depth."""
    own = [g for attribute in node.attribute for g in (attribute.g, *attribute.graphs) if g.node]
    return own + [inner for graph in own for child in graph.node for inner in nested(child)]


def _first_line(error: Exception) -> str:
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), 'no message')}"


def _fill_inputs(graph: Any, input_size: tuple[int, ...], path: str) -> None:
    initializers = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name not in initializers]
    for value in inputs:
        _fill(value, (1, *input_size), path)


def _fill(value: Any, size: tuple[int, ...], path: str) -> None:
    """Give the open dimensions of one input their sizes."""
    dims = value.type.tensor_type.shape.dim
    known = [dim.dim_value if dim.HasField("dim_value") else None for dim in dims]
    text = "x".join("?" if n is None else str(n) for n in known)
    if not known or (None in known[1:] and len(known) != len(size)):
        wanted = "x".join(map(str, size))
        raise BadInput(
            f"{path}: input {value.name!r} is {text or 'of unknown size'}, --input-size gives {wanted}"
        )
    if known[0] not in (None, 1):
        raise BadInput(f"{path}: input {value.name!r} is {text}; a batch of 1, or an open one, is expected")
    dims[0].dim_value = 1
    for dim, found, wish in zip(dims[1:], known[1:], size[1:], strict=False):
        if found is None:
            dim.dim_value = wish


def _graph(graph: Any) -> Graph:
    nodes = tuple(graph.node)
    inside = [inner for node in nodes for inner in nested(node)]
    tensors = [tensor for g in (graph, *inside) for tensor in _constants(g)]
    shapes = {value.name: _dims(value) for value in _values(graph) if _has_rank(value)}
    shapes |= {name: tuple(tensor.dims) for name, tensor in tensors}
    weights = {
        name: tuple(tensor.dims)
        for name, tensor in tensors
        if tensor.dims and tensor.data_type not in _SETTINGS
    }
    return Graph(nodes, shapes, frozenset(name for name, _ in tensors), weights)


def _constants(graph: Any) -> Iterable[tuple[str, Any]]:
    """Return the constant tensors of a graph by name: its initializers and Constant nodes."""
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    for node in graph.node:
        if node.op_type == "Constant":
            # A number or a list instead of a tensor is a setting.
            tensors = [attribute.t for attribute in node.attribute if attribute.name == "value"]
            yield node.output[0], tensors[0] if tensors else TensorProto()


def _values(graph: Any) -> list[Any]:
    return [*graph.input, *graph.value_info, *graph.output]


def _has_rank(value: Any) -> bool:
    return bool(value.type.tensor_type.HasField("shape"))


def _dims(value: Any) -> Dims:
    dims = value.type.tensor_type.shape.dim
    return tuple(dim.dim_value if dim.HasField("dim_value") else None for dim in dims)
