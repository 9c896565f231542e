"""How the nodes of an ONNX graph multiply, read from the sizes of their operands."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from onnx import AttributeProto

from ...errors import BadInput
from ...values import Status
from .. import shapes
from ..shapes import Shape
from .einsum import einsum_macs, einsum_matrix
from .graph import Graph, Step, UnknownSize
from .model_file import attribute, inner_graphs, label, text
from .other_domains import is_elementwise, is_native, known_macs, operand_sizes

PRODUCTS: dict[str, tuple[int, Status]] = {
    "Conv": (1, "mapped"),
    "ConvTranspose": (1, "mapped"),
    "Gemm": (1, "mapped"),
    "MatMul": (1, "mapped"),
    "FusedMatMul": (1, "mapped"),
    "Einsum": (1, "mapped"),
    "ConvInteger": (1, "unsupported"),
    "MatMulInteger": (1, "unsupported"),
    "QLinearConv": (3, "unsupported"),
    "QLinearMatMul": (3, "unsupported"),
    "MatMulIntegerToFloat": (1, "unsupported"),
    "DynamicQuantizeMatMul": (1, "unsupported"),
    "QGemm": (3, "unsupported"),
}
"""Operators that multiply their input 0 by another one: that one's position, and what becomes of weights."""

_RECURRENT = ("LSTM", "GRU", "RNN")
_UNMAPPED = (*_RECURRENT, "Attention", "DeformConv", "If", "Loop", "Scan", "SequenceMap")


@dataclass(frozen=True, slots=True)
class Factors:
    """How a node multiplies: `weight` is the stored factor, None if there is none; `layout` its reading.

    `single` is False where every entry of a batch has a matrix of its own, which no one box can hold.
    """

    weight: str | None
    shape: Shape
    layout: Hashable
    single: bool = True


def is_product(node: Any) -> bool:
    """Say whether a node multiplies two operands in a way that is known."""
    if node.op_type not in PRODUCTS:
        return False
    return len(node.input) == 2 if node.op_type == "Einsum" else True


def is_unmapped(node: Any) -> bool:
    """Say whether the weights of a node cannot be mapped since they are multiplied inside it."""
    if node.op_type == "Einsum":
        return len(node.input) > 2
    if is_product(node):
        return False
    return node.op_type in _UNMAPPED or not (is_native(node) or is_elementwise(node))


def read_factors(node: Any, graph: Graph) -> Factors:
    """Return how a product multiplies.

    Raises BadInput where its operands do not fit together, UnknownSize where one's size is not known.
    """
    position = PRODUCTS[node.op_type][0]
    operands = [*node.input, *[""] * (position + 1)]
    x, weight = operands[0], operands[position]
    if not x or not weight:
        raise BadInput(f"{graph.path}: {label(node)} has no {'weight' if x else 'input'} to multiply with")
    if "Conv" in node.op_type:
        return _convolution(node, graph, x, weight)
    if node.op_type == "Einsum":
        return _einsum(node, graph, x, weight)
    return _matrices(node, graph, x, weight)


def count_macs(step: Step, graph: Graph) -> tuple[int, bool]:
    """Return a node's multiply-accumulates in products, and whether that is all of them."""
    node = step.node
    try:
        if step.bodies or inner_graphs(node):
            return _inner_macs(step)
        if is_product(node):
            return read_factors(node, graph).shape.macs, True
        if is_native(node):
            return _native_macs(node, graph), True
        macs = known_macs(node, [graph.dims(name) for name in node.input])
        return macs or 0, macs is not None
    except UnknownSize:
        return 0, False


def _inner_macs(step: Step) -> tuple[int, bool]:
    """Return those of the graphs inside a node: the dearer branch, or a loop's body as often as it runs."""
    each = []
    for body in step.bodies:
        inner = body.graph
        steps = [s for s in inner.steps if not all(inner.fixed[name] for name in s.node.output if name)]
        found = [count_macs(s, inner) for s in steps]
        each.append(
            (body.times * sum(n for n, _ in found), body.certain and all(whole for _, whole in found))
        )
    return max((n for n, _ in each), default=0), bool(each) and all(whole for _, whole in each)


def _native_macs(node: Any, graph: Graph) -> int:
    """Return those of one of ONNX's operators that multiplies inside itself; 0 of any other."""
    if node.op_type in _RECURRENT:
        x, weights = graph.sizes(node.input[0]), [graph.sizes(name) for name in node.input[1:3]]
        if x[-1] != weights[0][-1]:
            raise BadInput(f"{graph.path}: {label(node)} takes {weights[0][-1]} inputs, it is given {x[-1]}")
        return sum(map(prod, weights)) * prod(x[:-1])
    if node.op_type == "DeformConv":
        return prod(graph.sizes(node.output[0])) * prod(graph.sizes(node.input[1])[1:])
    if node.op_type == "Attention":
        return _attention_macs(node, graph)
    if node.op_type == "Einsum":
        return einsum_macs(str(_equation(node)), [graph.sizes(name) for name in node.input])
    return 0


