"""The rows of a network's layers, and what they read: kept while a reader walks the network."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ..values import Barrier, LayerRows, RowGraph, RowRead
from .foreign import printable
from .row_flow import NOTHING, Flow, Rows, whole


def _read(layer: int, span: Rows) -> RowRead:
    last, first = span
    return RowRead(layer, tuple(last.tolist()), tuple(np.minimum(first, np.maximum(last, 0)).tolist()))


class RowLedger:
    """Collects the rows of all layers in order, and the barriers that unknown operators are."""

    def __init__(self) -> None:
        """Start before the first layer."""
        self._layers: list[LayerRows] = []
        self._barriers: dict[Barrier, None] = {}
        self.awaited = NOTHING

    def add(self, rows: int, flow: Flow) -> int:
        """Enter a layer of so many rows, which need those of `flow`; return its index."""
        reads = {**flow.needs, **self.awaited.needs}
        spread = {layer: np.broadcast_to(span, (2, rows)) for layer, span in sorted(reads.items())}
        found = [_read(layer, span) for layer, span in spread.items() if span[0, -1] >= 0]
        self._layers.append(LayerRows(rows, tuple(found)))
        return len(self._layers) - 1

    def unknown(self, module: str, operator: str, flows: Iterable[Flow]) -> Flow:
        """Return the flow behind an operator that nothing is known of; it is noted where rows end in it."""
        taken = list(flows)
        if any(flow.axis is not None and flow.needs for flow in taken):
            self._barriers.setdefault(Barrier(printable(module), printable(operator)))
        return whole(taken)

    def wait(self, flow: Flow) -> None:
        """Make all later layers wait for a flow: the network itself read its values."""
        self.awaited = whole([self.awaited, flow])

    @property
    def graph(self) -> RowGraph:
        """The rows of the layers until now."""
        return tuple(self._layers)

    @property
    def barriers(self) -> tuple[Barrier, ...]:
        """Where nothing is known of an operator, each place once, in order."""
        return tuple(self._barriers)
