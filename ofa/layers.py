"""Elastic operators (Once for All, section 3): each runs with a part of its weights, and gives a plain copy.

A part is the first channels of every tensor. It is named by the shape of the convolution's weight,
(out, in / groups, kernel).
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import TypeVar, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ofa.architecture import EXPANSIONS, KERNELS, BlockShape, middle_channels, squeezed_channels

Part = tuple[int, int, int]
Activation = Callable[[Tensor], Tensor]
M = TypeVar("M", bound=nn.Module)
_NOTHING: Mapping[str, None] = {}


def sequence(**parts: nn.Module) -> nn.Sequential:
    """Return the parts in a row, under their names."""
    return nn.Sequential(OrderedDict(parts))


class SqueezeExcite(nn.Module):
    """Scales every channel by a gate in [0, 1] that is computed from the channels' means."""

    def __init__(self, fc: nn.Sequential) -> None:
        """Take its two convolutions, of kernel 1 and with bias."""
        super().__init__()
        self.fc = fc

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        reduce, expand = self.fc
        return x * functional.hardsigmoid(expand(functional.relu(reduce(x.mean((2, 3), keepdim=True)))))


class Unit(nn.Module):
    """A convolution and what follows it: norm, activation, squeeze-excite, each where there is one.

    The activation is a function, not a module: the more modules, the longer it takes to make a subnet.
    """

    def __init__(
        self,
        conv: nn.Module,
        bn: nn.Module | None,
        act: Activation | None = None,
        se: nn.Module | None = None,
    ) -> None:
        """Take the parts."""
        super().__init__()
        self.conv, self.bn, self.act, self.se = conv, bn, act, se

    def forward(self, x: Tensor, *part: Part) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride)); elastic ones need the part."""
        y = cast(Tensor, self.conv(x, *part))
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


@cache
def _holders() -> tuple[tuple[str, type], ...]:
    """Name and type of the dictionaries and sets in which a module holds tensors, children and hooks."""
    return tuple((name, type(own)) for name, own in vars(nn.Module()).items() if isinstance(own, dict | set))


def rebuilt(
    module: M,
    weights: Mapping[str, Tensor | None],
    buffers: Mapping[str, Tensor | None] = _NOTHING,
    children: Mapping[str, nn.Module | None] = _NOTHING,
) -> M:
    """Return a module with the settings of `module` that holds these tensors and children, and no hooks.

    A constructor would draw weights that nobody wants here, and a subnet has hundreds of modules.
    """
    copy = module.__new__(type(module))
    vars(copy).update(vars(module))
    vars(copy).update({name: kind() for name, kind in _holders()})
    copy._parameters.update({k: v if v is None else nn.Parameter(v) for k, v in weights.items()})
    copy._buffers.update(buffers)
    copy._modules.update(children)
    return copy


def plain_copy(module: M) -> M:
    """Return a copy of a module and all it holds."""
    return rebuilt(
        module,
        {name: own if own is None else own.clone() for name, own in module._parameters.items()},
        {name: own if own is None else own.clone() for name, own in module._buffers.items()},
        {name: own if own is None else plain_copy(own) for name, own in module._modules.items()},
    )


@lru_cache(maxsize=1024)
def _template(weight: torch.Size, stride: int, bias: bool) -> nn.Conv2d:
    """Return a convolution without memory; one input channel per group means depthwise."""
    out, channels, kernel = weight[0], weight[1], weight[2]
    groups = out if channels == 1 else 1
    half = kernel // 2
    return nn.Conv2d(channels * groups, out, kernel, stride, half, 1, groups, bias, device="meta")


def plain_convolution(weight: Tensor, bias: Tensor | None = None, stride: int = 1) -> nn.Conv2d:
    """Return a convolution with a copy of `weight` (out, in / groups, k, k) and of `bias` (out)."""
    own = {"weight": weight.clone(), "bias": bias if bias is None else bias.clone()}
    return rebuilt(_template(weight.shape, stride, bias is not None), own)


class ElasticConv(nn.Module):
    """A 1 x 1 convolution of which the first output and input channels are used."""

    def __init__(self, conv: nn.Conv2d) -> None:
        """Take the convolution with all its channels."""
        super().__init__()
        self.conv = conv

    def weight(self, part: Part) -> Tensor:
        """Return the part's weight, (out, in / groups, kernel, kernel)."""
        return self.conv.weight[: part[0], : part[1]]

    def forward(self, x: Tensor, part: Part) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        groups = x.shape[1] // part[1]
        return functional.conv2d(x, self.weight(part), None, self.conv.stride, part[2] // 2, 1, groups)


class ElasticDepthwise(ElasticConv):
    """A depthwise convolution whose smaller kernels are made from the centre of the next larger one."""

    def __init__(self, channels: int, stride: int) -> None:
        """Start with matrices that pass the centre through."""
        largest = KERNELS[-1]
        super().__init__(
            nn.Conv2d(channels, channels, largest, stride, largest // 2, groups=channels, bias=False)
        )
        for small, large in pairwise(KERNELS):
            self.register_parameter(f"{large}to{small}_matrix", nn.Parameter(torch.eye(small * small)))

    def weight(self, part: Part) -> Tensor:
        """Return the part's kernels, (channels, 1, kernel, kernel)."""
        kernels = self.conv.weight[: part[0]]
        for size in (5, 3):
            if size >= part[2]:
                centre = kernels[:, :, 1:-1, 1:-1]
                matrix = self.get_parameter(f"{size + 2}to{size}_matrix")
                kernels = functional.linear(centre.flatten(2), matrix).view_as(centre)
        return kernels


class ElasticNorm(nn.Module):
    """A batch norm of which the first channels are used."""

    def __init__(self, channels: int) -> None:
        """Make the norm of all channels."""
        super().__init__()
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape; in training, the statistics of the C channels move."""
        bn, mean, var, n = self.bn, self.bn.running_mean, self.bn.running_var, x.shape[1]
        assert mean is not None
        assert var is not None
        if self.training and bn.num_batches_tracked is not None:
            bn.num_batches_tracked.add_(1)
        momentum = bn.momentum or 0.0
        weight, bias = bn.weight[:n], bn.bias[:n]
        return functional.batch_norm(x, mean[:n], var[:n], weight, bias, self.training, momentum, bn.eps)

    def plain(self, channels: int) -> nn.BatchNorm2d:
        """Return a copy of the first channels."""
        norm = rebuilt(
            self.bn,
            {name: own[:channels].clone() for name, own in self.bn._parameters.items() if own is not None},
            {
                name: (own[:channels] if own.dim() else own).clone()
                for name, own in self.bn._buffers.items()
                if own is not None
            },
        )
        norm.num_features = channels
        return norm


class ElasticSqueezeExcite(SqueezeExcite):
    """A squeeze-excite of which the first channels are used, inside and out."""

    def __init__(self, channels: int) -> None:
        """Make it for all channels."""
        squeezed = squeezed_channels(channels)
        reduce, expand = nn.Conv2d(channels, squeezed, 1), nn.Conv2d(squeezed, channels, 1)
        super().__init__(sequence(reduce=reduce, expand=expand))

    def _convolutions(self, channels: int) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
        """Weight and bias of the two convolutions, for that many channels outside."""
        inside = squeezed_channels(channels)
        reduce, expand = cast("Iterable[nn.Conv2d]", self.fc)
        assert reduce.bias is not None
        assert expand.bias is not None
        return (
            (reduce.weight[:inside, :channels], reduce.bias[:inside]),
            (expand.weight[:channels, :inside], expand.bias[:channels]),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        reduce, expand = self._convolutions(x.shape[1])
        squeezed = functional.relu(functional.conv2d(x.mean((2, 3), keepdim=True), *reduce))
        return x * functional.hardsigmoid(functional.conv2d(squeezed, *expand))

    def plain(self, channels: int) -> SqueezeExcite:
        """Return a copy of the first channels."""
        reduce, expand = self._convolutions(channels)
        convolutions = {"reduce": plain_convolution(*reduce), "expand": plain_convolution(*expand)}
        return SqueezeExcite(rebuilt(self.fc, {}, {}, convolutions))


def plain_unit(unit: Unit, part: Part) -> Unit:
    """Return a copy of a part of an elastic unit."""
    conv, bn, se = cast(ElasticConv, unit.conv), cast(ElasticNorm, unit.bn), unit.se
    children: dict[str, nn.Module] = {
        "conv": plain_convolution(conv.weight(part), stride=conv.conv.stride[0]),
        "bn": bn.plain(part[0]),
    }
    if isinstance(se, ElasticSqueezeExcite):
        children["se"] = se.plain(part[0])
    return rebuilt(unit, {}, {}, children)


class ElasticBlock(nn.Module):
    """A block of any kernel size and expansion ratio."""

    def __init__(self, shape: BlockShape) -> None:
        """Make it for the largest of both."""
        super().__init__()
        channels, out, stride, hswish, squeeze = shape
        widest = middle_channels(channels, EXPANSIONS[-1])
        act = functional.hardswish if hswish else functional.relu
        se = ElasticSqueezeExcite(widest) if squeeze else None
        expand, project = (nn.Conv2d(*c, 1, bias=False) for c in ((channels, widest), (widest, out)))
        self.conv = sequence(
            inverted_bottleneck=Unit(ElasticConv(expand), ElasticNorm(widest), act),
            depth_conv=Unit(ElasticDepthwise(widest, stride), ElasticNorm(widest), act, se),
            point_linear=Unit(ElasticConv(project), ElasticNorm(out)),
        )
        self.shape, self.shortcut = shape, stride == 1 and channels == out

    def _parts(self, kernel: int, expansion: int) -> tuple[Part, Part, Part]:
        middle = middle_channels(self.shape.channels, expansion)
        return (middle, self.shape.channels, 1), (middle, 1, kernel), (self.shape.out, middle, 1)

    def forward(self, x: Tensor, kernel: int, expansion: int) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        y = x
        for unit, part in zip(self.conv, self._parts(kernel, expansion), strict=True):
            y = unit(y, part)
        return x + y if self.shortcut else y

    def plain(self, kernel: int, expansion: int) -> Block:
        """Return a copy with one kernel size and expansion ratio."""
        units = zip(self.conv.named_children(), self._parts(kernel, expansion), strict=True)
        plain = {name: plain_unit(cast(Unit, unit), part) for (name, unit), part in units}
        return Block(rebuilt(self.conv, {}, {}, plain), self.shortcut)
