"""A layout in some milliseconds, for searches that compile thousands of networks.

It is a start in pools of the joint tuner, not annealed. Its figures are read off the arrays of the
search; the values that the rest of the toolkit works on are made where somebody asks for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ...kernels.arrays import Ints
from ...simulation.event_loop import Program, program_on
from ...values import Layer, Layout, Mapping, ReadTime
from ..settings import Effort, Target
from .construction import Doubling, double_copies
from .fast_schedule import schedule_buffers
from .multi_start import simulated
from .objective import BEST, Incumbent, evaluate, incumbent_of
from .pools.layout import busy_owners, pooled_layout
from .result import as_values
from .search_space import DepthwiseCut, TuningProblem, build_problem

BUSY = 0.75
"""Which layers get pools; see `busy_owners`."""

POOL_STEPS, TRIES = 6_000, 20
"""Steps of the search for pools, and how often more copies are tried after it: some milliseconds in all."""


class QuickLayout(NamedTuple):
    """A layout as the search left it, and the network with its copies."""

    problem: TuningProblem
    incumbent: Incumbent
    mappings: tuple[Mapping, ...]
    read_ns: ReadTime

    @property
    def crossbars(self) -> int:
        """Crossbars in use."""
        return int(np.count_nonzero(np.bincount(np.concatenate(self._homes()))))

    @property
    def utilization(self) -> float:
        """`Layout.utilization` of `values`."""
        cells = sum(m.copies * box.h * box.w for m in self.mappings if m.stored for box in m.boxes)
        return cells / (self.crossbars * self.problem.target.size.cells)

    def values(self) -> Layout:
        """The layout as the joint tuner returns it."""
        return as_values(self.problem, self.incumbent, "effort")

    def program(self) -> Program:
        """What `simulation.program` makes of `values`: the schedule of layers."""
        return program_on(np.concatenate(self._homes()), self.mappings, self.read_ns)

    def _homes(self) -> list[Ints]:
        """Crossbars of the boxes of every owner, replica by replica."""
        space, incumbent = self.problem.space, self.incumbent
        boxes = (
            space.box_offset[incumbent.variant + 1] - space.box_offset[incumbent.variant]
        ) * incumbent.copies
        return [incumbent.home[o, :n] for o, n in enumerate(boxes.tolist())]


def quick_layout(
    mappings: Sequence[Mapping], target: Target, read_ns: ReadTime, effort: Effort
) -> QuickLayout | None:
    """Make an un-duplicated network fast for the samples and the graph of `effort`, with its seed.

    None where pools have no room, or would not be faster than the network as it is without any waiting.

    The same seed gives the same layout on every machine.
    """
    samples, seed = effort.samples, effort.seed
    problem = build_problem(mappings, target, read_ns, effort.graph)
    space = problem.space
    state = pooled_layout(space, busy_owners(space, BUSY), samples, seed, POOL_STEPS)
    if state is None:
        return None
    incumbent, buffers = incumbent_of(state), schedule_buffers(space, simulated(problem, samples))
    evaluate(space, state, buffers, incumbent, samples)
    double_copies(space, state, buffers, incumbent, Doubling(samples, TRIES))
    single = space.single_copy_time[space.variant_offset[:-1]]
    if incumbent.latency[BEST] >= single.sum() + (samples - 1) * single.max():
        return None
    copies, variant = incumbent.copies.tolist(), incumbent.variant.tolist()
    mapped = tuple(
        _mapped(m.layer, problem.cuts[variant[o]], target, copies[o])
        for m, o in zip(mappings, space.owner.tolist(), strict=True)
    )
    return QuickLayout(problem, incumbent, mapped, read_ns)


@lru_cache(maxsize=65536)
def _mapped(layer: Layer, choice: DepthwiseCut, target: Target, copies: int) -> Mapping:
    return Mapping(layer, choice.boxes(layer, target), copies)
