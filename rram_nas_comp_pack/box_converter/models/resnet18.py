"""ResNet-18 (He et al., arXiv 1512.03385) in its form for small images: 3 x 3 stem, stride 1, no pooling."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple, cast

from torch import Tensor, nn


class Stage(NamedTuple):
    """One row of the table: output channels, stride of the first block, number of blocks."""

    channels: int
    stride: int
    blocks: int


STEM = 64
STAGES = (Stage(64, 1, 2), Stage(128, 2, 2), Stage(256, 2, 2), Stage(512, 2, 2))


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions and a shortcut, 1 x 1 where the shape changes."""

    def __init__(self, channels: int, out: int, stride: int) -> None:
        """Build a block from `channels` to `out` channels."""
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)
        same = stride == 1 and channels == out
        projection = [nn.Conv2d(channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)]
        self.shortcut = nn.Sequential(*([] if same else projection))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, out, ceil(H / stride), ceil(W / stride))."""
        y = self.bn1(self.conv1(x)).relu()
        y = self.bn2(self.conv2(y)) + self.shortcut(x)
        return cast(Tensor, y.relu())


def resnet18(num_classes: int = 10) -> nn.Module:
    """Return the network: 21 layers and 11 173 962 parameters for 10 classes."""
    blocks: list[nn.Module] = []
    channels = STEM
    for stage in STAGES:
        for stride in (stage.stride, *[1] * (stage.blocks - 1)):
            blocks.append(BasicBlock(channels, stage.channels, stride))
            channels = stage.channels
    parts = {
        "conv1": nn.Conv2d(3, STEM, 3, 1, 1, bias=False),
        "bn1": nn.BatchNorm2d(STEM),
        "relu": nn.ReLU(inplace=True),
        "blocks": nn.Sequential(*blocks),
        "pool": nn.AdaptiveAvgPool2d(1),
        "flatten": nn.Flatten(),
        "linear": nn.Linear(channels, num_classes),
    }
    return nn.Sequential(OrderedDict(parts))
