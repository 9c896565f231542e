"""What torch networks do that no crossbar can hold stands in the coverage table, with what can be counted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from traced import Net, rows

from rram_nas_comp_pack.box_converter.layers import trace
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Coverage, Network

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def unsupported(network: Network) -> list[Coverage]:
    return [row for row in network.coverage if row.status == "unsupported"]


def quantized(module: nn.Module, *kinds: type[nn.Module]) -> Any:
    return torch.ao.quantization.quantize_dynamic(module, {*kinds}, dtype=torch.qint8)


def test_quantized_linear_layers_are_unsupported_with_parameters_and_macs() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(8, 5), nn.ReLU(), nn.Linear(5, 3))
    network = trace(quantized(net, nn.Linear), (1, 4, 4), "net")
    assert rows(network)["0", "mapped"] == (20, 72)
    assert unsupported(network) == [
        Coverage("2", "QuantizedLinear", "unsupported", 45, 40),
        Coverage("4", "QuantizedLinear", "unsupported", 18, 15),
    ]


@pytest.mark.parametrize(("kind", "gates"), [(nn.LSTM, 4), (nn.GRU, 3)])
def test_quantized_recurrence_is_unsupported_with_parameters_and_macs(kind: Any, gates: int) -> None:
    net = Net(
        lambda net, x: net.head(net.cells(x)[0]), cells=kind(8, 16, batch_first=True), head=nn.Linear(16, 2)
    )
    network = trace(quantized(net, kind), (5, 8), "net")
    weights = gates * 16 * (8 + 16)
    assert [(row.name, row.parameters, row.macs) for row in unsupported(network)] == [
        ("cells", weights + 2 * gates * 16, 5 * weights)
    ]


def test_statically_quantized_convolutions_are_unsupported_with_parameters_and_macs() -> None:
    tools = torch.ao.quantization
    net = nn.Sequential(tools.QuantStub(), nn.Conv2d(3, 4, 3), tools.DeQuantStub(), nn.Linear(6, 2)).eval()
    net[0].qconfig = net[1].qconfig = net[2].qconfig = tools.get_default_qconfig("fbgemm")
    ready = tools.prepare(net)
    ready(torch.rand(1, 3, 8, 8))
    network = trace(tools.convert(ready), (3, 8, 8), "net")
    assert unsupported(network) == [Coverage("1", "QuantizedConv2d", "unsupported", 112, 36 * 108)]


def test_a_quantized_table_is_digital() -> None:
    table = torch.ao.nn.quantized.Embedding(9, 4)
    network = trace(nn.Sequential(table, nn.Linear(4, 2)), (3,), "net")
    assert rows(network)["0", "digital"] == (36, 0)


def test_a_network_of_quantized_layers_alone_is_refused_as_such() -> None:
    with pytest.raises(BadInput, match=r"no layer that can be mapped \(unsupported: QuantizedLinear\)"):
        trace(quantized(nn.Sequential(nn.Linear(8, 4)), nn.Linear), (8,), "net")


def test_a_quantized_layer_that_never_ran_is_unsupported() -> None:
    net = Net(
        lambda net, x: net.a(x), a=nn.Linear(3, 2), b=quantized(nn.Sequential(nn.Linear(4, 2)), nn.Linear)
    )
    assert unsupported(trace(net, (3,), "net")) == [Coverage("b.0", "QuantizedLinear", "unsupported", 10, 0)]


@torch.library.custom_op("rnc_tests::times", mutates_args=())
def times(x: Tensor, weight: Tensor) -> Tensor:
    return x @ weight if weight.dim() > 1 else x * weight


def test_macs_of_operators_of_other_libraries_are_a_lower_bound() -> None:
    net = Net(lambda net, x: net.fc(times(times(x, net.w), net.fc.bias)), w=nn.Parameter(torch.ones(3, 4)),
              fc=nn.Linear(4, 4))  # fmt: skip
    network = trace(net, (3,), "net")
    assert unsupported(network) == [Coverage("(root)", "Net", "unsupported", 12, 0, at_least=True)]
    assert Coverage("fc", "Linear", "digital", 0, 0, at_least=True) in network.coverage


def test_equations_solved_with_weights_are_a_lower_bound() -> None:
    net = Net(lambda net, x: net.fc(torch.linalg.solve(net.w, x, left=False)), w=nn.Parameter(torch.eye(3)),
              fc=nn.Linear(3, 2))  # fmt: skip
    assert unsupported(trace(net, (3,), "net")) == [
        Coverage("(root)", "Net", "unsupported", 9, 0, at_least=True)
    ]


@pytest.mark.parametrize("rows_", [10, 100])
def test_distances_from_weights_are_unsupported_with_their_macs(rows_: int) -> None:
    net = Net(lambda net, x: net.fc(torch.cdist(x, net.w)), w=nn.Parameter(torch.ones(rows_, 8)),
              fc=nn.Linear(rows_, 2))  # fmt: skip
    assert unsupported(trace(net, (8,), "net")) == [
        Coverage("(root)", "Net", "unsupported", 8 * rows_, 8 * rows_)
    ]
