"""What a tuner is asked for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from ..values import SEED, CrossbarSize, RowGraph, Rules

DepthwiseMapping = Literal["dense", "diagonal", "auto"]
Tuner = Literal["joint", "margin"]
Stopped = Literal["effort", "time", "interrupt"]

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all, and the latency of the best layout so far in ns."""


class Target(NamedTuple):
    """The crossbars to be filled, who may share one, and how depthwise layers may be mapped.

    A diagonal box may have `diagonal_rows` rows at most, None for those of a crossbar: cells that hold zeros
    leak and have faults too, so that its sums err the more, the more rows are driven.
    """

    crossbars: int
    size: CrossbarSize
    rules: Rules
    depthwise: DepthwiseMapping
    diagonal_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search: `samples` whose latency counts, `steps` (None: the default), `seconds`, `seed`.

    `graph` is what the schedule runs by (`simulation.row_graph`); None for that of whole layers.
    """

    samples: int
    steps: int | None = None
    seconds: float | None = None
    seed: int = SEED
    graph: RowGraph | None = None


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the user asked for: which tuner, and for the joint one how long it searches and for what."""

    tuner: Tuner = "joint"
    effort: Effort = field(default_factory=lambda: Effort(samples=8))
