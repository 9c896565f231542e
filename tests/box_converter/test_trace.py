"""Every run of a layer is entered with its box, and the module is left as it was."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations, spectral_norm, weight_norm
from torch.utils.flop_counter import FlopCounterMode
from traced import Net, check_accounts, layers, rows

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.values import Box


@pytest.mark.parametrize(
    ("module", "size", "box", "positions"),
    [
        (nn.Conv2d(3, 8, 3, padding=1), (3, 6, 5), Box(27, 8, 30), 30),
        (nn.Conv2d(3, 8, 3, stride=2, dilation=2), (3, 9, 9), Box(27, 8, 9), 9),
        (nn.Conv2d(3, 8, 2, padding="same", padding_mode="circular"), (3, 5, 5), Box(12, 8, 25), 25),
        (nn.Conv1d(4, 6, 3), (4, 10), Box(12, 6, 8), 8),
        (nn.Conv3d(2, 5, 2), (2, 3, 4, 5), Box(16, 5, 24), 24),
        (nn.Conv2d(8, 6, 3, groups=2), (8, 5, 5), Box(36, 6, 2 * 9), 9),
        (nn.Conv2d(4, 4, 3, groups=4), (4, 5, 5), Box(9, 4, 4 * 9), 9),
        (nn.Conv2d(4, 12, 3, groups=4), (4, 5, 5), Box(9, 12, 12 * 9), 9),
        (nn.Conv2d(1, 5, 3), (1, 5, 5), Box(9, 5, 9), 9),
        (nn.ConvTranspose2d(3, 5, 2, stride=2), (3, 4, 6), Box(3, 20, 24), 24),
        (nn.ConvTranspose2d(6, 4, 3, groups=2), (6, 5, 5), Box(3, 36, 50), 25),
        (nn.ConvTranspose1d(4, 4, 3, groups=4), (4, 7), Box(1, 12, 28), 7),
        (nn.ConvTranspose3d(2, 3, 2), (2, 2, 2, 2), Box(2, 24, 8), 8),
        (nn.Linear(7, 5), (7,), Box(7, 5, 1), 1),
        (nn.Linear(7, 5), (3, 4, 7), Box(7, 5, 12), 12),
        (nn.Linear(7, 5, bias=False), (1, 7), Box(7, 5, 1), 1),
    ],
)
def test_a_layer_has_the_box_of_its_table(
    module: nn.Module, size: tuple[int, ...], box: Box, positions: int
) -> None:
    kind = type(module).__name__
    assert layers(module, *size) == [(f"{kind}_0", "(root)", box, positions)]


def test_depthwise_and_grouped_layers_tell_their_columns_per_read() -> None:
    depthwise, grouped = (
        trace(nn.Conv2d(4, 8, 3, groups=groups), (4, 5, 5), "net").layers[0] for groups in (4, 2)
    )
    assert (depthwise.depthwise, depthwise.columns_per_read, depthwise.groups) == (True, 1, 4)
    assert (grouped.depthwise, grouped.columns_per_read, grouped.groups) == (False, 4, 2)


@st.composite
def convolutions(draw: st.DrawFn) -> tuple[nn.Module, tuple[int, ...]]:
    rank, transposed = draw(st.integers(1, 3)), draw(st.booleans())
    groups = draw(st.integers(1, 4))
    channels, out = (groups * draw(st.integers(1, 3)) for _ in range(2))
    kernel = [draw(st.integers(1, 3)) for _ in range(rank)]
    options: dict[str, Any] = {"stride": draw(st.integers(1, 3)), "dilation": draw(st.integers(1, 2))}
    name = f"Conv{'Transpose' if transposed else ''}{rank}d"
    module = getattr(nn, name)(
        channels,
        out,
        kernel,
        groups=groups,
        bias=draw(st.booleans()),
        padding=draw(st.integers(0, 1)),
        **options,
    )
    return module, (channels, *(draw(st.integers(5, 7)) for _ in range(rank)))


@settings(max_examples=60, deadline=None)
@given(convolutions())
def test_boxes_hold_every_weight_and_macs_are_those_of_the_flop_counter(
    case: tuple[nn.Module, tuple[int, ...]],
) -> None:
    module, size = case
    network = trace(module, size, "net")
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        module(torch.zeros(1, *size))
    (layer,) = network.layers
    assert layer.weights == module.weight.numel()  # type: ignore[union-attr,operator]
    assert layer.macs == counter.get_total_flops() // 2
    assert layer.raw.cycles % layer.positions == 0
    check_accounts(module, network)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 4), max_size=3), st.integers(1, 5), st.integers(1, 5), st.booleans())
def test_a_linear_layer_is_read_once_for_every_vector(
    leading: list[int], inputs: int, outputs: int, turned: bool
) -> None:
    linear = nn.Linear(inputs, outputs)
    size = (*leading, inputs)
    if turned:  # strided inputs take another way through torch
        module: nn.Module = Net(lambda net, x: net.fc(x.movedim(1, -1)), fc=linear)
        size = (inputs, *leading)
    else:
        module = linear
    (layer,) = trace(module, size, "net").layers
    assert layer.raw == Box(inputs, outputs, prod(leading))


def test_windows_folded_into_the_batch_are_counted() -> None:
    net = Net(lambda net, x: net.conv(x.reshape(4, 2, 3, 3)), conv=nn.Conv2d(2, 5, 3))
    assert layers(net, 8, 3, 3) == [("Conv2d_0", "conv", Box(18, 5, 4), 4)]


def test_inputs_without_a_batch_are_taken() -> None:
    net = Net(lambda net, x: net.fc(net.conv(x[0]).flatten()), conv=nn.Conv2d(2, 3, 3), fc=nn.Linear(3, 2))
    assert [box for _, _, box, _ in layers(net, 2, 3, 3)] == [Box(18, 3, 1), Box(3, 2, 1)]


def test_a_module_that_runs_again_is_stored_once() -> None:
    net = Net(lambda net, x: net.b(net.a(net.a(x))), a=nn.Linear(4, 4), b=nn.Linear(4, 4))
    network = trace(net, (4,), "net")
    assert [(layer.name, layer.stored_in) for layer in network.layers] == [("a", 0), ("a", 0), ("b", 2)]
    check_accounts(net, network)


def test_modules_that_share_a_weight_are_stored_once() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4))
    net[2].weight = net[0].weight
    network = trace(net, (4,), "net")
    assert [(layer.name, layer.stored_in) for layer in network.layers] == [("0", 0), ("2", 0)]
    assert rows(network) == {("0", "mapped"): (20, 16), ("2", "mapped"): (4, 16)}


def test_a_weight_used_transposed_is_another_box() -> None:
    net = Net(lambda net, x: F.linear(net.a(x), net.a.weight.t()), a=nn.Linear(4, 4))
    assert [layer.stored_in for layer in trace(net, (4,), "net").layers] == [0, 1]


def test_an_output_layer_tied_to_an_embedding_is_mapped_with_the_embedding() -> None:
    net = Net(
        lambda net, x: net.out(net.table(net.first(x).argmax(-1))),
        first=nn.Linear(3, 4),
        table=nn.Embedding(4, 6),
        out=nn.Linear(6, 4),
    )
    net.out.weight = net.table.weight
    network = trace(net, (2, 3), "net")
    assert rows(network) == {
        ("first", "mapped"): (16, 24),
        ("table", "mapped"): (24, 0),
        ("out", "mapped"): (4, 48),
    }
    check_accounts(net, network)


def test_branches_functions_and_structured_results_are_followed() -> None:
    net = Net(
        lambda net, x: {"sum": (net.a(x) + F.relu(net.b(x)), None), "first": [net.a(x)[:, 0]]},
        a=nn.Linear(3, 2),
        b=nn.Linear(3, 2),
    )
    assert [name for _, name, *_ in layers(net, 3)] == ["a", "b", "a"]


class Standardized(nn.Conv2d):
    """As in weight standardisation: the weight that runs is computed from the one that is stored."""

    def forward(self, x: Tensor) -> Tensor:
        weight = (self.weight - self.weight.mean((1, 2, 3), keepdim=True)) * 2
        return F.conv2d(x, weight, self.bias)


def test_a_subclass_counts_as_its_base_class() -> None:
    net = nn.Sequential(Standardized(3, 4, 3))
    assert layers(net, 3, 5, 5) == [("Conv2d_0", "0", Box(27, 4, 9), 9)]
    assert rows(trace(net, (3, 5, 5), "net")) == {("0", "mapped"): (112, 972)}


@pytest.mark.parametrize(
    "reparametrize",
    [parametrizations.weight_norm, parametrizations.spectral_norm, weight_norm, spectral_norm],
)
@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_reparametrized_weights_are_mapped(reparametrize: Callable[[nn.Module], nn.Module]) -> None:
    net = nn.Sequential(reparametrize(nn.Linear(3, 4)), nn.ReLU(), reparametrize(nn.Linear(4, 2)))
    network = trace(net, (3,), "net")
    assert [(layer.name, layer.raw) for layer in network.layers] == [
        ("0", Box(3, 4, 1)),
        ("2", Box(4, 2, 1)),
    ]
    assert {row.status for row in network.coverage} == {"mapped"}
    check_accounts(net, network)


def test_lazy_modules_take_their_sizes_from_the_run() -> None:
    net = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(2))
    network = trace(net, (3, 5, 5), "net")
    assert [layer.label for layer in network.layers] == ["Conv2d_0", "Linear_1"]
    check_accounts(net, network)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_scripted_and_inference_mode_networks_are_traced() -> None:
    plain = nn.Sequential(nn.Linear(8, 4), nn.Conv1d(5, 3, 2))
    scripted = torch.jit.script(plain)
    inference = Net(lambda net, x: torch.inference_mode()(net.net)(x), net=plain)
    expected = [("Linear", Box(8, 4, 5)), ("Conv1d", Box(10, 3, 3))]
    for net in (plain, scripted, inference):
        assert [(layer.kind, layer.raw) for layer in trace(net, (5, 8), "net").layers] == expected


def test_a_compiled_network_is_traced_as_it_was_written() -> None:
    net = torch.compile(nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2)), backend="eager")
    assert [layer.raw for layer in trace(net, (3,), "net").layers] == [Box(3, 4, 1), Box(4, 2, 1)]


def test_other_devices_and_types_are_taken_from_the_parameters() -> None:
    for net in (nn.Linear(3, 2).double(), nn.Linear(3, 2).bfloat16(), nn.Linear(3, 2, device="meta")):
        assert layers(net, 3) == [("Linear_0", "(root)", Box(3, 2, 1), 1)]


def test_the_module_is_left_as_it_was() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout())
    net.train()
    net[1].eval()
    before = {key: value.clone() for key, value in net.state_dict().items()}
    trace(net, (3, 5, 5), "net")
    assert [module.training for module in net.modules()] == [True, True, False, True]
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    assert torch.is_grad_enabled()
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())


def test_the_module_is_left_as_it_was_by_a_run_that_fails() -> None:
    net = nn.Sequential(nn.Linear(3, 4), nn.Linear(5, 2))
    fastpath = torch.backends.mha.get_fastpath_enabled()
    with pytest.raises(BadInput, match=r"net does not run on an input of 1x3 \(RuntimeError: .*--input-size"):
        trace(net, (3,), "net")
    assert all(module.training for module in net.modules())
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in net.modules())
    assert torch.is_grad_enabled()
    assert torch.backends.mha.get_fastpath_enabled() == fastpath


def test_an_error_that_the_network_catches_does_not_confuse_the_names() -> None:
    def forward(net: Any, x: Tensor) -> Tensor:
        try:
            out: Tensor = net.wide(x)
        except RuntimeError:
            out = x @ net.matrix
        return net.fc(out)  # type: ignore[no-any-return]

    parts = {"wide": nn.Linear(9, 3), "matrix": nn.Parameter(torch.zeros(3, 3)), "fc": nn.Linear(3, 2)}
    network = trace(Net(forward, **parts), (3,), "net")
    assert rows(network)["(root)", "mapped"] == (9, 9)
    assert rows(network)["fc", "mapped"] == (8, 6)
