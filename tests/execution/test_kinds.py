"""Whatever a network is made of, the crossbars give the integers of its integer network."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from loaded import Cut, Loaded, compare, load, rounded_in_place
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from rram_nas_comp_pack.execution.exact import ExactProduct, exact_reader
from rram_nas_comp_pack.execution.network import Arguments, Replaced, by_integers, by_reads
from rram_nas_comp_pack.execution.quantise import quantise_input
from rram_nas_comp_pack.execution.sample_order import innermost_samples


class Net(nn.Module):
    """A network from its parts and one function for its forward."""

    def __init__(self, forward, **parts):
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x):
        return self.run(self, x)


class Heads(nn.Module):
    """Attention over its own tokens, or over others."""

    def __init__(self, width: int, first: bool = True, **options: Any) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, 2, batch_first=first, **options)
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(x)
        return x + self.attention(y, y, y)[0]


def twice():
    shared = nn.Linear(8, 8)
    return Net(lambda net, x: net.a(net.b(net.a(x)).relu()), a=shared, b=nn.Linear(8, 8))


def by_hand():
    """Matrices on either side, one matrix for a whole batch, a vector."""

    def forward(net, x):
        y = torch.einsum("oi,bti->bto", net.a, x)
        y = torch.matmul(net.b.T, y.mT).mT
        return torch.addmm(net.bias, y[:, 0], net.c, beta=0.5, alpha=2), y @ net.v

    parts = {name: nn.Parameter(torch.randn(size)) for name, size in
             {"a": (6, 5), "b": (6, 7), "c": (7, 4), "v": (7,), "bias": (4,)}.items()}  # fmt: skip
    return Net(forward, **parts)


def block(channels: int = 6):
    return nn.Sequential(
        *(nn.Conv2d(3, channels, 3, 2, 1, bias=False), nn.BatchNorm2d(channels), nn.Hardswish()),
        *(nn.Conv2d(channels, channels, 5, padding=2, groups=channels), nn.ReLU()),
        *(nn.Conv2d(channels, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 3)),
    )


NETWORKS = {
    "dense": (nn.Conv2d(3, 20, 3, padding=1), (3, 6, 5)),
    "strided and dilated": (nn.Conv2d(3, 8, 3, stride=2, dilation=2), (3, 9, 9)),
    "circular padding": (nn.Conv2d(3, 8, 2, padding="same", padding_mode="circular"), (3, 5, 5)),
    "1-d": (nn.Conv1d(4, 6, 3, padding=1), (4, 10)),
    "3-d": (nn.Conv3d(2, 5, (1, 2, 3)), (2, 3, 4, 5)),
    "grouped": (nn.Conv2d(8, 6, 3, groups=2), (8, 5, 5)),
    "grouped, many": (nn.Conv2d(12, 12, 3, groups=4), (12, 4, 4)),
    "depthwise": (nn.Conv2d(7, 7, 3, groups=7, padding=1), (7, 5, 5)),
    "depthwise with a multiplier": (nn.Conv2d(4, 12, 3, groups=4), (4, 5, 5)),
    "transposed": (nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1), (3, 4, 6)),
    "transposed and grouped": (nn.ConvTranspose2d(6, 4, 3, groups=2), (6, 5, 5)),
    "transposed 1-d depthwise": (nn.ConvTranspose1d(4, 4, 3, groups=4, dilation=2), (4, 7)),
    "transposed 3-d": (nn.ConvTranspose3d(2, 3, 2), (2, 2, 2, 2)),
    "linear": (nn.Linear(70, 40), (70,)),
    "linear on tokens": (nn.Sequential(nn.Linear(12, 9), nn.GELU(), nn.Linear(9, 5)), (3, 4, 12)),
    "linear without bias": (nn.Linear(7, 5, bias=False), (1, 7)),
    "attention": (Heads(8), (5, 8)),
    "attention, tokens first": (Heads(8, first=False), (5, 8)),
    "attention, other widths": (Net(lambda n, x: n.a(x, x[..., :5], x[..., :5])[0],
                                    a=nn.MultiheadAttention(8, 2, kdim=5, vdim=5, batch_first=True)), (4, 8)),
    "encoder": (nn.TransformerEncoderLayer(8, 2, 12, batch_first=True), (5, 8)),
    "a module that runs twice": (twice(), (8,)),
    "recurrent": (Net(lambda net, x: net.rnn(x)[0], rnn=nn.LSTM(5, 6, batch_first=True)), (3, 5)),
    "weight norm": (nn.Sequential(parametrizations.weight_norm(nn.Conv2d(3, 4, 3)), nn.ReLU()), (3, 5, 5)),
    "products by hand": (by_hand(), (3, 5)),
    "a mobile block": (block(), (3, 9, 9)),
}  # fmt: skip

CUTS = {
    "one copy": Cut(),
    "tiny crossbars": Cut((25, 4)),
    "copies": Cut((40, 8), copies=(3, 1, 2)),
    "split": Cut((25, 16), split=3, copies=(2,)),
    "diagonal": Cut((60, 9), diagonal=True),
    "diagonal with copies": Cut((64, 64), diagonal=True, copies=(2, 5)),
}


@pytest.mark.parametrize("kind", NETWORKS)
def test_every_kind_of_layer_gives_the_integers_of_the_integer_network(kind: str) -> None:
    module, size = NETWORKS[kind]
    for cut in CUTS.values():
        compare(load(module, size, cut))


@pytest.mark.parametrize("kind", NETWORKS)
def test_what_the_chip_gives_is_what_torch_gives_for_rounded_numbers(kind: str) -> None:
    module, size = NETWORKS[kind]
    loaded = load(module, size)
    wanted, found = rounded_in_place(loaded), loaded.executed(ExactProduct(loaded.image))
    for one, other in zip(*(x if isinstance(x, tuple) else (x,) for x in (wanted, found)), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        # sums in another order may round an input of a later layer the other way
        assert float((one - other).abs().max()) <= 0.02 * float(one.abs().max())


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...], Cut]:
    rank, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    groups = draw(st.integers(1, 4))
    channels, out = (groups * draw(st.integers(1, 3)) for _ in range(2))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    made = getattr(nn, f"Conv{'Transpose' if transposed else ''}{rank}d")(
        channels, out, kernel, groups=groups, bias=draw(st.booleans()), padding=draw(st.integers(0, 1)),
        stride=draw(st.integers(1, 3)), dilation=draw(st.integers(1, 2)),
    )  # fmt: skip
    taps = prod(kernel)
    cut = Cut(
        (draw(st.integers(taps, taps + 20)), draw(st.integers(1, 20))),
        split=draw(st.integers(1, 3)),
        diagonal=draw(st.booleans()),
        copies=(draw(st.integers(1, 3)),),
    )
    return made, (channels, *(draw(st.integers(5, 7)) for _ in range(rank))), cut


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_any_convolution_on_any_crossbar_is_the_convolution_of_its_integers(case) -> None:
    module, size, cut = case
    loaded = load(module, size, cut, count=2)
    (x,) = loaded.x.args
    integers = quantise_input(x, loaded.image.ranges[0]).to(torch.int64)
    compare(loaded)
    sums = []

    def multiply(layer: int, x: Tensor, how: Any) -> Tensor:
        sums.append(ExactProduct(loaded.image)(layer, x, how))
        return sums[0].clone()

    loaded.executed(multiply)
    wanted = torch_convolution(module, loaded, integers)
    assert torch.equal(sums[0].to(torch.int64), wanted)


def torch_convolution(module: Any, loaded: Loaded, x: Tensor) -> Tensor:
    """Torch's own convolution of integers in float64, its weights rounded by the formula."""
    w = module.weight.detach()
    axes = [i for i in range(w.dim()) if i != (1 if module.transposed else 0)]
    if module.transposed:  # output channels are those of a group, and each group has its own
        w = w.reshape(module.groups, -1, *w.shape[1:])
        axes = [i + 1 for i in axes]
    steps = w.abs().amax(axes, keepdim=True) / 127
    codes = (w / torch.where(steps == 0, 1, steps)).round().reshape(module.weight.shape).double()
    name = f"conv{'_transpose' if module.transposed else ''}{w.dim() - 2 - module.transposed}d"
    where = {"output_padding": module.output_padding} if module.transposed else {}
    options = {key: getattr(module, key) for key in ("stride", "padding", "dilation", "groups")}
    return getattr(F, name)(x.double(), codes, None, **options, **where).to(torch.int64)


