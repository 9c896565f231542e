"""What is known of operators of other domains, which runtimes write into files that they optimise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from onnx import defs

from .model_file import Dims, attribute

Sizes = Sequence[Dims | None]
"""The sizes of a node's inputs; None for one that is absent or of unknown rank."""

_SAME = (
    *(
        "BiasDropout",
        "BiasGelu",
        "BiasSoftmax",
        "FastGelu",
        "Gelu",
        "GroupNorm",
        "LayerNormalization",
        "QuickGelu",
    ),
    *("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", "QuantizeLinear", "DequantizeLinear"),
    *("RMSNormalization", "RotaryEmbedding", "SimplifiedLayerNormalization", "SkipGroupNorm"),
    *("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", "BiasAdd", "GemmaRotaryEmbedding"),
)
"""Operators whose result has the size of their first input."""


def is_native(node: Any) -> bool:
    """Say whether a node is one of ONNX's own operators."""
    return not node.domain and bool(defs.has(node.op_type))


def is_elementwise(node: Any) -> bool:
    """Say whether a node of another domain is known to multiply no matrices."""
    return node.op_type in (*_SAME, "QLinearAdd", "QLinearMul", "QLinearGlobalAveragePool", "QLinearConcat")


def make_native(node: Any) -> str:
    """Turn a convolution or product that is fused with an activation into the plain one; sizes stay.

    Return the name of a value that is added to the result and has its size, "" if there is none.
    """
    plain = {"FusedConv": "Conv", "FusedGemm": "Gemm"}.get(node.op_type)
    if node.op_type == "TransposeMatMul":
        node.op_type = "FusedMatMul"
    if plain is None or not node.domain:
        return ""
    kept = [each for each in node.attribute if not each.name.startswith("activation")]
    del node.attribute[:]
    node.attribute.extend(kept)
    summand = "".join(node.input[3:4])
    del node.input[3:]
    node.op_type, node.domain = plain, ""
    return summand


def foreign_sizes(node: Any, inputs: Sizes) -> Dims | None:
    """Return the size of the first result of a node of another domain; None where no rule says it."""
    if node.op_type in _SAME:
        return inputs[0] if inputs else None
    rule = _RULES.get(node.op_type)
    try:
        return None if rule is None else rule(node, inputs)
    except (IndexError, TypeError, ValueError):  # operands are missing, of unknown size, or do not fit
        return None


def results_of_that_size(node: Any) -> list[str]:
    """Return the results that `foreign_sizes` speaks of: the first, and the sum of skipping norms."""
    return [*node.output[:1], *(node.output[3:4] if node.op_type.startswith("Skip") else [])]


def packed_sizes(node: Any) -> tuple[int, int] | None:
    """Return the sizes of a matrix whose numbers share bytes, (outputs, inputs); None of any other node."""
    if node.op_type != "MatMulNBits" or is_native(node):
        return None
    return int(attribute(node, "N", 0)), int(attribute(node, "K", 0))


def operand_sizes(node: Any, left: Dims, right: Dims) -> tuple[Dims, Dims]:
    """Return the sizes of a product's two operands as they are multiplied, each turned by its attributes."""
    return tuple(  # type: ignore[return-value]
        (*dims[:-2], *reversed(dims[-2:])) if attribute(node, key, 0) and len(dims) > 1 else dims
        for key, dims in (("transA", left), ("transB", right))
    )


def _product(left: Dims, right: Dims) -> Dims:
    batch = np.broadcast_shapes(_whole(left[:-2]), _whole(right[:-2]))
    return (*map(int, batch), left[-2], right[-1])


def _whole(dims: Dims | None) -> tuple[int, ...]:
    return tuple(int(n) for n in dims)  # type: ignore[arg-type, union-attr]


def _matmul(position: int) -> Callable[[Any, Sizes], Dims]:
    return lambda node, inputs: _product(*operand_sizes(node, _whole(inputs[0]), _whole(inputs[position])))


def _broadcast(node: Any, inputs: Sizes) -> Dims:
    return tuple(map(int, np.broadcast_shapes(_whole(inputs[0]), _whole(inputs[3]))))


def _attention(node: Any, inputs: Sizes) -> Dims:
    x, weight = _whole(inputs[0]), _whole(inputs[1])
    hidden = attribute(node, "qkv_hidden_sizes", [])
    return (*x[:2], hidden[2] if len(hidden) == 3 else weight[-1] // 3)


def _separate_attention(node: Any, inputs: Sizes) -> Dims:
    query, value = _whole(inputs[0]), _whole(inputs[2])
    return (*query[:2], value[-1] if len(value) == 3 else value[1] * value[3])


def _embedding(node: Any, inputs: Sizes) -> Dims:
    return (*_whole(inputs[0]), _whole(inputs[2])[-1])


def _blocks(node: Any, inputs: Sizes) -> Dims:
    return (*_whole(inputs[0])[:-1], int(attribute(node, "N", None)))


def _joined(node: Any, inputs: Sizes) -> Dims:
    parts = [_whole(dims) for dims in inputs[2::3]]
    axis = attribute(node, "axis", 0)
    return tuple(sum(p[i] for p in parts) if i == axis % len(parts[0]) else n for i, n in enumerate(parts[0]))


_RULES: dict[str, Callable[[Any, Sizes], Dims]] = {
    "FusedMatMul": _matmul(1),
    "MatMulIntegerToFloat": _matmul(1),
    "DynamicQuantizeMatMul": _matmul(1),
    "QGemm": _matmul(3),
    "QLinearAdd": _broadcast,
    "QLinearMul": _broadcast,
    "Attention": _attention,
    "QAttention": _attention,
    "MultiHeadAttention": _separate_attention,
    "EmbedLayerNormalization": _embedding,
    "MatMulNBits": _blocks,
    "QLinearConcat": _joined,
    "QLinearGlobalAveragePool": lambda node, inputs: (
        *_whole(inputs[0])[:2],
        *[1] * (len(inputs[0] or ()) - 2),
    ),
}
"""The size of the first result by the sizes of the inputs."""


def known_macs(node: Any, inputs: Sizes) -> int | None:
    """Return the multiply-accumulates of an operator of another domain; None where they cannot be counted."""
    try:
        if node.op_type in ("Attention", "QAttention"):
            (batch, length, width), weight = _whole(inputs[0]), _whole(inputs[1])
            hidden = attribute(node, "qkv_hidden_sizes", None) or [weight[-1] // 3] * 3
            past = inputs[4] if node.op_type == "Attention" and len(inputs) > 4 else None
            keys = length + (_whole(past)[3] if past else 0)
            return int(batch * length * (width * weight[-1] + keys * (hidden[0] + hidden[2])))
        if node.op_type == "MultiHeadAttention":
            query, key, value = map(_whole, inputs[:3])
            rows, widths = key[-2], query[-1] + (value[-1] if len(value) == 3 else value[1] * value[3])
            return prod(query[:2]) * rows * widths
        if node.op_type == "MatMulNBits":
            return prod(_whole(inputs[0])) * int(attribute(node, "N", 0))
    except (IndexError, TypeError, ValueError):
        return None
    return 0 if is_elementwise(node) or node.op_type == "EmbedLayerNormalization" else None
