"""Follows the rows of a network's values through torch's operators, beside the recorder."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor
from torch.utils._pytree import tree_leaves

from .. import row_flow
from ..row_flow import NOTHING, Flow, whole
from ..row_ledger import RowLedger
from .met import Met
from .operators import aten, factors
from .owners import storage_of
from .row_calls import Call
from .row_rules import convolution_rows, matrix_product, rule_of

View = tuple[Any, ...]
"""What tells views of one storage apart."""

_SIZE_DEPENDS_ON_VALUES = ("nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive")


class RowTracker:
    """The flows of all tensors, by storage and view; layers are entered into `ledger`.

    A view that no operator made is taken for all of its storage, and so are views of a storage that is
    written into through another one.
    """

    def __init__(self) -> None:
        """Start before the first operator."""
        self.ledger = RowLedger()
        self._flows: dict[int, dict[View, Flow]] = {}

    def follow(self, func: Any, arguments: Any, result: Any, module: str) -> None:
        """Note the rows of an operator's results."""
        call = self._call(func, arguments, result)
        rule = rule_of(func) if hasattr(func, "overloadpacket") else None
        flows = [self.flow_of(x) for x in call.operands]
        if not any(flow.needs for flow in flows):
            self._store(call, [NOTHING] * len(call.results))
            return
        if not call.results or call.name in _SIZE_DEPENDS_ON_VALUES:
            self.ledger.wait(whole(flows))
        self._store(call, self._found(call, rule, flows, module))

    def _found(self, call: Call, rule: Any, flows: list[Flow], module: str) -> list[Flow]:
        """Return the flow of every result; a rule that does not fit the operands is none."""
        if rule is not None:
            try:
                return [rule(call, place) for place in range(len(call.results))]
            except (LookupError, TypeError, ValueError):  # called in a way that the rule does not foresee
                pass
        flow = self.ledger.unknown(module, call.name, flows)
        return [flow] * len(call.results)

    def add_layers(self, arguments: Any, result: Any, met: Met) -> None:
        """Enter the layers that one product by weights computes, of the same rows."""
        func = met.func
        call = self._call(func, arguments, result)
        if func.overloadpacket is aten.convolution:
            rows, flow, made = convolution_rows(call)
            axis: int | None = 2 if rows > 1 else None
        else:
            rows, flow, axis = self._matrix_rows(call, met.mirrored)
            made = np.arange(rows)
        numbers = [self.ledger.add(rows, flow) for _ in met.layers]
        if axis is None:
            made = row_flow.only_row(rows)
        own = Flow(axis, row_flow.own_rows(numbers, made))
        self._store(call, [own] * len(call.results))

    def _matrix_rows(self, call: Call, mirrored: bool) -> tuple[int, Flow, int | None]:
        """Return the rows of a product of matrices, what they need, and their axis in the result."""
        out = tuple(call.results[0].shape)
        if call.name == "linear":
            flow = matrix_product(call, call.args[0], call.args[1])
        else:
            flow = matrix_product(call, *factors(call.func, call.args))
        axis = flow.axis
        if axis is None and len(out) > 1:
            outputs = len(out) - (2 if mirrored else 1)
            free = [k for k, size in enumerate(out) if k != outputs and size > 1]
            axis = free[0] if free else None
        if axis is None:
            return 1, whole([flow]), None
        return out[axis], flow, axis

    def flow_of(self, tensor: Tensor) -> Flow:
        """Return the flow of a tensor; of a view that no operator made, that of all its storage."""
        views = self._flows.get(storage_of(tensor))
        if not views:
            return NOTHING
        flow = views.get(_view(tensor))
        return whole(views.values()) if flow is None else flow

    def _store(self, call: Call, flows: list[Flow]) -> None:
        taken = {storage_of(x) for x in call.operands}
        is_mutable = call.func._schema.is_mutable if hasattr(call.func, "_schema") else True
        for tensor, flow in zip(call.results, flows, strict=True):
            storage = storage_of(tensor)
            if storage not in taken:
                self._flows[storage] = {_view(tensor): flow}
                continue
            views = self._flows.setdefault(storage, {})
            if is_mutable:
                for view, earlier in views.items():
                    views[view] = whole([earlier, flow])
            views[_view(tensor)] = flow
        if is_mutable and not call.results:
            everything = whole(self.flow_of(x) for x in call.operands)
            self._flows |= {storage_of(x): {_view(x): everything} for x in call.operands}

    def _call(self, func: Any, arguments: Any, result: Any) -> Call:
        args, kwargs = arguments
        name = func.overloadpacket.__name__ if hasattr(func, "overloadpacket") else str(func)
        return Call(name, func, args, kwargs, _tensors(arguments), _tensors(result), self.flow_of)


def _view(tensor: Tensor) -> View:
    try:
        return tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())
    except (NotImplementedError, RuntimeError):  # sparse and opaque tensors have no strides
        return (tuple(tensor.shape),)


def _tensors(tree: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor)]
