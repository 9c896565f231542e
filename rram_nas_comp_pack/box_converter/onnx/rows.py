"""Follows the rows of a graph's values through its nodes, beside the reader."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..row_flow import Flow, only_row, own_rows, whole
from ..row_ledger import RowLedger
from .graph import Graph, UnknownSize
from .model_file import all_graphs, inner_graphs
from .row_rules import NodeRows, convolution_rows, matrix_flow, rule_of

_UNFIT = (LookupError, TypeError, ValueError, UnknownSize)
"""What a rule raises that does not fit a node: sizes and settings that are not known, or odd ones."""


class RowTracker:
    """The flows of all values by name; layers are entered into `ledger`."""

    def __init__(self, graph: Graph) -> None:
        """Start before the first node."""
        self.ledger = RowLedger()
        self._graph = graph
        self._flows: dict[str, Flow] = {}

    def follow(self, node: Any, name: str, is_layer: bool) -> None:
        """Note the rows of a node's results; `name` is what the node is called."""
        flows = [self._flows[each] for each in self._taken(node) if each in self._flows]
        if is_layer:
            self._add_layer(node, name, flows)
        elif any(flow.needs for flow in flows):
            results = self._found(node, name, flows)
            self._flows |= {out: flow for out, flow in zip(node.output, results, strict=True) if out}

    def _taken(self, node: Any) -> list[str]:
        """Return the values that a node takes, those that graphs inside it take among them."""
        inner = [each for outer in inner_graphs(node) for each in all_graphs(outer)]
        return [*node.input, *(name for graph in inner for child in graph.node for name in child.input)]

    def _found(self, node: Any, name: str, flows: list[Flow]) -> list[Flow]:
        rule = None if inner_graphs(node) else rule_of(node)
        if rule is not None:
            try:
                rows = NodeRows(node, self._graph, self._flows)
                return [rule(rows, place) for place in range(len(node.output))]
            except _UNFIT:
                pass
        return [self.ledger.unknown(name, node.op_type, flows)] * len(node.output)

    def _add_layer(self, node: Any, name: str, flows: list[Flow]) -> None:
        try:
            count, flow, made, axis = self._rows_of(NodeRows(node, self._graph, self._flows))
        except _UNFIT:
            flow = self.ledger.unknown(name, node.op_type, flows)
            count, made, axis = 1, np.zeros(1, dtype=np.int64), None
        number = self.ledger.add(count, flow)
        own = own_rows([number], made if axis is not None else only_row(count))
        self._flows[node.output[0]] = Flow(axis, own)

    def _rows_of(self, rows: NodeRows) -> tuple[int, Flow, Any, int | None]:
        """Return rows of a layer, what they need, which of them its result needs, and the axis there."""
        if "Conv" in rows.node.op_type:
            count, flow, made = convolution_rows(rows)
            return count, flow, made, 2 if count > 1 else None
        flow, out = matrix_flow(rows), rows.out
        axis = flow.axis
        if axis is None and rows.node.op_type in ("MatMul", "Gemm") and len(out) > 1:
            outputs = len(out) - (1 if self._graph.fixed[rows.node.input[1]] else 2)
            free = [k for k, size in enumerate(out) if k != outputs and size > 1]
            axis = free[0] if free else None
        if axis is None:
            return 1, whole([flow]), None, None
        return out[axis], flow, np.arange(out[axis]), axis
