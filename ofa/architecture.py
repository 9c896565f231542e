"""The supernet as tables and integers (Cai et al., "Once for All", ICLR 2020): subnets and their layers.

Torch is not needed here: a search asks for the layers of thousands of subnets without building any.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple, SupportsIndex

from numpy.random import Generator

from ofa.errors import BadInput

KERNELS = (3, 5, 7)
EXPANSIONS = (3, 4, 6)
DEPTHS = (2, 3, 4)
STEM = 16
HEAD = 576
FEATURES = 1280

Choice = SupportsIndex | Iterable[SupportsIndex]
"""One number for all, or one for each."""


class BlockShape(NamedTuple):
    """An elastic block: its channels, and whether it uses h-swish instead of ReLU and squeeze-excite."""

    channels: int
    out: int
    stride: int
    hswish: bool
    squeeze: bool


_STAGES = (
    BlockShape(STEM, 24, 2, False, False),
    BlockShape(24, 40, 2, True, True),
    BlockShape(40, 48, 1, True, True),
    BlockShape(48, 96, 2, True, True),
)
BLOCKS = tuple(
    first._replace(channels=first.out, stride=1) if place else first
    for first in _STAGES
    for place in range(DEPTHS[-1])
)
"""Four stages of four: `BLOCKS[i]` is the module `blocks.<i + 1>`; `blocks.0` is not elastic."""


class Configuration(NamedTuple):
    """A subnet: 16 kernel sizes, 16 expansion ratios, 4 depths. What lies beyond a depth means nothing."""

    ks: tuple[int, ...]
    e: tuple[int, ...]
    d: tuple[int, ...]

    def blocks(self) -> list[int]:
        """Indices into `BLOCKS` of those that run: the first d of every stage."""
        return [DEPTHS[-1] * stage + place for stage, depth in enumerate(self.d) for place in range(depth)]


def configuration(ks: Choice, e: Choice, d: Choice) -> Configuration:
    """Check the choices, each a number or a list: 16 long for `ks` and `e`, 4 for `d`.

    Lists of 20 and of 5, as the published program writes them, are accepted; their ends mean nothing.
    Raises BadInput.
    """
    return Configuration(
        _numbers("ks", ks, len(BLOCKS), KERNELS),
        _numbers("e", e, len(BLOCKS), EXPANSIONS),
        _numbers("d", d, len(BLOCKS) // DEPTHS[-1], DEPTHS),
    )


def _numbers(name: str, given: Choice, length: int, allowed: tuple[int, ...]) -> tuple[int, ...]:
    values = tuple(given) if isinstance(given, Iterable) else (given,) * length
    longer = length * 5 // 4
    if len(values) not in (length, longer):
        raise BadInput(f"{name}: found a list of {len(values)}, allowed is a number or a list of {length}")
    for place, value in enumerate(values[:length]):
        if not hasattr(value, "__index__") or operator.index(value) not in allowed:
            where = f" at place {place}" if isinstance(given, Iterable) else ""
            raise BadInput(f"{name}: found {value!r}{where}, allowed are {', '.join(map(str, allowed))}")
    return tuple(map(operator.index, values[:length]))


LARGEST = configuration(KERNELS[-1], EXPANSIONS[-1], DEPTHS[-1])


def sample(rng: Generator) -> Configuration:
    """Draw every choice uniformly and by itself."""
    return draw(rng, KERNELS, EXPANSIONS, DEPTHS)


def draw(rng: Generator, *allowed: tuple[int, ...]) -> Configuration:
    """Draw every choice uniformly from what is allowed for kernel sizes, expansion ratios and depths."""
    lengths = len(BLOCKS), len(BLOCKS), len(BLOCKS) // DEPTHS[-1]
    drawn = (rng.integers(len(own), size=n) for own, n in zip(allowed, lengths, strict=True))
    return Configuration(*(tuple(own[i] for i in at) for own, at in zip(allowed, drawn, strict=True)))


def make_divisible(value: float) -> int:
    """Return the multiple of 8 nearest to `value`, ties up, at least 8; one more where it fell below 0.9."""
    nearest = max(8, int(value + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * value else nearest


def middle_channels(channels: int, expansion: int) -> int:
    """Channels between a block's expansion and its projection."""
    return make_divisible(round(channels * expansion))


def squeezed_channels(channels: int) -> int:
    """Channels inside a squeeze-excite."""
    return make_divisible(channels // 4)


class LayerShape(NamedTuple):
    """A run of a convolution or of the linear layer in a subnet; weights are out x channels/groups x kernel².

    `kind` is the module's class, `path` its name in the extracted subnet, `size` the height and width of
    its output.
    """

    kind: str
    path: str
    kernel: int
    stride: int
    groups: int
    channels: int
    out: int
    size: int


def layer_shapes(
    ks: Choice, e: Choice, d: Choice, resolution: int = 64, num_classes: int = 10
) -> tuple[LayerShape, ...]:
    """Return a subnet's layers in order of execution, for images of `resolution` x `resolution`.

    Nothing is built or run: it is arithmetic. Raises BadInput for what `configuration` refuses.
    """
    chosen = configuration(ks, e, d)
    if resolution < 1:
        raise BadInput(f"resolution: found {resolution}, allowed is at least 1")
    layers = [*_first_layers(resolution)]
    for block in chosen.blocks():
        layers += _block_layers(block, chosen.ks[block], chosen.e[block], layers[-1].size)
    return (*layers, *_last_layers(layers[-1].size, num_classes))


def _point(path: str, channels: int, out: int, size: int) -> LayerShape:
    return LayerShape("Conv2d", path, 1, 1, 1, channels, out, size)


@lru_cache(maxsize=64)
def _first_layers(resolution: int) -> tuple[LayerShape, ...]:
    size = (resolution - 1) // 2 + 1
    return (
        LayerShape("Conv2d", "first_conv.conv", 3, 2, 1, 3, STEM, size),
        LayerShape("Conv2d", "blocks.0.conv.depth_conv.conv", 3, 1, STEM, STEM, STEM, size),
        _point("blocks.0.conv.point_linear.conv", STEM, STEM, size),
    )


@lru_cache(maxsize=4096)
def _block_layers(block: int, kernel: int, expansion: int, size: int) -> tuple[LayerShape, ...]:
    shape, path = BLOCKS[block], f"blocks.{block + 1}.conv"
    middle = middle_channels(shape.channels, expansion)
    squeezed = squeezed_channels(middle)
    after = (size - 1) // shape.stride + 1
    gate = (
        _point(f"{path}.depth_conv.se.fc.reduce", middle, squeezed, 1),
        _point(f"{path}.depth_conv.se.fc.expand", squeezed, middle, 1),
    )
    depthwise = f"{path}.depth_conv.conv"
    return (
        _point(f"{path}.inverted_bottleneck.conv", shape.channels, middle, size),
        LayerShape("Conv2d", depthwise, kernel, shape.stride, middle, middle, middle, after),
        *(gate if shape.squeeze else ()),
        _point(f"{path}.point_linear.conv", middle, shape.out, after),
    )


@lru_cache(maxsize=64)
def _last_layers(size: int, num_classes: int) -> tuple[LayerShape, ...]:
    return (
        _point("final_expand_layer.conv", BLOCKS[-1].out, HEAD, size),
        _point("feature_mix_layer.conv", HEAD, FEATURES, 1),
        LayerShape("Linear", "classifier.linear", 1, 1, 1, FEATURES, num_classes, 1),
    )
