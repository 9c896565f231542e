"""From an ONNX file to its layers and the coverage table, without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from onnx import helper

from rram_nas_comp_pack.box_converter import shapes
from rram_nas_comp_pack.box_converter.ledger import Holder, Ledger, Weight
from rram_nas_comp_pack.box_converter.onnx_file import Graph, load, nested
from rram_nas_comp_pack.box_converter.shapes import Shape
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Network, Status

_PRODUCTS: dict[str, tuple[int, Status]] = {
    "Conv": (1, "mapped"),
    "ConvTranspose": (1, "mapped"),
    "Gemm": (1, "mapped"),
    "MatMul": (1, "mapped"),
    "ConvInteger": (1, "unsupported"),
    "MatMulInteger": (1, "unsupported"),
    "QLinearConv": (3, "unsupported"),
    "QLinearMatMul": (3, "unsupported"),
}
"""Operators that multiply their input 0 by another one: that one's position, and what becomes of weights."""

_RECURRENT = ("LSTM", "GRU", "RNN")
_OPAQUE = ("Attention", "DeformConv", "Einsum", "If", "Loop", "Scan")
_ARITHMETIC = ("Add", "Div", "Mul", "PRelu", "Pow", "Sub")


@dataclass(frozen=True, slots=True)
class _Factors:
    """How a node multiplies: `weight` is the stored factor, None if there is none; `layout` its reading."""

    weight: str | None
    shape: Shape
    layout: Hashable
    single: bool = True


@dataclass(frozen=True, slots=True)
class _Constant:
    """A value made of constants alone: the weights in it, and a recipe that equal values share."""

    weights: frozenset[str]
    recipe: Hashable


def read_onnx(path: Path, input_size: tuple[int, ...]) -> Network:
    """Return the network in `path` on one sample; open dimensions of the input come from `input_size`.

    Conv, ConvTranspose, Gemm and MatMul with a constant operand are layers, in the order of the file.
    Coverage has a row for every node that first uses a constant together with data: "mapped", "digital"
    (norms, elementwise, lookups; also products of data by data) or "unsupported" (integer and recurrent
    operators, operators of other domains, graphs in nodes, constants that nothing uses). Raises BadInput for
    a file that is no model, for sizes that stay unknown, and where no layer can be mapped.
    """
    reader = _Reader(load(path, input_size), str(path))
    for node in reader.graph.nodes:
        reader.enter(node)
    return reader.ledger.close(str(path), [*reader.holders, *reader.unused()])


