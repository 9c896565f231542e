"""Which rows of a layer another one needs: judged by changing rows and seeing what changes behind them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from traced import Net

from rram_nas_comp_pack.box_converter.onnx.reader import read_onnx
from rram_nas_comp_pack.box_converter.row_flow import Flow, Operand, own_rows, reshaped
from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.values import Network, RowRead

SIZE = (2, 9, 6)

BETWEEN: dict[str, Callable[[Tensor], Tensor]] = {
    "nothing": lambda x: x,
    "activation in place": lambda x: F.relu_(x * 2),
    "maximum pool": lambda x: F.max_pool2d(x, 3, 2, 1),
    "pool with a smaller last window": lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True),
    "average pool": lambda x: F.avg_pool2d(x, 2),
    "adaptive pool": lambda x: F.adaptive_avg_pool2d(x, (4, 3)),
    "nearest": lambda x: F.interpolate(x, scale_factor=2),
    "slice of rows": lambda x: x[:, :, 2:8],
    "every other row": lambda x: x[:, :, ::2],
    "rows in reverse": lambda x: x.flip(2),
    "channels in two halves": lambda x: torch.cat(x.chunk(2, 1)[::-1], 1),
    "rows beneath each other": lambda x: torch.cat([x, x[:, :, :3]], 2),
    "padding": lambda x: F.pad(x, (1, 1, 2, 0)),
    "mirrored border": lambda x: F.pad(x, (1, 1, 1, 1), mode="reflect"),
    "columns and rows exchanged": lambda x: x.transpose(2, 3),
    "vector times map": lambda x: x * x.mean((2, 3), keepdim=True),
    "tokens and back": lambda x: x.flatten(2).transpose(1, 2).transpose(1, 2).reshape(x.shape),
    "softmax of channels": lambda x: x.softmax(1),
    "softmax of rows": lambda x: x.softmax(2),
    "pixels to channels": lambda x: F.pixel_unshuffle(x[:, :, :8], 2)[:, :4],
}
"""What may stand between two layers, from 4 channels to as many."""

SMOOTH: dict[str, Callable[[Tensor], Tensor]] = {
    "linear": lambda x: F.interpolate(x, scale_factor=2, mode="bilinear"),
    "linear from corner to corner": lambda x: F.interpolate(
        x, size=(13, 8), mode="bilinear", align_corners=True
    ),
    "linear, smoothed": lambda x: F.interpolate(x, size=(3, 5), mode="bilinear", antialias=True),
    "cubic": lambda x: F.interpolate(x, size=(5, 6), mode="bicubic"),
    "groups": lambda x: F.group_norm(x, 2),
    "written in place": lambda x: _written(x.clone()),
    "unknown": lambda x: torch.cummax(x, 1).values,
}
"""Here a row may be told to need more than it does."""


def _written(x: Tensor) -> Tensor:
    x[:, :, 3] = x[:, :, 7]
    return x


def traced_pair(between: Callable[[Tensor], Tensor], behind: nn.Module) -> tuple[Net, Network]:
    torch.manual_seed(0)
    net = Net(
        lambda self, x: self.behind(between(self.before(x))),
        before=nn.Conv2d(2, 4, 3, padding=1),
        behind=behind,
    )
    return net.eval(), trace(net, SIZE, "net")


def rows_by_trying(net: Net) -> tuple[list[int], list[int]]:
    """The last and the first row of the first layer that each row of the second one's result depends on."""
    x = torch.rand(1, *SIZE)
    with torch.no_grad():
        wanted = net(x)
        found, first = [-1] * wanted.shape[2], [SIZE[1]] * wanted.shape[2]
        for row in range(SIZE[1]):

            def change(_module: Any, _args: Any, out: Tensor, row: int = row) -> Tensor:
                changed = out.clone()
                changed[:, :, row] += 5 + torch.rand_like(changed[:, :, row])
                return changed

            handle = net.before.register_forward_hook(change)
            other = net(x)
            handle.remove()
            differs = (other != wanted).transpose(1, 2).flatten(2).any(2)[0]
            for place in differs.nonzero().flatten().tolist():
                found[place], first[place] = row, min(first[place], row)
    return found, first


