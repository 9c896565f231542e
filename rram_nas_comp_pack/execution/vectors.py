"""Inputs of a layer as vectors for the crossbars, and their products as the layer's output.

Vectors are (samples, positions, groups, rows): rows in torch's unfolded order, positions the pixels of the
output, or of the input of a transposed convolution. Products are (samples, positions, groups, columns of a
group).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional


class Convolution(NamedTuple):
    """How a kernel moves; every entry is one number a dimension."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    transposed: bool
    output_padding: tuple[int, ...]
    groups: int

    @property
    def taps(self) -> int:
        """Weights of a kernel for one channel."""
        return prod(self.kernel)


def convolution_of(args: Sequence[Any]) -> Convolution:
    """Read the arguments of `aten.convolution`."""
    rank = args[1].dim() - 2
    stride, padding, dilation, output_padding = (_each(args[i], rank) for i in (3, 4, 5, 7))
    kernel = tuple(int(size) for size in args[1].shape[2:])
    return Convolution(kernel, stride, padding, dilation, bool(args[6]), output_padding, int(args[8]))


def _each(values: Sequence[int], rank: int) -> tuple[int, ...]:
    return tuple(values) if len(values) == rank else tuple(values) * rank


def unfold(x: Tensor, how: Convolution | None) -> Tensor:
    """Return the vectors (1, n, groups, rows) of all positions of all samples, n together.

    `x` is (samples, channels, *size); with `how` None, vectors (…, rows).
    """
    if how is None:
        return x.reshape(1, -1, 1, x.shape[-1])
    rank, groups = len(how.kernel), how.groups
    if how.transposed:
        pixels = x.movedim(1, -1)
        return pixels.reshape(1, -1, groups, x.shape[1] // groups)
    x = functional.pad(x, [side for pad in reversed(how.padding) for side in (pad, pad)])
    windows = zip(how.kernel, how.stride, how.dilation, strict=True)
    for axis, (kernel, stride, dilation) in enumerate(windows, start=2):
        x = x.unfold(axis, dilation * (kernel - 1) + 1, stride)[..., ::dilation]
    x = x.permute(0, *range(2, 2 + rank), 1, *range(2 + rank, 2 + 2 * rank))
    return x.reshape(1, -1, groups, x.shape[1 + rank] // groups * how.taps)


def fold(sums: Tensor, x: Tensor, how: Convolution | None) -> Tensor:
    """Return the layer's output from products (…, groups, columns of a group); `x` is what `unfold` took."""
    columns = sums.shape[-2] * sums.shape[-1]
    if how is None:
        return sums.reshape(*x.shape[:-1], columns)
    if how.transposed:
        return _overlapped(sums.reshape(x.shape[0], *x.shape[2:], -1, how.taps), x, how)
    return sums.reshape(x.shape[0], *output_size(x, how), columns).movedim(-1, 1).contiguous()


def output_size(x: Tensor, how: Convolution) -> tuple[int, ...]:
    """Return the sizes of the output, without samples and channels."""
    sizes = zip(x.shape[2:], how.kernel, how.stride, how.padding, how.dilation, strict=True)
    if how.transposed:
        return tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + 1 + more
            for (n, k, s, p, d), more in zip(sizes, how.output_padding, strict=True)
        )
    return tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in sizes)


def _overlapped(sums: Tensor, x: Tensor, how: Convolution) -> Tensor:
    """Add the products (samples, *size, channels, taps) of a transposed convolution where they overlap."""
    inner = output_size(x, how)
    whole = [size + 2 * pad for size, pad in zip(inner, how.padding, strict=True)]
    out = torch.zeros((x.shape[0], sums.shape[-2], *whole), dtype=sums.dtype, device=sums.device)
    sums = sums.movedim(-2, 1)
    for tap, offsets in enumerate(product(*map(range, how.kernel))):
        steps = zip(offsets, how.dilation, how.stride, x.shape[2:], strict=True)
        reached = [slice(o * d, o * d + s * (n - 1) + 1, s) for o, d, s, n in steps]
        out[(slice(None), slice(None), *reached)] += sums[..., tap]
    cropped = [slice(pad, pad + size) for pad, size in zip(how.padding, inner, strict=True)]
    return out[(slice(None), slice(None), *cropped)]


def raw_matrix(weight: Tensor, kind: str, groups: int) -> Tensor:
    """Return a kernel, or a matrix (inputs, outputs), as the raw matrix (rows, columns) of its layer."""
    if kind == "Linear":
        return weight
    if kind.startswith("ConvTranspose"):
        parts = weight.reshape(groups, weight.shape[0] // groups, -1)
        return parts.permute(1, 0, 2).reshape(parts.shape[1], -1)
    return weight.reshape(weight.shape[0], -1).T


def kernel_of(matrix: Tensor, how: Convolution) -> Tensor:
    """Return the raw matrix of a convolution as torch's kernel, the inverse of `raw_matrix`."""
    rows, columns = matrix.shape
    if how.transposed:
        parts = matrix.reshape(rows, how.groups, columns // how.groups).permute(1, 0, 2)
        return parts.reshape(rows * how.groups, columns // how.groups // how.taps, *how.kernel)
    return matrix.T.reshape(columns, rows // how.taps, *how.kernel)
