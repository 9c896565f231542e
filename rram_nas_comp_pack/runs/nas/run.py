"""A search that ended, as its files tell it: plain values and arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePath
from typing import NamedTuple

import numpy as np

from ofa.architecture import DEPTHS, Configuration

from ...hardware.config.read import SimConfig
from ...kernels.arrays import Floats, Ints
from ..origin import OfferedConfig

ELSEWHERE = {"exp_id", "log_dir", "workers", "scheduler", "resume", "verbose", "no_report", "command_line"}
"""Options of a search that do not decide what it finds."""


class Figures(NamedTuple):
    """A network on the chip: `speed` is the baseline's latency over its own; `utilization` 0 to 1.

    `area_mm2` is that of the crossbars in use, None in files of version 0.1.0.
    """

    speed: float
    latency_ns: float
    energy_nj: float
    crossbars: int
    utilization: float
    area_mm2: float | None = None


@dataclass(frozen=True, slots=True)
class FrontNetwork:
    """A network of the front, `index` being its place in front.json; accuracies are 0 to 1 where measured.

    `searched` is by the quick layout that the search went by, `tuned` after tuning in full. `test` and
    `tuned` are None where the search was interrupted before, or tuning failed. `chip` (validation images)
    and `chip_test` are those of chips, None where none was asked. `diagonal_rows` are the most rows of a
    diagonal box, `hardware` is the name of its configuration, each None where that was no gene.
    """

    index: int
    network: Configuration
    validation: float
    test: float | None
    searched: Figures
    tuned: Figures | None
    chip: float | None = None
    chip_test: float | None = None
    diagonal_rows: int | None = None
    hardware: str | None = None

    @property
    def judged(self) -> float:
        """The accuracy on validation images that counts: of chips where they were asked."""
        return self.validation if self.chip is None else self.chip

    @property
    def best(self) -> Figures:
        """The figures as tuned in full, where there are some."""
        return self.tuned or self.searched


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The networks that fit, in order of evaluation: number among all, accuracy (0 to 1), speed (networks,),
    ks and e (networks, 16), d (networks, 4). `chip` are accuracies of chips, None where none was asked.
    `too_large` and `failed` count the others. `diagonal_rows` (networks,) are the most rows of diagonal
    boxes, `hardware` the names of configurations, each None where that was no gene.
    """

    number: Ints
    accuracy: Floats
    speed: Floats
    ks: Ints
    e: Ints
    d: Ints
    too_large: int
    failed: int
    chip: Floats | None = None
    diagonal_rows: Ints | None = None
    hardware: tuple[str, ...] | None = None

    @property
    def judged(self) -> Floats:
        """The accuracies that count: of chips where they were asked."""
        return self.accuracy if self.chip is None else self.chip

    @property
    def total(self) -> int:
        """Networks that were evaluated, those that do not fit too."""
        return len(self.speed) + self.too_large + self.failed

    def by_stage(self) -> tuple[Floats, Floats, Floats]:
        """Depth, mean expansion and mean kernel size of the blocks that run, each (networks, stages)."""
        places = np.arange(DEPTHS[-1])
        runs = places < self.d[:, :, None]
        shape = (len(self.d), self.d.shape[1], DEPTHS[-1])
        e, ks = (np.where(runs, own.reshape(shape), 0).sum(2) / self.d for own in (self.e, self.ks))
        return self.d.astype(np.float64), e, ks


@dataclass(frozen=True, slots=True)
class Front:
    """What front.json says: how was searched, and the networks that no other beats, fastest first.

    `evaluated` counts all networks that were looked at, `hypervolumes` has one a generation; `options` are
    texts by the names of `EvolveOptions`, without those of ELSEWHERE; `config` is the hardware. Each is None
    where the file, of an older version, does not say it. With an `area_budget` in mm², `budget` is how many
    crossbars of `config` it holds; `offered` are all configurations where these were a gene.
    """

    version: str
    dataset: str
    accuracy: str
    classes: int
    resolution: int
    budget: int
    samples: int
    objectives: tuple[str, ...]
    generations: int | None
    evaluated: int | None
    hypervolumes: tuple[float, ...] | None
    networks: tuple[FrontNetwork, ...]
    options: Mapping[str, str] | None
    config: SimConfig | None
    area_budget: float | None = None
    offered: tuple[OfferedConfig, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchRun:
    """All files of a search. `options` are those of the front, or of the log where the front has none.

    `hypervolumes` and `counts` (networks evaluated by then) have an entry a generation.
    """

    name: str
    front: Front
    hypervolumes: tuple[float, ...]
    counts: tuple[int, ...]
    evaluated: Evaluated
    options: Mapping[str, str]


def local(place: str) -> str:
    """A file, or the folder of "folder:PATH", without the folders around it."""
    kind, mark, path = place.rpartition(":")
    return kind + mark + PurePath(path).name
