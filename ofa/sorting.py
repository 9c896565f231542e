"""Sorting middle channels by importance before the expansion shrinks (Once for All, section 3.3)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from ofa.network import Supernet


@torch.no_grad()
def sort_channels(supernet: Supernet) -> None:
    """Put every elastic block's most important middle channels first, since a smaller expansion keeps these.

    A channel's importance is the L1 norm of what the following 1 x 1 convolution takes from it. Subnets of
    the largest expansion give the same logits as before, to float rounding. An optimizer's state stays.
    """
    for block in list(supernet.blocks)[1:]:
        _sort_block(block)


def _sort_block(block: Any) -> None:
    expand, depthwise, project = block.conv
    weights = [unit.conv[0].weight for unit in (expand, depthwise)]
    norms = [expand.bn[0], depthwise.bn[0]]
    statistics = [own for bn in norms for own in (bn.weight, bn.bias, bn.running_mean, bn.running_var)]
    if depthwise.se is None:
        _sort([*weights, *statistics], [project.conv[0].weight])
        return
    reduce, gate = depthwise.se.fc
    _sort([*weights, *statistics, gate.weight, gate.bias], [project.conv[0].weight, reduce.weight])
    # the gate's own channels shrink along
    _sort([reduce.weight, reduce.bias], [gate.weight])


def _sort(outputs: Iterable[Tensor], inputs: list[Tensor]) -> None:
    """Sort channels that come out of `outputs` by what the first of `inputs`, (out, in, 1, 1), takes of them.

    Equals stay in their order.
    """
    order = inputs[0].abs().sum((0, 2, 3)).argsort(descending=True, stable=True)
    for axis, tensors in ((0, outputs), (1, inputs)):
        for tensor in tensors:
            tensor.copy_(tensor.index_select(axis, order))
