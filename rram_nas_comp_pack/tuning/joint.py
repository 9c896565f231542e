"""The joint tuner: copies, cuts and places of all layers at once, for a stated number of samples.

Several layouts are annealed, each judged by its simulated schedule; the best of them is annealed once more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Literal, NamedTuple

from ..packing.bounds import lower_bound
from ..packing.place import items_of
from ..values import Mapping, Packing, Placement
from .anneal import STEP, Best, Cooling, anneal, best_of, judge
from .choices import Choices, Menu, ReadTime, Target, menu
from .replay import bench
from .starts import as_placed, busy_stores, fill_gaps, in_pools
from .state import State, empty, put
from .topping import top_up

Progress = Callable[[int, int, float], None]
"""Called with steps done, steps in all, and the latency of the best layout so far in ns."""

EFFORT = 130_000_000
"""Default steps times what a step costs: about 20 s, whatever the network."""

MOST_SIMULATED = (64, 4096)
"""Most samples that the search simulates, or else most layers of samples, whichever are more samples."""

STARTS = 4
"""Layouts that are annealed, together for half of the steps; the best of them goes on for the other half."""

BUSY = (0.75, 2.0)
"""Layers that the first and the second start in pools takes for busy; see `busy_stores`."""

POOL_STEPS = (10_000, 200_000)
"""Fewest and most steps of the search for pools: ten for every step of the tuner."""

TRIES = 40
"""How often more copies are tried for a layout before it is annealed."""

FAR_BEHIND = 1.5
"""A start so many times slower than the best layout so far is not worth annealing."""

FIRST_CHUNK, CHUNK_SECONDS = 100, 0.05
"""Compiled code runs so many steps, then about so long, before Ctrl-C, clock and progress get a turn."""

FROM_COPIES, FROM_POOLS, AGAIN = (0.01, 2e-4), (1e-3, 5e-5), (2e-3, 5e-5)
"""Temperatures of the annealing, first and last, as shares of the guided latency."""


@dataclass(frozen=True, slots=True)
class Effort:
    """How long to search: `samples` whose latency counts, `steps` (None: the default), `seconds`, `seed`."""

    samples: int
    steps: int | None = None
    seconds: float | None = None
    seed: int = 0


Stopped = Literal["effort", "time", "interrupt"]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What the tuner found: mapped layers, their packing, and what ended the search after how many steps."""

    mappings: tuple[Mapping, ...]
    packing: Packing
    stopped: Stopped
    steps: int


def tune(
    plain: tuple[Sequence[Mapping], Packing],
    target: Target,
    read_ns: ReadTime,
    effort: Effort,
    progress: Progress | None = None,
) -> Tuned | None:
    """Make an un-duplicated network, given with its packing, fast on the crossbars of `target`.

    `read_ns` is the time of one read of a box. The same seed gives the same result on every machine, unless
    `effort.seconds` or Ctrl-C cut the search short: the best so far is returned then. None where there is
    nothing to begin with: boxes of a layer would have to share a crossbar.
    """
    mappings, packing = plain
    found = menu(mappings, target, read_ns)
    search = _Search(found, effort, progress)
    best = search.run(packing.placements)
    if best is None:
        return None
    return Tuned(*as_values(found, best, search.stopped), search.stopped, search.done)


class _Layout(NamedTuple):
    """A layout in the making and the best that came of it."""

    state: State
    best: Best


