"""Cuts a network into segments and lays each out on the whole chip."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ..compiler import cut_layers
from ..hardware.chip_costs import read_time_of
from ..packing.bounds import counting_bound
from ..packing.pack import PackingSettings
from ..packing.place import items_of, pack_mappings
from ..values import Layer, Mapping
from .bounds import Room, SegmentBounds, segment_bounds
from .cuts import Cuts, cheapest_cuts, full_cuts, least_bound
from .residents import NOBODY, Residents, candidates, keep, with_residents
from .segments import PLANNING_EFFORT, Compiling, Segment, with_budget
from .units import Unit, units_of

Progress = Callable[[int, int, float], None]
"""Called with segments done, segments in all, and the time of a pass in ns."""

Laid = Callable[[int, int], None]
"""Called with segments that were laid out, and how many there are at most."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The segments of a pass. `full_ns` is the time of the naive cut: each segment takes what fits.

    Both times of planning are those of quickly tuned segments: `planned_ns` is the least of all cuts,
    `compared` segments were laid out to know it. `residents` are the layers that are written only once.
    `whole_ns` is what the batch takes in a quickly tuned layout of the whole network, which is never written
    again; None where that does not fit, or is not known.
    """

    segments: tuple[Segment, ...]
    planned_ns: float
    full_ns: float
    compared: int
    residents: Residents = NOBODY
    whole_ns: float | None = None

    @property
    def total_ns(self) -> float:
        """Time of a pass."""
        return math.fsum(s.total_ns for s in self.segments)


class Planner:
    """Lays out segments and remembers them; a segment is costed by its quickly tuned layout.

    Layers that are `residents` have crossbars of their own, and segments the others.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        compiling: Compiling,
        residents: Residents = NOBODY,
        laid: Laid | None = None,
    ) -> None:
        """Cut the layers into units, and bound what each takes; `laid` is told of every segment."""
        self._tell = laid
        self.residents, budget = residents, (compiling.options.budget or 0) - residents.crossbars
        self.compiling = replace(compiling, options=with_budget(compiling.options, budget))
        self.units = units_of_chip(layers, self.compiling, residents)
        self.bounds = bounds_of(self.units, self.compiling, residents)
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
            self._known[first, end] = self._laid(self.units[first:end], self.compiling.quick)
            if self._tell is not None:
                self._tell(len(self._known), len(self.units) * (len(self.units) + 1) // 2)
        return self._known[first, end]

    def whole_ns(self) -> float | None:
        """Time of the batch in a segment of all units, without writing; None where none was laid out."""
        found = self._known.get((0, len(self.units)))
        return None if found is None else found.latency_ns

    def tuned(self, units: Sequence[Unit], segments: int, steps: int | None) -> Segment | None:
        """A segment that is tuned by so many steps, or as the options say."""
        return self._laid(units, lambda free: self.compiling.tuned(free, segments, steps))

    def _laid(
        self, units: Sequence[Unit], compiled: Callable[[Sequence[Unit]], Segment | None]
    ) -> Segment | None:
        free = [unit for unit in units if unit.layer.index not in self.residents.mappings]
        own = compiled(free) if free else None
        if free and own is None:
            return None
        return own if len(free) == len(units) else with_residents(self.compiling, units, own, self.residents)

    def best(self) -> Cuts:
        """The fastest of all cuts."""
        return _found(cheapest_cuts(len(self.units), self.bound, self.cost))

    def full(self) -> Cuts:
        """The naive cuts."""
        return _found(full_cuts(len(self.units), self.bound, self.cost))


def _found(cuts: Cuts | None) -> Cuts:
    if cuts is None:  # a unit by itself always fits
        raise AssertionError("a layer has no place on the chip")
    return cuts


def plan(
    layers: Sequence[Layer],
    compiling: Compiling,
    progress: Progress | None = None,
    laid: Laid | None = None,
    residents: bool = True,
) -> Plan:
    """The fastest segments, each then tuned in full; with `residents` where that is faster.

    Raises BadInput as `partition` does.
    """
    planner = Planner(layers, compiling, laid=laid)
    best, full = planner.best(), planner.full()
    compared, whole_ns = best.paid, planner.whole_ns()
    if residents:
        for other in _with_residents(layers, compiling, planner, best):
            found = other.best()
            compared += found.paid
            if found.cost < best.cost:
                planner, best = other, found
    segments = [planner.segment(*span) for span in best.spans]
    chosen = [s for s in segments if s is not None]
    tuned = _tuned_in_full(planner, best, chosen, progress)
    return Plan(tuple(tuned), best.cost, full.cost, compared, planner.residents, whole_ns)


WRITING = 0.1
"""Share of writing in a pass below which residents are not looked for: they save no more than that."""


def _with_residents(
    layers: Sequence[Layer], compiling: Compiling, without: Planner, best: Cuts
) -> Iterator[Planner]:
    """Planners with residents that may be faster than the best segments without them, by their bounds."""
    segments = [without.segment(*span) for span in best.spans]
    if sum(s.write_ns for s in segments if s is not None) < WRITING * best.cost:
        return
    boxes = [len(m.boxes) for m in cut_layers(layers, compiling.hardware, compiling.options)]
    for crossbars, numbers in candidates(layers, boxes, compiling.options.budget or 0):
        kept = keep(compiling, [layers[n] for n in numbers], crossbars)
        if kept is None:
            continue
        planner = Planner(layers, compiling, kept)
        least = least_bound(len(planner.units), planner.bound)
        if least is not None and least.cost < best.cost:
            yield planner


def _tuned_in_full(
    planner: Planner, best: Cuts, chosen: Sequence[Segment], progress: Progress | None
) -> list[Segment]:
    """The segments with the effort of the options; no steps for those that are as fast as can be."""
    found: list[Segment] = []
    interrupted = False
    for number, (span, quick) in enumerate(zip(best.spans, chosen, strict=True)):
        done = interrupted or quick.latency_ns <= planner.bounds.latency_ns(*span) * (1 + 1e-9)
        tuned = planner.tuned(quick.units, len(chosen), 0 if done else None)
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


def units_of_chip(
    layers: Sequence[Layer], compiling: Compiling, residents: Residents = NOBODY
) -> tuple[Unit, ...]:
    """The layers, those that are too large for the crossbars of segments in parts."""
    mappings = cut_layers(layers, compiling.hardware, replace(compiling.options, depth_split=1))
    most = [
        len(m.boxes) if m.layer.index in residents.mappings else _most_boxes(m, compiling) for m in mappings
    ]
    return units_of(mappings, compiling.size, most)


def _most_boxes(m: Mapping, compiling: Compiling) -> int:
    """So many boxes of a layer are sure to fit the chip: all, or one a crossbar."""
    options, size = compiling.options, compiling.size
    budget = options.budget or 0
    if len(m.boxes) <= budget:
        return len(m.boxes)
    own = [replace(m, layer=replace(m.layer, index=0, stored_in=0))]
    if counting_bound(items_of(own, size), options.rules) > budget:
        return budget
    goal = PackingSettings("best", budget, PLANNING_EFFORT, seed=options.packer.seed)
    fits = pack_mappings(own, size, options.rules, goal).crossbars <= budget
    return len(m.boxes) if fits else budget


def bounds_of(units: Sequence[Unit], compiling: Compiling, residents: Residents = NOBODY) -> SegmentBounds:
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
    return segment_bounds(units, compiling.cut, room, residents.sample_ns(compiling))


class QuickBound(NamedTuple):
    """The least number of segments, and the least time of a pass; no plan has both."""

    fewest: int
    ns: float


def quick_bound(layers: Sequence[Layer], compiling: Compiling) -> QuickBound:
    """What any plan without residents takes, by bounds alone: in milliseconds."""
    planner = Planner(layers, compiling)
    count = len(planner.units)
    fastest = least_bound(count, planner.bound)
    fewest = least_bound(count, lambda i, j: 1.0 if planner.bound(i, j) < math.inf else math.inf)
    if fastest is None or fewest is None:
        raise AssertionError("a layer has no place on the chip")
    return QuickBound(len(fewest.ends), fastest.cost)
