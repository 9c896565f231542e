"""Whatever a network runs is a layer or a row of the coverage table; nothing is lost."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from traced import Net, layers, rows

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.load import load_network
from rram_nas_comp_pack.values import Box


def test_norms_scales_and_tables_are_digital() -> None:
    net = Net(
        lambda net, x: net.prelu(net.norm(net.fc(x) * net.scale + net.table[net.index])),
        fc=nn.Linear(4, 3),
        norm=nn.LayerNorm(3),
        prelu=nn.PReLU(),
        scale=nn.Parameter(torch.ones(3)),
        table=nn.Parameter(torch.zeros(9, 3)),
        index=nn.Buffer(torch.tensor([0, 4])),
    )
    network = trace(net, (2, 4), "net")
    assert rows(network) == {
        ("(root)", "digital"): (30, 12),
        ("fc", "mapped"): (15, 24),
        ("norm", "digital"): (6, 6),
        ("prelu", "digital"): (1, 6),
    }


def test_batch_norm_counts_one_multiplication_for_every_output() -> None:
    network = trace(nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2)), (1, 3, 3), "net")
    assert rows(network)["1", "digital"] == (4, 18)


def test_matrices_multiplied_by_hand_are_mapped_and_a_bilinear_form_is_unsupported_with_its_macs() -> None:
    net = Net(
        lambda net, x: net.bilinear(
            F.conv2d(net.conv(x), net.kernel).flatten(1) @ (net.matrix * 2), x[:, 0, 0]
        ),
        conv=nn.Conv2d(1, 3, 1),
        kernel=nn.Parameter(torch.zeros(2, 3, 5, 5)),
        matrix=nn.Parameter(torch.zeros(2, 4)),
        bilinear=nn.Bilinear(4, 5, 3),
    )
    network = trace(net, (1, 5, 5), "net")
    assert rows(network) == {
        ("(root)", "mapped"): (158, 158),
        ("conv", "mapped"): (6, 75),
        ("bilinear", "unsupported"): (63, 60),
    }


def test_a_weight_handed_to_a_function_stays_with_its_module() -> None:
    net = Net(lambda net, x: F.linear(x, net.fc.weight, net.fc.bias), fc=nn.Linear(3, 2))
    assert layers(net, 5, 3) == [("Linear_0", "fc", Box(3, 2, 5), 5)]
    assert rows(trace(net, (5, 3), "net")) == {("fc", "mapped"): (8, 30)}


def test_modules_that_never_run_and_weights_that_depend_on_data_are_unsupported() -> None:
    net = Net(
        lambda net, x: F.conv2d(x, net.dynamic.weight * x.mean()) + net.conv(x),
        conv=nn.Conv2d(3, 3, 1),
        dynamic=nn.Conv2d(3, 3, 1),
        never=nn.Linear(2, 2),
        norm=nn.BatchNorm2d(3),
    )
    network = trace(net, (3, 5, 5), "net")
    assert rows(network) == {
        ("(root)", "unsupported"): (0, 225),
        ("conv", "mapped"): (12, 225),
        ("dynamic", "unsupported"): (12, 0),
        ("never", "unsupported"): (6, 0),
        ("norm", "digital"): (6, 0),
    }


def test_rows_come_in_order_of_registration() -> None:
    net = Net(lambda net, x: net.first(net.second(x)), first=nn.Linear(2, 2), second=nn.Linear(2, 2))
    network = trace(net, (2,), "net")
    assert [row.name for row in network.coverage] == ["first", "second"]
    assert [layer.name for layer in network.layers] == ["second", "first"]
    assert network == trace(net, (2,), "net")


@pytest.mark.parametrize(
    ("spec", "size", "count"),
    [
        ("torchvision:mobilenet_v3_small", (3, 32, 32), 54),
        ("torchvision:swin_t", (3, 32, 32), 53),
        ("timm:test_vit", (3, 160, 160), 26),
        ("timm:test_resnet", (3, 32, 32), None),
        ("timm:test_coatnet", (3, 160, 160), None),
        ("timm:test_convnext", (3, 32, 32), None),
        ("timm:resnetv2_50x1_bit", (3, 32, 32), 54),
    ],
)
def test_published_networks_leave_nothing_unsupported(
    spec: str, size: tuple[int, ...], count: int | None
) -> None:
    network = load_network(spec, size)
    assert {row.status for row in network.coverage} == {"mapped", "digital"}
    assert count is None or len(network.layers) == count
    mapped = sum(row.parameters for row in network.coverage if row.status == "mapped")
    assert mapped >= sum(layer.weights for layer in network.layers if layer.stored_in == layer.index)
