"""A subnet is judged with statistics of its own; the slow way, layer by layer, finds the same."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn import supernet
from torch import Tensor, nn

import ofa
from ofa.data import DataSet, preprocess

TINY = DataSet((0.4,) * 3, (0.25,) * 3, flip=False, shift=0.0, classes=3, resolution=16)


def split(count: int, data_set: DataSet = TINY) -> ofa.Split:
    rng = np.random.default_rng(11)
    pixels = rng.integers(256, size=(count, 3, 8, 8), dtype=np.uint8)
    return ofa.Split(torch.from_numpy(pixels), torch.from_numpy(rng.integers(3, size=count)), data_set)


def tiny() -> nn.Sequential:
    torch.manual_seed(4)
    norms = nn.BatchNorm2d(5), nn.BatchNorm2d(4)
    for norm in norms:
        nn.init.normal_(norm.weight)
        nn.init.constant_(norm.running_mean, float("nan"))
    return nn.Sequential(
        nn.Conv2d(3, 5, 3), norms[0], nn.ReLU(), nn.Dropout(0.5), nn.Conv2d(5, 4, 3), norms[1]
    )


def by_hand(x: Tensor, norm: nn.BatchNorm2d) -> tuple[Tensor, Tensor, Tensor]:
    """Mean and variance with n - 1 of each channel, and the normalised images, in double precision."""
    means, variances, out = [], [], torch.empty_like(x)
    for c in range(x.shape[1]):
        values = x[:, c].flatten().tolist()
        mean = sum(values) / len(values)
        squares = sum((v - mean) ** 2 for v in values)
        means.append(mean)
        variances.append(squares / (len(values) - 1))
        scale = float(norm.weight[c]) / (squares / len(values) + norm.eps) ** 0.5
        out[:, c] = (x[:, c] - mean) * scale + float(norm.bias[c])
    return torch.tensor(means), torch.tensor(variances), out


@torch.no_grad()
def statistics_by_hand(net: nn.Sequential, x: Tensor) -> list[tuple[Tensor, Tensor]]:
    x, found = x.double(), []
    for layer in net:
        if isinstance(layer, nn.Conv2d):
            assert layer.bias is not None
            x = nn.functional.conv2d(x, layer.weight.double(), layer.bias.double())
        elif isinstance(layer, nn.BatchNorm2d):
            mean, variance, x = by_hand(x, layer)
            found.append((mean, variance))
        elif isinstance(layer, nn.ReLU):
            x = x.relu()
    return found


def statistics(net: nn.Module) -> list[tuple[Tensor, Tensor]]:
    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    return [(norm.running_mean.clone(), norm.running_var.clone()) for norm in norms]


def test_in_one_batch_the_statistics_are_exactly_those_of_the_images():
    net, images = tiny(), split(7)
    ofa.recalibrate(net, images, size=7)
    torch.testing.assert_close(
        statistics(net), statistics_by_hand(net, preprocess(images.pixels / 255, TINY))
    )


def test_in_several_batches_they_are_averages_over_the_images():
    """Eight images in batches of at most three are three, three and two."""
    net, images = tiny(), split(8)
    ofa.recalibrate(net, images, size=3)
    x = preprocess(images.pixels / 255, TINY)
    parts = [statistics_by_hand(net, part) for part in (x[:3], x[3:6], x[6:])]
    for place, own in enumerate(statistics(net)):
        for kind in (0, 1):
            wanted = sum(w * part[place][kind] for w, part in zip((3, 3, 2), parts, strict=True)) / 8
            torch.testing.assert_close(own[kind], wanted)
    torch.testing.assert_close(statistics(net)[0][0], statistics_by_hand(net, x)[0][0])


def test_batches_are_of_nearly_one_size():
    sizes: list[int] = []
    net = tiny()
    net.register_forward_pre_hook(lambda _net, args: sizes.append(len(args[0])))
    ofa.recalibrate(net, split(81), size=80)
    assert sizes == [41, 40]


def test_only_the_first_images_count_and_in_order():
    net, other, images = tiny(), tiny(), split(30)
    ofa.recalibrate(net, images, count=12, size=5)
    ofa.recalibrate(other, images.first(12), size=5)
    torch.testing.assert_close(statistics(net), statistics(other), rtol=0, atol=0)


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def digits() -> ofa.Split:
    return ofa.load_images().train


def test_twice_the_same_statistics_and_the_supernet_is_not_touched(digits):
    net = supernet()
    net.sample_active_subnet(np.random.default_rng(0))
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    first, second = net.get_active_subnet(), net.get_active_subnet()
    extracted = {name: tensor.clone() for name, tensor in first.state_dict().items()}
    ofa.recalibrate(first, digits, count=24, size=12)
    ofa.recalibrate(second, digits, count=24, size=12)
    ofa.recalibrate(second, digits, count=24, size=12)
    torch.testing.assert_close(statistics(first), statistics(second), rtol=0, atol=0)
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    moved = {name for name, tensor in first.state_dict().items() if not torch.equal(tensor, extracted[name])}
    norms = [name for name, module in first.named_modules() if isinstance(module, nn.BatchNorm2d)]
    kinds = ("running_mean", "running_var", "num_batches_tracked")
    assert moved == {f"{name}.{kind}" for name in norms for kind in kinds}
    assert ofa.accuracy(first, digits.first(30)) == ofa.accuracy(second, digits.first(30))


def test_a_recalibrated_subnet_normalises_what_its_statistics_got_wrong(digits):
    subnet = supernet().get_active_subnet()
    outputs: list[Tensor] = []
    subnet.final_expand_layer.bn.register_forward_pre_hook(lambda _norm, args: outputs.append(args[0]))
    ofa.recalibrate(subnet, digits, count=40)
    ofa.accuracy(subnet, digits.first(40))
    norm = subnet.final_expand_layer.bn
    deviations = (outputs[-1].mean((0, 2, 3)) - norm.running_mean) / norm.running_var.sqrt()
    assert deviations.abs().mean() < 0.2


def test_what_is_judged_keeps_its_modes_and_momentum():
    body, images = tiny(), split(6)
    net = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    body[1].eval()
    body[5].momentum = None
    modes = [module.training for module in net.modules()]
    ofa.recalibrate(net, images)
    ofa.accuracy(net, images)
    assert [module.training for module in net.modules()] == modes
    assert (body[1].momentum, body[5].momentum) == (0.1, None)
    assert all(parameter.grad is None for parameter in net.parameters())


class Darkest(nn.Module):
    """Names the darkest channel; it has no weights."""

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, 3, H, W) to (N, 3)."""
        return -x.sum((2, 3))