@pytest.mark.parametrize("name", [*BETWEEN, *SMOOTH])
@pytest.mark.parametrize("behind", ["stride", "transposed"])
def test_rows_need_what_changes_them_and_no_more(name: str, behind: str) -> None:
    made = {
        "stride": nn.Conv2d(4, 2, 3, stride=2, padding=1),
        "transposed": nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1),
    }
    net, network = traced_pair({**BETWEEN, **SMOOTH}[name], made[behind])
    assert network.graph[0].rows == SIZE[1]
    read = network.graph[1].reads[0]
    last, first = map(np.array, rows_by_trying(net))
    last, first = np.maximum.accumulate(last), np.minimum.accumulate(first[::-1])[::-1]
    said_last, said_first = _of_results(net.behind, network.graph[1].rows, read, len(last))
    assert (said_last >= last).all(), (said_last, last)
    assert (said_first <= first).all(), (said_first, first)
    if name in BETWEEN and name not in ("columns and rows exchanged", "rows in reverse"):
        assert said_last.tolist() == last.tolist()
        assert said_first.tolist() == first.tolist()
    assert bool(network.barriers) == (name == "unknown")


def _of_results(behind: nn.Module, rows: int, read: RowRead, results: int) -> tuple[Any, Any]:
    """What rows of the result need: of a transposed convolution, the rows of its input that reach them."""
    last, first = np.array(read.last), np.array(read.first)
    if not isinstance(behind, nn.ConvTranspose2d):
        return last, first
    places = np.arange(results)
    return last[np.minimum(rows - 1, (places + 1) // 2)], first[places // 2]


def test_squeeze_and_excite_is_a_barrier_for_the_vector_alone() -> None:
    def forward(self: Any, x: Tensor) -> Any:
        x = self.first(x)
        return self.last(x * self.gate(x.mean((2, 3), keepdim=True)).sigmoid())

    parts = [nn.Conv2d(2, 2, 1) for _ in range(3)]
    graph = trace(Net(forward, first=parts[0], gate=parts[1], last=parts[2]), (2, 5, 5), "net").graph
    assert graph[1].rows == 1
    assert graph[1].reads == (RowRead(0, (4,), (0,)),)
    own = (0, 1, 2, 3, 4)
    assert graph[2].reads == (RowRead(0, own, own), RowRead(1, (0,) * 5, (0,) * 5))


def test_rows_of_tokens_need_one_token_and_attention_all_keys() -> None:
    net = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True).eval()
    graph = trace(net, (6, 8), "net").graph
    assert [each.rows for each in graph] == [6] * len(graph)
    every, own = (5,) * 6, tuple(range(6))
    assert {read.last for read in graph[3].reads} == {every}  # the projection behind scores and values
    assert graph[-1].reads == (RowRead(len(graph) - 2, own, own),)


def test_flattened_maps_are_needed_in_full() -> None:
    net = nn.Sequential(nn.Conv2d(2, 3, 1), nn.Flatten(), nn.Linear(75, 4))
    graph = trace(net, (2, 5, 5), "net").graph
    assert graph[1].rows == 1
    assert graph[1].reads == (RowRead(0, (4,), (0,)),)


def test_values_that_the_network_itself_reads_are_waited_for() -> None:
    def forward(self: Any, x: Tensor) -> Any:
        x = self.first(x)
        return self.last(x if x.sum().item() > 1e9 else x * 2)

    graph = trace(Net(forward, first=nn.Conv2d(2, 2, 1), last=nn.Conv2d(2, 2, 1)), (2, 5, 5), "net").graph
    assert graph[1].reads == (RowRead(0, (4,) * 5, (0,) * 5),)


@pytest.mark.parametrize(
    "name", ["nothing", "maximum pool", "vector times map", "channels in two halves", "padding"]
)
def test_onnx_files_have_the_same_graph(name: str, tmp_path: Path) -> None:
    net, network = traced_pair(BETWEEN[name], nn.Conv2d(4, 2, 3, padding=1))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(net, (torch.zeros(1, *SIZE),), tmp_path / "net.onnx", dynamo=False)
    assert read_onnx(tmp_path / "net.onnx").graph == network.graph


def test_reshaping_keeps_rows_where_as_many_elements_come_before_them() -> None:
    rows = Flow(1, own_rows([0], range(4)))
    assert reshaped(Operand(rows, (1, 4, 6)), (1, 24)).needs[0].tolist() == [sorted([*range(4)] * 6)] * 2
    assert reshaped(Operand(rows, (1, 4, 6)), (1, 2, 12)).needs[0].tolist() == [[1, 3], [0, 2]]
    assert reshaped(Operand(rows, (2, 4, 6)), (2, 4, 2, 3)).axis == 1
    assert reshaped(Operand(rows, (2, 4, 6)), (8, 6)).axis is None
