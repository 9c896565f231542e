"""Where the vectors of a layer lie in its input, and their products in its output.

Row r of group g of vector p of sample n is `x.flat[x[n, p] + rows[g, r]]`, and its product by column c is
added to `y.flat[y[n, p] + columns[c]]`. The input is padded first, so that no vector reaches beyond it; the
output of a transposed convolution is cropped last.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from math import prod
from typing import NamedTuple

import numpy as np
from torch import Tensor
from torch.nn import functional

from ..kernels.arrays import Ints
from ..values import Layer
from .vectors import Convolution, output_size


class Places(NamedTuple):
    """Offsets of elements in flat arrays."""

    x: Ints  # (samples, positions)
    rows: Ints  # (groups, rows)
    y: Ints  # (samples, positions)
    columns: Ints  # (columns,)


def padded(x: Tensor, how: Convolution | None) -> Tensor:
    """Return an input as places count in it."""
    if how is None or how.transposed or not any(how.padding):
        return x.contiguous()
    return functional.pad(x, [side for pad in reversed(how.padding) for side in (pad, pad)])


def uncropped(how: Convolution | None) -> Convolution | None:
    """Return how a kernel moves to give an output as places count in it."""
    if how is None or not how.transposed:
        return how
    return how._replace(padding=(0,) * len(how.padding))


def cropped(y: Tensor, how: Convolution | None) -> Tensor:
    """Return the output of a layer from one as places count in it."""
    if how is None or not how.transposed or not any(how.padding):
        return y
    inner = [slice(pad, size - pad) for pad, size in zip(how.padding, y.shape[2:], strict=True)]
    return y[(slice(None), slice(None), *inner)].contiguous()


def output_shape(layer: Layer, x: Tensor, how: Convolution | None) -> tuple[int, ...]:
    """Return the shape of an output as places count in it; `x` is the input before it is padded."""
    if how is None:
        return *x.shape[:-1], layer.raw.w
    moves = uncropped(how)
    assert moves is not None
    channels = layer.raw.w // (how.taps if how.transposed else 1)
    return x.shape[0], channels, *output_size(x, moves)


def places_of(layer: Layer, x: Tensor, how: Convolution | None, innermost: bool) -> Places:
    """Return the places of a layer's vectors; `x` is its input before it is padded.

    Where samples are `innermost`, vectors come position by position, the samples of each side by side.
    """
    if how is None:
        count = np.arange(x[..., 0].numel())
        found = Places(count * layer.raw.h, np.arange(layer.raw.h)[None], count * layer.raw.w, np.arange(layer.raw.w))
    else:
        found = (_of_transposed if how.transposed else _of_convolution)(x, how, output_shape(layer, x, how))

    def sorted_by_sample(vectors: Ints) -> Ints:
        if innermost:
            return np.ascontiguousarray(vectors.reshape(layer.positions, -1).T)
        return vectors.reshape(-1, layer.positions)

    return found._replace(x=sorted_by_sample(found.x), y=sorted_by_sample(found.y))


def _of_convolution(x: Tensor, how: Convolution, out: Sequence[int]) -> Places:
    sizes = [size + 2 * pad for size, pad in zip(x.shape[2:], how.padding, strict=True)]
    image, pitches = prod(sizes), _pitches(sizes)
    corners = _offsets([p * s for p, s in zip(pitches, how.stride, strict=True)], out[2:])
    taps = _offsets([p * d for p, d in zip(pitches, how.dilation, strict=True)], how.kernel)
    channels = x.shape[1] * image
    rows = _sums(image * np.arange(x.shape[1]), taps).reshape(how.groups, -1)
    positions = prod(out[2:])
    inner = _sums(out[1] * positions * np.arange(x.shape[0]), np.arange(positions))
    return Places(_sums(channels * np.arange(x.shape[0]), corners), rows, inner, positions * np.arange(out[1]))


def _of_transposed(x: Tensor, how: Convolution, out: Sequence[int]) -> Places:
    image, whole, pitches = prod(x.shape[2:]), prod(out[2:]), _pitches(out[2:])
    pixels = _sums(x.shape[1] * image * np.arange(x.shape[0]), np.arange(image))
    rows = (image * np.arange(x.shape[1])).reshape(how.groups, -1)
    corners = _offsets([p * s for p, s in zip(pitches, how.stride, strict=True)], x.shape[2:])
    taps = _offsets([p * d for p, d in zip(pitches, how.dilation, strict=True)], how.kernel)
    reached = _sums(out[1] * whole * np.arange(x.shape[0]), corners)
    return Places(pixels, rows, reached, _sums(whole * np.arange(out[1]), taps))


def _pitches(sizes: Sequence[int]) -> list[int]:
    """How far neighbours of each dimension are apart in a flat array."""
    return [prod(sizes[axis + 1 :]) for axis in range(len(sizes))]


def _offsets(pitches: Sequence[int], sizes: Sequence[int]) -> Ints:
    """Offsets of all elements of a block, the last dimension fastest."""
    axes = (pitch * np.arange(size) for pitch, size in zip(pitches, sizes, strict=True))
    return reduce(_sums, axes, np.zeros(1, np.int64))


def _sums(outer: Ints, inner: Ints) -> Ints:
    """All sums of one of each, those of the first of `outer` first."""
    return np.asarray(outer[:, None] + inner, np.int64).reshape(-1)
