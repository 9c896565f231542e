"""Fast depthwise convolutions: torch's own are the oracle."""

from __future__ import annotations

import pytest
import torch
from few_images import recipe, split
from torch import Tensor
from torch.nn import functional

from ofa import depthwise
from ofa.depthwise import Depthwise, fast_depthwise
from ofa.training import begin, train_epoch

pytestmark = pytest.mark.usefixtures("one_thread")


def gradients(function, x: Tensor, kernel: Tensor) -> list[Tensor]:
    x, kernel = (each.clone().requires_grad_() for each in (x, kernel))
    y = function(x, kernel)
    y.backward(torch.sin(torch.arange(y.numel())).view_as(y))
    return [y.detach(), x.grad, kernel.grad]


@pytest.mark.parametrize(
    ("size", "kernel", "stride"),
    [((4, 4), 7, 1), ((9, 6), 7, 2), ((8, 8), 5, 1), ((1, 1), 5, 2), ((2, 5), 3, 1)],
)
def test_outputs_and_gradients_are_those_of_torch(size, kernel, stride):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(3, 10, *size, generator=generator)
    weights = torch.randn(10, 1, kernel, kernel, generator=generator)
    found = gradients(lambda x, w: Depthwise.apply(x, w, stride), x, weights)
    wanted = gradients(lambda x, w: functional.conv2d(x, w, None, stride, kernel // 2, 1, 10), x, weights)
    for own, other in zip(found, wanted, strict=True):
        assert own.shape == other.shape
        assert torch.allclose(own, other, atol=1e-4)


def test_convolutions_of_large_depthwise_kernels_are_replaced_and_no_others(monkeypatch):
    seen = []

    class Seen(Depthwise):
        @staticmethod
        def forward(ctx, x, kernel, stride):
            seen.append((len(kernel), kernel.shape[2]))
            return Depthwise.forward(ctx, x, kernel, stride)

    monkeypatch.setattr(depthwise, "Depthwise", Seen)
    x = torch.randn(2, 4, 6, 6)
    modules = [
        torch.nn.Conv2d(4, 4, kernel, padding=kernel // 2 if padded else 0, groups=groups, bias=bias)
        for kernel, groups, bias, padded in (
            (5, 4, False, True), (3, 4, False, True), (5, 2, False, True), (5, 4, True, True),
            (5, 4, False, False),
        )
    ]  # fmt: skip
    wanted = [module(x) for module in modules]
    with fast_depthwise():
        found = [module(x) for module in modules]
        with torch.no_grad():
            modules[0](x)
    assert seen == [(4, 5)]
    for own, other in zip(found, wanted, strict=True):
        assert torch.allclose(own, other, atol=1e-5)


def test_training_takes_it(monkeypatch):
    calls = []
    usual = depthwise._pays
    monkeypatch.setattr(depthwise, "_pays", lambda *args: calls.append(usual(*args)) or calls[-1])
    train_epoch(begin(recipe(1, 0, 0, 0), 3), split(6))
    assert calls.count(True) == 16
