"""Sorting puts the important channels first, and changes nothing that the full network says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from drawn import images, supernet

from ofa.architecture import BLOCKS, middle_channels, squeezed_channels
from ofa.sorting import sort_channels


@pytest.mark.parametrize(("ks", "d"), [(7, 4), (5, 3), (3, 2)])
@torch.no_grad()
def test_sorting_changes_no_logits_of_the_largest_expansion(ks, d):
    net, x = supernet(), images(2, 3, 64, 64)
    net.set_active_subnet(ks=ks, e=6, d=d)
    before, weights = net(x), {name: tensor.clone() for name, tensor in net.state_dict().items()}
    sort_channels(net)
    torch.testing.assert_close(net(x), before, rtol=1e-4, atol=1e-4)
    assert not torch.equal(weights["blocks.3.conv.point_linear.conv.conv.weight"], net.state_dict()[
        "blocks.3.conv.point_linear.conv.conv.weight"
    ])  # fmt: skip
    assert net.active == ((ks,) * 16, (6,) * 16, (d,) * 4)


def test_the_most_important_channels_come_first():
    net = supernet()
    sort_channels(net)
    state = net.state_dict()
    for i in range(1, 17):
        importance = state[f"blocks.{i}.conv.point_linear.conv.conv.weight"].abs().sum((0, 2, 3))
        assert importance.diff().max() <= 1e-5
    for i in range(5, 17):
        inside = state[f"blocks.{i}.conv.depth_conv.se.fc.expand.weight"].abs().sum((0, 2, 3))
        assert inside.diff().max() <= 1e-5


def test_a_channel_keeps_its_weights_statistics_and_gate():
    """All its numbers move to one place: each is marked with the channel's number."""
    net = supernet()
    state = net.state_dict()
    name, n = "blocks.6.conv", middle_channels(BLOCKS[5].channels, 6)
    numbers = torch.arange(n, dtype=torch.float32)
    shuffled = torch.from_numpy(np.random.default_rng(2).permutation(n)).float()
    state[f"{name}.point_linear.conv.conv.weight"].copy_((1 + shuffled).view(1, n, 1, 1))
    first = ["inverted_bottleneck.conv.conv.weight", "depth_conv.conv.conv.weight"]
    first += [f"{unit}.bn.bn.{part}" for unit in ("inverted_bottleneck", "depth_conv")
              for part in ("weight", "bias", "running_mean", "running_var")]  # fmt: skip
    first += ["depth_conv.se.fc.expand.bias", "depth_conv.se.fc.expand.weight"]
    for own in first:
        tensor = state[f"{name}.{own}"]
        tensor.copy_(numbers.view(n, *[1] * (tensor.dim() - 1)).expand_as(tensor))
    reduce = state[f"{name}.depth_conv.se.fc.reduce.weight"]
    reduce.copy_(numbers.view(1, n, 1, 1).expand_as(reduce))
    sort_channels(net)
    order = shuffled.argsort(descending=True).float()
    for own in first:
        assert torch.equal(state[f"{name}.{own}"].flatten(1)[:, 0] if state[f"{name}.{own}"].dim() > 1
                           else state[f"{name}.{own}"], order)  # fmt: skip
    assert torch.equal(reduce[0, :, 0, 0], order)
    assert reduce.shape[0] == squeezed_channels(n)


def test_sorting_twice_is_sorting_once():
    net = supernet()
    sort_channels(net)
    once = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    sort_channels(net)
    moved = [name for name, tensor in net.state_dict().items() if not torch.equal(tensor, once[name])]
    assert moved == []
