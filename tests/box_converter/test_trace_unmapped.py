"""What torch networks do that no crossbar can hold stands in the coverage table, with what can be counted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from traced import Net, rows

from rram_nas_comp_pack.box_converter.torch.trace import trace
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


def complex_matrix(h: int, w: int) -> Any:
    return nn.Parameter(torch.ones(h, w, dtype=torch.cfloat))


@pytest.mark.parametrize(
    ("weights", "product"),
    [
        ({"w": complex_matrix(6, 4)}, lambda net, x: x.cfloat() @ net.w),
        ({"w": complex_matrix(4, 6)}, lambda net, x: torch.nn.functional.linear(x.cfloat(), net.w)),
        (
            {"a": nn.Parameter(torch.ones(6, 4)), "b": nn.Parameter(torch.ones(6, 4))},
            lambda net, x: x.cfloat() @ torch.complex(net.a, net.b),
        ),
    ],
)
def test_complex_products_are_unsupported_and_count_four_real_ones(weights: Any, product: Any) -> None:
    net = Net(lambda net, x: net.fc(product(net, x).abs()), fc=nn.Linear(4, 2), **weights)
    network = trace(net, (5, 6), "net")
    assert [layer.name for layer in network.layers] == ["fc"]
    assert rows(network)["(root)", "unsupported"] == (24 * len(weights), 4 * 5 * 24)


@pytest.mark.parametrize("times", [1, 2])
def test_complex_layers_are_unsupported_and_count_four_real_ones(times: int) -> None:
    conv, fc = nn.Conv1d(2, 2, 3, padding=1, dtype=torch.cfloat), nn.Linear(7, 3, dtype=torch.cfloat)

    def forward(net: Any, x: Tensor) -> Any:
        y = x.cfloat()
        for _ in range(times):
            y = net.conv(y)
        return net.head(net.fc(y).abs())

    network = trace(Net(forward, conv=conv, fc=fc, head=nn.Linear(3, 2)), (2, 7), "net")
    assert [layer.name for layer in network.layers] == ["head"]
    assert rows(network)["conv", "unsupported"] == (14, times * 4 * 7 * 12)
    assert rows(network)["fc", "unsupported"] == (24, 4 * 2 * 21)


@pytest.mark.filterwarnings("ignore:Sparse")
@pytest.mark.parametrize("layout", ["to_sparse_coo", "to_sparse_csr", "to_sparse_csc"])
@pytest.mark.parametrize(
    "product",
    [
        lambda w, x: (w @ x.T).T,
        lambda w, x: torch.sparse.mm(w, x.T).T,
        lambda w, x: torch.addmm(torch.zeros(6, 5), w, x.T).T,
    ],
)
def test_sparse_weights_are_unsupported_in_one_row(layout: str, product: Any) -> None:
    net = Net(lambda net, x: net.fc(product(net.w, x)), w=nn.Parameter(getattr(torch.eye(6), layout)()),
              fc=nn.Linear(6, 4))  # fmt: skip
    network = trace(Net(lambda net, x: net.inner(x[0]), inner=net), (5, 6), "net")
    assert [layer.name for layer in network.layers] == ["inner.fc"]
    assert rows(network) == {("inner", "unsupported"): (36, 5 * 36), ("inner.fc", "mapped"): (28, 5 * 24)}


def test_a_sparse_adjacency_is_unsupported_with_its_macs() -> None:
    links = nn.Buffer(torch.eye(6).to_sparse())
    net = Net(lambda net, x: torch.sparse.mm(net.links, net.fc(x[0])), links=links, fc=nn.Linear(8, 4))
    assert rows(trace(net, (6, 8), "net")) == {
        ("(root)", "unsupported"): (0, 6 * 6 * 4),
        ("fc", "mapped"): (36, 6 * 32),
    }


def test_products_of_integers_are_unsupported() -> None:
    net = Net(lambda net, x: net.fc(x) + torch._int_mm(x.char().expand(32, 32), net.codes).sum(),
              codes=nn.Buffer(torch.ones(32, 32, dtype=torch.int8)), fc=nn.Linear(32, 4))  # fmt: skip
    assert rows(trace(net, (32,), "net")) == {
        ("(root)", "unsupported"): (0, 32**3),
        ("fc", "mapped"): (132, 128),
    }


def test_quantized_cells_and_scripted_quantized_layers_lose_nothing() -> None:
    cell = quantized(nn.Sequential(nn.GRUCell(8, 4)), nn.GRUCell)
    assert unsupported(trace(nn.Sequential(nn.Linear(8, 8), cell), (8,), "net")) == [
        Coverage("1.0", "QuantizedGRUCell", "unsupported", 168, 144)
    ]
    scripted = torch.jit.script(quantized(nn.Sequential(nn.Linear(8, 4)), nn.Linear))
    found = unsupported(trace(nn.Sequential(nn.Linear(8, 8), scripted), (8,), "net"))
    assert (sum(row.parameters for row in found), sum(row.macs for row in found)) == (36, 32)
