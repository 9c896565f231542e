"""An ONNX file as a sound model: parsed, its functions taken apart, its attributes and tensors checked."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import AttributeProto, TensorProto, external_data_helper, helper, inliner, numpy_helper

from ...errors import BadInput

Dims = tuple[int | None, ...]
"""The sizes of a value; None for one that is not known."""

MOST_ELEMENTS = 2**40
"""No value of a real network comes near this many elements; more would overflow what counts reads."""

MOST_KNOWN = 2**14
"""Elements of a value whose content is looked at: sizes, bounds, axes. Weights are known by their sizes."""

_MOST_NODES = 2**20
_POSITIVE = ("strides", "dilations", "kernel_shape", "group", "num_outputs", "blocksize")
_FIELDS = {"f": "FLOAT", "i": "INT", "s": "STRING", "t": "TENSOR", "g": "GRAPH"}
_LISTS = {"floats": "FLOATS", "ints": "INTS", "strings": "STRINGS", "tensors": "TENSORS", "graphs": "GRAPHS"}


def read_model(path: Path) -> Any:
    """Return the model in `path`, without local functions and with a type for every attribute.

    Weights kept in files of their own need not be there. Raises BadInput for a file that is not a model and
    for attributes and tensors that make none.
    """
    try:
        model = onnx.load(str(path), load_external_data=False)
    except Exception as error:
        raise BadInput(f"{path} is not an ONNX model ({first_line(error)})") from error
    if not _has_sound_texts(model):
        raise BadInput(f"{path} is not an ONNX model (a name in it is no UTF-8 text)")
    if not model.graph.node:
        raise BadInput(f"{path} is not an ONNX model (it has no nodes)")
    if model.functions:
        model = _without_functions(model, path)
    for graph in all_graphs(model.graph):
        _check_graph(graph, path)
    return model


def first_line(error: BaseException) -> str:
    """Return an error's type and the first line of what it says."""
    return f"{type(error).__name__}: {next(iter(str(error).strip().splitlines()), 'no message')}"


def label(node: Any) -> str:
    """Return how messages call a node: its operator and its name, or the name of its result."""
    name = node.name or next((output for output in node.output if output), "without a name")
    return f"{node.op_type if node.op_type.isidentifier() else repr(node.op_type)} {name!r}"


@contextmanager
def reading(node: Any, path: str) -> Iterator[None]:
    """Turn what an ill-formed node raises where it is read (an attribute of another type) into one line."""
    try:
        yield
    except BadInput:
        raise
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise BadInput(f"{path}: {label(node)} cannot be read ({first_line(error)})") from error


def text(dims: Iterable[int | None]) -> str:
    """Return sizes as messages show them: 1x3x?x?."""
    return "x".join("?" if n is None else str(n) for n in dims) or "a scalar"


def expected_sizes(given: Iterable[int], least: int) -> str:
    """Say what is expected instead of sizes that are too small or make too many elements; "" if none are."""
    sizes = tuple(given)
    if any(n < least for n in sizes):
        return "sizes of at least 1 are expected"
    return "" if prod(sizes) <= MOST_ELEMENTS else f"{MOST_ELEMENTS} elements at most are expected"


def attribute(node: Any, key: str, default: Any) -> Any:
    """Return an attribute's value."""
    found = [each for each in node.attribute if each.name == key]
    return helper.get_attribute_value(found[0]) if found else default


def inner_graphs(node: Any) -> list[Any]:
    """Return the graphs in a node's attributes (If, Loop, Scan), not those within them."""
    attributes = [
        each for each in node.attribute if each.type in (AttributeProto.GRAPH, AttributeProto.GRAPHS)
    ]
    return [graph for each in attributes for graph in ([each.g] if each.HasField("g") else each.graphs)]


def all_graphs(graph: Any) -> Iterable[Any]:
    """Return a graph and all graphs within its nodes, at any depth."""
    yield graph
    for node in graph.node:
        for inner in inner_graphs(node):
            yield from all_graphs(inner)


def tensor_value(tensor: Any, folder: str) -> NDArray[Any] | None:
    """Return the content of a small tensor; None where it is large, damaged or not there."""
    dims = tuple(tensor.dims)
    if any(n < 0 for n in dims) or prod(dims) > MOST_KNOWN:
        return None
    try:
        if external_data_helper.uses_external_data(tensor):
            told = {entry.key: entry.value for entry in tensor.external_data}
            if not 0 <= int(told["length"]) <= 16 * MOST_KNOWN:
                return None
            copy = TensorProto()
            copy.CopyFrom(tensor)
            external_data_helper.load_external_data_for_tensor(copy, folder)
            tensor = copy
        value: NDArray[Any] = np.asarray(numpy_helper.to_array(tensor))
    except Exception:
        return None
    return value if value.shape == dims else None


