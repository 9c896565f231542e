"""Judging a subnet: its norm statistics anew, then its accuracy (Once for All, section 4)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch import Tensor, nn

from ofa.data import Split, batches
from ofa.errors import BadInput
from ofa.network import Supernet


def recalibrate(subnet: nn.Module, training: Split, count: int = 320, size: int = 80) -> None:
    """Set every batch norm's statistics to those of the first `count` training images.

    The supernet's are a mixture over all subnets, and wrong for each. Images run in batches of at most
    `size`, as while training: each norm divides by the statistics of the batch. What it keeps are their
    averages over the images, as torch keeps them: the mean, and the variance with n - 1. In one batch, they
    are exactly the images' own. Same images, same statistics; nothing but them changes in `subnet`.
    Raises BadInput where there is no image, and for a supernet: its statistics belong to all subnets.
    """
    if isinstance(subnet, Supernet):
        raise BadInput("recalibrate: found a supernet, allowed is what its get_active_subnet() returns")
    images = training.first(count)
    if count < 1 or size < 1 or not len(images):
        found = f"{len(training)} images, count {count}, size {size}"
        raise BadInput(f"recalibrate: found {found}; allowed is at least 1 of each")
    # batches of nearly one size, lest the last is too small to have statistics
    size = math.ceil(len(images) / math.ceil(len(images) / size))
    with _judged(subnet) as norms:
        for norm in norms:
            norm.reset_running_stats()
            norm.train()
        seen = 0
        for x, _ in batches(images, size):
            seen += len(x)
            for norm in norms:
                norm.momentum = len(x) / seen
            subnet(_beside(subnet, x))


def accuracy(
    subnet: nn.Module,
    split: Split,
    size: int = 125,
    around: Callable[[], AbstractContextManager[object]] = nullcontext,
) -> float:
    """Return the share of images that `subnet` gives its highest logit at their label; batches of `size`.

    `around` makes a context for each batch. Raises BadInput where there is no image.
    """
    if not len(split):
        raise BadInput("accuracy: found no image, allowed is at least one")
    right = 0
    with _judged(subnet):
        for x, labels in batches(split, size):
            with around():
                found = subnet(_beside(subnet, x)).argmax(1)
            right += int((found.cpu() == labels).sum())
    return right / len(split)


def _beside(subnet: nn.Module, x: Tensor) -> Tensor:
    """Return `x` where the subnet's weights are."""
    weight = next(subnet.parameters(), None)
    return x if weight is None else x.to(weight.device)


@contextmanager
def _judged(subnet: nn.Module) -> Iterator[list[nn.BatchNorm2d]]:
    """Run without gradients and dropout; what is done to the norms' modes and momenta is undone."""
    modes = [(module, module.training) for module in subnet.modules()]
    norms = [module for module, _ in modes if isinstance(module, nn.BatchNorm2d)]
    momenta = [norm.momentum for norm in norms]
    subnet.eval()
    try:
        with torch.no_grad():
            yield norms
    finally:
        for module, mode in modes:
            module.training = mode
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum


def device_of(name: str | None) -> str:
    """Return that device, or for None a GPU where there is one. Raises BadInput where there is no such."""
    cards = [f"cuda:{i}" for i in range(torch.cuda.device_count())]
    allowed = ["cpu", *(["cuda", *cards] if cards else [])]
    if name is not None and name not in allowed:
        raise BadInput(f"--device: found {name!r}, allowed here: {', '.join(allowed)}")
    return name or allowed[:2][-1]
