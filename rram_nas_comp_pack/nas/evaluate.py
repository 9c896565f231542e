"""One subnet through compiler and judge: what a worker of the search does.

A worker loads supernet and images once; its tasks are plain values.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..values import NoFit
from .compile_subnet import CompileSettings, SubnetMetrics, compile_subnet
from .generations import SubnetResult
from .genome import decode

if TYPE_CHECKING:
    from ofa import Configuration

    from .accuracy import AccuracyContext, Split

AccuracyMethod = Literal["calibrate", "finetune", "predictor"]


@dataclass(frozen=True, slots=True)
class AccuracySettings:
    """How subnets are judged: by which supernet and images, on which device, and by which method.

    Networks have `classes` logits for images of `resolution` x `resolution` pixels.
    """

    checkpoint: Path
    dataset: str
    method: AccuracyMethod
    device: str
    seed: int
    classes: int
    resolution: int = 64


@dataclass(frozen=True, slots=True)
class TunedSubnet:
    """A subnet of the front: compiled in full, and its accuracies (0 to 1) on both kinds of images."""

    compiled: SubnetMetrics
    validation: float
    test: float


def evaluate_subnet(judging: AccuracySettings, settings: CompileSettings, genes: bytes) -> SubnetResult:
    """Compile a subnet and judge it; with a predictor, judging is left to others.

    One that needs more crossbars than there are is neither packed nor judged.
    """
    chosen = _chosen(genes)
    found = compile_subnet(chosen, settings, judging.resolution, judging.classes)
    if isinstance(found, NoFit):
        needed = found.lower_bound if found.lower_bound > found.budget else found.found
        return SubnetResult(excess=needed - found.budget)
    (accuracy,) = (0.0,) if judging.method == "predictor" else _accuracies(judging, chosen, "validation")
    return SubnetResult(
        accuracy,
        found.speed,
        found.latency_ns,
        found.baseline_ns,
        found.energy_nj,
        found.crossbars,
        found.utilization,
    )


def evaluate_in_full(judging: AccuracySettings, settings: CompileSettings, genes: bytes) -> TunedSubnet:
    """Compile a subnet that fits, and judge it by validation and by test images."""
    chosen = _chosen(genes)
    found = compile_subnet(chosen, settings, judging.resolution, judging.classes)
    if isinstance(found, NoFit):
        raise ValueError(f"needs {found.found} crossbars")
    return TunedSubnet(found, *_accuracies(judging, chosen, "validation", "test"))


def calibrated_accuracy(judging: AccuracySettings, genes: bytes) -> float:
    """Judge a subnet, for a predictor to learn from."""
    (accuracy,) = _accuracies(judging, _chosen(genes), "validation")
    return accuracy


def _chosen(genes: bytes) -> Configuration:
    return decode(np.frombuffer(genes, np.int8))


def _accuracies(judging: AccuracySettings, chosen: Configuration, *splits: Split) -> Iterator[float]:
    """A subnet's accuracies on several splits; it is made ready once."""
    from . import accuracy

    ready = accuracy.finetune_subnet if judging.method == "finetune" else accuracy.calibrate_subnet
    context = _context(judging)
    subnet = ready(context, chosen)
    return (accuracy.accuracy(context, subnet, split) for split in splits)


@lru_cache(maxsize=1)
def _context(judging: AccuracySettings) -> AccuracyContext:
    import torch

    from .accuracy import load_context

    torch.set_num_threads(1)  # workers on all cores would wait for each other
    loaded = load_context(judging.checkpoint, judging.dataset, judging.device, judging.seed)
    gc.collect()
    gc.freeze()  # what is loaded stays: no use looking through it again and again
    return loaded
