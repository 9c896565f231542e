"""Stored weights that multiply values of the network are layers, whoever owns them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from traced import Net, check_accounts, layers, rows

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.values import Box, Network


def zeros(*size: int) -> nn.Parameter:
    return nn.Parameter(torch.zeros(size))


class Turned(nn.Module):
    """GPT-2's layer: weights of (inputs, outputs), multiplied by addmm."""

    def __init__(self, outputs: int, inputs: int) -> None:
        super().__init__()
        self.weight, self.bias = zeros(inputs, outputs), zeros(outputs)

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x.flatten(0, 1), self.weight)[None]


class Gpt(nn.Module):
    """A block of GPT-2 with its table of tokens as the last layer, too."""

    def __init__(self, d: int = 8, tokens: int = 20) -> None:
        super().__init__()
        self.table, self.norm = nn.Embedding(tokens, d), nn.LayerNorm(d)
        self.attn, self.out = Turned(3 * d, d), Turned(d, d)
        self.head = nn.Linear(d, tokens, bias=False)
        self.head.weight = self.table.weight

    def forward(self, x: Tensor) -> Tensor:
        x = self.table(x)
        q, k, v = self.attn(self.norm(x)).chunk(3, -1)
        out: Tensor = self.head(x + self.out(F.scaled_dot_product_attention(q, k, v)))
        return out


def test_weights_stored_the_other_way_round_and_a_tied_table_are_mapped() -> None:
    net = Gpt()
    network = trace(net, (5,), "net")
    assert [(layer.label, layer.name, layer.raw) for layer in network.layers] == [
        ("Linear_0", "attn", Box(8, 24, 5)),
        ("Linear_1", "out", Box(8, 8, 5)),
        ("Linear_2", "head", Box(8, 20, 5)),
    ]
    assert rows(network) == {
        ("(root)", "digital"): (0, 400),
        ("table", "mapped"): (160, 0),
        ("norm", "digital"): (16, 40),
        ("attn", "mapped"): (216, 960),
        ("out", "mapped"): (72, 320),
        ("head", "mapped"): (0, 800),
    }
    check_accounts(net, network)


def product(
    forward: Callable[[Any, Tensor], Any], *size: int, **parts: Any
) -> tuple[list[tuple[str, str, Box]], Network]:
    network = trace(Net(forward, **parts), size, "net")
    check_accounts(Net(forward, **parts), network)
    return [(layer.label, layer.name, layer.raw) for layer in network.layers], network


def test_functions_with_weights_from_a_dictionary_are_layers_named_by_key() -> None:
    w = nn.ParameterDict({"c": zeros(8, 3, 3, 3), "t": zeros(8, 2, 2, 2), "l": zeros(4, 2)})
    found, network = product(
        lambda net, x: F.linear(
            F.conv_transpose2d(F.conv2d(x, net.w["c"]), net.w["t"]).mean((2, 3)), net.w["l"]
        ),
        *(3, 6, 6),
        w=w,
    )
    assert found == [
        ("Conv2d_0", "w.c", Box(27, 8, 16)),
        ("ConvTranspose2d_1", "w.t", Box(8, 8, 16)),
        ("Linear_2", "w.l", Box(2, 4, 1)),
    ]
    assert rows(network) == {("w", "mapped"): (216 + 64 + 8, 27 * 8 * 16 + 8 * 8 * 16 + 8)}


@pytest.mark.parametrize(
    ("forward", "box"),
    [
        (lambda net, x: x @ net.w, Box(6, 4, 5)),
        (lambda net, x: net.w.t() @ x.mT, Box(6, 4, 5)),
        (lambda net, x: torch.matmul(x[0], net.w), Box(6, 4, 5)),
        (lambda net, x: torch.mm(x[0], net.w * 2), Box(6, 4, 5)),
        (lambda net, x: torch.bmm(x, net.w[None]), Box(6, 4, 5)),
        (lambda net, x: torch.bmm(x.expand(3, 5, 6), net.w.expand(3, 6, 4)), Box(6, 4, 15)),
        (lambda net, x: torch.baddbmm(net.b, x, net.w[None]), Box(6, 4, 5)),
        (lambda net, x: torch.addmm(net.b, x[0], net.w), Box(6, 4, 5)),
        (lambda net, x: torch.einsum("bnd,de->bne", x, net.w), Box(6, 4, 5)),
        (lambda net, x: torch.einsum("bnd,dhe->bnhe", x, net.w.view(6, 2, 2)), Box(6, 4, 5)),
        (lambda net, x: torch.tensordot(x, net.w, 1), Box(6, 4, 5)),
        (lambda net, x: torch.mv(x[0], net.w[:, 0]), Box(6, 1, 5)),
        (lambda net, x: F.conv1d(x.mT, net.w.t()[:, :, None]), Box(6, 4, 5)),
    ],
)
def test_every_way_to_multiply_by_one_matrix_is_a_layer(forward: Any, box: Box) -> None:
    ((_, name, found),), network = product(forward, 5, 6, w=zeros(6, 4), b=zeros(4))
    assert (name, found) == ("w", box)
    assert [status for _, status in rows(network)] == ["mapped"]


