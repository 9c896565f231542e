"""Small networks for the tests of the tracer, and what every trace must keep."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.values import Network


class Net(nn.Module):
    """A network from its parts and one function for its forward."""

    def __init__(self, forward: Callable[[Any, Tensor], Any], **parts: Any) -> None:
        super().__init__()
        self.run = forward
        for name, part in parts.items():
            setattr(self, name, part)

    def forward(self, x: Tensor) -> Any:
        return self.run(self, x)


def layers(module: nn.Module, *size: int) -> list[tuple[Any, ...]]:
    """Each layer as (label, name, box, positions)."""
    return [(e.label, e.name, e.raw, e.positions) for e in trace(module, size, "net").layers]


def rows(network: Network) -> dict[tuple[str, str], tuple[int, int]]:
    """(name, status) -> (parameters, MACs)."""
    return {(row.name, row.status): (row.parameters, row.macs) for row in network.coverage}


def check_accounts(module: nn.Module, network: Network) -> None:
    """What holds for every network: no parameter and no MAC of a layer is lost or counted twice."""
    assert sum(row.parameters for row in network.coverage) == sum(p.numel() for p in module.parameters())
    mapped = sum(row.macs for row in network.coverage if row.status == "mapped")
    assert mapped == sum(layer.macs for layer in network.layers)
    assert [layer.index for layer in network.layers] == list(range(len(network.layers)))
    assert all(layer.stored_in <= layer.index for layer in network.layers)
    keys = [(row.name, row.status) for row in network.coverage]
    assert len(keys) == len(set(keys))
