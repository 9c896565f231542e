"""Ideal cells read by the linear path, and bit by bit with a lossless converter, give the same integers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from loaded import Cut, load
from test_kinds import NETWORKS
from torch import Tensor

from rram_nas_comp_pack.execution.box_reader import BoxReader
from rram_nas_comp_pack.execution.exact import ExactProduct
from rram_nas_comp_pack.execution.image import PlacedBox
from rram_nas_comp_pack.execution.network import by_reads
from rram_nas_comp_pack.hardware.config.read import SHIPPED, load_config

reads = pytest.importorskip("rram_nas_comp_pack.execution.reads")
converters = pytest.importorskip("rram_nas_comp_pack.execution.converters")
device = pytest.importorskip("rram_nas_comp_pack.execution.device")
cells = pytest.importorskip("rram_nas_comp_pack.execution.program")


@pytest.mark.parametrize("kind", NETWORKS)
@pytest.mark.parametrize("path", ["linear", "full"])
def test_ideal_cells_give_the_integers_of_every_layer(path: str, kind: str) -> None:
    loaded = load(*NETWORKS[kind], Cut((128, 128), diagonal=True, copies=(2,)), count=1)
    model = device.device_of(load_config(SHIPPED).hardware)
    adc, programmed, ranges = converters.lossless_adc(model), {}, loaded.image.ranges
    at_once, code = ExactProduct(loaded.image), []

    def read_box(box: PlacedBox, x: Tensor) -> Tensor:
        key = box.layer, box.copy, box.box
        if key not in programmed:
            placed = cells.BoxCells(box.weights, box.crossbar, box.row, box.column)
            programmed[key] = cells.program_box(placed, model)
        integers = x.numpy().astype(np.int64)
        if path == "linear":
            sums = reads.read_linear(programmed[key], integers)
        else:
            sums = reads.read_full(programmed[key], integers, adc, code[-1]).sums
        return torch.from_numpy(np.asarray(sums, np.float64))

    one_by_one = by_reads(BoxReader(loaded.image, read_box), loaded.layers)

    def multiply(layer: int, x: Tensor, how: Any) -> Tensor:
        code.append("twos-complement" if ranges[layer].signed else "unsigned")
        wanted = at_once(layer, x, how)
        assert torch.equal(one_by_one(layer, x, how).double(), wanted.double())
        return wanted

    loaded.executed(multiply)
    assert len(code) == len(loaded.layers)
