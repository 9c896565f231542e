"""What a report of a packing run is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ..contention import Contention
from ..values import Coverage, Evaluation, Mapping, Placement


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


@dataclass(frozen=True, slots=True)
class Copies:
    """How copies were chosen; speeds are those of `samples` samples over the baseline's."""

    method: str
    samples: int
    speed: float
    margin_tuner_speed: float
    plain_speed: float


@dataclass(frozen=True, slots=True)
class PackingRun:
    """A run read back. `budget` is None where the fewest crossbars were sought, `copies` without duplication.

    `contention` and `roofline_ns` are those of `samples` samples. Layers are numbered as in `mappings`,
    `trace` holds the first samples, and `ended` says in words who packed and why that ended.
    """

    name: str
    model: str
    rows: int
    columns: int
    crossbars: int
    budget: int | None
    lower_bound: int
    ended: str
    utilization: float
    weight_utilization: float
    copies: Copies | None
    evaluations: tuple[Evaluation, ...]
    samples: int
    roofline_ns: float
    contention: Contention
    costs: Costs
    coverage: tuple[Coverage, ...]
    mappings: tuple[Mapping, ...]
    placements: tuple[Placement, ...]
    trace: tuple[Ran, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Of the layers."""
        return tuple(m.layer.label for m in self.mappings)
