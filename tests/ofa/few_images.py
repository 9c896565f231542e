"""A few random images, so that training takes a moment."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import Image

import ofa
from ofa.data import DataSet
from ofa.recipe import Recipe

TINY = DataSet((0.4,) * 3, (0.25,) * 3, classes=3, resolution=32)


def split(count: int) -> ofa.Split:
    """Images of three colours, labelled by colour."""
    rng = np.random.default_rng(count)
    labels = np.arange(count) % 3
    pixels = rng.integers(60, size=(count, 3, 8, 8), dtype=np.uint8)
    pixels[np.arange(count), labels] += 150
    return ofa.Split(torch.from_numpy(pixels), torch.from_numpy(labels), TINY)


def recipe(*epochs: int, optimizer: str = "adamw", seed: int = 5, drawn: int = 1) -> Recipe:
    full, kernel, depth, expansion = epochs
    rate = 2e-3 if optimizer == "adamw" else 0.02
    return Recipe("few", (full, kernel, depth, expansion), 6, rate, 0.01, optimizer, seed, drawn)


def folder(path: Path, each: int = 5) -> str:
    """Write the images as files; returns the data set's name."""
    for i, (pixels, label) in enumerate(zip(split(3 * each).pixels, split(3 * each).labels, strict=True)):
        own = path / f"class{int(label)}" / f"{i}.png"
        own.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(own)
    return f"folder:{path}"