def painted(colours: list[int]) -> Tensor:
    """Images that lack one colour each."""
    pixels = torch.full((len(colours), 3, 8, 8), 200, dtype=torch.uint8)
    for image, colour in zip(pixels, colours, strict=True):
        image[colour] = 0
    return pixels


@pytest.mark.parametrize(
    ("labels", "share"), [([0, 1, 2, 1], 1.0), ([0, 1, 2, 2], 0.75), ([1, 2, 0, 0], 0.0)]
)
@pytest.mark.parametrize("size", [1, 3, 4, 100])
def test_accuracy_is_the_share_that_is_right(labels, share, size):
    judged = ofa.Split(painted([0, 1, 2, 1]), torch.tensor(labels), TINY)
    assert ofa.accuracy(Darkest(), judged, size) == share


def test_accuracy_is_without_dropout():
    net = nn.Sequential(nn.Dropout(0.9), Darkest()).train()
    judged = ofa.Split(painted([0, 1, 2] * 20), torch.tensor([0, 1, 2] * 20), TINY)
    assert ofa.accuracy(net, judged) == 1.0


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(ofa.BadInput, match="recalibrate: found a supernet, allowed is what its get_active"):
        ofa.recalibrate(supernet(), split(4))
    with pytest.raises(ofa.BadInput, match="recalibrate: found 4 images, count 0, size 80; allowed is"):
        ofa.recalibrate(tiny(), split(4), count=0)
    with pytest.raises(ofa.BadInput, match="recalibrate: found 0 images, count 320, size 80; allowed is"):
        ofa.recalibrate(tiny(), split(0))
    with pytest.raises(ofa.BadInput, match="accuracy: found no image, allowed is at least one"):
        ofa.accuracy(tiny(), split(0))
