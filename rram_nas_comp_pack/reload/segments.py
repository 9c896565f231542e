"""Segments: some units on the whole chip, laid out by the compiler as if they were a network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from ..box_converter.partition import partition
from ..compiler import CompiledLayout, CompileOptions, compile_layout
from ..hardware.chip_costs import read_time_of
from ..hardware.config.read import Hardware
from ..hardware.writing import WriteSettings, write_ns, written_rows
from ..packing.bounds import counting_bound, lower_bound
from ..packing.place import items_of
from ..simulation.schedules import prepared, schedule_of
from ..tuning.joint.multi_start import EFFORT, MOST_SIMULATED, STEP_COST, tune
from ..tuning.joint.quick import quick_layout
from ..tuning.settings import Effort, Target
from ..values import CrossbarSize, Duplication, Layer, Layout, Mapping, NoFit, Packing, ReadTime, Schedule
from .units import Unit

PLANNING_EFFORT = 2_000
"""Steps of the packer while segments are compared, as many as for a margin of the paper's tuner."""


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

    def compiling(self, hardware: Hardware, options: CompileOptions) -> Compiling:
        """What segments are compiled with."""
        return Compiling(hardware, options, self.writing, self.batch)


@dataclass(frozen=True, slots=True)
class Segment:
    """Units that lie on the chip at the same time. In `plain` and `layout` they are layers 0, 1, 2 … .

    `latency_ns` is that of the batch, `write_ns` the time before it in which the segment is written. Layers
    that are `kept` lie on the chip all the time.
    """

    units: tuple[Unit, ...]
    plain: tuple[Mapping, ...]
    layout: Layout
    duplication: Duplication | None
    latency_ns: float
    write_ns: float
    kept: tuple[int, ...] = ()

    @property
    def total_ns(self) -> float:
        """What it adds to a pass."""
        return self.latency_ns + self.write_ns

    def schedule(self, read_ns: ReadTime, samples: int) -> Schedule:
        """Of so many samples, from the time when the segment is written."""
        ran = prepared(self.layout.mappings, read_ns, None, self.layout.packing.placements)
        return schedule_of(ran, samples)


