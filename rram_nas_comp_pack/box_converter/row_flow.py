"""Which rows of which layers a value of the network needs, and what operators make of that.

A value has a `Flow`: along one of its axes, for every row, the last row of each layer that it needs.
Operators compose flows. All rules are conservative: what is not known to be there earlier is needed in full.
Readers of networks (torch, ONNX) say which rule an operator follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.int64]
Size = tuple[int, ...]


class Flow(NamedTuple):
    """Per layer, the last row that each row of a value along `axis` needs, or -1; arrays (rows,).

    An axis of None: the value has no rows of its own, and arrays have one entry.
    """

    axis: int | None
    needs: Mapping[int, Rows]


class Operand(NamedTuple):
    """A value that an operator takes: its flow and its size."""

    flow: Flow
    size: Size


NOTHING = Flow(None, {})
"""Of stored values and of what the network is given."""


def whole(flows: Iterable[Flow]) -> Flow:
    """Return the flow of what needs all of its operands."""
    needs: dict[int, Rows] = {}
    for flow in flows:
        for layer, last in flow.needs.items():
            most = last.max(keepdims=True)
            needs[layer] = np.maximum(needs[layer], most) if layer in needs else most
    return Flow(None, needs)


def taken(flow: Flow, index: Rows, axis: int | None) -> Flow:
    """Return the flow of rows that need those of `flow` up to `index` (rows,); -1: none.

    The result has its rows along `axis`; None is for a single row.
    """
    needs = {}
    for layer, last in flow.needs.items():
        upto = np.maximum.accumulate(last)
        needs[layer] = np.maximum.accumulate(np.where(index < 0, -1, upto[index]))
    return Flow(axis, needs)


def elementwise(operands: Sequence[Operand], out: Size) -> Flow:
    """Return the flow of an operator on elements in the same place, with sizes broadcast to `out`."""
    flows = [_aligned(each, out) for each in operands]
    axes = [flow.axis for flow in flows if flow.axis is not None]
    if not axes:
        return whole(flows)
    axis = max(axes, key=lambda a: out[a])
    return merged(flows, axis, out[axis])


def merged(flows: Iterable[Flow], axis: int, rows: int) -> Flow:
    """Return the flow of rows along `axis` that need the same row of all flows along it, all of others."""
    needs: dict[int, Rows] = {}
    for flow in flows:
        flow = flow if flow.axis == axis else whole([flow])
        for layer, last in flow.needs.items():
            spread = np.broadcast_to(last, (rows,))
            needs[layer] = np.maximum(needs[layer], spread) if layer in needs else spread
    return Flow(axis, needs)


def _aligned(operand: Operand, out: Size) -> Flow:
    """Return an operand's flow with its axis counted in `out`."""
    (axis, needs), size = operand
    if axis is None:
        return operand.flow
    place = axis + len(out) - len(size)
    if place < 0 or size[axis] != out[place]:
        return whole([operand.flow])
    return Flow(place, needs)


def product(a: Operand, b: Operand, out: Size) -> Flow:
    """Return the flow of `a @ b`, with matrices in the last two axes: the summed axis is needed in full."""
    left = whole([a.flow]) if a.flow.axis == len(a.size) - 1 else a.flow
    right = whole([b.flow]) if b.flow.axis == len(b.size) - 2 else b.flow
    pair = Operand(left, (*a.size[:-1], 1)), Operand(right, (*b.size[:-2], 1, b.size[-1]))
    return elementwise(pair, out)


def reshaped(operand: Operand, out: Size) -> Flow:
    """Return the flow of the same elements in the same order, in another size.

    Rows stay rows where as many elements come before them as before; then each row of the result needs those
    that hold its elements.
    """
    axis, size = operand.flow.axis, operand.size
    if axis is None:
        return operand.flow
    before, behind = prod(size[:axis]), prod(size[axis + 1 :])
    places = [b for b in range(len(out)) if prod(out[:b]) == before and out[b] > 1]
    if not places or not behind:
        return whole([operand.flow])
    place = places[0]
    ends = (np.arange(out[place]) + 1) * prod(out[place + 1 :]) - 1
    return taken(operand.flow, ends // behind, place)


def permuted(flow: Flow, order: Sequence[int]) -> Flow:
    """Return the flow with the axes in another order, as `permute` takes it."""
    if flow.axis is None:
        return flow
    dims = len(order)
    return Flow([each % dims for each in order].index(flow.axis), flow.needs)


def reduced(flow: Flow, axes: Iterable[int], dims: int, keep: bool) -> Flow:
    """Return the flow of a sum, mean or maximum over some axes of a value of `dims` axes."""
    gone = {axis % dims for axis in axes} or set(range(dims))
    if flow.axis is None or flow.axis in gone:
        return whole([flow])
    return Flow(flow.axis - (0 if keep else sum(axis < flow.axis for axis in gone)), flow.needs)


def joined(operands: Sequence[Operand], axis: int, out: Size) -> Flow:
    """Return the flow of a concatenation along `axis`."""
    flows = [each.flow for each in operands]
    if all(flow.axis != axis for flow in flows):
        sizes = [(*size[:axis], out[axis], *size[axis + 1 :]) for _, size in operands]
        return elementwise([Operand(*each) for each in zip(flows, sizes, strict=True)], out)
    layers = sorted({layer for flow in flows for layer in flow.needs})
    if any(flow.axis not in (axis, None) for flow in flows):
        return whole(flows)
    needs = {}
    for layer in layers:
        parts = [
            np.broadcast_to(flow.needs.get(layer, np.array([-1])), (size[axis],)) for flow, size in operands
        ]
        needs[layer] = np.maximum.accumulate(np.concatenate(parts))
    return Flow(axis, needs)


def resized(operand: Operand, axis: int, index: Rows) -> Flow:
    """Return the flow of a value whose row r along `axis` needs row index[r]; rows elsewhere are kept."""
    if operand.flow.axis != axis:
        return operand.flow
    return taken(operand.flow, index, axis)


def window(rows: int, out: int, kernel: Sequence[int]) -> Rows:
    """Return the last row that each of `out` rows needs; `kernel` is size, stride, padding and dilation."""
    size, stride, padding, dilation = kernel
    last = stride * np.arange(out) - padding + dilation * (size - 1)
    return np.clip(last, 0, rows - 1)


def transposed(rows: int, out: int, stride: int, padding: int) -> Rows:
    """Return the last row of the input that each row of a transposed convolution needs."""
    return np.minimum(rows - 1, (np.arange(out) + padding) // stride)


def pooled(rows: int, out: int) -> Rows:
    """Return the last row that each row of an adaptive pool needs."""
    return -(-(np.arange(out) + 1) * rows // out) - 1


def enlarged(rows: int, out: int, reach: int, aligned: bool = False) -> Rows:
    """Return the last row that each row of an interpolation needs, with `reach` rows beyond the nearest.

    `aligned`: the first and last rows lie on those of the input.
    """
    places = np.arange(out)
    if aligned:
        at = places * max(rows - 1, 0) // max(out - 1, 1)
    else:
        at = places * rows // out if not reach else (2 * places + 1) * rows // (2 * out)
    return np.minimum(rows - 1, at + reach)


def own_rows(layers: Iterable[int], index: Any, axis: int) -> Flow:
    """Return the flow of what layers compute together: row r along `axis` needs their row index[r]."""
    return Flow(axis, {layer: np.asarray(index, dtype=np.int64) for layer in layers})
