"""Which rows of which layers a value of the network needs, and what operators make of that.

A value has a `Flow`: along one of its axes, for every row, the last and the first row of each layer that it
needs. Only the last ones decide when a row can be computed, the first ones how long others must be kept.
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
"""Of several rows, (rows,) one number each, or (2, rows) the last and the first of those that each needs."""

NEVER = 1 << 40
"""The first row of those that need none; their last one is -1."""

Size = tuple[int, ...]


class Flow(NamedTuple):
    """Per layer, the last and the first row that each row of a value along `axis` needs; arrays (2, rows).

    An axis of None: the value has no rows of its own, and arrays have one column.
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
        for layer, span in flow.needs.items():
            all_rows = np.array([[span[0].max()], [span[1].min()]])
            needs[layer] = _both(needs[layer], all_rows) if layer in needs else all_rows
    return Flow(None, needs)


def _both(a: Rows, b: Rows) -> Rows:
    """Return what rows need that need what `a` and `b` say."""
    return np.stack([np.maximum(a[0], b[0]), np.minimum(a[1], b[1])])


def _in_order(span: Rows) -> Rows:
    """Return what rows need that are computed in order: all before a row have been, all behind it will be."""
    return np.stack([np.maximum.accumulate(span[0]), np.minimum.accumulate(span[1][::-1])[::-1]])


def spread(index: Rows | Sequence[int]) -> Rows:
    """Return the last and first rows that are needed, of one number for each row or of two; -1: none."""
    given = np.asarray(index, dtype=np.int64)
    return given if given.ndim == 2 else np.stack([given, np.where(given < 0, NEVER, given)])


def taken(flow: Flow, index: Rows, axis: int | None) -> Flow:
    """Return the flow of rows that need those of `flow` that `index` says; -1: none.

    The result has its rows along `axis`; None is for a single row.
    """
    last, first = spread(index)
    needs = {}
    for layer, span in flow.needs.items():
        ordered = _in_order(span)
        found = np.stack([ordered[0][last], ordered[1][np.where(last < 0, 0, np.minimum(first, last))]])
        needs[layer] = _in_order(np.where(last < 0, [[-1], [NEVER]], found))
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
        for layer, span in flow.needs.items():
            wide = np.broadcast_to(span, (2, rows))
            needs[layer] = _both(needs[layer], wide) if layer in needs else wide
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
    starts = np.arange(out[place]) * prod(out[place + 1 :])
    ends = starts + prod(out[place + 1 :]) - 1
    return taken(operand.flow, np.stack([ends, starts]) // behind, place)


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
    needs, nothing = {}, np.array([[-1], [NEVER]])
    for layer in layers:
        parts = [np.broadcast_to(flow.needs.get(layer, nothing), (2, size[axis])) for flow, size in operands]
        needs[layer] = _in_order(np.concatenate(parts, axis=1))
    return Flow(axis, needs)


def resized(operand: Operand, axis: int, index: Rows) -> Flow:
    """Return the flow of a value whose rows along `axis` need those of `index`; rows elsewhere are kept."""
    if operand.flow.axis != axis:
        return operand.flow
    return taken(operand.flow, index, axis)


def window(rows: int, out: int, kernel: Sequence[int]) -> Rows:
    """Return the rows that each of `out` rows needs; `kernel` is size, stride, padding and dilation."""
    size, stride, padding, dilation = kernel
    first = stride * np.arange(out) - padding
    return np.clip(np.stack([first + dilation * (size - 1), first]), 0, rows - 1)


def transposed(rows: int, out: int, kernel: Sequence[int]) -> Rows:
    """Return the rows of the input that each row of a transposed convolution needs; `kernel` as above."""
    size, stride, padding, dilation = kernel
    last = np.arange(out) + padding
    first = -(-(last - dilation * (size - 1)) // stride)
    return np.clip(np.stack([last // stride, first]), 0, rows - 1)


def padded(rows: int, out: int, before: int, copies_border: bool) -> Rows:
    """Return the row that each row of a padded value is; `copies_border`: rows at the border come again."""
    index = np.arange(out) - before
    last = np.minimum(np.abs(index) if copies_border else index, rows - 1)
    mirrored = np.minimum(last, np.maximum(2 * (rows - 1) - index, 0))
    return np.stack([last, mirrored]) if copies_border else last


def pooled(rows: int, out: int) -> Rows:
    """Return the rows that each row of an adaptive pool needs."""
    places = np.arange(out)
    return np.stack([-(-(places + 1) * rows // out) - 1, places * rows // out])


def enlarged(rows: int, out: int, reach: int, aligned: bool = False) -> Rows:
    """Return the rows that each row of an interpolation needs, with `reach` rows beyond the nearest.

    `aligned`: the first and last rows lie on those of the input.
    """
    places = np.arange(out)
    if aligned:
        at = places * max(rows - 1, 0) // max(out - 1, 1)
    else:
        at = places * rows // out if not reach else (2 * places + 1) * rows // (2 * out)
    return np.clip(np.stack([at + reach, at - reach]), 0, rows - 1)


def own_rows(layers: Iterable[int], index: Any) -> dict[int, Rows]:
    """Return what rows need that are made of the rows `index` of layers that compute together."""
    return {layer: spread(index) for layer in layers}


def only_row(rows: int) -> Rows:
    """Return what a result without rows of its own needs of the layer that computes it."""
    return np.array([[rows - 1], [0]])
