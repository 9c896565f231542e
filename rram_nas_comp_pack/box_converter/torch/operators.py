"""Torch's operators read as products of inputs by weights."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import Tensor

from .. import shapes
from ..shapes import Shape

aten = torch.ops.aten

_FIRST_FACTOR = {
    aten.mm: 0,
    aten.mv: 0,
    aten.dot: 0,
    aten.vdot: 0,
    aten.bmm: 0,
    aten._int_mm: 0,
    aten.addmm: 1,
    aten._sparse_addmm: 1,
    aten._sparse_mm: 0,
    aten.hspmm: 0,
    aten.sspaddmm: 1,
    aten.addmv: 1,
    aten.baddbmm: 1,
    aten.addbmm: 1,
    aten._addmm_activation: 1,
}
"""Operators that multiply two matrices, with the position of the first."""


_OTHER_ARITHMETIC = (aten._int_mm,)
"""Products of integers, whose weights are codes."""


@dataclass(frozen=True, slots=True)
class Product:
    """Input vectors `x` times `weight`: a kernel, or a matrix of (inputs, outputs).

    `kind` is the class of torch's layer that computes this: "Linear", "Conv2d", "ConvTranspose1d".
    `single` is False where every entry of a batch has a matrix of its own, which no one box can hold. Nor
    does one hold complex numbers, a sparse matrix, or codes of integers: `stored_as_is` is False.
    """

    x: Tensor
    weight: Tensor
    shape: Shape
    kind: str = "Linear"
    single: bool = True
    stored_as_is: bool = True

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations per sample; a complex one counts as 4 real ones."""
        return self.shape.macs * (4 if self.weight.is_complex() else 1)


def readings(
    func: Any, args: tuple[Any, ...], out: Any, are_copies: Callable[[Tensor], bool]
) -> tuple[Product, ...]:
    """Return the ways to read an operator as a product: either of two matrices may be the weight.

    `are_copies` says whether the matrices of a batch are copies of one.
    """
    packet = func.overloadpacket
    if packet is aten.convolution:
        return (_convolution(args, out),)
    if packet is aten.linear:
        return (_matrices(args[0], args[1].t(), are_copies),)
    if packet not in _FIRST_FACTOR:
        return ()
    a, b = args[_FIRST_FACTOR[packet] :][:2]
    a = a if a.dim() > 1 else a.unsqueeze(0)
    b = b if b.dim() > 1 else b.unsqueeze(1)
    if packet in _OTHER_ARITHMETIC or not a.layout is b.layout is torch.strided:
        return _other_arithmetic(a, b)
    return (_matrices(a, b, are_copies), _matrices(b.mT, a.mT, are_copies))


def _other_arithmetic(a: Tensor, b: Tensor) -> tuple[Product, Product]:
    """Return both readings of a product of matrices that no box holds; a sparse one counts in full."""
    inputs, outputs = b.shape[-2:]
    shape = shapes.linear(inputs, outputs, prod(a.shape[:-1]))
    return (Product(a, b, shape, stored_as_is=False), Product(b, a, shape, stored_as_is=False))


def _convolution(args: tuple[Any, ...], out: Tensor) -> Product:
    x, weight, transposed, groups = args[0], args[1], args[6], args[8]
    rule = shapes.transposed_convolution if transposed else shapes.convolution
    positions = x.shape[0] * prod((x if transposed else out).shape[2:])
    kind = f"Conv{'Transpose' if transposed else ''}{weight.dim() - 2}d"
    return Product(x, weight, rule(weight.shape, groups, positions), kind)


def _matrices(x: Tensor, weight: Tensor, are_copies: Callable[[Tensor], bool]) -> Product:
    """Return `x @ weight`; a matrix that is only repeated along the batch counts as one."""
    inputs, outputs = weight.shape[-2:]
    batch = prod(weight.shape[:-2])
    if batch == 1 or (weight.dim() == 3 and (weight.stride(0) == 0 or are_copies(weight))):
        matrix = weight if weight.dim() == 2 else weight[0]
        return Product(x, matrix, shapes.linear(inputs, outputs, prod(x.shape[:-1])))
    # Only its MACs count: `batch` matrices side by side, each for its own entry.
    return Product(x, weight, shapes.linear(inputs, batch * outputs, x.shape[-2]), single=False)


def inner_products(func: Any, args: tuple[Any, ...], out: Any) -> tuple[int, list[Tensor]] | None:
    """Return MACs and factors of an operator that multiplies inside itself; None for any other operator.

    These are fused attention, whose mask is no factor but added to the scores, LSTM, Bilinear and distances.
    """
    name = func.overloadpacket.__name__
    if "scaled_dot_product" in name:
        q, k, v = args[:3]
        return int(prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])), [q, k, v]
    if name == "_trilinear":
        return int(args[0].shape[0] * args[1].numel()), [args[1]]
    if name in ("_cdist_forward", "_euclidean_dist"):
        return prod(out.shape) * args[0].shape[-1], [*args[:2]]
    if name == "mkldnn_rnn_layer":
        weights = list(args[1:3])
    elif name in ("_cudnn_rnn", "miopen_rnn"):
        weights = [weight for weight in args[1] if weight.dim() > 1]
    else:
        return None
    return prod(args[0].shape[:-1]) * sum(weight.numel() for weight in weights), weights
