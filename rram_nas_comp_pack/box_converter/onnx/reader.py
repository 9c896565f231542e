"""From an ONNX file to its layers and the coverage table, without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any

from ...errors import BadInput
from ...values import InputSize, Network, Status
from ..ledger import Holder, Ledger, Weight
from .constants import ARITHMETIC, Constant, Constants
from .graph import Graph, Step, UnknownSize
from .inputs import fill_inputs
from .model_file import all_graphs, folder_of, inner_graphs, label, read_model, reading
from .other_domains import packed_sizes
from .products import PRODUCTS, Factors, count_macs, is_product, is_unmapped, read_factors
from .rows import RowTracker
from .settings import is_setting, stored
from .sizes import DRAWN, find_sizes

_MOST_WEIGHTS, _MOST_READS = 2**33, 2**31 - 1
"""Of one layer: more than any network has; their boxes could not be listed, or not read back."""


def read_onnx(path: Path, input_size: InputSize | None = None) -> Network:
    """Return the network in `path` on one sample; open sizes of its inputs come from `input_size`.

    Inputs whose sizes are all fixed count as one sample as they are, whatever their first size.

    Conv, ConvTranspose, Gemm, MatMul and Einsum with a constant operand are layers, in the order of the file.
    Coverage has a row for every node that uses a constant together with data: "mapped", "digital" (norms,
    elementwise, lookups; also products of data by data) or "unsupported" (integer and recurrent operators,
    operators of other domains, graphs in nodes, constants that nothing uses). A constant counts where it is
    mapped, else where it is used first. Raises BadInput for a file that is no model, for sizes that stay
    unknown or contradict one another, and where no layer can be mapped.
    """
    sizes = dict(input_size) if isinstance(input_size, dict) else {"": input_size}
    given = {name: tuple(size) for name, size in sizes.items() if size is not None}
    model = read_model(path)
    try:
        inputs = fill_inputs(model.graph, given, str(path))
        graph = find_sizes(model, inputs, str(path), folder_of(path))
        reader = _Reader(graph)
        for step in graph.steps:
            with reading(step.node, str(path)):
                reader.enter(step)
        network = reader.close(str(path))
    except RecursionError as error:
        raise BadInput(f"{path}: its graphs are nested too deeply") from error
    return replace(network, inputs=tuple(inputs.sizes.items()))


class _Reader:
    """Walks the nodes once and remembers which values are constant."""

    def __init__(self, graph: Graph) -> None:
        """Start before the first node."""
        self._graph = graph
        self._ledger = Ledger()
        self._holders: list[tuple[int, Any, list[Hashable]]] = []
        self._uses: list[tuple[int, Hashable, Status]] = []
        self._at = 0
        self._biases: set[Hashable] = set()
        self._names = Counter(str(step.node.name) for step in graph.steps)
        self._constants = Constants(graph)
        self._rows = RowTracker(graph)

    def enter(self, step: Step) -> None:
        """Enter one node into the ledger, by its number: names may be those of other nodes."""
        node = step.node
        self._at += 1
        if node.op_type == "Constant" and not node.domain:
            return
        inside = inner_graphs(node)
        results = [name for name in node.output if name]
        if not inside and node.op_type not in DRAWN and self._constants.prepares(node):
            self._constants.fold(node)
            return
        if inside and results and all(self._graph.fixed[name] for name in results):
            self._constants.fold_branch(step, self._at)
            return
        if not inside and results and all(name in self._graph.known for name in results):
            return  # Shape and what else is known through sizes alone
        weights = [*self._used(node), *self._inner(node, inside)]
        self._holders.append((self._at, node, weights))
        status: Status = "unsupported" if is_unmapped(node) else "digital"
        for weight in weights:
            self._use(weight, status)
        layers = len(self._ledger.layers)
        self._enter_work(step, weights)
        self._rows.follow(node, self._name(node), len(self._ledger.layers) > layers)

    def close(self, name: str) -> Network:
        """Return the network; what stays unused is part of its coverage."""
        owners = self._owners()
        holders = [
            Holder(
                self._name(node),
                node.op_type,
                tuple(self._weight(key, owners[key] == number) for key in keys),
                node.op_type in PRODUCTS,
                number,
            )
            for number, node, keys in self._holders
        ]
        unused = [
            key for key in self._constants.dims if key not in owners and key not in self._constants.settings
        ]
        holders += [
            Holder(
                str(key[1] if isinstance(key, tuple) else key),
                "initializer",
                (self._weight(key, True),),
                key=("unused", key),
            )
            for key in unused
        ]
        rows = self._rows.ledger
        return replace(self._ledger.close(name, holders), graph=rows.graph, barriers=rows.barriers)

    def _weight(self, key: Hashable, owned: bool) -> Weight:
        dims = self._constants.dims[key]
        rank = sum(n > 1 for n in dims) if key in self._biases else len(dims)  # a bias may be written 1xN
        return Weight(key, prod(dims) if owned else 0, rank)

    def _owners(self) -> dict[Hashable, int]:
        """Return with which node a weight counts: where it is mapped, else unsupported, else used first."""
        owners: dict[Hashable, int] = {}
        for wanted in ("mapped", "unsupported", "digital"):
            for holder, key, status in self._uses:
                if status == wanted:
                    owners.setdefault(key, holder)
        return owners

    def _use(self, key: Hashable, status: Status) -> None:
        self._uses.append((self._at, key, status))
        self._ledger.use(self._at, key, status)

    def _used(self, node: Any) -> list[Hashable]:
        """Return the weights that a node takes together with data."""
        found: dict[Hashable, None] = {}
        for position, name in enumerate(node.input):
            constant = self._constants.known.get(name)
            if constant is None:
                continue
            weights = sorted(constant.weights, key=str)
            packed = packed_sizes(node)
            if position == 1 and packed is not None:
                self._constants.dims.update(dict.fromkeys(weights, packed))
            if is_setting(node, position):
                self._constants.settings.update(weights)
                continue
            if node.op_type == "Gemm" and position == 2:
                self._biases.update(weights)
            found.update(dict.fromkeys(weights))
        return list(found)

    def _inner(self, node: Any, inside: Iterable[Any]) -> list[Hashable]:
        """Return the weights inside a node's graphs, and those that these take from around it."""
        found: dict[Hashable, None] = {}
        for graph in (each for outer in inside for each in all_graphs(outer)):
            held = stored(graph)
            for name, weight in held.items():
                key = (self._at, name, weight.content)  # equal ones in both branches are one
                self._constants.dims[key] = weight.dims
                found[key] = None
            for name in (name for child in graph.node for name in child.input):
                if name in self._constants.known and name not in held:
                    found.update(dict.fromkeys(sorted(self._constants.known[name].weights, key=str)))
        return list(found)

    def _name(self, node: Any) -> str:
        """Return the node's name, or that of its result where the name is missing or not its own."""
        unique = node.name and self._names[node.name] == 1
        return str(node.name if unique else next((name for name in node.output if name), label(node)))

    def _enter_work(self, step: Step, weights: list[Hashable]) -> None:
        """Enter the multiplications of a node."""
        node = step.node
        if is_product(node):
            self._enter_product(node)
        elif is_unmapped(node):
            status: Status = "unsupported" if weights else "digital"
            macs, whole = count_macs(step, self._graph)
            self._ledger.add_macs(self._at, status, macs)
            if not whole:
                self._ledger.add_macs(self._at, status, None)
        elif weights and (node.op_type in ARITHMETIC or node.op_type.endswith("Normalization")):
            try:
                self._ledger.add_elementwise(self._at, prod(self._graph.sizes(node.output[0])))
            except UnknownSize:
                self._ledger.add_macs(self._at, "digital", None)

    def _enter_product(self, node: Any) -> None:
        status = PRODUCTS[node.op_type][1]
        try:
            factors = read_factors(node, self._graph)
        except UnknownSize:
            if any(input in self._constants.known for input in node.input):
                raise
            self._ledger.add_macs(self._at, "digital", None)
            return
        if factors.weight is None:
            # A kernel that depends on data cannot be stored; a product of two activations is digital work.
            beside: Status = "unsupported" if "Conv" in node.op_type else "digital"
            self._ledger.add_macs(self._at, beside, factors.shape.macs)
            return
        constant = self._constants.known[factors.weight]
        status = status if factors.single or constant.matrices == 1 else "unsupported"
        for weight in constant.weights or self._make(factors, constant):
            self._use(weight, status)
        if status != "mapped":
            self._ledger.add_macs(self._at, status, factors.shape.macs)
            return
        self._add_layer(node, factors, constant)

    def _add_layer(self, node: Any, factors: Factors, constant: Constant) -> None:
        raw = factors.shape.raw
        if raw.h * raw.w > _MOST_WEIGHTS or raw.cycles > _MOST_READS:
            found = f"{label(node)} has {raw.h} x {raw.w} weights that are read {raw.cycles} times"
            allowed = f"at most {_MOST_WEIGHTS} weights and {_MOST_READS} reads are mapped"
            raise BadInput(f"{self._graph.path}: {found}; {allowed}")
        rank = len(self._graph.sizes(str(factors.weight))) - 2
        kind = f"{node.op_type}{rank}d" if "Conv" in node.op_type else "Linear"
        stored = (constant.recipe, factors.layout)
        self._ledger.add_layer(self._at, self._name(node), kind, factors.shape, stored)

    def _make(self, factors: Factors, constant: Constant) -> list[Hashable]:
        """Return a weight that a node fills instead of storing it: it counts where it is multiplied with."""
        key = ("made", constant.recipe)
        self._constants.dims[key] = self._graph.sizes(str(factors.weight))
        self._holders[-1][2].append(key)
        return [key]
