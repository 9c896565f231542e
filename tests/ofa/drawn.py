"""Weights made from their names, and a slow plain forward of any subnet, written from the paper alone."""

from __future__ import annotations

import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from numpy.random import PCG64, Generator
from torch import Tensor
from torch.nn import functional as f

import ofa

GOLDEN: dict[str, Any] = json.loads((Path(__file__).parents[1] / "golden" / "ofa_supernet.json").read_text())
STAGES = ((24, 2, f.relu, False), (40, 2, f.hardswish, True), (48, 1, f.hardswish, True))
STAGES += ((96, 2, f.hardswish, True),)

configurations = st.builds(
    ofa.Configuration,
    st.tuples(*[st.sampled_from((3, 5, 7))] * 16),
    st.tuples(*[st.sampled_from((3, 4, 6))] * 16),
    st.tuples(*[st.sampled_from((2, 3, 4))] * 4),
)


def drawn(name: str, shape: list[int]) -> Tensor:
    """The tensor that the rule of the golden file makes from a name."""
    n = Generator(PCG64(zlib.crc32(name.encode()))).standard_normal(shape)
    last = name.rpartition(".")[2]
    if last == "num_batches_tracked":
        return torch.tensor(0)
    if last == "running_var":
        n = 0.5 + abs(n)
    elif last.endswith("_matrix"):
        n = np.eye(len(n)) + 0.1 * n
    elif len(shape) >= 2:
        n = n * np.sqrt(2 / np.prod(shape[1:]))
    else:
        n = (last == "weight") + 0.1 * n
    return torch.from_numpy(n.astype(np.float32))


def weights() -> dict[str, Tensor]:
    return {name: drawn(name, shape) for name, shape in GOLDEN["shapes"].items()}


def supernet() -> ofa.Supernet:
    net = ofa.build_supernet()
    net.load_state_dict(weights())
    return net.eval()


def images(*shape: int) -> Tensor:
    return torch.from_numpy(Generator(PCG64(20260101)).standard_normal(shape).astype(np.float32))


def norm(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    n = x.shape[1]
    mean, var, weight, bias = (
        w[f"{name}.{part}"][:n].view(1, n, 1, 1) for part in ("running_mean", "running_var", "weight", "bias")
    )
    return (x - mean) / torch.sqrt(var + 1e-5) * weight + bias


def kernels(w: dict[str, Tensor], name: str, size: int) -> Tensor:
    kernel = w[f"{name}.conv.weight"]
    for large, small in ((7, 5), (5, 3)):
        if size <= small:
            flat = kernel[:, 0, 1:-1, 1:-1].reshape(len(kernel), -1)
            kernel = torch.stack([w[f"{name}.{large}to{small}_matrix"] @ row for row in flat])
            kernel = kernel.view(-1, 1, small, small)
    return kernel


def gate(w: dict[str, Tensor], name: str, x: Tensor) -> Tensor:
    n = x.shape[1]
    inside = {72: 24, 96: 24, 144: 40, 120: 32, 160: 40, 240: 64, 192: 48, 288: 72, 384: 96, 576: 144}[n]
    y = x.mean((2, 3)) @ w[f"{name}.reduce.weight"][:inside, :n, 0, 0].T + w[f"{name}.reduce.bias"][:inside]
    y = y.clamp(min=0) @ w[f"{name}.expand.weight"][:n, :inside, 0, 0].T + w[f"{name}.expand.bias"][:n]
    return x * ((y + 3).clamp(0, 6) / 6)[:, :, None, None]


def forward(w: dict[str, Tensor], chosen: ofa.Configuration, x: Tensor) -> Tensor:
    """Logits of a subnet."""
    x = f.hardswish(norm(w, "first_conv.bn", f.conv2d(x, w["first_conv.conv.weight"], stride=2, padding=1)))
    y = f.conv2d(x, w["blocks.0.conv.depth_conv.conv.weight"], padding=1, groups=16)
    y = f.conv2d(
        f.relu(norm(w, "blocks.0.conv.depth_conv.bn", y)), w["blocks.0.conv.point_linear.conv.weight"]
    )
    x = x + norm(w, "blocks.0.conv.point_linear.bn", y)
    for stage, (out, stride, act, squeeze) in enumerate(STAGES):
        for i in range(4 * stage, 4 * stage + chosen.d[stage]):
            name, k, c = f"blocks.{i + 1}.conv", chosen.ks[i], x.shape[1]
            n = c * chosen.e[i]  # all of them are multiples of 8
            y = f.conv2d(x, w[f"{name}.inverted_bottleneck.conv.conv.weight"][:n])
            y = act(norm(w, f"{name}.inverted_bottleneck.bn.bn", y))
            kernel, step = kernels(w, f"{name}.depth_conv.conv", k)[:n], stride if i % 4 == 0 else 1
            y = act(norm(w, f"{name}.depth_conv.bn.bn", f.conv2d(y, kernel, None, step, k // 2, 1, n)))
            y = gate(w, f"{name}.depth_conv.se.fc", y) if squeeze else y
            y = f.conv2d(y, w[f"{name}.point_linear.conv.conv.weight"][:, :n])
            y = norm(w, f"{name}.point_linear.bn.bn", y)
            x = x + y if c == out and step == 1 else y
    x = norm(w, "final_expand_layer.bn", f.conv2d(x, w["final_expand_layer.conv.weight"]))
    x = f.hardswish(f.hardswish(x).mean((2, 3)) @ w["feature_mix_layer.conv.weight"][:, :, 0, 0].T)
    return x @ w["classifier.linear.weight"].T + w["classifier.linear.bias"]
