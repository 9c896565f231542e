"""The sizes of all values of an ONNX graph, found node by node in the order of execution.

Sizes often depend on values: a Reshape takes them from a chain of Shape, Gather, Concat and the like. All
input sizes are known here, so such chains consist of constants: each of their nodes is run when it is met,
and what it gives is there for the nodes after it.
"""

from __future__ import annotations

from collections import ChainMap
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import TensorProto, TypeProto, helper

from ...errors import BadInput
from . import arithmetic as onnx_arithmetic
from . import size_rules as onnx_rules
from .agreement import Site, find_misfit
from .bodies import BODIES, Outcome
from .graph import Graph, Step, dims_of, tensor_type
from .inputs import Inputs, declared_dims, first_judged, symbols_of
from .model_file import MOST_KNOWN, Dims, expected_sizes, label, reading, tensor_value, text
from .other_domains import foreign_sizes, make_native, results_of_that_size
from .settings import content_inputs

Array = NDArray[Any]

DRAWN = ("Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike")
"""Operators that make other values each time."""


def find_sizes(model: Any, inputs: Inputs, path: str, folder: str) -> Graph:
    """Return a model's graph with all sizes, where its inputs are as large as `inputs` says.

    `folder` holds the small tensors that are kept in files of their own. Raises BadInput for sizes below 1 or
    beyond measure, and for sizes that contradict one another, naming the operator. A size that depends on
    values is left unknown.
    """
    opsets = {"" if each.domain == "ai.onnx" else each.domain: each.version for each in model.opset_import}
    opsets.setdefault("", 1)
    root = Sizer(_Setting(opsets, inputs, path, folder, first_judged(model.graph)))
    for value in model.graph.input:
        kind = value.type
        if value.name in inputs.sizes:
            kind = tensor_type(kind.tensor_type.elem_type or TensorProto.FLOAT, inputs.sizes[value.name])
        root.give(value.name, kind)
    root.run(model.graph)
    return root.graph()


@dataclass(frozen=True, slots=True)
class _Setting:
    """What is the same for a model and all graphs within it; `first_judged` as that function gives it."""

    opsets: dict[str, int]
    inputs: Inputs
    path: str
    folder: str
    first_judged: int = 0


