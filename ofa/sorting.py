"""Sorting middle channels by importance before the expansion shrinks (Once for All, section 3.3)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from ofa.layers import ElasticBlock, ElasticConv, ElasticNorm, ElasticSqueezeExcite, Unit
from ofa.network import Supernet


@torch.no_grad()
def sort_channels(supernet: Supernet) -> None:
    """Put every elastic block's most important middle channels first, since a smaller expansion keeps these.

    A channel's importance is the L1 norm of what the following 1 x 1 convolution takes from it. Subnets of
    the largest expansion give the same logits as before, to float rounding. An optimizer's state stays.
    """
    for block in list(supernet.blocks)[1:]:
        _sort_block(cast(ElasticBlock, block))


def _sort_block(block: ElasticBlock) -> None:
    expand, depthwise, project = (cast(Unit, unit) for unit in block.conv)
    following = _weight(project)
    order = _by_importance(following)
    _reorder(following, order, 1)
    for unit in (expand, depthwise):
        bn = cast(ElasticNorm, unit.bn).bn
        _reorder(_weight(unit), order)
        for tensor in (bn.weight, bn.bias, bn.running_mean, bn.running_var):
            _reorder(cast(Tensor, tensor), order)
    if isinstance(depthwise.se, ElasticSqueezeExcite):
        _sort_gate(depthwise.se, order)


def _sort_gate(gate: ElasticSqueezeExcite, order: Tensor) -> None:
    """Let the gate follow the block's order, and sort its own channels inside: they shrink along."""
    reduce, expand = (cast(nn.Conv2d, conv) for conv in gate.fc)
    _reorder(reduce.weight, order, 1)
    _reorder(expand.weight, order)
    _reorder(cast(Tensor, expand.bias), order)
    inside = _by_importance(expand.weight)
    _reorder(reduce.weight, inside)
    _reorder(cast(Tensor, reduce.bias), inside)
    _reorder(expand.weight, inside, 1)


def _weight(unit: Unit) -> Tensor:
    return cast(ElasticConv, unit.conv).conv.weight


def _by_importance(following: Tensor) -> Tensor:
    """Return the order of the input channels of a weight (out, in, 1, 1), equals as they were."""
    return following.abs().sum((0, 2, 3)).argsort(descending=True, stable=True)


def _reorder(tensor: Tensor, order: Tensor, axis: int = 0) -> None:
    tensor.copy_(tensor.index_select(axis, order))
