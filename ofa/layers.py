"""Elastic blocks (Once for All, section 3): a subnet's block has the first channels of every weight."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ofa.architecture import EXPANSIONS, KERNELS, BlockShape, middle_channels, squeezed_channels

Activation = Callable[[Tensor], Tensor]
M = TypeVar("M", bound=nn.Module)


def sequence(**parts: nn.Module) -> nn.Sequential:
    """Return the parts in a row, under their names."""
    return nn.Sequential(OrderedDict(parts))


class SqueezeExcite(nn.Module):
    """Scales every channel by a gate in [0, 1] that is computed from the channels' means."""

    def __init__(self, channels: int) -> None:
        """Make its two convolutions."""
        super().__init__()
        squeezed = squeezed_channels(channels)
        reduce, expand = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        self.fc = sequence(reduce=reduce, expand=expand)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        reduce, expand = self.fc
        return x * functional.hardsigmoid(expand(functional.relu(reduce(x.mean((2, 3), keepdim=True)))))


class Unit(nn.Module):
    """A convolution and what follows it: norm, activation, squeeze-excite, each where there is one.

    The activation is a function, not a module: the more modules, the longer it takes to make a subnet.
    """

    def __init__(
        self, conv: nn.Conv2d, act: Activation | None = None, se: nn.Module | None = None, norm: bool = True
    ) -> None:
        """Take the parts; the norm is as wide as the convolution."""
        super().__init__()
        self.conv: nn.Module = conv
        self.bn: nn.Module | None = nn.BatchNorm2d(conv.out_channels) if norm else None
        self.act, self.se = act, se

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        y = cast(Tensor, self.conv(x))
        for step in (self.bn, self.act, self.se):
            y = step(y) if step is not None else y
        return y


class Block(nn.Module):
    """Expand, convolve depthwise, project; add the input where `shortcut` says so."""

    def __init__(self, conv: nn.Sequential, shortcut: bool) -> None:
        """Take the three in a row."""
        super().__init__()
        self.conv, self.shortcut = conv, shortcut

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        y = cast(Tensor, self.conv(x))
        return x + y if self.shortcut else y


def plain_block(shape: BlockShape, kernel: int, expansion: int) -> Block:
    """Return a block of one kernel size and expansion ratio, with fresh weights."""
    channels, out, stride, hswish, squeeze = shape
    middle, half = middle_channels(channels, expansion), kernel // 2
    act = functional.hardswish if hswish else functional.relu
    # fresh weights are drawn in this order
    se = SqueezeExcite(middle) if squeeze else None
    expand, project = (nn.Conv2d(*ends, 1, bias=False) for ends in ((channels, middle), (middle, out)))
    depthwise = nn.Conv2d(middle, middle, kernel, stride, half, groups=middle, bias=False)
    units = {
        "inverted_bottleneck": Unit(expand, act),
        "depth_conv": Unit(depthwise, act, se),
        "point_linear": Unit(project),
    }
    return Block(sequence(**units), stride == 1 and channels == out)


@cache
def _template(shape: BlockShape, kernel: int, expansion: int) -> Block:
    """Return a block without memory."""
    with torch.device("meta"):
        return plain_block(shape, kernel, expansion)


class NestedHolder(nn.Sequential):
    """Holds one module a level deeper: the supernet's names have `.conv.conv` and `.bn.bn`."""


_HOLDERS = tuple((name, type(own)) for name, own in vars(nn.Module()).items() if isinstance(own, dict | set))
"""Name and type of what a module holds tensors, children and hooks in."""


def narrowed_copy(source: nn.Module, like: M, copied: bool) -> M:
    """Return a module like `like`, without hooks, that holds the first channels of what `source` holds.

    Copies of them make a network of its own; where they are not `copied`, gradients and statistics reach
    `source`. A constructor would draw weights that nobody wants here, and a subnet has hundreds of modules.
    """
    if isinstance(source, NestedHolder):
        (source,) = source._modules.values()
    new = like.__new__(type(like))
    values = new.__dict__
    values.update(like.__dict__, training=source.training)
    for name, kind in _HOLDERS:
        values[name] = kind()
    for name, weight in like._parameters.items():
        own = _first(source._parameters[name], weight)
        values["_parameters"][name] = nn.Parameter(own.clone()) if copied and own is not None else own
    for name, buffer in like._buffers.items():
        own = _first(source._buffers[name], buffer)
        new._buffers[name] = own.clone() if copied and own is not None else own
    for name, child in like._modules.items():
        if child is not None:
            new._modules[name] = narrowed_copy(cast(nn.Module, source._modules[name]), child, copied)
    return new


def _first(tensor: Tensor | None, like: Tensor | None) -> Tensor | None:
    """Return the first output and input channels; kernels keep their size."""
    if tensor is None or like is None or tensor.shape == like.shape:
        return tensor
    return tensor[: len(like)] if like.dim() == 1 else tensor[: like.shape[0], : like.shape[1]]


class ElasticBlock(Block):
    """A block of any kernel size and expansion ratio; its smaller kernels are made from the largest's centre.

    By itself it runs the largest of both.
    """

    def __init__(self, shape: BlockShape) -> None:
        """Start with matrices that pass the centre of a kernel through."""
        largest = plain_block(shape, KERNELS[-1], EXPANSIONS[-1])
        super().__init__(largest.conv, largest.shortcut)
        self.shape = shape
        for unit in cast("list[Unit]", self.conv):
            unit.conv = NestedHolder(OrderedDict(conv=unit.conv))
            unit.bn = NestedHolder(OrderedDict(bn=cast(nn.Module, unit.bn)))
        for small, large in pairwise(KERNELS):
            matrix = nn.Parameter(torch.eye(small * small))
            self._depthwise().register_parameter(f"{large}to{small}_matrix", matrix)

    def plain(self, kernel: int, expansion: int, copied: bool = False) -> Block:
        """Return the block of one kernel size and expansion ratio, with these weights or copies of them."""
        block = narrowed_copy(self, _template(self.shape, kernel, expansion), copied)
        if kernel < KERNELS[-1]:
            conv: Any = block.conv[1].conv
            weight = self._kernels(kernel, conv.out_channels)
            conv._parameters["weight"] = nn.Parameter(weight) if copied else weight
        return block

    def _kernels(self, kernel: int, channels: int) -> Tensor:
        """Return the depthwise kernels of the first channels, (channels, 1, kernel, kernel)."""
        depthwise = self._depthwise()
        kernels: Tensor = depthwise[0].weight[:channels]
        for size in (5, 3):
            if size >= kernel:
                centre = kernels[:, :, 1:-1, 1:-1]
                matrix = depthwise.get_parameter(f"{size + 2}to{size}_matrix")
                kernels = (centre.flatten(2) @ matrix.mT).view_as(centre)
        return kernels

    def _depthwise(self) -> Any:
        return cast(Unit, self.conv.depth_conv).conv
