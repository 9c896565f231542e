"""Cuts a network into segments and lays each out on the whole chip."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from ..compiler import CompileOptions, cut_layers
from ..hardware.chip_costs import read_time_of
from ..hardware.config.read import Hardware
from ..hardware.writing import WriteSettings
from ..packing.bounds import counting_bound
from ..packing.pack import PackingSettings
from ..packing.place import items_of, pack_mappings
from ..values import Layer, Mapping
from .bounds import Room, SegmentBounds, segment_bounds
from .cuts import Cuts, cheapest_cuts, full_cuts, least_bound
from .segments import PLANNING_EFFORT, Compiling, Segment
from .units import Unit, units_of

Progress = Callable[[int, int, float], None]
"""Called with segments done, segments in all, and the time of a pass in ns."""


@dataclass(frozen=True, slots=True)
class ReloadSettings:
    """How the chip is reloaded: `batch` samples a pass, how crossbars are written, and what cells survive.

    `endurance` are writes of a cell, `rate` inferences a second. With `always` a network that fits is cut
    too where that is faster.
    """

    batch: int = 8
    writing: WriteSettings = field(default_factory=WriteSettings)
    endurance: float = 1e6
    rate: float = 30.0
    always: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The segments of a pass. `full_ns` is the time of the naive cut: each segment takes what fits.

    Both times of planning are those of quickly tuned segments: `planned_ns` is the least of all cuts,
    `compared` segments were laid out to know it.
    """

    segments: tuple[Segment, ...]
    planned_ns: float
    full_ns: float
    compared: int

    @property
    def total_ns(self) -> float:
        """Time of a pass."""
        return math.fsum(s.total_ns for s in self.segments)


class Planner:
    """Lays out segments and remembers them; a segment is costed by its quickly tuned layout."""

    def __init__(
        self, layers: Sequence[Layer], hardware: Hardware, options: CompileOptions, reload: ReloadSettings
    ) -> None:
        """Cut the layers into units, and bound what each takes."""
        self.compiling = Compiling(hardware, options, reload.writing, reload.batch)
        self.units = units_of_chip(layers, hardware, options)
        self.bounds = bounds_of(self.units, self.compiling)
        self._known: dict[tuple[int, int], Segment | None] = {}

    def bound(self, first: int, end: int) -> float:
        """No layout of these units takes less, in ns; two parts of a layer are never together."""
        parts = [u.layer.index for u in self.units[first:end] if not u.whole]
        if len(set(parts)) < len(parts):
            return math.inf
        return self.bounds.total_ns(first, end)

    def cost(self, first: int, end: int) -> float:
        """Writing and running the batch in the quickly tuned segment, in ns."""
        found = self.segment(first, end)
        return math.inf if found is None else found.total_ns

    def segment(self, first: int, end: int) -> Segment | None:
        """The quickly tuned segment."""
        if (first, end) not in self._known:
            self._known[first, end] = self.compiling.quick(self.units[first:end])
        return self._known[first, end]

    def cuts(self) -> tuple[Cuts, Cuts]:
        """The best cuts, and the naive ones."""
        count = len(self.units)
        best, full = cheapest_cuts(count, self.bound, self.cost), full_cuts(count, self.bound, self.cost)
        if best is None or full is None:  # a unit by itself always fits
            raise AssertionError("a layer has no place on the chip")
        return best, full


def plan(
    layers: Sequence[Layer],
    hardware: Hardware,
    options: CompileOptions,
    reload: ReloadSettings,
    progress: Progress | None = None,
) -> Plan:
    """The fastest segments, each then tuned in full. Raises BadInput as `partition` does."""
    planner = Planner(layers, hardware, options, reload)
    best, full = planner.cuts()
    segments = [planner.segment(*span) for span in best.spans]
    chosen = [s for s in segments if s is not None]
    tuned = _tuned_in_full(planner, best, chosen, progress)
    return Plan(tuple(tuned), best.cost, full.cost, best.paid)


