"""What torch's operators make of rows that only put elements elsewhere: views, parts, joins, enlargements."""

from __future__ import annotations

import numpy as np
import torch

from .. import row_flow
from ..row_flow import Flow, Operand, whole
from .row_calls import Call, Rule


def _reshape(call: Call, place: int) -> Flow:
    return row_flow.reshaped(call.first, tuple(call.results[place].shape))


def _permute(call: Call, _place: int) -> Flow:
    return row_flow.permuted(call.first.flow, call.arg(1, "dims"))


def _transpose(call: Call, _place: int) -> Flow:
    dims = len(call.first.size)
    order = list(range(dims))
    a, b = (0, dims - 1) if call.name == "t" else (call.arg(1, "dim0"), call.arg(2, "dim1"))
    if dims > 1:
        order[a], order[b] = order[b], order[a]
    return row_flow.permuted(call.first.flow, order)


def _slice(call: Call, _place: int) -> Flow:
    dim, start, stop, step = (
        call.arg(k + 1, name, default)
        for k, (name, default) in enumerate([("dim", 0), ("start", 0), ("end", None), ("step", 1)])
    )
    size = call.first.size
    index = np.arange(size[dim % len(size)])[slice(start, stop, step)]
    return row_flow.resized(call.first, dim % len(size), index)


def _select(call: Call, _place: int) -> Flow:
    (flow, size), dim, at = call.first, call.arg(1, "dim"), call.arg(2, "index")
    return _one_of(flow, size, dim % len(size), at % size[dim])


def _unbind(call: Call, place: int) -> Flow:
    (flow, size), dim = call.first, call.arg(1, "dim", 0)
    return _one_of(flow, size, dim % len(size), place)


def _one_of(flow: Flow, size: tuple[int, ...], dim: int, at: int) -> Flow:
    if flow.axis == dim:
        return row_flow.taken(flow, np.array([at]), None)
    return row_flow.reduced(flow, [dim], len(size), keep=False)


def _split(call: Call, place: int) -> Flow:
    dim = call.arg(2, "dim", 0) % len(call.first.size)
    begin = sum(x.shape[dim] for x in call.results[:place])
    return row_flow.resized(call.first, dim, begin + np.arange(call.results[place].shape[dim]))


def _cat(call: Call, _place: int) -> Flow:
    out = tuple(call.results[0].shape)
    dim = call.arg(1, "dim", 0) % len(out)
    parts = [call.operand(x) for x in call.args[0] if x.dim() == len(out)]
    return row_flow.joined(parts, dim, out)


def _stack(call: Call, _place: int) -> Flow:
    out = tuple(call.results[0].shape)
    dim = call.arg(1, "dim", 0) % len(out)
    size = (*out[:dim], 1, *out[dim + 1 :])
    parts = [Operand(row_flow.reshaped(call.operand(x), size), size) for x in call.args[0]]
    return row_flow.joined(parts, dim, out)


def _moved(call: Call, _place: int) -> Flow:
    """Flip and roll: rows that change places are needed in full."""
    dims = call.args[-1]
    moved = {dim % len(call.first.size) for dim in dims} or set(range(len(call.first.size)))
    return whole([call.first.flow]) if call.first.flow.axis in moved else call.first.flow


def _pixel_shuffle(call: Call, _place: int) -> Flow:
    operand, rows = call.first, call.results[0].shape[-2]
    axis, before = len(operand.size) - 2, operand.size[-2]
    starts = np.arange(rows) * before
    index = np.stack([starts + before - 1, starts]) // rows
    if operand.flow.axis != axis:
        return whole([operand.flow])
    return row_flow.resized(operand, axis, index)


def _channel_shuffle(call: Call, _place: int) -> Flow:
    return whole([call.first.flow]) if call.first.flow.axis == 1 else call.first.flow


def _index_select(call: Call, _place: int) -> Flow:
    flow, size = call.first
    dim = call.arg(1, "dim") % len(size)
    return whole(map(call.flow_of, call.operands)) if flow.axis == dim else flow


def _index(call: Call, _place: int) -> Flow:
    """Indexing by tensors of places, as enlarging by the nearest row does, if these stem from sizes alone."""
    (flow, size), indices = call.first, list(call.args[1])
    places = [k for k, index in enumerate(indices) if index is not None]
    is_known = all(indices[k].dtype is not torch.bool and not call.flow_of(indices[k]).needs for k in places)
    if flow.axis is None or not is_known or places != [*range(places[0], places[-1] + 1)]:
        return whole(map(call.flow_of, call.operands))
    dims = max(indices[k].dim() for k in places)
    if flow.axis not in places:
        return Flow(flow.axis + (dims - len(places) if flow.axis > places[-1] else 0), flow.needs)
    index = indices[flow.axis]
    long = [k for k, n in enumerate(index.shape) if n > 1] or [0]
    if len(long) > 1 or index.dim() == 0 or index.device.type == "meta":
        return whole([flow])
    rows = index.flatten().cpu().numpy() % size[flow.axis]
    return row_flow.taken(flow, rows, places[0] + dims - index.dim() + long[0])


def _unfold(call: Call, _place: int) -> Flow:
    (flow, size), (dim, width, step) = call.first, call.args[1:4]
    dim %= len(size)
    if flow.axis != dim:
        return flow
    starts = np.arange(call.results[0].shape[dim]) * step
    return row_flow.taken(flow, np.stack([starts + width - 1, starts]), dim)


VIEWS: dict[str, Rule] = {
    **dict.fromkeys(("view", "_unsafe_view", "reshape", "_reshape_alias", "unsqueeze", "squeeze"), _reshape),
    **dict.fromkeys(("transpose", "t", "swapaxes"), _transpose),
    **dict.fromkeys(("split", "split_with_sizes", "unsafe_split", "split_copy"), _split),
    **dict.fromkeys(("flip", "roll"), _moved),
    **dict.fromkeys(("pixel_shuffle", "pixel_unshuffle"), _pixel_shuffle),
    **dict.fromkeys(("channel_shuffle", "native_channel_shuffle"), _channel_shuffle),
    "permute": _permute,
    "slice": _slice,
    "select": _select,
    "unbind": _unbind,
    "cat": _cat,
    "stack": _stack,
    "index_select": _index_select,
    "unfold": _unfold,
    "index": _index,
    "_unsafe_index": _index,
}
"""Rules by the names of operators."""
