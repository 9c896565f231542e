"""The supernet is the published one, and a subnet taken out of it is the same function."""

from __future__ import annotations

import copy
import itertools
import pickle
from typing import Any

import numpy as np
import pytest
import torch
from drawn import GOLDEN, configurations, forward, images, supernet, weights
from hypothesis import given, settings
from torch import nn

import ofa
from ofa.architecture import BLOCKS, make_divisible, middle_channels, squeezed_channels

LARGEST, SMALLEST = {"ks": 7, "e": 6, "d": 4}, {"ks": 3, "e": 3, "d": 2}


@pytest.fixture(scope="module")
def net() -> ofa.Supernet:
    return supernet()


def test_names_shapes_and_order_are_those_of_the_published_checkpoint(net):
    state = {name: list(tensor.shape) for name, tensor in net.state_dict().items()}
    assert state == GOLDEN["shapes"]
    assert list(state) == list(GOLDEN["shapes"])
    assert sum(p.numel() for p in net.parameters()) == 2_431_218


@pytest.mark.parametrize("case", GOLDEN["cases"])
def test_logits_are_those_of_the_published_program(net, case):
    net.set_active_subnet(case["ks"], case["e"], case["d"])
    subnet, x, wanted = net.get_active_subnet(), images(4, 3, 64, 64), torch.tensor(case["logits"])
    assert sum(p.numel() for p in subnet.parameters()) == case["params"]
    with torch.no_grad():
        torch.testing.assert_close(subnet(x), wanted, rtol=0, atol=1e-5)
        torch.testing.assert_close(net(x), wanted, rtol=0, atol=1e-5)