def _tuned_in_full(
    planner: Planner, best: Cuts, chosen: Sequence[Segment], progress: Progress | None
) -> list[Segment]:
    """The segments with the effort of the options; no steps for those that are as fast as can be."""
    found: list[Segment] = []
    interrupted = False
    for number, (span, quick) in enumerate(zip(best.spans, chosen, strict=True)):
        done = interrupted or quick.latency_ns <= planner.bounds.latency_ns(*span) * (1 + 1e-9)
        tuned = planner.compiling.tuned(quick.units, len(chosen), 0 if done else None)
        if tuned is not None and tuned.duplication is not None:
            interrupted |= tuned.duplication.stopped == "interrupt"
        found.append(_faster(quick, tuned))
        if progress is not None:
            progress(number + 1, len(chosen), math.fsum(s.total_ns for s in found))
    return found


def _faster(quick: Segment, tuned: Segment | None) -> Segment:
    """The faster one; the quick one with the account of the tuners that were no faster."""
    if tuned is None:
        return quick
    if tuned.total_ns <= quick.total_ns or tuned.duplication is None:
        return min(tuned, quick, key=lambda segment: segment.total_ns)
    copied = any(m.copies > 1 for m in quick.layout.mappings)
    account = replace(
        tuned.duplication,
        method="joint" if copied else "none",
        margin=None,
        latency_ns=quick.latency_ns,
    )
    return replace(quick, duplication=account)


def units_of_chip(layers: Sequence[Layer], hardware: Hardware, options: CompileOptions) -> tuple[Unit, ...]:
    """The layers, those that are too large for the whole chip in parts."""
    budget = options.budget or 0
    mappings = cut_layers(layers, hardware, options)
    most = [_most_boxes(m, hardware, options, budget) for m in mappings]
    return units_of(mappings, hardware.size, most)


def _most_boxes(m: Mapping, hardware: Hardware, options: CompileOptions, budget: int) -> int:
    """So many boxes of a layer are sure to fit the chip: all, or one a crossbar."""
    if len(m.boxes) <= budget:
        return len(m.boxes)
    own = [replace(m, layer=replace(m.layer, index=0, stored_in=0))]
    if counting_bound(items_of(own, hardware.size), options.rules) > budget:
        return budget
    goal = PackingSettings("best", budget, PLANNING_EFFORT, seed=options.goal.seed)
    fits = pack_mappings(own, hardware.size, options.rules, goal).crossbars <= budget
    return len(m.boxes) if fits else budget


def bounds_of(units: Sequence[Unit], compiling: Compiling) -> SegmentBounds:
    """The bounds of all segments of the units."""
    options, hardware = compiling.options, compiling.hardware
    copied = options.tuning is not None
    room = Room(
        hardware=hardware,
        read_ns=read_time_of(hardware),
        crossbars=options.budget or 0,
        rules=options.rules,
        writing=compiling.writing,
        batch=compiling.batch,
        copied=copied,
        diagonal=copied and options.depthwise != "dense",
        diagonal_rows=options.diagonal_rows,
    )
    return segment_bounds(units, compiling.cut, room)


class QuickBound(NamedTuple):
    """The least number of segments, and the least time of a pass; no plan has both."""

    fewest: int
    ns: float


def quick_bound(
    layers: Sequence[Layer], hardware: Hardware, options: CompileOptions, reload: ReloadSettings
) -> QuickBound:
    """What any plan takes, by bounds alone: in milliseconds."""
    planner = Planner(layers, hardware, options, reload)
    count = len(planner.units)
    fastest = least_bound(count, planner.bound)
    fewest = least_bound(count, lambda i, j: 1.0 if planner.bound(i, j) < math.inf else math.inf)
    if fastest is None or fewest is None:
        raise AssertionError("a layer has no place on the chip")
    return QuickBound(len(fewest.ends), fastest.cost)
