"""A network runs on what it takes: floats or token ids, one input or several by name."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from traced import Net, rows

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.errors import BadInput


class Encoder(nn.Module):
    """A transformer on token ids."""

    def __init__(self, tokens: int = 50, d: int = 16, tied: bool = False) -> None:
        super().__init__()
        self.table = nn.Embedding(tokens, d)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(d, 4, 2 * d, batch_first=True), 2)
        self.head = nn.Linear(d, tokens, bias=False)
        if tied:
            self.head.weight = self.table.weight

    def forward(self, ids: Tensor) -> Tensor:
        out: Tensor = self.head(self.encoder(self.table(ids)))
        return out


class Two(nn.Module):
    """Two inputs of different sizes, and one that may be left out."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(8, 4), nn.Linear(6, 4), nn.Linear(2, 4)

    def forward(self, x: Tensor, y: Tensor, z: Tensor | None = None) -> Tensor:
        out: Tensor = self.a(x) + self.b(y)
        return out if z is None else out + self.c(z)


def refusal(module: nn.Module, size: Any) -> str:
    with pytest.raises(BadInput) as caught:
        trace(module, size, "net")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_integers_are_tried_where_floats_fail() -> None:
    network = trace(Encoder(1000, 64), (16,), "net")
    assert len(network.layers) == 13
    assert sum(layer.macs for layer in network.layers) == 2_072_576
    assert network.inputs == (("ids", (1, 16)),)


def test_a_tied_table_is_mapped_once() -> None:
    network = trace(Encoder(tied=True), (4,), "net")
    assert rows(network)["table", "mapped"] == (800, 0)
    assert rows(network)["head", "mapped"] == (0, 4 * 800)


def test_several_inputs_are_given_by_name() -> None:
    network = trace(Two(), {"y": (6,), "x": (8,)}, "net")
    assert [layer.name for layer in network.layers] == ["a", "b"]
    assert network.inputs == (("x", (1, 8)), ("y", (1, 6)))
    assert trace(Two(), {"": (8,), "y": (3, 6), "z": (2,)}, "net").inputs == (
        ("x", (1, 8)),
        ("y", (1, 3, 6)),
        ("z", (1, 2)),
    )


