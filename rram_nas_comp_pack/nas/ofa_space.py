"""The search space of the once-for-all supernet: how its subnets are compiled and judged.

A worker loads supernet and images once; what it is told are plain values.
"""

from __future__ import annotations

import gc
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .chips import Chips, OnChips
from .compile_subnet import layers_of
from .genome import SubnetGenome, decode
from .subnet_rows import graph_of_subnet

if TYPE_CHECKING:
    from collections.abc import Callable

    from ofa import Configuration

    from ..hardware.config.read import Hardware
    from ..simulation.row_graph import ScheduleKind
    from ..values import Layer, Layout, RowGraph
    from .accuracy import AccuracyContext, Split
    from .compile_subnet import CompileSettings
    from .space import Genes

AccuracyMethod = Literal["calibrate", "finetune", "predictor", "chip"]


@dataclass(frozen=True, slots=True)
class AccuracySettings:
    """How subnets are judged: by which supernet and images, on which device, and by which method.

    Networks have `classes` logits for images of `resolution` x `resolution` pixels. A search sees the first
    `images` of the validation images, None being all; of clutter there are as many as that. With the method
    "chip", `chips` says on how many chips a subnet is executed, and how.
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
class OfaSpace(SubnetGenome):
    """All subnets of a supernet."""

    judging: AccuracySettings

    def entry(self, row: Genes) -> dict[str, object]:
        """The subnet's choices."""
        return {"sample": decode(row)._asdict()}

    def layers(self, row: Genes) -> tuple[Layer, ...]:
        """The layers that tracing the subnet finds."""
        return layers_of(decode(row), self.judging.resolution, self.judging.classes)

    def graph(self, row: Genes, schedule: ScheduleKind) -> RowGraph | None:
        """The graph that tracing the subnet finds."""
        return graph_of_subnet(decode(row), schedule, self.judging.resolution)

    def settings(self, row: Genes, usual: CompileSettings) -> CompileSettings:
        """No gene of a subnet chooses how it is compiled."""
        return usual

    def make(self, row: Genes) -> ReadySubnet:
        """The subnet, with norm statistics of its own or trained a little."""
        return ReadySubnet(self.judging, decode(row))


class ReadySubnet:
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

    def chip_accuracy(self, layout: Callable[[], Layout], hardware: Hardware, split: Split) -> float | None:
        """Of the chips that are for this split, where chips are asked."""
        if self._judging.method != "chip":
            return None
        from .chip_accuracy import chip_accuracy

        on = OnChips(layout(), hardware, self._judging.chips)
        return chip_accuracy(self._subnet, self._context.images, on, split)


@lru_cache(maxsize=1)
def _context(judging: AccuracySettings) -> AccuracyContext:
    import torch

    from ofa.memory import keep_freed_memory

    from .accuracy import load_context

    torch.set_num_threads(1)  # workers on all cores would wait for each other
    keep_freed_memory()
    loaded = load_context(judging.checkpoint, judging.dataset, judging.device, judging.seed, judging.images)
    gc.collect()
    gc.freeze()  # what is loaded stays: no use looking through it again and again
    return loaded