def test_tall_matrices_are_exact_beyond_the_integers_of_float32() -> None:
    """Sums above 2^24, where float32 alone would be wrong."""
    for module, size in ((nn.Linear(3000, 3), (3000,)), (nn.Conv2d(400, 3, 3), (400, 4, 4))):
        nn.init.constant_(module.weight, 1.0)
        module.weight.data[0, 0] = 0.501
        loaded = load(module, size, Cut((512, 512)))
        loaded = loaded._replace(x=loaded.x._replace(args=[x.abs() for x in loaded.x.args]))
        compare(loaded)


def test_a_run_on_another_number_of_samples_has_a_plan_of_its_own() -> None:
    loaded = load(Heads(8), (5, 8), count=4)
    all_at_once = compare(loaded)
    one = loaded._replace(x=loaded.x._replace(args=[loaded.x.args[0][1:2]]))
    assert torch.allclose(compare(one)[0], all_at_once[1], atol=1e-6)


@pytest.mark.parametrize(
    ("module", "size", "side_by_side"),
    [
        (Heads(8), (5, 8), True),  # torch turns tokens to the front
        (Heads(8, first=False), (5, 8), False),  # takes the batch for the tokens
        (nn.Linear(4, 3), (5, 4), False),
        (block(), (3, 9, 9), False),
    ],
)
def test_a_position_is_read_by_its_copy_whatever_the_batch(module, size, side_by_side) -> None:
    """Copies that differ tell which of them read which vectors."""
    loaded = load(module, size, Cut((40, 40), copies=(2, 3)), count=4)
    first = loaded.layers[0].index
    reader, seen = exact_reader(loaded.image), []

    class Watched:
        def read(self, layer: int, x: Tensor) -> Tensor:
            if layer == first:
                seen.append(x)
            return reader.read(layer, x)

    def vectors(inputs: Arguments) -> Tensor:
        with Replaced(loaded.module, loaded.layers) as network:
            found = innermost_samples(network, inputs)
            multiply = by_reads(Watched(), loaded.layers, found)
            network.run(inputs, by_integers(multiply, loaded.scalings))
        assert (first in found) == (side_by_side and len(inputs.args[0]) > 1)
        return seen.pop()

    (x,) = loaded.x.args
    together = vectors(loaded.x)
    if not isinstance(module, Heads) or side_by_side:
        for sample in range(4):
            assert torch.equal(vectors(Arguments([x[sample : sample + 1]], {}))[0], together[sample])


def test_execution_leaves_the_network_as_it_was() -> None:
    module = block()
    before = {name: x.clone() for name, x in module.state_dict().items()}
    module.train()
    loaded = load(module, (3, 9, 9))
    loaded.executed(ExactProduct(loaded.image))
    assert module.training
    assert all(torch.equal(x, before[name]) for name, x in module.state_dict().items())