@settings(max_examples=15, deadline=None)
@given(configurations)
def test_supernet_subnet_and_the_plain_forward_agree_for_any_configuration(net, chosen):
    x = images(2, 3, 32, 32)
    net.set_active_subnet(*chosen)
    with torch.no_grad():
        wanted = forward(weights(), chosen, x)
        torch.testing.assert_close(net(x), wanted, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(net.get_active_subnet()(x), wanted, rtol=1e-4, atol=1e-5)


def test_a_subnet_has_the_names_of_the_supernet_less_the_doubled_level(net):
    net.set_active_subnet(**LARGEST)
    plain = [n.replace(".conv.conv.", ".conv.").replace(".bn.bn.", ".bn.") for n in net.state_dict()]
    assert list(net.get_active_subnet().state_dict()) == [n for n in plain if "_matrix" not in n]
    net.set_active_subnet(d=[2, 3, 4, 2])
    blocks = [name for name, _ in net.get_active_subnet().blocks.named_children()]
    assert blocks == [str(i) for i in (0, 1, 2, 5, 6, 7, 9, 10, 11, 12, 13, 14)]


def test_a_subnet_is_a_plain_network_with_weights_of_its_own():
    net = supernet()
    net.first_conv.register_forward_hook(lambda *_: pytest.fail("the supernet's hook"))
    subnet = net.get_active_subnet()
    subnet(images(1, 3, 32, 32))
    with torch.no_grad():
        for tensor in subnet.state_dict().values():
            tensor.fill_(3)
    before = weights()
    assert all(torch.equal(tensor, before[name]) for name, tensor in net.state_dict().items())
    assert all(p.requires_grad and p.is_leaf and p.is_contiguous() for p in subnet.parameters())
    again = pickle.loads(pickle.dumps(subnet))
    assert str(again) == str(subnet) == str(copy.deepcopy(subnet))


def test_modules_of_a_subnet_are_those_that_their_constructors_make(net):
    """They are copied, not constructed; nobody may see a difference."""
    net.set_active_subnet(ks=5, e=4, d=2)
    for module in net.get_active_subnet().modules():
        if isinstance(module, nn.Conv2d):
            bias = module.bias is not None
            size, groups = module.kernel_size[0], module.groups
            channels, out, half = module.in_channels, module.out_channels, size // 2
            new: nn.Module = nn.Conv2d(channels, out, size, module.stride[0], half, 1, groups, bias)
        elif isinstance(module, nn.BatchNorm2d):
            new = nn.BatchNorm2d(module.num_features)
        else:
            continue
        new.eval()
        held = ("_parameters", "_buffers", "_modules")
        assert {k: v for k, v in vars(module).items() if k not in held} == {
            k: v for k, v in vars(new).items() if k not in held
        }
        shapes = [{k: t.shape for k, t in m.state_dict().items()} for m in (module, new)]
        assert shapes[0] == shapes[1]


def test_a_subnet_is_in_the_mode_of_the_supernet(net):
    for training in (True, False):
        subnet = net.train(training).get_active_subnet()
        assert {module.training for module in subnet.modules()} == {training}


def test_training_moves_the_statistics_of_the_active_channels_alone():
    net, x = supernet().train(), images(2, 3, 32, 32)
    net.set_active_subnet(**SMALLEST)
    subnet = net.get_active_subnet()
    net(x), subnet(x)
    elastic, plain = net.state_dict(), subnet.state_dict()
    name = "blocks.2.conv.depth_conv.bn"
    for part in ("running_mean", "running_var"):
        now, before = elastic[f"{name}.bn.{part}"], weights()[f"{name}.bn.{part}"]
        torch.testing.assert_close(now[:72], plain[f"{name}.{part}"], rtol=1e-4, atol=1e-5)
        assert not torch.isclose(now[:72], before[:72]).any()
        assert torch.equal(now[72:], before[72:])
    assert elastic[f"{name}.bn.num_batches_tracked"] == plain[f"{name}.num_batches_tracked"] == 1
    assert elastic["blocks.3.conv.depth_conv.bn.bn.num_batches_tracked"] == 0


def test_gradients_reach_what_is_active_alone():
    net = supernet()
    net.set_active_subnet(ks=5, e=3, d=2)
    net(images(2, 3, 32, 32)).square().sum().backward()
    conv = net.get_parameter("blocks.2.conv.depth_conv.conv.conv.weight").grad
    assert conv is not None
    assert conv[:72, :, 1:-1, 1:-1].any()
    assert not conv[72:].any()
    assert net.get_parameter("blocks.2.conv.depth_conv.conv.7to5_matrix").grad is not None
    assert net.get_parameter("blocks.2.conv.depth_conv.conv.5to3_matrix").grad is None
    assert net.get_parameter("blocks.3.conv.depth_conv.conv.conv.weight").grad is None


def test_dropout_works_before_the_classifier_while_training(net):
    dropout = net.classifier[0]
    assert isinstance(dropout, nn.Dropout)
    assert dropout.p == 0.1


def test_a_supernet_may_have_other_classes():
    assert ofa.build_supernet(num_classes=7)(images(2, 3, 32, 32)).shape == (2, 7)


def test_what_is_not_given_stays_as_it_was(net):
    net.set_active_subnet(**LARGEST)
    net.set_active_subnet(e=3)
    net.set_active_subnet(d=[2, 3, 4, 2])
    assert net.active == ((7,) * 16, (3,) * 16, (2, 3, 4, 2))


def test_lists_of_the_published_program_are_accepted_and_their_ends_mean_nothing(net):
    net.set_active_subnet([3] * 16 + [0] * 4, np.array([4] * 20), [2] * 4 + [None])
    assert net.active == ((3,) * 16, (4,) * 16, (2,) * 4)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"ks": 4}, "ks: found 4, allowed are 3, 5, 7"),
        ({"ks": True}, "ks: found True, allowed are 3, 5, 7"),
        ({"e": [3] * 15 + [5]}, "e: found 5 at place 15, allowed are 3, 4, 6"),
        ({"e": [3] * 17}, "e: found a list of 17, allowed is a number or a list of 16"),
        ({"d": [1, 2, 3, 4]}, "d: found 1 at place 0, allowed are 2, 3, 4"),
        ({"d": []}, "d: found a list of 0, allowed is a number or a list of 4"),
        ({"d": 2.0}, "d: found 2.0, allowed are 2, 3, 4"),
        ({"d": "2222"}, "d: found '2' at place 0, allowed are 2, 3, 4"),
    ],
)
def test_a_wrong_choice_says_which_what_was_found_and_what_is_allowed(net, wrong: dict[str, Any], said):
    before = net.active
    with pytest.raises(ofa.BadInput) as error:
        net.set_active_subnet(**wrong)
    assert str(error.value) == said
    assert net.active == before


def test_sampling_is_reproducible_and_reaches_every_choice(net):
    drawn = [net.sample_active_subnet(np.random.default_rng(seed)) for seed in range(40)]
    assert net.active == drawn[-1]
    assert drawn[7] == net.sample_active_subnet(np.random.default_rng(7))
    for choices, allowed in zip(zip(*drawn, strict=True), ((3, 5, 7), (3, 4, 6), (2, 3, 4)), strict=True):
        assert all(set(at_place) == set(allowed) for at_place in zip(*choices, strict=True))
    net.set_active_subnet(*drawn[3])
    assert net.active == drawn[3]


def test_channels_are_divisible_by_eight():
    assert [make_divisible(v) for v in (1, 11, 12, 18, 19, 20, 30, 36)] == [8, 16, 16, 24, 24, 24, 32, 40]
    for block, e in itertools.product(BLOCKS, (3, 4, 6)):
        middle = middle_channels(block.channels, e)
        assert middle == block.channels * e
        assert squeezed_channels(middle) >= 0.9 * (middle // 4)