class _Search:
    """Runs annealings until they are done, the time is over or the user has had enough."""

    def __init__(self, found: Menu, effort: Effort, progress: Progress | None) -> None:
        self.menu, self.effort, self.progress = found, effort, progress
        self.stopped: Stopped = "effort"
        self.done, self.steps = 0, _steps(found, effort)
        self._deadline = None if effort.seconds is None else monotonic() + effort.seconds
        self._chunk = FIRST_CHUNK
        self._bench = bench(found.choices, simulated(found, effort.samples))
        self._best: Best | None = None

    def run(self, placements: Sequence[Placement]) -> Best | None:
        """The best layout found; None where there is nothing to start from."""
        try:
            begun = [(self._judged(state), cooling) for state, cooling in self._starts(placements)]
            for layout, cooling in begun:
                if self._best is not None and layout.best.score[0] <= FAR_BEHIND * self._best.score[0]:
                    self._anneal(layout, cooling)
            if self._best is not None and self.done < self.steps:
                state = _restored(self.menu.choices, self._best, self.effort.seed + STARTS)
                self._anneal(self._judged(state), Cooling(*AGAIN, self.steps - self.done))
        except KeyboardInterrupt:
            if self._best is None:
                raise
            self.stopped = "interrupt"
        return self._best

    def _starts(self, placements: Sequence[Placement]) -> Iterator[tuple[State, Cooling]]:
        choices, samples, share = self.menu.choices, self.effort.samples, self.steps // (2 * STARTS)
        pool_steps = min(POOL_STEPS[0] + 10 * self.steps, POOL_STEPS[1])
        for k in range(STARTS if self.steps else 2):
            if k > 1 and self._is_over():
                return
            seed = self.effort.seed * STARTS + k
            if k % 2 and samples > 1:
                busy = busy_stores(choices, BUSY[k // 2])
                state = in_pools(choices, busy, samples, seed, pool_steps)
                if state is not None:
                    yield state, Cooling(*FROM_POOLS, share)
                    continue
            state = as_placed(choices, placements, seed)
            if state is not None:
                fill_gaps(choices, state, samples)
                yield state, Cooling(*FROM_COPIES, share)

    def _judged(self, state: State) -> _Layout:
        best = best_of(state)
        judge(self.menu.choices, state, self._bench, best, self.effort.samples)
        top_up(self.menu.choices, state, self._bench, best, (self.effort.samples, TRIES))
        self._keep(best)
        return _Layout(state, best)

    def _anneal(self, layout: _Layout, cooling: Cooling) -> None:
        problem = (self.menu.choices, self.effort.samples)
        best, begun = layout.best, monotonic()
        while best.counters[STEP] < cooling.steps:
            if self._is_over():
                return
            before = int(best.counters[STEP])
            until = min(before + self._chunk, cooling.steps)
            anneal(problem, layout.state, self._bench, best, (cooling, until))
            self.done += until - before
            self._keep(best)
            ended = monotonic()
            self._chunk = 1 + int(self._chunk * min(CHUNK_SECONDS / (ended - begun + 1e-6), 4))
            begun = ended

    def _is_over(self) -> bool:
        """Whether the time is up, once there is a layout to show."""
        if self._best is not None and self._deadline is not None and monotonic() > self._deadline:
            self.stopped = "time"
        return self.stopped == "time"

    def _keep(self, best: Best) -> None:
        if self._best is None or best.score[0] < self._best.score[0]:
            self._best = best
        if self.progress is not None:
            self.progress(self.done, self.steps, float(self._best.score[0]) * self.menu.unit_ns)


def _steps(found: Menu, effort: Effort) -> int:
    """Steps of the search; by default fewer, the more layers of samples a step simulates."""
    if effort.steps is not None:
        return effort.steps
    return EFFORT // (200 + len(found.plain) * simulated(found, effort.samples))


def simulated(found: Menu, samples: int) -> int:
    """Samples that the search simulates; the latency of more is extrapolated."""
    return min(samples, max(MOST_SIMULATED[0], MOST_SIMULATED[1] // len(found.plain)))


def _restored(choices: Choices, best: Best, seed: int) -> State:
    """The best layout, to go on from."""
    state = empty(choices, seed)
    state.variant[:], state.copies[:] = best.variant, best.copies
    for store, k in _boxes(choices, best):
        place = (int(best.home[store, k]), int(best.x[store, k]), int(best.y[store, k]))
        put(choices, state, (store, k), place)
    return state


def _boxes(choices: Choices, best: Best) -> Iterator[tuple[int, int]]:
    """(store, k) of every box."""
    for store, (n, copies) in enumerate(zip(_per_copy(choices, best), best.copies.tolist(), strict=True)):
        yield from ((store, k) for k in range(n * copies))


def as_values(found: Menu, best: Best, stopped: Stopped) -> tuple[tuple[Mapping, ...], Packing]:
    """Mappings and packing of a layout; crossbars are numbered as they first occur."""
    choices, target = found.choices, found.target
    mappings = found.mappings(best.variant.tolist(), best.copies.tolist())
    number: dict[int, int] = {}
    placements, per_copy = [], _per_copy(choices, best)
    for store, k in _boxes(choices, best):
        replica_box = divmod(k, per_copy[store])
        box = choices.box_at[best.variant[store]] + replica_box[1]
        x, y = int(best.x[store, k]), int(best.y[store, k])
        crossbar = number.setdefault(int(best.home[store, k]), len(number))
        ends = (x + int(choices.width[box]), y + int(choices.height[box]))
        placements.append(Placement(int(choices.layer[store]), crossbar, x, y, *ends, *replica_box))
    bound = lower_bound(items_of(mappings, target.rows, target.columns), target.rules)
    packing = Packing(tuple(placements), target.rows, target.columns, len(number), bound, "joint", stopped)
    return mappings, packing


def _per_copy(choices: Choices, best: Best) -> list[int]:
    """Boxes of one replica of each store."""
    per_copy: list[int] = (choices.box_at[best.variant + 1] - choices.box_at[best.variant]).tolist()
    return per_copy