def own_layers(units: Sequence[Unit]) -> tuple[Layer, ...]:
    """The units as layers 0, 1, 2 … ; one whose weights lie in another segment brings them itself."""
    stores: dict[int, int] = {}
    found = []
    for index, unit in enumerate(units):
        store = stores.setdefault(unit.layer.stored_in, index) if unit.whole else index
        found.append(replace(unit.layer, index=index, stored_in=store))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Compiling:
    """What segments are compiled with: options of the compiler for a batch, and how crossbars are written."""

    hardware: Hardware
    options: CompileOptions
    writing: WriteSettings
    batch: int

    @property
    def size(self) -> CrossbarSize:
        """Of a crossbar."""
        return self.hardware.size

    def cut(self, unit: Unit) -> Mapping:
        """A unit by itself, without copies."""
        layer = replace(unit.layer, index=0, stored_in=0)
        diagonal = self.options.depthwise == "diagonal"
        split = self.options.depth_split
        return partition([layer], self.size, split, diagonal, self.options.diagonal_rows)[0]

    def quick(self, units: Sequence[Unit]) -> Segment | None:
        """The units on the chip, quickly packed and with the copies of a quick layout; None: no room."""
        own, options = self.options.packer, self._options(units)
        packer = "best" if own.packer == "exact" else own.packer
        effort = min(own.effort, PLANNING_EFFORT)
        goal = replace(own, packer=packer, effort=effort, seconds=None, full_bound=False)
        if self._refuted(units):
            return None
        plain = self._fitted(units, replace(options, goal=goal, tuning=None))
        if plain is None:
            return None
        layouts = [plain.layout]
        if options.tuning is not None:
            target = Target(
                options.budget or 0, self.size, options.rules, options.depthwise, options.diagonal_rows
            )
            layouts += _quick_copies(plain.layout, target, read_time_of(self.hardware), options.tuning.effort)
        found = [
            segment_of(self, units, (plain.plain, single_parts(units, layout), None)) for layout in layouts
        ]
        return min(found, key=lambda segment: segment.total_ns)

    def tuned(self, units: Sequence[Unit], segments: int, steps: int | None = None) -> Segment | None:
        """The units tuned by so many steps, None: as the options say.

        Their default effort is shared by so many segments.
        """
        options = self._options(units)
        if options.tuning is None:
            return self._compiled(units, options)
        wanted = options.tuning.effort.steps if steps is None else steps
        if wanted is None:
            simulated = min(self.batch, max(MOST_SIMULATED[0], MOST_SIMULATED[1] // len(units)))
            wanted = EFFORT // segments // (STEP_COST + len(units) * simulated)
        return self._compiled(units, _with_steps(options, wanted))

    def _compiled(self, units: Sequence[Unit], options: CompileOptions) -> Segment | None:
        found = self._fitted(units, options)
        if found is None:
            return None
        layout = single_parts(units, found.layout)
        return segment_of(self, units, (found.plain, layout, found.duplication))

    def _fitted(self, units: Sequence[Unit], options: CompileOptions) -> CompiledLayout | None:
        """The compiled units; without the depth split where they do not fit with it."""
        found = compile_layout(own_layers(units), self.hardware, options)
        if isinstance(found, NoFit) and options.depth_split > 1:
            found = compile_layout(own_layers(units), self.hardware, replace(options, depth_split=1))
        return None if isinstance(found, NoFit) else found

    def empty_packing(self) -> Packing:
        """Of a segment for which nothing is written."""
        return Packing((), self.size, 0, 0, "best", "bound")

    def _refuted(self, units: Sequence[Unit]) -> bool:
        mappings = partition(own_layers(units), self.size, 1)
        if any(m.layer.depthwise for m in mappings):
            return False  # they may be cut otherwise
        items, budget = items_of(mappings, self.size), self.options.budget
        rules = self.options.rules
        return budget is not None and (
            counting_bound(items, rules) > budget or lower_bound(items, rules) > budget
        )

    def _options(self, units: Sequence[Unit]) -> CompileOptions:
        options = self.options
        # the parts of a layer are cut alike, so that they make one mapping
        if any(unit.layer.depthwise and not unit.whole for unit in units):
            dense = options.depthwise == "auto"
            options = replace(options, depth_split=1, depthwise="dense" if dense else options.depthwise)
        if options.tuning is not None:
            effort = replace(options.tuning.effort, samples=self.batch)
            options = replace(options, tuning=replace(options.tuning, effort=effort))
        return options


def _quick_copies(plain: Layout, target: Target, read_ns: ReadTime, effort: Effort) -> list[Layout]:
    """Layouts with copies, of a few milliseconds each: the quick one, or else starts of the joint tuner."""
    quick = quick_layout(plain.mappings, target, read_ns, effort)
    if quick is not None:
        return [quick.values()]
    tuned = tune(plain, target, read_ns, Effort(effort.samples, 0, seed=effort.seed))
    if tuned is not None and tuned.stopped == "interrupt":
        raise KeyboardInterrupt
    return [] if tuned is None else [tuned.layout]


def with_budget(options: CompileOptions, crossbars: int) -> CompileOptions:
    """The options for so many crossbars."""
    return replace(options, budget=crossbars, goal=replace(options.packer, budget=crossbars))


def _with_steps(options: CompileOptions, steps: int) -> CompileOptions:
    """The options with another number of steps of the joint tuner; none without duplication."""
    if options.tuning is None:
        return options
    seconds = options.tuning.effort.seconds if steps else None
    effort = replace(options.tuning.effort, steps=steps, seconds=seconds)
    return replace(options, tuning=replace(options.tuning, effort=effort))


def segment_of(
    using: Compiling,
    units: Sequence[Unit],
    laid: tuple[tuple[Mapping, ...], Layout, Duplication | None],
    kept: tuple[int, ...] = (),
) -> Segment:
    """A segment with its times; layers that are `kept` on the chip need no writing."""
    plain, layout, duplication = laid
    placements = layout.packing.placements
    ran = prepared(layout.mappings, read_time_of(using.hardware), None, placements)
    latency = schedule_of(ran, using.batch).latency_ns
    rows = written_rows(p for p in placements if p.layer_idx not in kept)
    wrote = write_ns(using.hardware, rows, using.writing)
    return Segment(tuple(units), plain, layout, duplication, latency, wrote, kept)


def single_parts(units: Sequence[Unit], layout: Layout) -> Layout:
    """The layout with one copy of parts of layers: a layer has as many copies in every segment."""
    if all(unit.whole for unit in units):
        return layout
    single = {index for index, unit in enumerate(units) if not unit.whole}
    mappings = tuple(replace(m, copies=1) if m.layer.index in single else m for m in layout.mappings)
    kept = tuple(p for p in layout.packing.placements if p.layer_idx not in single or p.replica == 0)
    used = sorted({p.crossbar_idx for p in kept})
    number = {crossbar: n for n, crossbar in enumerate(used)}
    placements = tuple(replace(p, crossbar_idx=number[p.crossbar_idx]) for p in kept)
    return Layout(mappings, replace(layout.packing, placements=placements, crossbars=len(used)))