@pytest.mark.parametrize(
    "wrap", [torch.jit.script, nn.DataParallel, lambda net: torch.compile(net, backend="eager")]
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_wrapped_networks_have_the_same_inputs(wrap: Any) -> None:
    network = trace(wrap(Two()), {"y": (6,), "x": (8,)}, "net")
    assert network.inputs == (("x", (1, 8)), ("y", (1, 6)))


@pytest.mark.parametrize("size", [None, (8,), {"": (8,)}])
def test_one_size_for_several_inputs_is_refused_with_their_names(size: Any) -> None:
    assert refusal(Two(), size) == (
        "net: no size is given for its input 'x'; it has x, y: "
        "give sizes (without the batch) with --input-size x=N,N --input-size y=N,N"
    )


def test_an_input_without_a_size_and_one_that_is_not_there_are_named() -> None:
    assert "no size is given for its input 'y'" in refusal(Two(), {"x": (8,)})
    assert "net has no input 'a'; it has x, y" in refusal(Two(), {"a": (8,), "b": (6,)})
    assert "net has no input 'x'; it has input: " in refusal(nn.Sequential(nn.Linear(3, 2)), {"x": (3,)})


def test_a_single_input_may_be_named_or_not() -> None:
    net = nn.Linear(3, 2)
    for size in ((3,), {"": (3,)}, {"input": (3,)}):
        assert trace(net, size, "net").inputs == (("input", (1, 3)),)
    conv = nn.Conv2d(3, 2, 1)
    assert trace(conv, None, "net").inputs == (("input", (1, 3, 64, 64)),)


def test_a_network_that_takes_anything_takes_any_name() -> None:
    class Any_(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = Two()

        def forward(self, *args: Any, **kwargs: Any) -> Any:
            return self.net(*args, **kwargs)

    assert trace(Any_(), {"x": (8,), "y": (6,)}, "net").inputs == (("x", (1, 8)), ("y", (1, 6)))
    assert trace(Any_(), {"": (8,), "y": (6,)}, "net").inputs == (("args", (1, 8)), ("y", (1, 6)))


def test_ids_and_floats_may_stand_side_by_side() -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense, self.table = nn.Linear(3, 4), nn.Embedding(5, 4)

        def forward(self, ids: Tensor, x: Tensor) -> Tensor:
            out: Tensor = self.dense(x) + self.table(ids).sum(1)
            return out

    assert trace(Mixed(), {"ids": (2,), "x": (3,)}, "net").layers[0].name == "dense"


def test_the_run_that_came_farthest_says_what_is_wrong() -> None:
    positions = Net(lambda net, x: net.fc(net.table(x) + net.positions), table=nn.Embedding(5, 4),
                    positions=nn.Parameter(torch.zeros(7, 4)), fc=nn.Linear(4, 2))  # fmt: skip
    text = refusal(positions, (9,))
    assert "does not run on an input of 1x9 (RuntimeError: The size of tensor a (9) must match" in text
    assert text.endswith("; --input-size sets another")


def test_sizes_help_only_where_sizes_are_wrong() -> None:
    def forward(net: Any, x: Tensor) -> Any:
        raise ZeroDivisionError

    assert refusal(Net(forward), (3,)) == (
        "net does not run on an input of 1x3 (ZeroDivisionError: no message)"
    )


@pytest.mark.parametrize("size", [(10**10, 10**10), (10**30,)])
def test_an_input_that_cannot_be_made_is_refused(size: tuple[int, ...]) -> None:
    assert "does not run on an input of 1x1000" in refusal(nn.Linear(3, 2), size)


@pytest.mark.parametrize("size", [(0,), {"x": (3, -1)}, {"": ()}])
def test_sizes_are_positive(size: Any) -> None:
    assert "one or more sizes of at least 1 expected" in refusal(nn.Linear(3, 2), size)


@pytest.mark.filterwarnings("ignore:Complex modules")
def test_complex_networks_run_on_complex_numbers() -> None:
    net = Net(lambda net, x: net.b(net.a(x).abs()), a=nn.Linear(3, 2).to(torch.complex64), b=nn.Linear(2, 2))
    assert [layer.name for layer in trace(net, (3,), "net").layers] == ["b"]


@pytest.mark.parametrize(
    "kind", [torch.float64, torch.float16, torch.float8_e4m3fn, torch.int8, torch.cfloat]
)
def test_float32_is_tried_before_the_types_of_the_parameters(kind: torch.dtype) -> None:
    first = nn.Parameter(torch.ones(4).to(kind), requires_grad=False)
    net = Net(lambda net, x: net.fc(x) * net.first.float(), first=first, fc=nn.Linear(8, 4))
    assert [layer.name for layer in trace(net, (8,), "net").layers] == ["fc"]


@pytest.mark.parametrize("kind", [torch.float64, torch.float16, torch.bfloat16])
def test_networks_of_other_floats_run_and_a_wrong_size_is_told_as_such(kind: torch.dtype) -> None:
    net = nn.Sequential(nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2)).to(kind)
    assert len(trace(net, (3, 4, 4), "net").layers) == 1
    text = refusal(net, (5, 4, 4))
    assert "expected input[1, 5, 4, 4] to have 3 channels" in text
    assert text.endswith("; --input-size sets another")


class Masked(nn.Module):
    """A float input and a mask of booleans."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(8, 4)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        out: Tensor = self.fc(x.masked_fill(mask, 0.0))
        return out


def test_booleans_are_tried_last() -> None:
    assert len(trace(Masked(), {"x": (8,), "mask": (8,)}, "net").layers) == 1
    assert refusal(Masked(), {"x": (9,), "mask": (9,)}).endswith("; --input-size sets another")


def test_a_time_step_is_a_vector_where_the_network_wants_one() -> None:
    class Diffusion(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.time, self.conv = nn.Linear(1, 4), nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor, t: Tensor) -> Tensor:
            assert t.dim() == 1
            out: Tensor = self.conv(x) + self.time(t[:, None].float())[:, :, None, None]
            return out

    network = trace(Diffusion(), {"x": (3, 8, 8), "t": (1,)}, "net")
    assert network.inputs == (("x", (1, 3, 8, 8)), ("t", (1,)))


@pytest.mark.parametrize(
    "forward",
    [
        lambda net, x: net.fc(x["a"]),
        lambda net, x: net.fc(x[0]) + net.fc(x[1]),
        lambda net, x: net.fc(x.keys()),
    ],
)
def test_inputs_that_are_no_tensors_are_told_as_not_supported(forward: Any) -> None:
    text = refusal(Net(forward, fc=nn.Linear(8, 4)), (8,))
    assert "; every input is one tensor: lists, dictionaries and numbers are not supported" in text
    assert "--input-size" not in text


def test_many_inputs_by_position_are_told_as_not_supported() -> None:
    class Several(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 4)

        def forward(self, *xs: Tensor) -> Tensor:
            out: Tensor = self.fc(xs[0] + xs[1])
            return out

    assert "are not supported as inputs" in refusal(Several(), (8,))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("expected m1 and m2 to have the same dtype, but got: float != double"),
        RuntimeError("No CUDA GPUs are available"),
        AttributeError("'Net' object has no attribute 'size'"),
        RuntimeError("torch.export failed on the shape"),
    ],
)
def test_no_size_is_advised_where_none_can_be_the_cause(error: Exception) -> None:
    def forward(net: Any, x: Tensor) -> Any:
        raise error

    assert "--input-size" not in refusal(Net(forward), (3,))


@pytest.mark.parametrize(
    "size", [(8, 8, "a"), "8", 8, (8.0,), (True,), {"x": None, 1: (3,)}, {"x": 5}, ((3,),)]
)
def test_sizes_are_whole_numbers(size: Any) -> None:
    assert "one or more sizes of at least 1 expected" in refusal(nn.Linear(3, 2), size)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_frozen_and_exported_modules_are_told_as_not_supported() -> None:
    net = nn.Sequential(nn.Linear(8, 4)).eval()
    frozen = torch.jit.freeze(torch.jit.script(net))
    exported = torch.export.export(net, (torch.zeros(1, 8),)).module()
    assert refusal(frozen, (8,)) == (
        "net is frozen TorchScript, which is not supported: give the module before it is frozen"
    )
    for module in (exported, nn.Sequential(exported)):
        assert refusal(module, (8,)) == (
            "net is a module of torch.export, which is not supported: give the original module"
        )