def test_matrices_that_no_one_box_can_hold_keep_their_share() -> None:
    """A matrix for every entry of a batch, a bilinear form, a kernel that depends on data."""
    net = Net(
        lambda net, x: (
            net.bilinear(torch.bmm(net.fc(x).view(4, 7, 8), net.w).flatten()[:4], x[0, :1, 0].expand(5)[:5]),
            F.conv1d(x, net.k * x.mean()),
        ),
        fc=nn.Linear(8, 8),
        w=zeros(4, 8, 2),
        k=zeros(6, 28, 3),
        bilinear=nn.Bilinear(4, 5, 3),
    )
    network = trace(net, (28, 8), "net")
    found = rows(network)
    assert found["(root)", "unsupported"] == (64, 4 * 7 * 8 * 2 + 6 * 28 * 3 * 6)
    assert found["(root)", "digital"][0] == 6 * 28 * 3
    assert found["bilinear", "unsupported"] == (63, 60)
    assert [layer.name for layer in network.layers] == ["fc"]
    check_accounts(net, network)


def test_a_scale_beside_a_matrix_is_digital_and_a_bias_is_mapped() -> None:
    _, network = product(
        lambda net, x: (x @ net.w + net.bias) * net.scale, 6, w=zeros(6, 4), bias=zeros(4), scale=zeros(4)
    )
    assert {key: parameters for key, (parameters, _) in rows(network).items()} == {
        ("(root)", "mapped"): 28,
        ("(root)", "digital"): 4,
    }


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
def test_a_recurrent_module_runs_its_steps_one_after_the_other(kind: str) -> None:
    net = nn.Sequential(getattr(nn, kind)(4, 5, batch_first=True))
    gates = {"RNN": 1, "GRU": 3, "LSTM": 4}[kind]
    network = trace(net, (3, 4), "net")
    assert [(layer.name, layer.raw, layer.stored_in) for layer in network.layers] == [
        ("0.weight_ih_l0", Box(4, 5 * gates, 3), 0),
        *[("0.weight_hh_l0", Box(5, 5 * gates, 1), 1)] * 3,
    ]
    assert rows(network) == {("0", "mapped"): (55 * gates, 3 * 9 * 5 * gates)}
    check_accounts(net, network)


def test_layers_and_directions_of_a_recurrent_module_have_weights_of_their_own() -> None:
    network = trace(nn.LSTM(4, 5, 2, batch_first=True, bidirectional=True), (3, 4), "net")
    assert len({layer.stored_in for layer in network.layers}) == 8
    assert {row.status for row in network.coverage} == {"mapped"}
    assert torch._C._get_mkldnn_enabled()


@pytest.mark.parametrize("kind", ["RNNCell", "GRUCell", "LSTMCell"])
def test_a_cell_is_two_layers_a_step(kind: str) -> None:
    def forward(net: Any, x: Tensor) -> Any:
        state = None
        for step in range(x.shape[1]):
            state = net.cell(x[:, step], state)
        return state

    network = trace(Net(forward, cell=getattr(nn, kind)(4, 5)), (3, 4), "net")
    assert len(network.layers) == 6
    assert {layer.stored_in for layer in network.layers} == {0, 1}
    assert {layer.name for layer in network.layers} == {"cell.weight_ih", "cell.weight_hh"}


def test_equal_computations_on_a_weight_are_stored_once_and_others_apart() -> None:
    net = Net(
        lambda net, x: [
            x @ (net.w * 2),
            x @ (net.w * 2),
            x @ (net.w * 3),
            x @ net.w[[1, 0]],
            x @ net.w[[0, 1]],
        ],
        w=zeros(2, 2),
    )
    assert [layer.stored_in for layer in trace(net, (2,), "net").layers] == [0, 0, 2, 3, 4]


def test_parts_of_a_matrix_are_stored_apart() -> None:
    net = Net(lambda net, x: [x @ net.w[0], x @ net.w[1], x @ net.w[0]], w=zeros(2, 3, 3))
    assert [layer.stored_in for layer in trace(net, (3,), "net").layers] == [0, 1, 0]