def _attention_macs(node: Any, graph: Graph) -> int:
    """Return those of the scores and of the values weighted by them."""
    query, key, value = (graph.sizes(name) for name in node.input[:3])
    past = graph.sizes(node.input[4])[-2] if len(node.input) > 4 and node.input[4] else 0
    rows = key[-2] + past
    if len(query) == 4:
        return prod(query[:3]) * rows * (query[3] + value[3])
    heads, shared = (max(1, int(attribute(node, key, 1))) for key in ("q_num_heads", "kv_num_heads"))
    return prod(query[:2]) * rows * (query[2] + heads * (value[2] // shared))


def _convolution(node: Any, graph: Graph, x: str, weight: str) -> Factors:
    groups, given, kernel = int(attribute(node, "group", 1)), graph.sizes(x), graph.sizes(weight)
    if len(kernel) < 3 or len(kernel) != len(given):
        raise BadInput(f"{graph.path}: {label(node)}: a kernel of {text(kernel)} does not fit {text(given)}")
    last = bool(attribute(node, "channels_last", 0))
    transposed = node.op_type == "ConvTranspose"
    channels, wanted = given[-1 if last else 1], kernel[0] if transposed else kernel[1] * groups
    if channels != wanted:
        raise BadInput(
            f"{graph.path}: {label(node)} takes {wanted} channels (its kernel is {text(kernel)}, "
            f"groups: {groups}), it is given {channels} ({text(given)})"
        )
    if kernel[0] % groups:
        raise BadInput(f"{graph.path}: {label(node)} cannot part {kernel[0]} channels into {groups} groups")
    told = attribute(node, "kernel_shape", None)
    if told and tuple(told) != kernel[2:]:
        raise BadInput(
            f"{graph.path}: {label(node)} states a kernel of {text(told)}, it has {text(kernel[2:])}"
        )
    rule = shapes.transposed_convolution if transposed else shapes.convolution
    sizes = given if transposed else graph.sizes(node.output[0])
    places = sizes[0] * prod(sizes[1:-1] if last else sizes[2:])
    return Factors(
        weight if graph.fixed[weight] else None, rule(kernel, groups, places), (transposed, groups)
    )


def _matrices(node: Any, graph: Graph, a: str, b: str) -> Factors:
    """Return how `a @ b` multiplies, each turned by the node's attributes, weights on either side."""
    left, right = (_whole(dims) for dims in operand_sizes(node, graph.sizes(a), graph.sizes(b)))
    if not left or not right:
        raise BadInput(f"{graph.path}: {label(node)} multiplies a scalar; matrices are expected")
    left = left if len(left) > 1 else (1, *left)
    right = right if len(right) > 1 else (*right, 1)
    batch = _batch(left[:-2], right[:-2])
    if left[-1] != right[-2] or batch is None:
        raise BadInput(
            f"{graph.path}: {label(node)} multiplies {text(left)} by {text(right)}: "
            + (f"{left[-1]} and {right[-2]} differ" if batch is not None else "their batches differ")
        )
    turned = [bool(attribute(node, key, 0)) for key in ("transA", "transB")]
    if graph.fixed[a] and not graph.fixed[b]:
        shape = shapes.linear(left[-1], left[-2], batch * right[-1])
        return Factors(a, shape, not turned[0], prod(left[:-2]) == 1)
    shape = shapes.linear(right[-2], right[-1], batch * left[-2])
    return Factors(b if graph.fixed[b] else None, shape, turned[1], prod(right[:-2]) == 1)


def _batch(left: Sequence[int], right: Sequence[int]) -> int | None:
    """Return the number of pairs of matrices; None where they cannot be paired."""
    try:
        return prod(map(int, np.broadcast_shapes(tuple(left), tuple(right))))
    except ValueError:
        return None


def _whole(dims: Sequence[int | None]) -> tuple[int, ...]:
    return tuple(n for n in dims if n is not None)


def _einsum(node: Any, graph: Graph, a: str, b: str) -> Factors:
    sizes, stored = (graph.sizes(a), graph.sizes(b)), [graph.fixed[a], graph.fixed[b]]
    equation = _equation(node)
    if not any(stored):
        return Factors(None, shapes.linear(1, 1, einsum_macs(equation, sizes)), None)
    place = 1 if stored[1] else 0
    matrix = einsum_matrix(equation, sizes, place)
    if matrix is None:
        shape = shapes.linear(1, 1, einsum_macs(equation, sizes))
        return Factors((a, b)[place], shape, None, single=False)
    shape = shapes.linear(matrix.inputs, matrix.outputs, matrix.positions)
    return Factors((a, b)[place], shape, matrix.axes)


def _equation(node: Any) -> str:
    found = [
        each for each in node.attribute if each.name == "equation" and each.type == AttributeProto.STRING
    ]
    return found[0].s.decode("utf-8", "replace") if found else ""
