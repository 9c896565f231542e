"""One subnet through compiler and judge: what a worker of the search does.

A worker loads supernet and images once; its tasks are plain values.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from ..values import NoFit
from .evolve import Outcome
from .genome import decoded
from .subnet import Compiled, CompileSettings, compile_subnet

if TYPE_CHECKING:
    from .accuracy import Bench, Split

AccuracyMethod = Literal["calibrate", "finetune", "predictor"]


@dataclass(frozen=True, slots=True)
class Judging:
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
class Finished:
    """A subnet of the front: compiled in full, and its accuracies (0 to 1) on both kinds of images."""

    compiled: Compiled
    validation: float
    test: float


def outcome(judging: Judging, settings: CompileSettings, genes: bytes) -> Outcome:
    """Compile a subnet and judge it; with a predictor, judging is left to others.

    One that needs more crossbars than there are is neither packed nor judged.
    """
    chosen = decoded(np.frombuffer(genes, np.int8))
    found = compile_subnet(chosen, settings, judging.resolution, judging.classes)
    if isinstance(found, NoFit):
        needed = found.lower_bound if found.lower_bound > found.budget else found.found
        return Outcome(excess=needed - found.budget)
    accuracy = 0.0 if judging.method == "predictor" else _accuracy(judging, genes, "validation")
    return Outcome(
        accuracy,
        found.speed,
        found.latency_ns,
        found.baseline_ns,
        found.energy_nj,
        found.crossbars,
        found.utilization,
    )


def finished(judging: Judging, settings: CompileSettings, genes: bytes) -> Finished:
    """Compile a subnet that fits, and judge it by validation and by test images."""
    found = compile_subnet(
        decoded(np.frombuffer(genes, np.int8)), settings, judging.resolution, judging.classes
    )
    if isinstance(found, NoFit):
        raise ValueError(f"needs {found.found} crossbars")
    return Finished(found, *(_accuracy(judging, genes, split) for split in ("validation", "test")))


def calibrated(judging: Judging, genes: bytes) -> float:
    """Judge a subnet, for a predictor to learn from."""
    return _accuracy(judging, genes, "validation")


def _accuracy(judging: Judging, genes: bytes, split: Split) -> float:
    from .accuracy import calibrate, finetune

    judge = finetune if judging.method == "finetune" else calibrate
    return judge(_bench(judging), decoded(np.frombuffer(genes, np.int8)), split)


@lru_cache(maxsize=1)
def _bench(judging: Judging) -> Bench:
    import torch

    from .accuracy import bench

    torch.set_num_threads(1)  # workers on all cores would wait for each other
    loaded = bench(judging.checkpoint, judging.dataset, judging.device, judging.seed)
    gc.collect()
    gc.freeze()  # what is loaded stays: no use looking through it again and again
    return loaded