class _Reader:
    """Walks the nodes once and remembers which values are constant."""

    def __init__(self, graph: Graph, path: str) -> None:
        """Start before the first node."""
        self.graph = graph
        self.ledger = Ledger()
        self.holders: list[Holder] = []
        self._path = path
        self._owned: set[str] = set()
        self._names = Counter(str(node.name) for node in graph.nodes)
        self._constants = {
            name: _Constant(frozenset({name}) & graph.weights.keys(), name) for name in graph.constants
        }

    def enter(self, node: Any) -> None:
        """Enter one node into the ledger."""
        if node.op_type == "Constant":
            return
        inputs = [name for name in node.input if name]
        inner = nested(node)
        if not inner and all(name in self._constants for name in inputs):
            self._fold(node, inputs)
            return
        inside = {name for graph in inner for name in _names(graph)}
        used = [self._constants[name] for name in (*inputs, *sorted(inside)) if name in self._constants]
        weights = sorted({weight for constant in used for weight in constant.weights})
        self._hold(node, weights)
        for weight in weights:
            self.ledger.use(self._name(node), weight, "unsupported" if self._opaque(node) else "digital")
        self._enter_work(node, bool(weights))

    def unused(self) -> list[Holder]:
        """Return the weights that no node used."""
        return [
            Holder(name, "initializer", (Weight(name, prod(dims), len(dims)),))
            for name, dims in self.graph.weights.items()
            if name not in self._owned
        ]

    def _fold(self, node: Any, inputs: list[str]) -> None:
        """Note a node that only prepares constants: its results are constant too."""
        sources = [self._constants[name] for name in inputs]
        if node.op_type == "Identity":  # how exporters share one weight between nodes
            self._constants[node.output[0]] = sources[0]
            return
        weights = frozenset[str]().union(*(source.weights for source in sources))
        settings = tuple(attribute.SerializeToString() for attribute in node.attribute)
        made = (node.op_type, settings, tuple(source.recipe for source in sources))
        for position, output in enumerate(node.output):
            self._constants[output] = _Constant(weights, (made, position))

    def _hold(self, node: Any, weights: list[str]) -> None:
        """Make the node a holder; a weight counts where it is used first."""
        dims = self.graph.weights
        held = [Weight(w, 0 if w in self._owned else prod(dims[w]), len(dims[w])) for w in weights]
        self._owned.update(weights)
        self.holders.append(Holder(self._name(node), node.op_type, tuple(held), node.op_type in _PRODUCTS))

    def _name(self, node: Any) -> str:
        """Return the node's name, or that of its result where the name is missing or not its own."""
        return str(node.name if node.name and self._names[node.name] == 1 else node.output[0])

    def _opaque(self, node: Any) -> bool:
        foreign = node.domain not in ("", "ai.onnx")
        return foreign or node.op_type in _OPAQUE or node.op_type in _RECURRENT

    def _enter_work(self, node: Any, has_weights: bool) -> None:
        """Enter the multiplications of a node."""
        name, kind = self._name(node), node.op_type
        if self._opaque(node):
            if kind in _RECURRENT:
                matrices = sum(prod(self._sizes(w)) for w in node.input[1:3])
                self.ledger.add_macs(name, "unsupported", matrices * prod(self._sizes(node.input[0])[:-1]))
        elif kind in _PRODUCTS:
            self._enter_product(node)
        elif has_weights and (kind in _ARITHMETIC or kind.endswith("Normalization")):
            self.ledger.add_elementwise(name, prod(self._sizes(node.output[0])))

    def _enter_product(self, node: Any) -> None:
        name, status = self._name(node), _PRODUCTS[node.op_type][1]
        factors = self._factors(node)
        if factors.weight is None:
            # A kernel that depends on data cannot be stored; a product of two activations is digital work.
            beside: Status = "unsupported" if "Conv" in node.op_type else "digital"
            self.ledger.add_macs(name, beside, factors.shape.macs)
            return
        constant = self._constants[factors.weight]
        status = status if factors.single else "unsupported"
        for weight in constant.weights:
            self.ledger.use(name, weight, status)
        if status != "mapped":
            self.ledger.add_macs(name, status, factors.shape.macs)
            return
        rank = len(self._sizes(factors.weight)) - 2
        kind = f"{node.op_type}{rank}d" if "Conv" in node.op_type else "Linear"
        self.ledger.add_layer(name, name, kind, factors.shape, (constant.recipe, factors.layout))

    def _factors(self, node: Any) -> _Factors:
        x, weight = node.input[0], node.input[_PRODUCTS[node.op_type][0]]
        if "Conv" in node.op_type:
            return self._convolution(node, x, weight)
        return self._matrices(node, x, weight)

    def _convolution(self, node: Any, x: str, weight: str) -> _Factors:
        transposed = node.op_type == "ConvTranspose"
        groups = int(_attribute(node, "group", 1))
        rule = shapes.transposed_convolution if transposed else shapes.convolution
        sizes = self._sizes(x if transposed else node.output[0])
        shape = rule(self._sizes(weight), groups, sizes[0] * prod(sizes[2:]))
        return _Factors(weight if weight in self._constants else None, shape, (transposed, groups))

    def _matrices(self, node: Any, a: str, b: str) -> _Factors:
        """Return how `a @ b` multiplies, each turned by Gemm's attributes, weights on either side."""
        left, right = self._sizes(a), self._sizes(b)
        turned = [bool(_attribute(node, key, 0)) for key in ("transA", "transB")]
        left = left[::-1] if turned[0] else left if len(left) > 1 else (1, *left)
        right = right[::-1] if turned[1] else right if len(right) > 1 else (*right, 1)
        if b not in self._constants and a in self._constants:
            vectors = prod(right[:-2]) * right[-1]
            shape = shapes.linear(left[-1], left[-2], vectors)
            return _Factors(a, shape, not turned[0], prod(left[:-2]) == 1)
        single = prod(right[:-2]) == 1
        batch = max(prod(left[:-2]), prod(right[:-2]))
        shape = shapes.linear(right[-2], right[-1], batch * left[-2])
        return _Factors(b if b in self._constants else None, shape, turned[1], single)

    def _sizes(self, name: str) -> tuple[int, ...]:
        """Return the size of a value; BadInput if inference left a part of it open."""
        dims = self.graph.shapes.get(name)
        if dims is None or None in dims:
            raise BadInput(
                f"{self._path}: the size of {name!r} is unknown; export the network with fixed sizes "
                "or give the open ones with --input-size"
            )
        return tuple(n for n in dims if n is not None)


def _attribute(node: Any, key: str, default: int) -> Any:
    found = [attribute for attribute in node.attribute if attribute.name == key]
    return helper.get_attribute_value(found[0]) if found else default


def _names(graph: Any) -> set[str]:
    """Return the names of all values that a graph's nodes read."""
    return {name for node in graph.node for name in node.input}
