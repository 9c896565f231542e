"""One subnet through compiler and judge: what a worker of the search does.

A worker loads supernet and images once; its tasks are plain values.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..values import Layout, NoFit
from .chips import Chips, OnChips
from .compile_subnet import CompileSettings, SubnetMetrics, map_subnet
from .generations import SubnetResult
from .genome import decode

if TYPE_CHECKING:
    from ofa import Configuration

    from ..hardware.config.read import Hardware
    from .accuracy import AccuracyContext, Split

AccuracyMethod = Literal["calibrate", "finetune", "predictor", "chip"]


@dataclass(frozen=True, slots=True)
class AccuracySettings:
    """How subnets are judged: by which supernet and images, on which device, and by which method.

    Networks have `classes` logits for images of `resolution` x `resolution` pixels. A search sees the first
    `images` of the validation images, None being all. With the method "chip",
    `chips` says on how many chips a subnet is executed, and how.
    """

    checkpoint: Path
    dataset: str
    method: AccuracyMethod
    device: str
    seed: int
    classes: int
    resolution: int = 64
    images: int | None = None
    chips: Chips = field(default_factory=Chips)


@dataclass(frozen=True, slots=True)
class TunedSubnet:
    """A subnet of the front: compiled in full, and its accuracies (0 to 1) on both kinds of images.

    `chip_test` is that of chips which the search has not seen, None where no chip is asked.
    """

    compiled: SubnetMetrics
    validation: float
    test: float
    chip_test: float | None = None


def evaluate_subnet(judging: AccuracySettings, settings: CompileSettings, genes: bytes) -> SubnetResult:
    """Compile a subnet and judge it; with a predictor, judging is left to others.

    One that needs more crossbars than there are is neither packed nor judged.
    """
    chosen = _chosen(genes)
    found = map_subnet(chosen, settings, judging.resolution, judging.classes)
    if isinstance(found, NoFit):
        needed = found.lower_bound if found.lower_bound > found.budget else found.found
        return SubnetResult(excess=needed - found.budget)
    accuracy, on_chip = 0.0, None
    if judging.method != "predictor":
        ready = _Ready(judging, chosen)
        accuracy = ready.accuracy("validation")
        if judging.method == "chip":
            on_chip = ready.chip_accuracy(found.layout(), settings.hardware, "validation")
    figures = found.metrics
    return SubnetResult(
        accuracy,
        figures.speed,
        figures.latency_ns,
        figures.baseline_ns,
        figures.energy_nj,
        figures.crossbars,
        figures.utilization,
        chip_accuracy=on_chip,
    )


def evaluate_in_full(judging: AccuracySettings, settings: CompileSettings, genes: bytes) -> TunedSubnet:
    """Compile a subnet that fits, and judge it by validation and by test images."""
    chosen = _chosen(genes)
    found = map_subnet(chosen, settings, judging.resolution, judging.classes)
    if isinstance(found, NoFit):
        raise ValueError(f"needs {found.found} crossbars")
    ready = _Ready(judging, chosen)
    on_chip = None
    if judging.method == "chip":
        on_chip = ready.chip_accuracy(found.layout(), settings.hardware, "test")
    return TunedSubnet(found.metrics, ready.accuracy("validation"), ready.accuracy("test"), on_chip)


def calibrated_accuracy(judging: AccuracySettings, genes: bytes) -> float:
    """Judge a subnet, for a predictor to learn from."""
    return _Ready(judging, _chosen(genes)).accuracy("validation")


def _chosen(genes: bytes) -> Configuration:
    return decode(np.frombuffer(genes, np.int8))


class _Ready:
    """A subnet that is ready to be judged, by several splits."""

    def __init__(self, judging: AccuracySettings, chosen: Configuration) -> None:
        """Give it norm statistics of its own, or train it a little."""
        from . import accuracy

        ready = accuracy.finetune_subnet if judging.method == "finetune" else accuracy.calibrate_subnet
        self._judging, self._context = judging, _context(judging)
        self._subnet = ready(self._context, chosen)

    def accuracy(self, split: Split) -> float:
        """Of the float network."""
        from .accuracy import accuracy

        return accuracy(self._context, self._subnet, split)

    def chip_accuracy(self, layout: Layout, hardware: Hardware, split: Split) -> float:
        """Of the chips that are for this split."""
        from .chip_accuracy import chip_accuracy

        on = OnChips(layout, hardware, self._judging.chips)
        return chip_accuracy(self._subnet, self._context.images, on, split)


@lru_cache(maxsize=1)
def _context(judging: AccuracySettings) -> AccuracyContext:
    import torch

    from ofa.memory import keep_freed_memory

    from .accuracy import load_context

    torch.set_num_threads(1)  # workers on all cores would wait for each other
    keep_freed_memory()
    loaded = load_context(judging.checkpoint, judging.dataset, judging.device, judging.seed)
    if judging.images is not None:
        shown = loaded.images.validation.first(judging.images)
        loaded = replace(loaded, images=replace(loaded.images, validation=shown))
    gc.collect()
    gc.freeze()  # what is loaded stays: no use looking through it again and again
    return loaded