def folder_of(path: Path) -> str:
    """Return the folder that holds a file's external data."""
    return os.path.dirname(os.path.abspath(path))


def _has_sound_texts(message: Any) -> bool:
    """Say whether all texts in a message are; protobuf gives bytes for what is no UTF-8."""
    for field, value in message.ListFields():
        single = isinstance(value, str | bytes) or hasattr(value, "ListFields")
        values = [value] if single else value
        if field.type == field.TYPE_STRING and any(isinstance(each, bytes) for each in values):
            return False
        if field.type == field.TYPE_MESSAGE and not all(map(_has_sound_texts, values)):
            return False
    return True


def _without_functions(model: Any, path: Path) -> Any:
    _check_functions(model, path)
    try:
        return inliner.inline_local_functions(model, convert_version=True)
    except Exception:
        pass
    try:
        return inliner.inline_local_functions(model)
    except Exception as error:
        raise BadInput(f"{path}: its functions cannot be taken apart ({first_line(error)})") from error


def _check_functions(model: Any, path: Path) -> None:
    """Refuse functions that call themselves or that grow beyond measure where they are put in place."""
    bodies = {(f.domain, f.name, getattr(f, "overload", "")): f for f in model.functions}
    sizes: dict[tuple[str, str, str], int] = {}
    open_calls: set[tuple[str, str, str]] = set()

    def size(key: tuple[str, str, str]) -> int:
        if key in open_calls:
            raise BadInput(f"{path}: the function {key[1]!r} calls itself")
        if key not in sizes:
            open_calls.add(key)
            sizes[key] = sum(map(weigh, _nodes(bodies[key])))
            open_calls.discard(key)
        return sizes[key]

    def weigh(node: Any) -> int:
        key = (node.domain, node.op_type, getattr(node, "overload", ""))
        return size(key) if key in bodies else 1

    try:
        total = sum(map(weigh, _nodes(model.graph)))
    except RecursionError as error:
        raise BadInput(f"{path}: its functions are nested too deeply") from error
    if total > _MOST_NODES:
        raise BadInput(f"{path}: its functions make {total} nodes; at most {_MOST_NODES} are read")


def _nodes(graph: Any) -> Iterable[Any]:
    return (node for each in all_graphs(graph) for node in each.node)


def _check_graph(graph: Any, path: Path) -> None:
    for tensor in graph.initializer:
        _check_tensor(tensor, f"{path}: initializer {tensor.name!r}")
    for sparse in graph.sparse_initializer:
        _check_tensor(sparse, f"{path}: sparse initializer {sparse.values.name!r}")
    for node in graph.node:
        node.domain = "" if node.domain == "ai.onnx" else node.domain
        for each in node.attribute:
            _check_attribute(node, each, path)


def _check_tensor(tensor: Any, what: str) -> None:
    dims = tuple(tensor.dims)
    if any(n < 0 for n in dims) or prod(dims) > MOST_ELEMENTS:
        raise BadInput(
            f"{what} is {text(dims)}: sizes of 0 and more, {MOST_ELEMENTS} elements at most, expected"
        )


def _check_attribute(node: Any, found: Any, path: Path) -> None:
    """Give an attribute without a type (as early files have them) its type, and refuse what divides by 0."""
    where = f"{path}: {label(node)}: attribute {found.name!r}"
    if found.type == AttributeProto.UNDEFINED and not found.ref_attr_name:
        kinds = [kind for field, kind in _FIELDS.items() if found.HasField(field)]
        kinds += [kind for field, kind in _LISTS.items() if len(getattr(found, field))]
        if len(kinds) != 1:
            raise BadInput(f"{where} has no type and {len(kinds)} values, one is expected")
        found.type = getattr(AttributeProto, kinds[0])
    try:
        value = helper.get_attribute_value(found)
    except Exception as error:
        raise BadInput(f"{where} cannot be read ({first_line(error)})") from error
    if found.type == AttributeProto.TENSOR:
        _check_tensor(value, where)
    if found.name in _POSITIVE:
        numbers = value if found.type == AttributeProto.INTS else [value]
        if not all(isinstance(n, int) and 1 <= n < 2**31 for n in numbers):
            shown = " ".join(repr(value).split())
            raise BadInput(f"{where} is {shown:.60}, whole numbers of at least 1 are expected")
