"""What torch's operators make of the rows of their operands: a rule of `row_flow` for each that is known."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .. import row_flow
from ..row_flow import NOTHING, Flow, Operand, whole
from .row_calls import Call, Rule
from .row_views import VIEWS


def rule_of(func: Any) -> Rule | None:
    """Return the rule of an operator; None where nothing is known of it."""
    name = func.overloadpacket.__name__
    if func.namespace not in ("aten", "prims"):
        return None
    if name in _RULES:
        return _RULES[name]
    bare = name.removesuffix("_")
    if bare in _RULES:
        return _RULES[bare]
    if name.endswith("_like") or name.startswith("new_"):
        return _nothing
    if torch.Tag.pointwise in func.tags or bare in _SAME_PLACE:
        return _elementwise
    return _attention if "scaled_dot_product" in name else None


_SAME_PLACE = frozenset(
    (
        *(
            "clone",
            "_to_copy",
            "to",
            "detach",
            "alias",
            "contiguous",
            "lift_fresh",
            "lift_fresh_copy",
            "lift",
        ),
        *(
            "dropout",
            "native_dropout",
            "prelu",
            "_prelu_kernel",
            "hardswish",
            "hardsigmoid",
            "rrelu",
            "where",
        ),
        *("copy", "fill", "zero", "expand", "broadcast_to", "masked_fill", "_conj"),
        "_native_batch_norm_legit_no_training",
    )
)
"""Operators on elements in the same place that torch does not mark as such."""


def _nothing(_call: Call, _place: int) -> Flow:
    return NOTHING


def _elementwise(call: Call, place: int) -> Flow:
    return row_flow.elementwise([call.operand(x) for x in call.operands], tuple(call.results[place].shape))


def _batch_norm(call: Call, place: int) -> Flow:
    is_training = bool(call.arg(5, "training", True))
    return whole(map(call.flow_of, call.operands)) if is_training or place else _elementwise(call, place)


def _layer_norm(call: Call, place: int) -> Flow:
    normalized = len(call.arg(1, "normalized_shape"))
    return _within(call, range(len(call.first.size) - normalized, len(call.first.size)), place)


def _along_dim(call: Call, place: int) -> Flow:
    """Softmax, sorting and the like: they need all that lies along one axis."""
    dim = call.arg(1, "dim", -1)
    return _within(call, [dim if isinstance(dim, int) else -1], place)


def _within(call: Call, axes: Sequence[int], place: int) -> Flow:
    """Return the flow of an operator that mixes along some axes and keeps the places along others."""
    flow, size = call.first
    if flow.axis in {axis % len(size) for axis in axes} or tuple(call.results[place].shape) != size:
        return whole(map(call.flow_of, call.operands))
    return row_flow.elementwise([call.operand(x) for x in call.operands], size)


def _reduction(call: Call, _place: int) -> Flow:
    flow, size = call.first
    dim = call.arg(1, "dim")
    axes = [] if dim is None else [dim] if isinstance(dim, int) else dim
    if not all(isinstance(axis, int) for axis in axes) or isinstance(dim, bool):
        return whole([flow])
    keep = len(call.results[0].shape) == len(size)
    return row_flow.reduced(flow, axes, len(size), keep)


def _window(call: Call, place: int) -> Flow:
    """Maximum and average pools: kernel, stride, padding and perhaps dilation."""
    operand, out = call.first, tuple(call.results[place].shape)
    dims = len(call.arg(1, "kernel_size"))
    axis = len(out) - dims
    kernel, stride, padding = (
        call.arg(1, "kernel_size"),
        call.arg(2, "stride", ()),
        call.arg(3, "padding", (0,)),
    )
    dilation = call.arg(4, "dilation", (1,)) if "max_pool" in call.name else (1,)
    stride = (stride or kernel)[0]
    index = row_flow.window(operand.size[axis], out[axis], (kernel[0], stride, padding[0], dilation[0]))
    return _placed(operand, axis, index)


def _placed(operand: Operand, axis: int, index: row_flow.Rows) -> Flow:
    """Return rows along `axis`; a value with rows along another spatial axis is needed in full."""
    if operand.flow.axis is not None and operand.flow.axis > axis:
        return whole([operand.flow])
    return row_flow.resized(operand, axis, index)


def _adaptive(call: Call, place: int) -> Flow:
    operand, out = call.first, tuple(call.results[place].shape)
    sizes = call.arg(1, "output_size")
    axis = len(out) - (len(sizes) if not isinstance(sizes, int) else 1)
    return _placed(operand, axis, row_flow.pooled(operand.size[axis], out[axis]))


def _upsample(call: Call, place: int) -> Flow:
    operand, out = call.first, tuple(call.results[place].shape)
    reach = 0 if "nearest" in call.name else 2 if "cubic" in call.name else 1
    if call.name.endswith("_aa"):  # the window is as wide as the rows that become one
        reach *= 1 + operand.size[2] // out[2]
    aligned = reach > 0 and bool(call.arg(2, "align_corners", False))
    return _placed(operand, 2, row_flow.enlarged(operand.size[2], out[2], reach, aligned))


def _pad(call: Call, place: int) -> Flow:
    operand, out, pad = call.first, tuple(call.results[place].shape), call.arg(1, "pad")
    axis = operand.flow.axis
    if axis is None:
        return operand.flow
    at = 2 * (len(out) - 1 - axis)
    before = pad[at] if at < len(pad) else 0
    index = row_flow.padded(operand.size[axis], out[axis], before, "constant" not in call.name)
    return row_flow.resized(operand, axis, index)


def _attention(call: Call, place: int) -> Flow:
    """Return the flow of fused attention: rows of the query, all of keys and values."""
    if place:
        return whole(map(call.flow_of, call.operands))
    query, key, value = (call.operand(x) for x in call.args[:3])
    others = [call.operand(x) for x in call.operands[3:]]
    dims = len(query.size)
    flow = query.flow if query.flow.axis != dims - 1 else whole([query.flow])
    parts = [Operand(flow, (*query.size[:-1], 1))]
    for each in (key, value):
        kept = each.flow if (each.flow.axis or 0) < dims - 2 else whole([each.flow])
        parts.append(Operand(kept, (*each.size[:-2], 1, 1)))
    parts += [Operand(whole([each.flow]), each.size) for each in others]
    return row_flow.elementwise(parts, tuple(call.results[0].shape))


def matrix_product(call: Call, a: Tensor, b: Tensor) -> Flow:
    """Return the flow of `a @ b`, plus what is added in the same operator; vectors are needed in full."""
    out = tuple(call.results[0].shape)
    if min(a.dim(), b.dim(), len(out)) < 2:
        return whole(map(call.flow_of, call.operands))
    flow = row_flow.product(call.operand(a), _turned(call, b), out)
    added = [x for x in call.operands if x is not a and x is not b and x.dim() <= len(out)]
    return row_flow.elementwise([Operand(flow, out), *map(call.operand, added)], out)


def _turned(call: Call, b: Tensor) -> Operand:
    """Return the second factor; `linear` holds it with outputs before inputs."""
    flow, size = call.operand(b)
    if call.name != "linear":
        return Operand(flow, size)
    return Operand(row_flow.permuted(flow, (1, 0)), size[::-1])


def _matrices(call: Call, _place: int) -> Flow:
    from .operators import factors

    a, b = (call.args[0], call.args[1]) if call.name == "linear" else factors(call.func, call.args)
    return matrix_product(call, a, b)


def convolution_rows(call: Call) -> tuple[int, Flow, row_flow.Rows]:
    """Return rows that a convolution computes, what these need, and which of them each row of its result
    needs: of a transposed one, a row of the input gives several of the result.
    """
    x, weight = call.args[0], call.args[1]
    stride, padding, dilation, is_transposed = call.args[3:7]
    out = call.results[0]
    operand = call.operand(x)
    if x.shape[0] != 1 or not out.numel() or not prod(x.shape):
        return 1, whole(map(call.flow_of, call.operands)), np.zeros(1, dtype=np.int64)
    before, after = int(x.shape[2]), int(out.shape[2])
    if is_transposed:
        rows, index = before, np.arange(before)
        made = row_flow.transposed(before, after, (weight.shape[2], stride[0], padding[0], dilation[0]))
    else:
        rows, made = after, np.arange(after)
        index = row_flow.window(before, after, (weight.shape[2], stride[0], padding[0], dilation[0]))
    flow = operand.flow if operand.flow.axis == 2 else whole([operand.flow])
    flow = row_flow.resized(Operand(flow, operand.size), 2, index)
    others = [whole([call.flow_of(other)]) for other in call.operands[1:]]
    return rows, row_flow.merged([flow, *others], 2, rows), made


def _convolution(call: Call, _place: int) -> Flow:
    rows, flow, made = convolution_rows(call)
    return flow if rows == 1 else row_flow.taken(flow, made, 2)


_RULES: dict[str, Rule] = {
    **VIEWS,
    **dict.fromkeys(
        ("sum", "mean", "amax", "amin", "max", "min", "var", "var_mean", "std", "any"), _reduction
    ),
    **dict.fromkeys(
        ("logsumexp", "linalg_vector_norm", "prod", "argmax", "argmin", "all", "any"), _reduction
    ),
    **dict.fromkeys(("_softmax", "_log_softmax", "cumsum", "cumprod", "sort", "topk", "glu"), _along_dim),
    **dict.fromkeys(("max_pool2d_with_indices", "max_pool3d_with_indices", "max_pool2d"), _window),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool1d", "max_pool3d"), _window),
    **dict.fromkeys(("_adaptive_avg_pool2d", "_adaptive_avg_pool3d", "adaptive_max_pool2d"), _adaptive),
    **dict.fromkeys(("adaptive_max_pool1d", "adaptive_max_pool3d", "adaptive_avg_pool1d"), _adaptive),
    **dict.fromkeys(("upsample_nearest1d", "upsample_nearest2d", "upsample_nearest3d"), _upsample),
    **dict.fromkeys(("upsample_linear1d", "upsample_bilinear2d", "upsample_trilinear3d"), _upsample),
    **dict.fromkeys(("upsample_bicubic2d", "_upsample_bilinear2d_aa"), _upsample),
    **dict.fromkeys(("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad1d"), _pad),
    **dict.fromkeys(("replication_pad2d", "reflection_pad3d", "replication_pad3d"), _pad),
    **dict.fromkeys(("mm", "bmm", "addmm", "baddbmm", "linear"), _matrices),
    **dict.fromkeys(("native_batch_norm", "cudnn_batch_norm", "_batch_norm_no_update"), _batch_norm),
    "native_layer_norm": _layer_norm,
    "convolution": _convolution,
    "native_group_norm": lambda call, _place: whole(map(call.flow_of, call.operands)),
    "mv": lambda call, _place: whole(map(call.flow_of, call.operands)),
    "dot": lambda call, _place: whole(map(call.flow_of, call.operands)),
    "addmv": lambda call, _place: whole(map(call.flow_of, call.operands)),
}