class Sizer:
    """Walks one graph; what lies in the graphs around it is seen through chains."""

    def __init__(self, setting: _Setting, outer: Sizer | None = None) -> None:
        """Start before the first node."""
        self.path = setting.path
        self._is_outermost = outer is None  # bodies may run at several sizes
        self.types: ChainMap[str, Any] = outer.types.new_child() if outer else ChainMap()
        self.known: ChainMap[str, Array] = outer.known.new_child() if outer else ChainMap()
        self._fixed: ChainMap[str, bool] = outer._fixed.new_child() if outer else ChainMap()
        self._stops: ChainMap[str, str] = outer._stops.new_child() if outer else ChainMap()
        self._at = setting
        self._source: Any = None
        self._steps: list[Step] = []
        self._stated: dict[str, Dims] = {}
        self._promised: dict[str, Dims] = {}

    def child(self) -> Sizer:
        """Return the walker of a graph within this one."""
        return Sizer(self._at, self)

    def graph(self) -> Graph:
        """Return what was found."""
        return Graph(
            tuple(self._steps), self.types, self._fixed, self.known, self._stops, self.path, self._source
        )

    def give(self, name: str, kind: Any, value: Array | None = None, fixed: bool = False) -> None:
        """Note a value's type, whether it is constant, and its content where it is known."""
        self.types[name] = kind
        self._fixed[name] = fixed
        if value is not None and value.size <= MOST_KNOWN:
            self.known[name] = value

    def is_fixed(self, name: str) -> bool:
        """Say whether a value is there and does not depend on the inputs."""
        return self._fixed.get(name, False)

    def dims(self, name: str) -> Dims | None:
        """Return the size of a value as far as it is known; None for unknown rank or an absent operand."""
        return dims_of(self.types[name]) if name in self.types else None

    def run(self, graph: Any) -> None:
        """Find the sizes of all values of a graph whose inputs were given."""
        self._source = graph
        for value in (*graph.value_info, *graph.output):
            self._state(value)
        for tensor in graph.initializer:
            self._store(tensor.name, tensor)
        for sparse in graph.sparse_initializer:
            kind = tensor_type(sparse.values.data_type, tuple(sparse.dims))
            self.give(sparse.values.name, kind, fixed=True)
        for node in graph.node:
            with reading(node, self.path):
                summand = make_native(node)
                self._enter(node)
                self._check_summand(node, summand)

    def _state(self, value: Any) -> None:
        """Note the size that the file states for a value; a batch that is open and has no name is 1."""
        kind = value.type.tensor_type
        dims = declared_dims(kind)
        if dims is None:
            return
        if self._is_outermost:
            self._promised[value.name] = dims
        symbols = symbols_of(kind)
        known = self._at.inputs.symbols
        filled = [known.get(symbol) if n is None else n for n, symbol in zip(dims, symbols, strict=True)]
        if filled and filled[0] is None and not symbols[0]:
            filled[0] = 1
        self._stated[value.name] = tuple(filled)

    def _store(self, name: str, tensor: Any) -> None:
        kind = tensor_type(tensor.data_type, tuple(tensor.dims))
        self.give(name, kind, tensor_value(tensor, self._at.folder), fixed=True)

    def _enter(self, node: Any) -> None:
        """Find the sizes of one node's results."""
        for name in node.input:
            if name and name not in self.types:
                raise BadInput(f"{self.path}: {label(node)} reads {name!r}, which nothing before it gives")
        given = [name for name in node.output if name]
        again = [name for name in given if name in self.types.maps[0] or given.count(name) > 1]
        if again:
            raise BadInput(f"{self.path}: {label(node)} gives {again[0]!r}, a value that there is already")
        if node.op_type == "Constant" and not node.domain:
            self._enter_constant(node)
            self._steps.append(Step(node))
            return
        body = BODIES.get(node.op_type) if not node.domain else None
        outcome = body(self, node) if body else Outcome(self._infer(node))
        names = [name for name in node.input if name]
        told = all(self._fixed[name] for name in content_inputs(node))
        constant = node.op_type not in DRAWN and not body and told
        self._give_results(node, outcome, constant)
        if not body:
            self._evaluate(node, names)
        self._check(node)
        self._steps.append(Step(node, outcome.bodies))

    def _enter_constant(self, node: Any) -> None:
        name = next(iter(node.output), "")
        found = [each for each in node.attribute if each.name.startswith(("value", "sparse_value"))]
        if len(found) != 1 or not name:
            raise BadInput(f"{self.path}: {label(node)} has {len(found)} values, one is expected")
        value = helper.get_attribute_value(found[0])
        if isinstance(value, TensorProto):
            self._store(name, value)
        elif found[0].name == "sparse_value":
            self.give(name, tensor_type(value.values.data_type, tuple(value.dims)), fixed=True)
        else:
            array = np.asarray(value)
            array = array.astype({"f": np.float32, "i": np.int64}.get(array.dtype.kind, object))
            self.give(name, tensor_type(onnx_arithmetic.element_type(array), array.shape), array, fixed=True)

    def _give_results(self, node: Any, outcome: Outcome, constant: bool) -> None:
        """Note a node's results; sizes that its rule leaves open are those that the file states."""
        blamed = next((self._stops[name] for name in node.input if name in self._stops), None)
        for name in filter(None, node.output):
            kind = outcome.types.get(name, TypeProto())
            dims = dims_of(kind)
            if dims is None or None in dims:
                dims = self._completed(name, dims)
                if dims is not None and kind.WhichOneof("value") in (None, "tensor_type"):
                    kind = tensor_type(kind.tensor_type.elem_type or TensorProto.FLOAT, dims)
            value = outcome.values.get(name)
            self.give(name, kind, value, fixed=constant or value is not None or name in outcome.fixed)
            if dims is None or None in dims:
                self._stops[name] = blamed or self._reason(node)

    def _completed(self, name: str, dims: Dims | None) -> Dims | None:
        stated = self._stated.get(name)
        if stated is None or (dims is not None and len(dims) != len(stated)):
            return dims
        return tuple(s if n is None else n for n, s in zip(dims or stated, stated, strict=True))

    def _reason(self, node: Any) -> str:
        """Say why inference stopped at a node."""
        if onnx_rules.schema_of(node, self._at.opsets) is None:
            domain = node.domain or "ai.onnx"
            why = f"an operator of {domain} that is not known here; the file does not state the size either"
        elif node.op_type in BODIES:
            why = "whose graphs give results of different or unknown sizes"
        elif not onnx_rules.has_rule(node, self._at.opsets):
            why = "for whose size there is no rule here; the file does not state it either"
        else:
            why = "whose result's size depends on values"
        return f"inference stopped at {label(node)}, {why}"

    def _infer(self, node: Any) -> dict[str, Any]:
        """Return the types of a node's results."""
        schema = onnx_rules.schema_of(node, self._at.opsets)
        if schema is None:
            dims = foreign_sizes(node, [self.dims(name) for name in node.input])
            first = self.types[node.input[0]] if node.input and node.input[0] else TypeProto()
            elem = first.tensor_type.elem_type or TensorProto.FLOAT
            return {name: tensor_type(elem, dims) for name in results_of_that_size(node)}
        try:
            return onnx_rules.infer(schema, node, self.types, self.known, self._at.opsets)
        except Exception as error:
            sizes = [text(dims) for name in node.input if (dims := self.dims(name)) is not None]
            reason = next(iter(str(error).strip().splitlines()), type(error).__name__).rpartition("] ")[2]
            raise BadInput(
                f"{self.path}: {label(node)} cannot take {' and '.join(sizes) or 'its inputs'} ({reason})"
            ) from error

    def _evaluate(self, node: Any, names: list[str]) -> None:
        """Run a node that only computes with sizes and small constants."""
        dims = self.dims(names[0]) if names else None
        size = None if dims is None else onnx_arithmetic.size_value(node, dims)
        if size is not None:
            found = {node.output[0]: size}
        elif (
            onnx_arithmetic.is_arithmetic(node)
            and all(n in self.known for n in names)
            and self._is_small(node)
        ):
            found = onnx_arithmetic.run(node, self.known, self.types, self._at.opsets[""])
        else:
            return
        for name, array in found.items():
            self.give(name, tensor_type(onnx_arithmetic.element_type(array), array.shape), array, fixed=True)
            self._stops.pop(name, None)

    def _is_small(self, node: Any) -> bool:
        if node.op_type in onnx_arithmetic.SIZED_BY_VALUES:
            return True
        results = [self.dims(name) for name in node.output if name]
        return all(d is not None and None not in d and prod(n or 0 for n in d) <= MOST_KNOWN for d in results)

    def _check(self, node: Any) -> None:
        """Refuse results that are empty or beyond measure; constants may be empty, as settings are."""
        self._check_operands(node)
        self._check_statement(node)
        for name in filter(None, node.output):
            given = [n for n in self.dims(name) or () if n is not None]
            least = 0 if self._fixed[name] else 1
            allowed = expected_sizes(given, least)
            if allowed:
                raise BadInput(f"{self.path}: {label(node)} gives {name!r} the size {text(given)}; {allowed}")

    def _check_operands(self, node: Any) -> None:
        """Refuse operands whose sizes contradict one another."""
        dims = [self.dims(name) for name in node.input]
        result = self.dims(next((name for name in node.output if name), ""))
        misfit = find_misfit(Site(node, dims, result, self.known, self._at.opsets[""]))
        if misfit is not None:
            raise BadInput(f"{self.path}: {label(node)} {misfit}")

    def _check_statement(self, node: Any) -> None:
        """Refuse results of another size than the file states."""
        for name in filter(None, node.output):
            found, stated = self.dims(name), self._promised.get(name)
            if found is None or stated is None:
                continue
            pairs = list(zip(found, stated, strict=False))[self._at.first_judged :]
            if len(found) != len(stated) or any(n != m and None not in (n, m) for n, m in pairs):
                gives = f"{label(node)} gives {name!r} the size {text(found)}"
                raise BadInput(f"{self.path}: {gives}, the file states {text(stated)}")

    def _check_summand(self, node: Any, name: str) -> None:
        added, result = self.dims(name), self.dims(node.output[0])
        if added is not None and result is not None and added != result and None not in (*added, *result):
            raise BadInput(f"{self.path}: {label(node)} adds {text(added)} to its result, {text(result)}")
