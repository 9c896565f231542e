"""SqueezeNet 1.1 (Iandola et al., arXiv 1602.07360, and the authors' release of version 1.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class Squeeze(NamedTuple):
    """One row of the table: channels after the squeeze and after each of the two expansions."""

    squeeze: int
    expand: int


POOL = None
STEM = 64
FIRES = (
    POOL,
    Squeeze(16, 64),
    Squeeze(16, 64),
    POOL,
    Squeeze(32, 128),
    Squeeze(32, 128),
    POOL,
    Squeeze(48, 192),
    Squeeze(48, 192),
    Squeeze(64, 256),
    Squeeze(64, 256),
)


class Fire(nn.Module):
    """A 1 x 1 convolution to few channels, then 1 x 1 and 3 x 3 convolutions side by side."""

    def __init__(self, channels: int, fire: Squeeze) -> None:
        """Build the module of one table row for `channels` input channels."""
        super().__init__()
        self.squeeze = nn.Conv2d(channels, fire.squeeze, 1)
        self.expand1x1 = nn.Conv2d(fire.squeeze, fire.expand, 1)
        self.expand3x3 = nn.Conv2d(fire.squeeze, fire.expand, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to (N, 2 * expand, H, W)."""
        x = self.squeeze(x).relu()
        return torch.cat([self.expand1x1(x).relu(), self.expand3x3(x).relu()], dim=1)


def squeezenet(num_classes: int = 10) -> nn.Module:
    """Return the network: 26 layers and 727 626 parameters for 10 classes."""
    features: list[nn.Module] = [nn.Conv2d(3, STEM, 3, 2), nn.ReLU(inplace=True)]
    channels = STEM
    for fire in FIRES:
        if fire is POOL:
            features.append(nn.MaxPool2d(3, 2, ceil_mode=True))
        else:
            features.append(Fire(channels, fire))
            channels = 2 * fire.expand
    classifier = [nn.Dropout(0.5), nn.Conv2d(channels, num_classes, 1), nn.ReLU(inplace=True)]
    return nn.Sequential(
        nn.Sequential(*features), nn.Sequential(*classifier), nn.AdaptiveAvgPool2d(1), nn.Flatten()
    )
