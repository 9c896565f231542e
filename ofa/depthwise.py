"""Depthwise convolutions in training on a CPU, where torch spends most of a large subnet's time.

Its gradients are slow where a kernel is nearly as large as the image, as deep in a network. Here every place
of a kernel is a product of all channels at once, and places beyond the border cost nothing. Sums have one
order, so that numbers are the same each time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode


@cache
def _compiled() -> tuple[Callable[..., None], ...]:
    """Return compiled functions: outputs, gradients of inputs, gradients of kernels.

    Each adds to its last argument; images are (n, height, width, channels), kernels (k, k, channels).
    """
    from numba import njit

    @njit(cache=True, fastmath={"contract"}, nogil=True)
    def outputs(x, kernel, stride, y):  # type: ignore[no-untyped-def]
        size, half = len(kernel), len(kernel) // 2
        n, height, width, channels = x.shape
        for image in range(n):
            for row in range(y.shape[1]):
                top = row * stride - half
                for column in range(y.shape[2]):
                    left = column * stride - half
                    out = y[image, row, column]
                    for i in range(max(0, -top), min(size, height - top)):
                        for j in range(max(0, -left), min(size, width - left)):
                            seen, weight = x[image, top + i, left + j], kernel[i, j]
                            for c in range(channels):
                                out[c] += seen[c] * weight[c]

    @njit(cache=True, fastmath={"contract"}, nogil=True)
    def of_inputs(dy, kernel, stride, dx):  # type: ignore[no-untyped-def]
        size, half = len(kernel), len(kernel) // 2
        n, height, width, channels = dx.shape
        for image in range(n):
            for row in range(dy.shape[1]):
                top = row * stride - half
                for column in range(dy.shape[2]):
                    left = column * stride - half
                    out = dy[image, row, column]
                    for i in range(max(0, -top), min(size, height - top)):
                        for j in range(max(0, -left), min(size, width - left)):
                            seen, weight = dx[image, top + i, left + j], kernel[i, j]
                            for c in range(channels):
                                seen[c] += out[c] * weight[c]

    @njit(cache=True, fastmath={"contract"}, nogil=True)
    def of_kernels(dy, x, stride, dkernel):  # type: ignore[no-untyped-def]
        size, half = len(dkernel), len(dkernel) // 2
        n, height, width, channels = x.shape
        for image in range(n):
            for row in range(dy.shape[1]):
                top = row * stride - half
                for column in range(dy.shape[2]):
                    left = column * stride - half
                    out = dy[image, row, column]
                    for i in range(max(0, -top), min(size, height - top)):
                        for j in range(max(0, -left), min(size, width - left)):
                            seen, weight = x[image, top + i, left + j], dkernel[i, j]
                            for c in range(channels):
                                weight[c] += out[c] * seen[c]

    return outputs, of_inputs, of_kernels


def _rows(images: Tensor) -> Any:
    """Return (n, channels, height, width) as an array (n, height, width, channels) without gaps."""
    return images.detach().permute(0, 2, 3, 1).contiguous().numpy()


def _channels_last(kernel: Tensor) -> Any:
    return kernel.detach()[:, 0].permute(1, 2, 0).contiguous().numpy()


class Depthwise(torch.autograd.Function):
    """A convolution of float32 images (n, channels, height, width) and kernels (channels, 1, k, k)."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor, stride: int) -> Tensor:
        """Return (n, channels, ceil(height / stride), ceil(width / stride)), padded with k // 2 zeros."""
        ctx.save_for_backward(x, kernel)
        ctx.stride = stride
        n, channels, height, width = x.shape
        y = x.new_zeros(n, -(-height // stride), -(-width // stride), channels)
        _compiled()[0](_rows(x), _channels_last(kernel), stride, y.numpy())
        return y.permute(0, 3, 1, 2)

    @staticmethod
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients of images and kernels."""
        x, kernel = ctx.saved_tensors
        rows = _rows(dy)
        _, of_inputs, of_kernels = _compiled()
        dx = x.new_zeros(x.shape[0], *x.shape[2:], x.shape[1])
        of_inputs(rows, _channels_last(kernel), ctx.stride, dx.numpy())
        dkernel = x.new_zeros(*kernel.shape[2:], len(kernel))
        of_kernels(rows, _rows(x), ctx.stride, dkernel.numpy())
        return dx.permute(0, 3, 1, 2), dkernel.permute(2, 0, 1)[:, None], None


@contextmanager
def fast_depthwise() -> Iterator[None]:
    """Compute depthwise convolutions of large kernels this way, where that pays: on a CPU, for gradients."""
    with _FastDepthwise():
        yield


class _FastDepthwise(TorchFunctionMode):
    """Replaces the function that the modules call."""

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func is functional.conv2d and not kwargs and _pays(*args):
            return Depthwise.apply(args[0], args[1], args[3][0])  # type: ignore[no-untyped-call]
        return func(*args, **(kwargs or {}))


def _pays(x: Tensor, kernel: Tensor, *rest: Any) -> bool:
    """Say whether torch is slower; `rest` is bias, stride, padding, dilation and groups."""
    if len(rest) < 5 or rest[4] != len(kernel) or kernel.shape[2] < 5 or not torch.is_grad_enabled():
        return False
    bias, stride, padding, dilation = rest[:4]
    plain = bias is None and dilation == (1, 1) and padding == (kernel.shape[2] // 2,) * 2
    return plain and stride[0] == stride[1] and x.device.type == "cpu" and x.dtype == torch.float32
