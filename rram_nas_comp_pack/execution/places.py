"""Where the vectors of a layer lie in its input, and their products in its output.

Row r of group g of vector p of sample n is `x.flat[x[n, p] + rows[g, r]]`, and its product by column c is
added to `y.flat[y[n, p] + columns[c]]`. The input is padded first, so that no vector reaches beyond it; the
output of a transposed convolution is cropped last. Channels come first, as in torch, or last.
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


class Order(NamedTuple):
    """How the elements of tensors are counted, and the samples among the vectors.

    Where samples are `innermost`, vectors come position by position, the samples of each side by side.
    """

    channels_last: bool
    innermost: bool


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


def unpadded(how: Convolution | None) -> Convolution | None:
    """Return how a kernel moves from an input to an output as places count in them."""
    return None if how is None else how._replace(padding=(0,) * len(how.padding))


def cropped(y: Tensor, how: Convolution | None) -> Tensor:
    """Return the output of a layer from one as places count in it."""
    if how is None or not how.transposed or not any(how.padding):
        return y
    inner = [slice(pad, size - pad) for pad, size in zip(how.padding, y.shape[2:], strict=True)]
    return y[(slice(None), slice(None), *inner)]


def vectors_in(x: Tensor, how: Convolution | None) -> int:
    """Return how many vectors an input has, before it is padded."""
    if how is None:
        return x.numel() // x.shape[-1]
    return len(x) * prod(x.shape[2:] if how.transposed else output_size(x, how))


def output_shape(layer: Layer, x: Tensor, how: Convolution | None) -> tuple[int, ...]:
    """Return the shape of an output as places count in it; `x` is the input before it is padded."""
    if how is None:
        return *x.shape[:-1], layer.raw.w
    channels = layer.raw.w // (how.taps if how.transposed else 1)
    inner = output_size(x, how)
    around = how.padding if how.transposed else (0,) * len(inner)
    return x.shape[0], channels, *(size + 2 * pad for size, pad in zip(inner, around, strict=True))


def places_of(layer: Layer, x: Tensor, how: Convolution | None, order: Order) -> Places:
    """Return the places of a layer's vectors; `x` is its input before it is padded, channels first."""
    if how is None:
        count = np.arange(x[..., 0].numel())
        rows, columns = np.arange(layer.raw.h), np.arange(layer.raw.w)
        found = Places(count * layer.raw.h, rows[None], count * layer.raw.w, columns)
    else:
        of_kind = _of_transposed if how.transposed else _of_convolution
        found = of_kind(x, how, output_shape(layer, x, how), order.channels_last)

    def sorted_by_sample(vectors: Ints) -> Ints:
        if order.innermost:
            return np.ascontiguousarray(vectors.reshape(layer.positions, -1).T)
        return vectors.reshape(-1, layer.positions)

    return found._replace(x=sorted_by_sample(found.x), y=sorted_by_sample(found.y))


class _Grid(NamedTuple):
    """How far neighbours are apart in a flat tensor."""

    sample: int
    channel: int
    pixels: tuple[int, ...]  # of each dimension


def _grid(channels: int, sizes: Sequence[int], channels_last: bool) -> _Grid:
    apart, channel = (channels, 1) if channels_last else (1, prod(sizes))
    pixels = tuple(apart * prod(sizes[axis + 1 :]) for axis in range(len(sizes)))
    return _Grid(channels * prod(sizes), channel, pixels)


def _of_convolution(x: Tensor, how: Convolution, out: Sequence[int], channels_last: bool) -> Places:
    sizes = [size + 2 * pad for size, pad in zip(x.shape[2:], how.padding, strict=True)]
    grid, own = _grid(x.shape[1], sizes, channels_last), _grid(out[1], out[2:], channels_last)
    corners = _offsets(_scaled(grid.pixels, how.stride), out[2:])
    taps = _offsets(_scaled(grid.pixels, how.dilation), how.kernel)
    rows = _sums(grid.channel * np.arange(x.shape[1]), taps).reshape(how.groups, -1)
    samples = np.arange(x.shape[0])
    reached = _sums(own.sample * samples, _offsets(own.pixels, out[2:]))
    return Places(_sums(grid.sample * samples, corners), rows, reached, own.channel * np.arange(out[1]))


def _of_transposed(x: Tensor, how: Convolution, out: Sequence[int], channels_last: bool) -> Places:
    grid, own = _grid(x.shape[1], x.shape[2:], channels_last), _grid(out[1], out[2:], channels_last)
    rows = (grid.channel * np.arange(x.shape[1])).reshape(how.groups, -1)
    corners = _offsets(_scaled(own.pixels, how.stride), x.shape[2:])
    taps = _offsets(_scaled(own.pixels, how.dilation), how.kernel)
    samples = np.arange(x.shape[0])
    pixels = _sums(grid.sample * samples, _offsets(grid.pixels, x.shape[2:]))
    return Places(
        pixels, rows, _sums(own.sample * samples, corners), _sums(own.channel * np.arange(out[1]), taps)
    )


def _scaled(pitches: Sequence[int], steps: Sequence[int]) -> list[int]:
    return [pitch * step for pitch, step in zip(pitches, steps, strict=True)]


def _offsets(pitches: Sequence[int], sizes: Sequence[int]) -> Ints:
    """Offsets of all elements of a block, the last dimension fastest."""
    axes = (pitch * np.arange(size) for pitch, size in zip(pitches, sizes, strict=True))
    return reduce(_sums, axes, np.zeros(1, np.int64))


def _sums(outer: Ints, inner: Ints) -> Ints:
    """All sums of one of each, those of the first of `outer` first."""
    return np.asarray(outer[:, None] + inner, np.int64).reshape(-1)
