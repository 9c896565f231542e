"""MobileNetV3-small (Howard et al., arXiv 1905.02244) as the authors of RNC define it.

Unlike torchvision's, every block has an expansion, a squeeze-and-excite and, where the shape changes, a
convolution on its shortcut.
"""

from __future__ import annotations

from typing import NamedTuple, cast

from torch import Tensor, nn


class Block(NamedTuple):
    """One row of the table: `hswish` says whether the block uses h-swish instead of ReLU."""

    kernel: int
    stride: int
    expanded: int
    out: int
    hswish: bool


STEM = 16
BLOCKS = (
    Block(3, 1, 16, 16, False),
    Block(3, 2, 72, 24, False),
    Block(3, 1, 88, 24, False),
    Block(5, 2, 96, 40, True),
    Block(5, 1, 240, 40, True),
    Block(5, 1, 240, 40, True),
    Block(5, 1, 120, 48, True),
    Block(5, 1, 144, 48, True),
    Block(5, 2, 288, 96, True),
    Block(5, 1, 576, 96, True),
    Block(5, 1, 576, 96, True),
)
HEAD = 576
FEATURES = 1280


def convolution(channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    """Return a convolution that keeps the size but for its stride, and its batch norm."""
    conv = nn.Conv2d(channels, out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(out)]


class SqueezeExcite(nn.Module):
    """Scales every channel by a gate in [0, 1] that is computed from the channels' means."""

    def __init__(self, channels: int) -> None:
        """Squeeze to a quarter of the channels."""
        super().__init__()
        self.gate = nn.Sequential(
            nn.AdaptiveAvgPool2d(1),
            *convolution(channels, channels // 4, 1),
            nn.ReLU(inplace=True),
            *convolution(channels // 4, channels, 1),
            nn.Hardsigmoid(),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        return x * cast(Tensor, self.gate(x))


class Bottleneck(nn.Module):
    """Expand, convolve depthwise, squeeze and excite, project, add the shortcut."""

    def __init__(self, channels: int, block: Block) -> None:
        """Build the block of one table row for `channels` input channels."""
        super().__init__()
        activation = nn.Hardswish if block.hswish else nn.ReLU
        self.convs = nn.Sequential(
            *convolution(channels, block.expanded, 1),
            activation(),
            *convolution(block.expanded, block.expanded, block.kernel, block.stride, block.expanded),
            activation(),
            SqueezeExcite(block.expanded),
            *convolution(block.expanded, block.out, 1),
        )
        same = block.stride == 1 and channels == block.out
        self.shortcut = nn.Sequential(*([] if same else convolution(channels, block.out, 1, block.stride)))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        return cast(Tensor, self.convs(x) + self.shortcut(x))


def mbv3_small(num_classes: int = 10) -> nn.Module:
    """Return the network: 63 layers and 1 691 086 parameters for 10 classes."""
    stem = nn.Sequential(nn.Conv2d(3, STEM, 3, 2, 1), nn.BatchNorm2d(STEM), nn.Hardswish())
    channels = (STEM, *(block.out for block in BLOCKS))
    blocks = (Bottleneck(width, block) for width, block in zip(channels, BLOCKS, strict=False))
    return nn.Sequential(
        stem,
        *blocks,
        nn.Sequential(*convolution(channels[-1], HEAD, 1), nn.Hardswish()),
        nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        nn.Sequential(
            nn.Linear(HEAD, FEATURES), nn.Hardswish(), nn.Dropout(0.2), nn.Linear(FEATURES, num_classes)
        ),
    )
