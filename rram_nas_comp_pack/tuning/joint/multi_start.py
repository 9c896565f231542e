"""The joint tuner: copies, cuts and places of all layers at once, for a stated number of samples.

Multi-start simulated annealing: several layouts are annealed, each judged by its simulated schedule; the best
of them is annealed once more. (design: *Starts*, *Annealing*)
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import monotonic

from ...kernels.chunked import chunk_sizes
from ...values import Layout, Placement, ReadTime
from ..settings import Effort, Progress, Stopped, Target
from .annealing import Cooling, Walk, anneal
from .construction import Doubling, add_copies_greedily, double_copies, from_packing
from .fast_schedule import schedule_buffers
from .layout_state import LayoutState
from .objective import BEST, STEP, Incumbent, evaluate, incumbent_of
from .pools.layout import busy_owners, pooled_layout
from .result import as_values, restore
from .search_space import TuningProblem, build_problem

EFFORT = 130_000_000
"""Default steps times what a step costs: about 20 s, whatever the network."""

STEP_COST = 200
"""What a step costs beside the layers of samples that it simulates, counted in such layers."""

MOST_SIMULATED = (64, 4096)
"""Most samples that the search simulates, or else most layers of samples, whichever are more samples."""

FEWEST_BY_ROWS = 16
"""As many samples are simulated in any case by a schedule of rows, whose samples cost more."""

STARTS = 4
"""Layouts that are annealed, together for half of the steps; the best of them goes on for the other half."""

BUSY = (0.75, 2.0)
"""Layers that the first and the second start in pools takes for busy; see `busy_owners`."""

POOL_STEPS = (10_000, 200_000)
"""Fewest and most steps of the search for pools: ten for every step of the tuner."""

TRIES = 40
"""How often more copies are tried for a layout before it is annealed."""

FAR_BEHIND = 1.5
"""A start so many times slower than the best layout so far is not worth annealing."""

FIRST_CHUNK = 100
"""Steps before Ctrl-C, clock and progress get their first turn."""

FROM_COPIES, FROM_POOLS, AGAIN = (0.01, 2e-4), (1e-3, 5e-5), (2e-3, 5e-5)
"""Temperatures of the annealing, first and last, as shares of the latency with its penalty."""


@dataclass(frozen=True, slots=True)
class TuningResult:
    """What the tuner found, and what ended the search after how many steps."""

    layout: Layout
    stopped: Stopped
    steps: int


def tune(
    plain: Layout, target: Target, read_ns: ReadTime, effort: Effort, progress: Progress | None = None
) -> TuningResult | None:
    """Make the layout of an un-duplicated network fast on the crossbars of `target`.

    `read_ns` is the time of one read of a box. The same seed gives the same result on every machine, unless
    `effort.seconds` or Ctrl-C cut the search short: the best so far is returned then. None where there is
    nothing to begin with: boxes of a layer would have to share a crossbar.
    """
    problem = build_problem(plain.mappings, target, read_ns, effort.graph)
    search = _MultiStart(problem, effort, progress)
    best = search.run(plain.packing.placements)
    if best is None:
        return None
    return TuningResult(as_values(problem, best, search.stopped), search.stopped, search.done)


class _MultiStart:
    """Runs annealings until they are done, the time is over or the user has had enough."""

    def __init__(self, problem: TuningProblem, effort: Effort, progress: Progress | None) -> None:
        self.problem, self.effort, self.progress = problem, effort, progress
        self.stopped: Stopped = "effort"
        self.done, self.steps = 0, _steps(problem, effort)
        self._deadline = None if effort.seconds is None else monotonic() + effort.seconds
        self._chunks = chunk_sizes(FIRST_CHUNK)
        self._buffers = schedule_buffers(problem.space, simulated(problem, effort.samples))
        self._best: Incumbent | None = None

    def run(self, placements: Sequence[Placement]) -> Incumbent | None:
        """The best layout found; None where there is nothing to start from."""
        try:
            starts = [(self._evaluated(state), cooling) for state, cooling in self._starts(placements)]
            for walk, cooling in starts:
                if self._latency(walk.incumbent) <= FAR_BEHIND * self._latency(self._best):
                    self._anneal(walk, cooling)
            if self._best is not None and self.done < self.steps:
                state = restore(self.problem.space, self._best, self.effort.seed + STARTS)
                self._anneal(self._evaluated(state), Cooling(*AGAIN, self.steps - self.done))
        except KeyboardInterrupt:
            if self._best is None:
                raise
            self.stopped = "interrupt"
        return self._best

    def _starts(self, placements: Sequence[Placement]) -> Iterator[tuple[LayoutState, Cooling]]:
        """Layouts to anneal: every other one has crossbars in pools.

        Pools make layers wait for fewer others, which pays where samples follow one another; a single sample
        never waits for another one.
        """
        space, samples, share = self.problem.space, self.effort.samples, self.steps // (2 * STARTS)
        pool_steps = min(POOL_STEPS[0] + 10 * self.steps, POOL_STEPS[1])
        for k in range(STARTS if self.steps else 2):
            if k > 1 and self._is_over():
                return
            seed = self.effort.seed * STARTS + k
            if k % 2 and samples > 1:
                busy = busy_owners(space, BUSY[k // 2])
                state = pooled_layout(space, busy, samples, seed, pool_steps)
                if state is not None:
                    yield state, Cooling(*FROM_POOLS, share)
                    continue
            state = from_packing(space, placements, seed)
            if state is not None:
                add_copies_greedily(space, state, samples)
                yield state, Cooling(*FROM_COPIES, share)

    def _evaluated(self, state: LayoutState) -> Walk:
        """A start with its latency, after more copies were tried."""
        space, samples, incumbent = self.problem.space, self.effort.samples, incumbent_of(state)
        evaluate(space, state, self._buffers, incumbent, samples)
        double_copies(space, state, self._buffers, incumbent, Doubling(samples, TRIES))
        self._keep(incumbent)
        return Walk(space, state, self._buffers, incumbent, samples)

    def _anneal(self, walk: Walk, cooling: Cooling) -> None:
        incumbent = walk.incumbent
        while incumbent.counters[STEP] < cooling.steps:
            if self._is_over():
                return
            before = int(incumbent.counters[STEP])
            until = min(before + next(self._chunks), cooling.steps)
            anneal(walk, cooling, until)
            self.done += until - before
            self._keep(incumbent)

    def _is_over(self) -> bool:
        """Whether the time is up, once there is a layout to show."""
        if self._best is not None and self._deadline is not None and monotonic() > self._deadline:
            self.stopped = "time"
        return self.stopped == "time"

    def _keep(self, incumbent: Incumbent) -> None:
        """Remember the layout if it is the best of all, and report progress."""
        if self._latency(incumbent) < self._latency(self._best):
            self._best = incumbent
        if self.progress is not None:
            self.progress(self.done, self.steps, self._latency(self._best) * self.problem.unit_ns)

    @staticmethod
    def _latency(incumbent: Incumbent | None) -> float:
        """Of its best layout, in units of the search space; infinity where there is none."""
        return float("inf") if incumbent is None else float(incumbent.latency[BEST])


def _steps(problem: TuningProblem, effort: Effort) -> int:
    """Steps of the search; by default fewer, the more layers of samples a step simulates."""
    if effort.steps is not None:
        return effort.steps
    return EFFORT // (STEP_COST + _visits(problem) * simulated(problem, effort.samples))


def simulated(problem: TuningProblem, samples: int) -> int:
    """Samples that the search simulates; the latency of more is extrapolated."""
    fewest = MOST_SIMULATED[0] if len(problem.space.graph.read_offset) == 0 else FEWEST_BY_ROWS
    return min(samples, max(fewest, MOST_SIMULATED[1] // _visits(problem)))


def _visits(problem: TuningProblem) -> int:
    """Rows of all layers: what a sample costs."""
    return int(problem.space.graph.rows.sum())
