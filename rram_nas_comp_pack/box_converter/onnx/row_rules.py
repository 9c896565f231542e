"""What ONNX's operators make of the rows of their operands: a rule of `row_flow` for each that is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import row_flow
from ..row_flow import NOTHING, Flow, Operand, Rows, Size, whole
from .graph import Graph
from .model_file import attribute


@dataclass(frozen=True, slots=True)
class NodeRows:
    """A node, and the flows of the values before it by name."""

    node: Any
    graph: Graph
    flows: Mapping[str, Flow]

    def flow(self, name: str) -> Flow:
        """Return the flow of a value; stored values and inputs need nothing."""
        return self.flows.get(name, NOTHING)

    def operand(self, name: str) -> Operand:
        """Return flow and size of a value. UnknownSize where its size is open."""
        return Operand(self.flow(name), self.graph.sizes(name))

    def setting(self, key: str, place: int, default: list[int] | None = None) -> list[int] | None:
        """Return whole numbers that are an attribute, or an input whose content is known."""
        value = attribute(self.node, key, None)
        if value is None and len(self.node.input) > place and self.node.input[place]:
            value = self.graph.known[self.node.input[place]].ravel().tolist()
        if value is None:
            return default
        return [int(each) for each in np.ravel(value)]

    @property
    def first(self) -> Operand:
        """Flow and size of the first input."""
        return self.operand(self.node.input[0])

    @property
    def out(self) -> Size:
        """Size of the first result."""
        return self.graph.sizes(self.node.output[0])


Rule = Callable[[NodeRows, int], Flow]
"""From a node and the number of one of its results to the flow of that result."""


def rule_of(node: Any) -> Rule | None:
    """Return the rule of a node; None where nothing is known of its operator."""
    if node.domain not in ("", "ai.onnx"):
        return None
    return _elementwise if node.op_type in _SAME_PLACE else _RULES.get(node.op_type)


_SAME_PLACE = frozenset((
    "Abs", "Add", "And", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "Div", "Dropout", "Elu",
    "Equal", "Erf", "Exp", "Expand", "Floor", "Gelu", "Greater", "HardSigmoid", "HardSwish", "Identity",
    "LeakyRelu", "Less", "Log", "Max", "Mean", "Min", "Mish", "Mul", "Neg", "Not", "Or", "PRelu", "Pow",
    "Reciprocal", "Relu", "Round", "Selu", "Sigmoid", "Sign", "Softplus", "Softsign", "Sqrt", "Sub",
    "Sum", "Tanh", "ThresholdedRelu", "Where",
))  # fmt: skip


def _elementwise(rows: NodeRows, place: int) -> Flow:
    if place:
        return whole(map(rows.flow, rows.node.input))
    moving = [name for name in rows.node.input if name and rows.flow(name).needs]
    return row_flow.elementwise([rows.operand(name) for name in moving], rows.out)


def window_of(rows: NodeRows, kernel: Sequence[int]) -> Rows:
    """Return the last row that each row of a convolution or pool needs."""
    before, after = rows.first.size[2], rows.out[2]
    stride = attribute(rows.node, "strides", [1])[0]
    dilation = attribute(rows.node, "dilations", [1])[0]
    padding = attribute(rows.node, "pads", [0])[0]
    automatic = attribute(rows.node, "auto_pad", b"NOTSET")
    if automatic in (b"SAME_UPPER", b"SAME_LOWER"):
        total = max((after - 1) * stride + dilation * (kernel[0] - 1) + 1 - before, 0)
        padding = total // 2 if automatic == b"SAME_UPPER" else total - total // 2
    return row_flow.window(before, after, (kernel[0], stride, padding, dilation))


def _pool(rows: NodeRows, _place: int) -> Flow:
    return _in_rows(rows, window_of(rows, attribute(rows.node, "kernel_shape", [1])))


def _in_rows(rows: NodeRows, index: Rows) -> Flow:
    """Return rows along axis 2, those of a map; a value with rows along another axis is needed in full."""
    operand = rows.first
    return row_flow.resized(operand, 2, index) if operand.flow.axis in (2, None) else whole([operand.flow])


def _whole(rows: NodeRows, _place: int) -> Flow:
    return whole(map(rows.flow, rows.node.input))


def _reduction(rows: NodeRows, _place: int) -> Flow:
    flow, size = rows.first
    axes = rows.setting("axes", 1, [])
    return row_flow.reduced(flow, axes or [], len(size), bool(attribute(rows.node, "keepdims", 1)))


def _reshape(rows: NodeRows, _place: int) -> Flow:
    return row_flow.reshaped(rows.first, rows.out)


def _transpose(rows: NodeRows, _place: int) -> Flow:
    flow, size = rows.first
    return row_flow.permuted(flow, attribute(rows.node, "perm", None) or range(len(size))[::-1])


def _concat(rows: NodeRows, _place: int) -> Flow:
    axis = int(attribute(rows.node, "axis", 1)) % len(rows.out)
    return row_flow.joined([rows.operand(name) for name in rows.node.input], axis, rows.out)


def _split(rows: NodeRows, place: int) -> Flow:
    size = rows.first.size
    axis = int(attribute(rows.node, "axis", 0)) % len(size)
    widths = [rows.graph.sizes(name)[axis] for name in rows.node.output]
    return row_flow.resized(rows.first, axis, sum(widths[:place]) + np.arange(widths[place]))


def _slice(rows: NodeRows, _place: int) -> Flow:
    operand = rows.first
    starts, ends = rows.setting("starts", 1, []) or [], rows.setting("ends", 2, []) or []
    axes = rows.setting("axes", 3, [*range(len(starts))]) or []
    steps = rows.setting("steps", 4, [1] * len(starts)) or []
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        if axis % len(operand.size) == operand.flow.axis:
            stop = None if step < 0 and end < -operand.size[axis] else end
            index = np.arange(operand.size[axis])[slice(start, stop, step)]
            return row_flow.taken(operand.flow, index, operand.flow.axis)
    return operand.flow


def _along_axis(rows: NodeRows, _place: int) -> Flow:
    """Softmax and the like: all that lies along one axis is needed."""
    flow, size = rows.first
    return whole([flow]) if flow.axis == int(attribute(rows.node, "axis", -1)) % len(size) else flow


def _layer_norm(rows: NodeRows, place: int) -> Flow:
    flow, size = rows.first
    first = int(attribute(rows.node, "axis", -1)) % len(size)
    return whole([flow]) if place or flow.axis is None or flow.axis >= first else flow


def _resize(rows: NodeRows, _place: int) -> Flow:
    operand, out = rows.first, rows.out
    mode = attribute(rows.node, "mode", b"nearest")
    aligned = attribute(rows.node, "coordinate_transformation_mode", b"") == b"align_corners"
    is_crop = attribute(rows.node, "coordinate_transformation_mode", b"") == b"tf_crop_and_resize"
    if is_crop or attribute(rows.node, "antialias", 0) or operand.flow.axis != 2:
        return whole([operand.flow])
    reach = {b"nearest": 1, b"linear": 1, b"cubic": 2}[mode]
    return _in_rows(rows, row_flow.enlarged(operand.size[2], out[2], reach, aligned))


def _pad(rows: NodeRows, _place: int) -> Flow:
    operand = rows.first
    axis, pads = operand.flow.axis, rows.setting("pads", 1)
    if axis is None or pads is None or len(rows.node.input) > 3:
        return whole([operand.flow])
    copies_border = attribute(rows.node, "mode", b"constant") != b"constant"
    index = row_flow.padded(operand.size[axis], rows.out[axis], pads[axis], copies_border)
    return row_flow.resized(operand, axis, index)


def _gather(rows: NodeRows, _place: int) -> Flow:
    (flow, size), indices = rows.first, rows.graph.sizes(rows.node.input[1])
    axis = int(attribute(rows.node, "axis", 0)) % len(size)
    if flow.axis is None or flow.axis == axis or rows.flow(rows.node.input[1]).needs:
        return whole(map(rows.flow, rows.node.input))
    return Flow(flow.axis if flow.axis < axis else flow.axis + len(indices) - 1, flow.needs)


def _depth_to_space(rows: NodeRows, _place: int) -> Flow:
    return _in_rows(rows, np.arange(rows.out[2]) // int(attribute(rows.node, "blocksize", 1)))


def _product(rows: NodeRows, _place: int) -> Flow:
    return matrix_flow(rows)


def matrix_flow(rows: NodeRows) -> Flow:
    """Return the flow of MatMul and Gemm; vectors are needed in full."""
    a, b = (rows.operand(name) for name in rows.node.input[:2])
    if min(len(a.size), len(b.size)) < 2 or rows.node.op_type not in ("MatMul", "Gemm"):
        return whole(map(rows.flow, rows.node.input))
    if rows.node.op_type == "Gemm":
        a, b = (_turned(x, bool(attribute(rows.node, f"trans{k}", 0))) for x, k in ((a, "A"), (b, "B")))
    flow = row_flow.product(a, b, rows.out)
    added = [rows.operand(name) for name in rows.node.input[2:] if name]
    return row_flow.elementwise([Operand(flow, rows.out), *added], rows.out)


def _turned(operand: Operand, is_turned: bool) -> Operand:
    if not is_turned:
        return operand
    return Operand(row_flow.permuted(operand.flow, (1, 0)), operand.size[::-1])


def convolution_rows(rows: NodeRows) -> tuple[int, Flow, Rows]:
    """Return rows that a convolution computes, what they need, and which of them each row of its result
    needs: of a transposed one, a row of the input gives several of the result.
    """
    operand, kernel = rows.first, rows.graph.sizes(rows.node.input[1])[2:]
    others = [whole([rows.flow(name)]) for name in rows.node.input[1:]]
    if operand.size[0] != 1:
        return 1, whole([operand.flow, *others]), np.zeros(1, dtype=np.int64)
    before, after = operand.size[2], rows.out[2]
    if rows.node.op_type == "ConvTranspose":
        stride, pad = attribute(rows.node, "strides", [1])[0], attribute(rows.node, "pads", None)
        count, index = before, np.arange(before)
        # where padding is not explicit, that at the beginning is not known: more rows are taken for needed
        unknown = kernel[0] if pad is None and attribute(rows.node, "auto_pad", None) else 0
        padding, dilation = unknown or (pad or [0])[0], attribute(rows.node, "dilations", [1])[0]
        made = row_flow.transposed(
            before, after, (dilation * (kernel[0] - 1) + unknown + 1, stride, padding, 1)
        )
    else:
        count, made = after, np.arange(after)
        index = window_of(rows, kernel)
    return count, row_flow.merged([_in_rows(rows, index), *others], 2, count), made


def _convolution(rows: NodeRows, _place: int) -> Flow:
    count, flow, made = convolution_rows(rows)
    return flow if count == 1 else row_flow.taken(flow, made, 2)


_RULES: dict[str, Rule] = {
    **dict.fromkeys(("Conv", "ConvTranspose"), _convolution),
    **dict.fromkeys(("MatMul", "Gemm"), _product),
    **dict.fromkeys(("MaxPool", "AveragePool", "LpPool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), _whole),
    **dict.fromkeys(("GroupNormalization", "InstanceNormalization"), _whole),
    **dict.fromkeys(
        ("ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL2", "ReduceL1"), _reduction
    ),
    **dict.fromkeys(("Reshape", "Flatten", "Squeeze", "Unsqueeze"), _reshape),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _along_axis),
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    "LayerNormalization": _layer_norm,
    "Transpose": _transpose,
    "Concat": _concat,
    "Split": _split,
    "Slice": _slice,
    "Pad": _pad,
    "Gather": _gather,
    "DepthToSpace": _depth_to_space,
}
