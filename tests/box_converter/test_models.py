"""The shipped networks are those of the paper's program, layer by layer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from rram_nas_comp_pack.box_converter.models import MODELS, builder
from rram_nas_comp_pack.load import load_network

GOLDEN = Path(__file__).parents[1] / "golden"
NAMES = ("mbv3_small", "squeezenet", "resnet18")
NOT_OURS = ("idx", "name", "raw_h", "raw_w", "raw_cycle", "raw_area", "raw_PE_latency_ns", "raw_latency_ns")
NOT_OURS += ("task_per_cycle", "task_per_latency")
"""What the golden file says of a layer beyond the module that plain hooks see."""


def golden(name: str) -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GOLDEN / f"layers_{name}.json").read_text())
    return data


def executions(network: nn.Module) -> list[dict[str, Any]]:
    """What plain hooks see, in order: the oracle beside the tracer."""
    seen: list[dict[str, Any]] = []

    def look(module: Any, args: tuple[torch.Tensor, ...], out: torch.Tensor) -> None:
        conv = isinstance(module, nn.Conv2d)
        seen.append(
            {
                "cls": type(module).__name__,
                "kernel": list(module.kernel_size) if conv else None,
                "stride": list(module.stride) if conv else None,
                "padding": list(module.padding) if conv else None,
                "dilation": list(module.dilation) if conv else None,
                "groups": module.groups if conv else 1,
                "bias": module.bias is not None,
                "in_channels": module.in_channels if conv else module.in_features,
                "out_channels": module.out_channels if conv else module.out_features,
                "input_size": list(args[0].shape),
                "output_size": list(out.shape),
            }
        )

    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            module.register_forward_hook(look)
    with torch.no_grad():
        network.eval()(torch.zeros(1, 3, 64, 64))
    return seen


@pytest.mark.parametrize("name", NAMES)
def test_modules_run_with_the_published_shapes_in_the_published_order(name: str) -> None:
    layers = golden(name)["layers"]
    assert executions(builder(name)()) == [
        {key: value for key, value in layer.items() if key not in NOT_OURS} for layer in layers
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_number_of_parameters_is_the_published_one(name: str) -> None:
    assert sum(p.numel() for p in builder(name)().parameters()) == golden(name)["n_params"]


@pytest.mark.parametrize("name", NAMES)
def test_traced_layers_have_the_published_raw_boxes(name: str) -> None:
    expected = golden(name)
    network = load_network(name)
    assert network.name == name
    found = [
        {
            "idx": layer.index,
            "cls": layer.kind,
            "name": layer.name.split(".")[-1],
            "groups": layer.groups,
            "raw_h": layer.raw.h,
            "raw_w": layer.raw.w,
            "raw_cycle": layer.raw.cycles,
            "raw_area": layer.weights,
        }
        for layer in network.layers
    ]
    assert found == [{key: layer[key] for key in found[0]} for layer in expected["layers"]]
    assert sum(layer.weights for layer in network.layers) == expected["raw_area_total"]
    assert sum(row.parameters for row in network.coverage) == expected["n_params"]
    assert "unsupported" not in {row.status for row in network.coverage}


def test_another_number_of_classes_widens_the_last_layer_only() -> None:
    for name in NAMES:
        assert executions(builder(name)(num_classes=100))[-1]["out_channels"] == 100


def test_resnet_is_another_name_of_resnet18() -> None:
    assert builder("resnet") is builder("resnet18")


def test_every_name_in_the_table_has_a_builder() -> None:
    assert all(callable(builder(name)) for name in MODELS)


def test_reading_the_names_loads_no_framework() -> None:
    code = (
        "import sys, rram_nas_comp_pack.load as s; s.MODELS;"
        "sys.exit(bool({'torch', 'torchvision', 'timm', 'onnx'} & sys.modules.keys()))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