def test_fixed_matrices_are_layers_too() -> None:
    """Buffers and tensors that no module registered are stored like weights, but are no parameters."""
    plain = torch.zeros(4, 2)
    net = Net(lambda net, x: x @ net.basis @ plain, basis=nn.Buffer(torch.zeros(3, 4)))
    network = trace(net, (3,), "net")
    assert [(layer.name, layer.raw.h) for layer in network.layers] == [
        ("basis", 3),
        ("(constants).constant_1", 4),
    ]
    assert rows(network) == {("(root)", "mapped"): (0, 12), ("(constants)", "mapped"): (0, 8)}


def test_an_operator_of_another_library_leaves_its_matrices_unsupported() -> None:
    @torch.library.custom_op("test_products::times", mutates_args=())
    def times(x: Tensor, w: Tensor) -> Tensor:
        return x @ w

    net = Net(lambda net, x: times(net.fc(x), net.w), fc=nn.Linear(3, 3), w=zeros(3, 4))
    assert rows(trace(net, (3,), "net"))["(root)", "unsupported"] == (12, 0)


@pytest.mark.filterwarnings("ignore:Initializing zero-element")
def test_weights_of_no_size_make_no_layer_and_no_row() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 0), nn.Linear(0, 2))
    network = trace(net, (3,), "net")
    assert [layer.name for layer in network.layers] == ["0"]
    assert rows(network) == {("0", "mapped"): (16, 12), ("2", "digital"): (2, 0)}


def test_a_layer_that_no_vector_reaches_is_unused() -> None:
    net = Net(lambda net, x: (net.a(x), net.b(x[:0])), a=nn.Linear(3, 4), b=nn.Linear(3, 4))
    assert rows(trace(net, (3,), "net")) == {("a", "mapped"): (16, 12), ("b", "unsupported"): (16, 0)}


def test_layers_that_are_built_by_the_first_run_are_counted() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        if not hasattr(net, "late"):
            net.late = nn.Linear(3, 2)
        return net.late(x)

    net = Net(forward)
    network = trace(net, (3,), "net")
    assert rows(network) == {("late", "mapped"): (8, 6)}
    check_accounts(net, network)


def test_weights_that_change_their_type_while_they_run_stay_weights() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        out = net.c.double()(x.double())
        net.c.float()
        return out

    net = Net(forward, c=nn.Conv2d(3, 4, 1))
    assert rows(trace(net, (3, 2, 2), "net")) == {("c", "mapped"): (16, 48)}


def test_names_are_printable() -> None:
    net = nn.Sequential()
    net.add_module("a\nb", nn.Linear(3, 4))
    net.add_module("c\udcff", nn.LayerNorm(4))
    network = trace(net, (3,), "n\te\udc80t")
    assert network.name == "n\\te\\udc80t"
    assert [layer.name for layer in network.layers] == ["a\\nb"]
    assert [row.name for row in network.coverage] == ["a\\nb", "c\\udcff"]


@pytest.mark.parametrize(
    "copies",
    [
        lambda w: w.expand(3, 4, 5),
        lambda w: w.repeat(3, 1, 1),
        lambda w: w[0].repeat(3, 1, 1),
        lambda w: w.tile(3, 1, 1),
        lambda w: w.repeat_interleave(3, 0),
        lambda w: torch.cat([w, w, w]),
        lambda w: torch.stack([w[0]] * 3),
        lambda w: w.expand(3, 4, 5).contiguous(),
        lambda w: w.mT.repeat(3, 1, 1).mT,
    ],
)
def test_copies_of_one_matrix_along_the_batch_are_one_layer(copies: Any) -> None:
    net = Net(
        lambda net, x: torch.bmm(x.expand(3, -1, -1), copies(net.w)), w=nn.Parameter(torch.randn(1, 4, 5))
    )
    assert [(name, box, n) for _, name, box, n in layers(net, 2, 4)] == [("w", Box(4, 5, 6), 6)]


def test_matrices_of_their_own_that_are_equal_are_no_copies() -> None:
    for factor in (torch.ones(1, 4, 5), torch.ones(3, 4, 5)):
        net = Net(
            lambda net, x: net.fc(torch.bmm(x.expand(3, -1, -1), net.w * net.factor)),
            w=nn.Parameter(torch.zeros(3, 4, 5) if len(factor) == 1 else torch.zeros(1, 4, 5)),
            factor=nn.Parameter(factor), fc=nn.Linear(5, 2),
        )  # fmt: skip
        network = trace(net, (2, 4), "net")
        assert rows(network)["(root)", "unsupported"] == (80, 3 * 2 * 20)
