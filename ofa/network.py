"""The supernet, and the plain subnets that are taken out of it (Once for All, section 3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ofa.architecture import (
    BLOCKS,
    DEPTHS,
    EXPANSIONS,
    FEATURES,
    HEAD,
    KERNELS,
    STEM,
    Choice,
    Configuration,
    configuration,
    sample,
)
from ofa.layers import Activation, Block, ElasticBlock, Unit, plain_copy, rebuilt, sequence

if TYPE_CHECKING:
    from numpy.random import Generator


class Subnet(nn.Module):
    """A plain network: its modules have the supernet's names, less the doubled `.conv.conv` and `.bn.bn`."""

    first_conv: nn.Module
    blocks: nn.Sequential
    final_expand_layer: nn.Module
    feature_mix_layer: nn.Module
    classifier: nn.Module

    def __init__(self, parts: dict[str, nn.Module]) -> None:
        """Take the five parts by name."""
        super().__init__()
        for name, part in parts.items():
            self.add_module(name, part)

    @property
    def classes(self) -> int:
        """The number of logits."""
        return len(self.get_parameter("classifier.linear.weight"))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to logits (N, classes)."""
        return self.head(cast(Tensor, self.blocks(self.first_conv(x))))

    def head(self, x: Tensor) -> Tensor:
        """Map what the last block gives, (N, 96, H / 16, W / 16), to logits (N, classes)."""
        x = self.final_expand_layer(x).mean((2, 3), keepdim=True)
        return cast(Tensor, self.classifier(self.feature_mix_layer(x).flatten(1)))


class Supernet(Subnet):
    """All subnets in one set of weights; it runs the active one, at first the largest.

    Its `state_dict` has the names and shapes of the published checkpoint.
    """

    active: Configuration

    def __init__(self, num_classes: int = 10) -> None:
        """Make it with fresh weights."""
        super().__init__(_parts(num_classes))
        self.active = configuration(KERNELS[-1], EXPANSIONS[-1], DEPTHS[-1])

    def set_active_subnet(
        self, ks: Choice | None = None, e: Choice | None = None, d: Choice | None = None
    ) -> None:
        """Choose kernel sizes, expansion ratios and depths; what is not given stays as it was.

        Each is a number for all or a list: 16 or 20 of `ks` and `e`, 4 or 5 of `d`; the ends of the longer
        lists, which the published program writes, mean nothing. Raises BadInput.
        """
        old = self.active
        chosen = (before if given is None else given for given, before in zip((ks, e, d), old, strict=True))
        self.active = configuration(*chosen)

    def sample_active_subnet(self, rng: Generator) -> Configuration:
        """Draw a subnet uniformly, make it the active one and return its configuration."""
        self.active = sample(rng)
        return self.active

    @torch.no_grad()
    def get_active_subnet(self) -> Subnet:
        """Return the active subnet as a plain network with weights of its own, in the supernet's mode."""
        blocks = {"0": plain_copy(self.blocks[0])}
        for name, block, kernel, expansion in self._active_blocks():
            blocks[name] = block.plain(kernel, expansion)
        subnet = Subnet(
            {
                name: rebuilt(self.blocks, {}, {}, blocks) if name == "blocks" else plain_copy(part)
                for name, part in self.named_children()
            }
        )
        return subnet if self.training else subnet.eval()

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to the active subnet's logits (N, classes)."""
        x = self.blocks[0](self.first_conv(x))
        for _name, block, kernel, expansion in self._active_blocks():
            x = block(x, kernel, expansion)
        return self.head(x)

    def _active_blocks(self) -> Iterator[tuple[str, ElasticBlock, int, int]]:
        """Name, module, kernel size and expansion ratio of the elastic blocks that run."""
        for i in self.active.blocks():
            block = cast(ElasticBlock, self.blocks[i + 1])
            yield str(i + 1), block, self.active.ks[i], self.active.e[i]


def _parts(num_classes: int) -> dict[str, nn.Module]:
    first = Block(
        sequence(
            depth_conv=_unit(nn.Conv2d(STEM, STEM, 3, 1, 1, groups=STEM, bias=False), functional.relu),
            point_linear=_unit(nn.Conv2d(STEM, STEM, 1, bias=False)),
        ),
        shortcut=True,
    )
    mix = nn.Conv2d(HEAD, FEATURES, 1, bias=False)
    return {
        "first_conv": _unit(nn.Conv2d(3, STEM, 3, 2, 1, bias=False), functional.hardswish),
        "blocks": nn.Sequential(first, *(ElasticBlock(shape) for shape in BLOCKS)),
        "final_expand_layer": _unit(nn.Conv2d(BLOCKS[-1].out, HEAD, 1, bias=False), functional.hardswish),
        "feature_mix_layer": Unit(mix, None, functional.hardswish),
        "classifier": sequence(dropout=nn.Dropout(0.1), linear=nn.Linear(FEATURES, num_classes)),
    }


def _unit(conv: nn.Conv2d, act: Activation | None = None) -> Unit:
    return Unit(conv, nn.BatchNorm2d(conv.out_channels), act)


def build_supernet(num_classes: int = 10) -> Supernet:
    """Return a supernet with fresh weights, drawn from torch's generator; torch.manual_seed sets it."""
    return Supernet(num_classes)
