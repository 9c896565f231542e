"""Attention is seen through: four projections are layers, scores and position biases are digital."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from traced import Net, check_accounts, layers, rows

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.values import Box


def test_attention_is_four_linear_layers() -> None:
    net = Net(lambda net, x: net.attn(x, x, x)[0], attn=nn.MultiheadAttention(8, 2, batch_first=True))
    network = trace(net, (5, 8), "net")
    assert [(layer.label, layer.name, layer.raw) for layer in network.layers] == [
        (f"Linear_{i}", f"attn.{part}_proj", Box(8, 8, 5)) for i, part in enumerate(("q", "k", "v", "out"))
    ]
    assert rows(network) == {
        ("attn", "mapped"): (216, 960),
        ("attn", "digital"): (0, 400),  # scores and their products with the values
        ("attn.out_proj", "mapped"): (72, 320),
    }


@pytest.mark.parametrize("batch_first", [True, False])
def test_cross_attention_has_the_lengths_and_widths_of_its_inputs(batch_first: bool) -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        q, k, v = x[:, :3], x[:, :, :6], x[:, :, :4]
        inputs = (q, k, v) if batch_first else tuple(t.transpose(0, 1) for t in (q, k, v))
        out: Tensor = net.attn(*inputs, need_weights=False)[0]
        return out

    attn = nn.MultiheadAttention(8, 2, batch_first=batch_first, kdim=6, vdim=4)
    assert [(name, box) for _, name, box, _ in layers(Net(forward, attn=attn), 5, 8)] == [
        ("attn.q_proj", Box(8, 8, 3)),
        ("attn.k_proj", Box(6, 8, 5)),
        ("attn.v_proj", Box(4, 8, 5)),
        ("attn.out_proj", Box(8, 8, 3)),
    ]


@pytest.mark.parametrize("other", ["shared", "apart"])
def test_packed_projections_keep_their_identity_however_they_are_taken(other: str) -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        x = net.attn(x, x, x)[0]
        keys = x[:, :2]
        out: Tensor = net.attn(x[:, :3], keys, keys if other == "shared" else keys.clone())[0]
        return out

    net = Net(forward, attn=nn.MultiheadAttention(8, 2, batch_first=True))
    network = trace(net, (5, 8), "net")
    assert [layer.stored_in for layer in network.layers] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert [layer.positions for layer in network.layers] == [5, 5, 5, 5, 3, 2, 2, 3]


def test_learned_queries_run_through_the_layers_like_data() -> None:
    net = Net(
        lambda net, x: net.attn(net.q, x, x)[0],
        q=nn.Parameter(torch.zeros(1, 2, 8)),
        attn=nn.MultiheadAttention(8, 2, batch_first=True),
    )
    network = trace(net, (5, 8), "net")
    assert [layer.positions for layer in network.layers] == [2, 5, 5, 2]
    assert rows(network)["(root)", "digital"] == (16, 0)


@pytest.mark.parametrize("fused", [True, False])
def test_a_table_of_position_biases_is_digital_and_so_are_the_scores(fused: bool) -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        q, k, v = net.qkv(x).chunk(3, -1)
        bias = net.table[net.index]
        if fused:
            return F.scaled_dot_product_attention(*(t[:, None] for t in (q, k, v)), attn_mask=bias)
        return (q @ k.mT + bias) @ v

    index = nn.Buffer(torch.arange(5)[:, None] - torch.arange(5) + 4)
    net = Net(forward, qkv=nn.Linear(6, 12), table=nn.Parameter(torch.zeros(9)), index=index)
    network = trace(net, (5, 6), "net")
    parameters, macs = rows(network)["(root)", "digital"]
    assert (parameters, macs - (0 if fused else 25)) == (9, 2 * 5 * 5 * 4)
    assert {row.status for row in network.coverage} == {"mapped", "digital"}


def test_the_fused_encoder_is_seen_through_and_restored() -> None:
    fastpath = torch.backends.mha.get_fastpath_enabled()
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    net = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False).eval()
    network = trace(net, (5, 8), "net")
    assert len(network.layers) == 12
    assert torch.backends.mha.get_fastpath_enabled() == fastpath
    check_accounts(net, network)
