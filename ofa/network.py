"""The supernet, and the plain subnets that are taken out of it (Once for All, section 3)."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import torch
from numpy.random import Generator
from torch import Tensor, nn
from torch.nn import functional

from ofa import architecture
from ofa.architecture import BLOCKS, FEATURES, HEAD, STEM, Choice, Configuration
from ofa.layers import Block, ElasticBlock, Unit, narrowed_copy, sequence


@contextmanager
def _without_collector() -> Iterator[None]:
    """Make thousands of small objects, none of which is garbage, without having them looked through."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


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
        for name, own in parts.items():
            self.add_module(name, own)

    @property
    def classes(self) -> int:
        """The number of logits."""
        return len(self.get_parameter("classifier.linear.weight"))

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, 3, H, W) to logits (N, classes)."""
        x = self.first_conv(x)
        for block in self.running():
            x = block(x)
        x = self.final_expand_layer(x).mean((2, 3), keepdim=True)
        return cast(Tensor, self.classifier(self.feature_mix_layer(x).flatten(1)))

    def running(self) -> list[nn.Module]:
        """Return the blocks that run, in order."""
        return list(self.blocks)


class Supernet(Subnet):
    """All subnets in one set of weights; it runs the active one, at first the largest.

    Its `state_dict` has the names and shapes of the published checkpoint. Elastic blocks lend their weights
    to plain ones, hence hooks in them do not run.
    """

    active: Configuration

    def __init__(self, num_classes: int = 10) -> None:
        """Make it with fresh weights."""
        super().__init__(_parts(num_classes))
        self.active = architecture.LARGEST

    def set_active_subnet(
        self, ks: Choice | None = None, e: Choice | None = None, d: Choice | None = None
    ) -> None:
        """Choose kernel sizes, expansion ratios and depths; what is not given stays as it was.

        Each is a number for all or a list: 16 or 20 of `ks` and `e`, 4 or 5 of `d`; the ends of the longer
        lists, which the published program writes, mean nothing. Raises BadInput.
        """
        old = self.active
        chosen = (before if given is None else given for given, before in zip((ks, e, d), old, strict=True))
        self.active = architecture.configuration(*chosen)

    def sample_active_subnet(self, rng: Generator) -> Configuration:
        """Draw a subnet uniformly, make it the active one and return its configuration."""
        self.active = architecture.sample(rng)
        return self.active

    @torch.no_grad()
    @_without_collector()
    def get_active_subnet(self) -> Subnet:
        """Return the active subnet as a plain network with weights of its own, in the supernet's mode."""
        names = ["0", *(str(i + 1) for i in self.active.blocks())]
        blocks = sequence(**dict(zip(names, self.running(copied=True), strict=True)))
        subnet = Subnet(
            {
                name: blocks if name == "blocks" else narrowed_copy(own, own, copied=True)
                for name, own in self.named_children()
            }
        )
        subnet.training = blocks.training = self.training
        return subnet

    def running(self, copied: bool = False) -> list[nn.Module]:
        """Return the blocks of the active subnet, in order, with these weights or copies of them."""
        first, *elastic = cast("list[ElasticBlock]", self.blocks)
        ks, e, _ = self.active
        chosen = [elastic[i].plain(ks[i], e[i], copied) for i in self.active.blocks()]
        return [narrowed_copy(first, first, copied) if copied else first, *chosen]


def _parts(num_classes: int) -> dict[str, nn.Module]:
    first = sequence(
        depth_conv=Unit(nn.Conv2d(STEM, STEM, 3, 1, 1, groups=STEM, bias=False), functional.relu),
        point_linear=Unit(nn.Conv2d(STEM, STEM, 1, bias=False)),
    )
    act, mix = functional.hardswish, nn.Conv2d(HEAD, FEATURES, 1, bias=False)
    return {
        "first_conv": Unit(nn.Conv2d(3, STEM, 3, 2, 1, bias=False), act),
        "blocks": nn.Sequential(Block(first, shortcut=True), *map(ElasticBlock, BLOCKS)),
        "final_expand_layer": Unit(nn.Conv2d(BLOCKS[-1].out, HEAD, 1, bias=False), act),
        "feature_mix_layer": Unit(mix, act, norm=False),
        "classifier": sequence(dropout=nn.Dropout(0.1), linear=nn.Linear(FEATURES, num_classes)),
    }


def build_supernet(num_classes: int = 10) -> Supernet:
    """Return a supernet with fresh weights, drawn from torch's generator; torch.manual_seed sets it."""
    return Supernet(num_classes)
