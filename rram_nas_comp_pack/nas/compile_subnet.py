"""A subnet of the supernet to its figures on the chip, fast enough for a search over thousands of them.

Layers come from a small set of shapes, so that all that belongs to a layer alone is computed once. What is
remembered never changes a result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import NamedTuple

from ofa.architecture import Configuration, LayerShape, layer_shapes

from ..box_converter.partition import partition
from ..compiler import CompileOptions, compile_layout, cut_layers, with_split_or_without
from ..hardware.chip_costs import area_per_crossbar_um2, inference_nj, read_time_of
from ..hardware.config.read import Hardware
from ..packing.bounds import counting_bound
from ..packing.pack import PackingSettings
from ..packing.place import items_of
from ..simulation.event_loop import program, simulate
from ..simulation.row_graph import ScheduleKind
from ..simulation.schedules import AnyProgram, fastest_graph, prepared, schedule_of
from ..tuning.joint.quick import QuickLayout, quick_layout
from ..tuning.settings import DepthwiseMapping, Effort, Target, Tuner, Tuning
from ..values import Box, CrossbarSize, Layer, Layout, Mapping, NoFit, RowGraph, Rules
from .subnet_rows import graph_of_subnet


@dataclass(frozen=True, slots=True)
class CompileSettings:
    """How subnets are compiled: for the latency of `samples` samples on at most so many `crossbars`.

    `quick` takes milliseconds: the fast packer, and a quick layout instead of the joint tuner. Otherwise
    subnets are compiled like any network, the joint tuner making `steps`; None is its default effort, many
    seconds. Where that is slower than the quick layout, the quick one is kept. Without `duplicate` the
    tuner's settings mean nothing. The baseline of speeds is that of the hardware `reference`, None being
    `hardware`: speeds of networks on different hardware compare over one baseline only. `schedule` says what
    of a sample may run at once; the baseline runs layer after layer in any case.
    """

    hardware: Hardware
    crossbars: int
    samples: int = 8
    rules: Rules = field(default_factory=Rules)
    depth_split: int = 1
    depthwise: DepthwiseMapping = "auto"
    diagonal_rows: int | None = None
    duplicate: bool = True
    tuner: Tuner = "joint"
    quick: bool = True
    steps: int | None = 0
    seed: int = 0
    reference: Hardware | None = None
    schedule: ScheduleKind = "layer"

    def compile_options(self) -> CompileOptions:
        """The same as the compiler takes it."""
        goal = PackingSettings("fast" if self.quick else "best", self.crossbars, seed=self.seed)
        effort = Effort(self.samples, 0 if self.quick else self.steps, seed=self.seed)
        return CompileOptions(
            self.depth_split,
            self.depthwise,
            Tuning(self.tuner, effort) if self.duplicate else None,
            self.crossbars,
            self.rules,
            goal,
            diagonal_rows=self.diagonal_rows,
            schedule=self.schedule,
        )


@dataclass(frozen=True, slots=True)
class SubnetMetrics:
    """What a subnet is like on the chip: simulated latency of all samples, energy of one inference.

    The baseline has a crossbar for every box and no copies. `utilization` is that of the `crossbars` in use,
    `area_mm2` what these take up.
    """

    latency_ns: float
    baseline_ns: float
    energy_nj: float
    crossbars: int
    utilization: float
    area_mm2: float

    @property
    def speed(self) -> float:
        """How many times faster than the baseline."""
        return self.baseline_ns / self.latency_ns


def layers_of(chosen: Configuration, resolution: int = 64, classes: int = 10) -> tuple[Layer, ...]:
    """The layers that tracing the subnet finds, by arithmetic. Raises BadInput of `ofa`."""
    shapes = layer_shapes(*chosen, resolution, classes)
    return tuple(_layer(index, shape) for index, shape in enumerate(shapes))


def compile_subnet(
    chosen: Configuration, settings: CompileSettings, resolution: int = 64, classes: int = 10
) -> SubnetMetrics | NoFit:
    """The figures of `map_layers`. Raises BadInput as it does."""
    graph = graph_of_subnet(chosen, settings.schedule, resolution)
    found = map_layers(layers_of(chosen, resolution, classes), settings, graph)
    return found if isinstance(found, NoFit) else found.metrics


class MappedSubnet(NamedTuple):
    """Figures of a subnet, and the layout that they stem from."""

    metrics: SubnetMetrics
    layout: Callable[[], Layout]


def map_layers(
    layers: tuple[Layer, ...], settings: CompileSettings, graph: RowGraph | None = None
) -> MappedSubnet | NoFit:
    """Compile a subnet; the same settings give the same figures whatever was compiled before.

    `graph` is what the schedule runs by; None for that of layers. Raises BadInput where a kernel cannot be
    cut for the hardware.
    """
    mapped = _layout(layers, settings, graph)
    if isinstance(mapped, NoFit):
        return mapped
    hardware, reference = settings.hardware, settings.reference or settings.hardware
    baseline = program(partition(layers, reference.size), read_time_of(reference))
    metrics = SubnetMetrics(
        latency_ns=schedule_of(mapped.run, settings.samples).latency_ns,
        baseline_ns=simulate(baseline, settings.samples).latency_ns,
        energy_nj=inference_nj(hardware, mapped.mappings),
        crossbars=mapped.crossbars,
        utilization=mapped.utilization,
        area_mm2=mapped.crossbars * area_per_crossbar_um2(hardware) / 1e6,
    )
    return MappedSubnet(metrics, mapped.values)


class _Mapped(NamedTuple):
    """A subnet on crossbars: its layers and what the simulation runs.

    `made` is what the figures stem from: a quick layout, or a packed one.
    """

    mappings: tuple[Mapping, ...]
    run: AnyProgram
    crossbars: int
    utilization: float
    made: QuickLayout | Layout

    def values(self) -> Layout:
        """Mapped layers and packing."""
        return self.made.values() if isinstance(self.made, QuickLayout) else self.made


@lru_cache(maxsize=16384)
def _layer(index: int, shape: LayerShape) -> Layer:
    height, positions = shape.kernel**2 * shape.channels // shape.groups, shape.size**2
    raw = Box(height, shape.out, positions * shape.groups)
    return Layer(index, shape.kind, shape.path, raw, positions, shape.groups, index, shape.groups > 1)


def _layout(
    layers: tuple[Layer, ...], settings: CompileSettings, graph: RowGraph | None = None
) -> _Mapped | NoFit:
    """The layout asked for; never slower than the quick one, nor too large where that fits."""
    found = _compiled(layers, settings, graph)
    if settings.quick:
        return found
    quick = _compiled(layers, replace(settings, quick=True), graph)
    if isinstance(quick, NoFit):
        return found
    if isinstance(found, NoFit):
        return quick
    times = [schedule_of(layout.run, settings.samples).latency_ns for layout in (found, quick)]
    return found if times[0] <= times[1] else quick


def _compiled(
    layers: tuple[Layer, ...], settings: CompileSettings, graph: RowGraph | None
) -> _Mapped | NoFit:
    """The quick layout where it is wanted and there is one, else what the compiler makes of any network."""
    hardware = settings.hardware

    def attempt(options: CompileOptions) -> _Mapped | NoFit:
        plain = cut_layers(layers, hardware, options)
        bound = _quick_bound(plain, hardware.size, settings.rules)
        if bound > settings.crossbars:
            return NoFit(settings.crossbars, bound, sum(len(m.boxes) for m in plain))
        if settings.duplicate and settings.tuner == "joint" and settings.quick:
            drawn = _quickest(plain, settings, graph)
            if drawn is not None:
                return drawn
        return _packed(layers, settings, options, graph)

    return with_split_or_without(settings.compile_options(), attempt)


def _quick_bound(mappings: tuple[Mapping, ...], size: CrossbarSize, rules: Rules) -> int:
    """Crossbars that are needed at least, by cells and by numbers of boxes."""
    items = items_of(mappings, size)
    cells = int(items.widths @ items.heights)
    return max(-(-cells // size.cells), counting_bound(items, rules))


def _quickest(
    plain: tuple[Mapping, ...], settings: CompileSettings, graph: RowGraph | None
) -> _Mapped | None:
    """The quick layout; with a graph, the faster one of those by rows and by layers, however they run."""
    found = [_quick(plain, settings, goal) for goal in ((None,) if graph is None else (graph, None))]
    made = [each for each in found if each is not None]
    if graph is None or not made:
        return made[0] if made else None
    return min((_fastest(each, settings, graph) for each in made), key=lambda each: each[1])[0]


def _fastest(mapped: _Mapped, settings: CompileSettings, graph: RowGraph) -> tuple[_Mapped, float]:
    """A layout run by a graph, or by whole layers where that is faster, and its latency in ns."""
    layout, read_ns = mapped.values(), read_time_of(settings.hardware)
    used, latency_ns = fastest_graph(layout, read_ns, graph, settings.samples)
    run = prepared(layout.mappings, read_ns, used, layout.packing.placements)
    return mapped._replace(run=run), latency_ns


def _quick(plain: tuple[Mapping, ...], settings: CompileSettings, graph: RowGraph | None) -> _Mapped | None:
    """The quick layout with copies; None where there is none, or it gains nothing."""
    read_ns, size = read_time_of(settings.hardware), settings.hardware.size
    target = Target(settings.crossbars, size, settings.rules, settings.depthwise, settings.diagonal_rows)
    effort = Effort(settings.samples, 0, seed=settings.seed, graph=graph)
    found = quick_layout(plain, target, read_ns, effort)
    if found is None:
        return None
    return _Mapped(found.mappings, found.program(), found.crossbars, found.utilization, found)


def _packed(
    layers: tuple[Layer, ...], settings: CompileSettings, options: CompileOptions, graph: RowGraph | None
) -> _Mapped | NoFit:
    hardware = settings.hardware
    found = compile_layout(layers, hardware, options, graph=graph)
    if isinstance(found, NoFit):
        return found
    layout = found.layout
    run = program(layout.mappings, read_time_of(hardware), layout.packing.placements)
    mapped = _Mapped(layout.mappings, run, layout.packing.crossbars, layout.utilization, layout)
    return mapped if graph is None else _fastest(mapped, settings, graph)[0]
