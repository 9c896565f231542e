"""A packing run as its files tell it: plain values."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, field
from typing import NamedTuple

from ...hardware.config.read import SimConfig
from ...simulation.contention import Contention
from ...simulation.data_movement import DataMovement
from ...simulation.row_bounds import RowBounds
from ...simulation.row_buffers import RowBuffers
from ...simulation.row_graph import ScheduleKind
from ...values import Coverage, CrossbarSize, LatencyComparison, Mapping, Placement, RowGraph, Rules
from .accuracy import Accuracy
from .accuracy_sweep import Sweep
from .reload import ReloadFigures

TRACED = 4
"""Samples of a trace; more would be too thin to see."""


class Ran(NamedTuple):
    """One layer of one sample, as in sim.log; `layer` is an index, times are in ns."""

    sample: int
    layer: int
    asked: float
    started: float
    finished: float


@dataclass(frozen=True, slots=True)
class Costs:
    """Totals of the chip; shares are fractions of the total, by component. Energy is that of an inference."""

    area_um2: float
    area_share: dict[str, float]
    energy_nj: float
    energy_share: dict[str, float]
    average_power_w: float
    physical_crossbars: int


class Speeds(NamedTuple):
    """Speeds of `samples` samples over the baseline: with copies, by our version of the paper's, plain."""

    samples: int
    with_copies: float
    margin_tuner: float
    plain: float


@dataclass(frozen=True, slots=True)
class Copies:
    """How copies were chosen, and how many each layer has. `speeds` is None without duplication."""

    method: str
    margin: float | None
    per_layer: tuple[int, ...]
    speeds: Speeds | None


@dataclass(frozen=True, slots=True)
class PackingResult:
    """What result.json says.

    `budget` is None where the fewest crossbars were sought; `rules` are those of sharing a crossbar.
    `contention` and `roofline_ns` are those of `samples` samples, which are the ones that counted. `options`
    are JSON values by the names of `PackOptions`. `seconds` are without those of compiling kernels; `traced`
    are the samples of sim.log, None where the options do not tell. `inputs` are names and sizes, with the
    batch of 1, of what the network was traced on, empty where it does not say. `movement` is None where it
    was not charged, `bounds` and `buffers` are for the schedule of layers. Of a run made before diagonal
    mappings, `weight_utilization` is None; of one made by version 0.1.0, `config` and `inputs` are.
    `reload` is None for a run of one segment; of others, `samples` are those of a batch.
    """

    model: str
    config: SimConfig | None
    inputs: tuple[tuple[str, tuple[int, ...]], ...] | None
    layers: int
    boxes: int
    crossbars: int
    budget: int | None
    rules: Rules
    lower_bound: int
    packer: str
    stopped: str
    utilization: float
    weight_utilization: float | None
    size: CrossbarSize
    copies: Copies
    evaluations: tuple[LatencyComparison, ...]
    samples: int
    roofline_ns: float
    contention: Contention
    costs: Costs
    coverage: tuple[Coverage, ...]
    seconds: float
    traced: int | None
    schedule: ScheduleKind
    movement: DataMovement | None
    bounds: RowBounds | None
    buffers: RowBuffers | None
    options: Dictionary[str, object]
    document: Dictionary[str, object]
    reload: ReloadFigures | None = None


@dataclass(frozen=True, slots=True)
class PackingRun:
    """All files of a run, which agree. Layers are numbered as in `mappings`.

    `trace` holds the first TRACED samples; `weight_utilization` is known for every run. `accuracy` is None
    where no chip has been judged; `sweeps` are those of accuracy_sweep.csv. `segments` are those of the
    placements, of a run in several. `graph` is that of the network, None for a schedule of layers; with
    `whole_layers` these run one after another all the same, because that is not slower. `made` are "command"
    and "date" of the log, where there is one.
    """

    name: str
    result: PackingResult
    weight_utilization: float
    mappings: tuple[Mapping, ...]
    placements: tuple[Placement, ...]
    trace: tuple[Ran, ...]
    accuracy: Accuracy | None = None
    sweeps: tuple[Sweep, ...] = ()
    segments: tuple[int, ...] = ()
    graph: RowGraph | None = None
    whole_layers: bool = False
    made: Dictionary[str, str] = field(default_factory=dict)

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the layers."""
        return tuple(m.layer.label for m in self.mappings)
