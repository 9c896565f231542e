"""The constants of an ONNX graph: the weights in each, and what nodes prepare of them."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, replace
from math import prod
from typing import Any

from .graph import Graph, Step
from .model_file import all_graphs, inner_graphs
from .settings import content_inputs, is_setting, stored

ARITHMETIC = ("Add", "Div", "Mul", "PRelu", "Pow", "Sub")


@dataclass(frozen=True, slots=True)
class Constant:
    """A value that does not depend on the inputs: the weights in it, and a recipe that equal values share.

    `matrices` is the number of matrices that it repeats, None where it repeats none.
    """

    weights: frozenset[Hashable]
    recipe: Hashable
    matrices: int | None = None


class Constants:
    """The values that do not depend on the inputs, by name, as far as the graph was walked.

    `dims` are the sizes of all weights by their keys, `settings` the weights that only say how others are
    taken, `known` the constants.
    """

    def __init__(self, graph: Graph) -> None:
        """Start before the first node, with what the graph stores."""
        self._graph = graph
        weights = stored(graph.source)
        self.dims: dict[Hashable, tuple[int, ...]] = {name: held.dims for name, held in weights.items()}
        self.settings: set[Hashable] = set()
        self.known = {
            name: Constant(frozenset({name}) & weights.keys(), name)
            for name, fixed in graph.fixed.items()
            if fixed
        }

    def prepares(self, node: Any) -> bool:
        """Say whether the content of a node's results depends on constants alone."""
        return all(name in self.known for name in content_inputs(node))

    def fold(self, node: Any) -> None:
        """Note a node that only prepares constants: its results are constant too."""
        taken = content_inputs(node)
        inputs = [(position, name) for position, name in enumerate(node.input) if name in taken]
        sources = [self.known[name] for _, name in inputs]
        if node.op_type == "Identity" and sources:  # how exporters share one weight between nodes
            self.known[node.output[0]] = sources[0]
            return
        scales = self._scales(node)
        weights: set[Hashable] = set()
        for (position, name), source in zip(inputs, sources, strict=True):
            if is_setting(node, position) or name in scales:
                self.settings.update(source.weights)
            else:
                weights |= source.weights
        repeated = self._repeated(node)
        if repeated is not None:
            self.known[node.output[0]] = replace(sources[0], matrices=repeated)
            return
        settings = tuple(attribute.SerializeToString() for attribute in node.attribute)
        made = (node.op_type, settings, tuple(source.recipe for source in sources))
        for position, output in enumerate(node.output):
            self.known[output] = Constant(frozenset(weights), (made, position))

    def _repeated(self, node: Any) -> int | None:
        """Return how many matrices a constant holds of which a node makes more; None if it does not."""
        if node.op_type not in ("Expand", "Tile") or node.domain:
            return None
        before, after = self._graph.dims(node.input[0]), self._graph.dims(node.output[0])
        if before is None or after is None or len(before) < 2 or before[-2:] != after[-2:]:
            return None
        earlier = self.known[node.input[0]].matrices
        return prod(n or 0 for n in before[:-2]) if earlier is None else earlier

    def fold_branch(self, step: Step, at: int) -> None:
        """Note the constants that a branch prepares which is known to run, in the node of number `at`."""
        around, self._graph = self._graph, step.bodies[0].graph
        for graph in (each for outer in inner_graphs(step.node) for each in all_graphs(outer)):
            self.dims |= {(at, name, held.content): held.dims for name, held in stored(graph).items()}
        source = self._graph.source
        for name, held in stored(source).items():
            key = (at, name, held.content)
            self.known[name] = Constant(frozenset({key}), key)
        for name, fixed in self._graph.fixed.items():
            if fixed and name not in self.known:
                self.known[name] = Constant(frozenset(), (at, name))
        for inner in self._graph.steps:
            names = [name for name in inner.node.output if name]
            if inner.bodies and all(self._graph.fixed[name] for name in names):
                self.fold_branch(inner, at)
            elif inner.node.op_type != "Constant" and self.prepares(inner.node):
                self.fold(inner.node)
        self._graph = around
        for name, result in zip(step.node.output, source.output, strict=False):
            self.known[name] = self.known[result.name]

    def _scales(self, node: Any) -> set[str]:
        """Return the operands that are spread over a larger weight: they become part of its cells."""
        if node.op_type not in ARITHMETIC or node.domain:
            return set()
        result = self._graph.dims(node.output[0])
        full = {name for name in node.input if self._graph.dims(name) == result}
        return set(node.input) - full if full else set()
