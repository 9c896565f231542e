"""The stages in order: network -> layers -> boxes -> packing -> copies -> schedule -> report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import InitVar, dataclass, field, replace
from time import perf_counter
from typing import NamedTuple, TypeVar, get_args

from .box_converter.partition import partition
from .errors import BadInput
from .hardware.chip_costs import Chip, chip_costs
from .hardware.config.read import Hardware
from .hardware.movement import time_of
from .kernels.jit import compiling_s
from .packing.pack import PackingSettings, Progress
from .packing.place import pack_mappings
from .simulation.contention import Contention, contention, roofline_ns
from .simulation.data_movement import DataMovement, data_movement
from .simulation.row_bounds import RowBounds, row_bounds
from .simulation.row_buffers import RowBuffers, row_buffers
from .simulation.row_graph import ScheduleKind, graph_for
from .simulation.row_loop import row_program
from .simulation.schedules import fastest_graph, prepared, schedule_of
from .tuning.settings import DepthwiseMapping, Target, Tuning
from .tuning.settings import Progress as TuningProgress
from .tuning.tuner import tune_layout
from .values import (
    ChargedTime,
    Duplication,
    LatencyComparison,
    Layer,
    Layout,
    Mapping,
    Network,
    NoFit,
    Packing,
    ReadTime,
    RowGraph,
    Rules,
    Schedule,
)

SAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """What the user chose; all defaults are those of `rnc pack`.

    `budget` is the number of crossbars allowed, None for the fewest; the packer's own settings are in `goal`
    (its budget decides when the search stops, this one what is accepted), None for the usual ones with this
    budget. `duplicate` asks for the usual `tuning`, `tuning` for another; copies fill the budget, or where
    there is none the crossbars that are in use without copies. The joint tuner chooses the depth split
    itself, and the mapping of depthwise layers too where it is "auto", which is "dense" otherwise. Diagonal
    boxes have at most `diagonal_rows` rows, None for those of a crossbar. `watched_samples` are those of the
    account of who waits for whom. `schedule` says what of a sample may run at once; latencies of the baseline
    are always those of whole layers. `data_movement` charges moves of results and digital operators,
    `leakage` adds that of all processing elements to the energy.
    """

    depth_split: int = 1
    depthwise: DepthwiseMapping = "auto"
    tuning: Tuning | None = None
    budget: int | None = None
    rules: Rules = field(default_factory=Rules)
    goal: PackingSettings | None = None
    samples: tuple[int, ...] = SAMPLES
    traced_samples: int = 4
    watched_samples: int = 8
    diagonal_rows: int | None = None
    schedule: ScheduleKind = "layer"
    data_movement: bool = False
    leakage: bool = False
    duplicate: InitVar[bool] = False

    def __post_init__(self, duplicate: bool) -> None:
        """Put the usual tuning where one is asked for and none is given. Raises BadInput."""
        counts = ("depth_split", "budget", "traced_samples", "watched_samples")
        for name, least in (*((name, 1) for name in counts), ("diagonal_rows", 0)):
            _require_count(name, getattr(self, name), least, name in ("budget", "diagonal_rows"))
        for samples in self.samples:
            _require_count("samples", samples)
        for name, allowed in (("depthwise", DepthwiseMapping), ("schedule", ScheduleKind)):
            if getattr(self, name) not in get_args(allowed):
                told = ", ".join(get_args(allowed))
                raise BadInput(f"{name}: found {getattr(self, name)!r}, allowed are {told}")
        if not isinstance(duplicate, bool):
            raise BadInput(f"duplicate: found {duplicate!r}, allowed are True and False")
        if duplicate and self.tuning is None:
            object.__setattr__(self, "tuning", Tuning())

    @property
    def packer(self) -> PackingSettings:
        """What the packer is asked for."""
        return PackingSettings(budget=self.budget) if self.goal is None else self.goal


def _require_count(name: str, value: object, least: int = 1, optional: bool = False) -> None:
    """Raise BadInput where an option is no number from `least`, or None where it is `optional`."""
    if not (optional and value is None) and not (isinstance(value, int) and value >= least):
        none = " or None" if optional else ""
        raise BadInput(f"{name}: found {value!r}, allowed is a whole number from {least}{none}")


@dataclass(frozen=True, slots=True)
class CompileResult:
    """All that a run found out.

    `plain` are the layers before duplication, `layout` is the one after it; `duplication` is None where there
    is none. `schedule` is that of the first `traced_samples` samples, `contention` that of `watched_samples`,
    `roofline_ns` the time a sample takes if all crossbars of the budget (or in use) work all the time.
    `timing_s` are the seconds of each stage, without those of "compiling" kernels, once on each machine.
    The schedule runs by `graph`, `bounds` are what it cannot beat, and `buffers` what it keeps behind each
    layer; all None for that of layers. The graph is that of the network, or a chain of whole layers where the
    layout is faster so. `movement` is None where it is not charged.
    """

    network: Network
    plain: tuple[Mapping, ...]
    layout: Layout
    duplication: Duplication | None
    evaluations: tuple[LatencyComparison, ...]
    schedule: Schedule
    contention: Contention
    roofline_ns: float
    chip: Chip
    timing_s: dict[str, float]
    graph: RowGraph | None = None
    bounds: RowBounds | None = None
    movement: DataMovement | None = None
    buffers: RowBuffers | None = None

    @property
    def mappings(self) -> tuple[Mapping, ...]:
        """The layers with their copies."""
        return self.layout.mappings

    @property
    def packing(self) -> Packing:
        """Where every box lies."""
        return self.layout.packing

    @property
    def crossbars(self) -> int:
        """Crossbars of the chip in use."""
        return self.packing.crossbars


@dataclass(frozen=True, slots=True)
class Watch:
    """Callbacks for what takes long: packing and tuning."""

    packing: Progress | None = None
    tuning: TuningProgress | None = None


NOBODY_WATCHES = Watch()

Found = TypeVar("Found")


class CompiledLayout(NamedTuple):
    """A layout and what led to it: `plain` is the network without copies, `timing_s` the time by stage.

    `duplication` says how copies were chosen; None where there are none.
    """

    plain: tuple[Mapping, ...]
    layout: Layout
    duplication: Duplication | None
    timing_s: dict[str, float]


def compile_network(
    network: Network, hardware: Hardware, options: CompileOptions, watch: Watch = NOBODY_WATCHES
) -> CompileResult | NoFit:
    """Partition, pack, duplicate and simulate a traced network; `NoFit` where the budget is too small.

    Raises BadInput where the network cannot be cut for the hardware, or was not traced and another schedule
    than that of layers is asked for.
    """
    graph = graph_of(network, options.schedule)
    found = compile_layout(network.layers, hardware, options, watch, graph)
    if isinstance(found, NoFit):
        return found
    clock = _Clock(found.timing_s)
    if graph is not None:
        samples = options.tuning.effort.samples if options.tuning else options.watched_samples
        read = time_of(hardware, options.data_movement)
        graph, _ = fastest_graph(found.layout, read, graph, samples)
    evaluations, schedule, waits, roofline, chip = evaluate(
        network.layers, found.layout, hardware, options, graph
    )
    clock.lap("evaluation")
    costs = (evaluations, schedule, waits, roofline, chip)
    read = time_of(hardware, options.data_movement)
    bounds = None if graph is None else _bounds(found.layout, read, graph)
    movement = _movement(found.layout, read, graph)
    buffers = None if graph is None else row_buffers(found.layout.mappings, graph)
    rows = (graph, bounds, movement, buffers)
    return CompileResult(network, found.plain, found.layout, found.duplication, *costs, clock.laps(), *rows)


def _bounds(layout: Layout, read: ReadTime, graph: RowGraph) -> RowBounds:
    """What no schedule of the layout by its graph can beat."""
    return row_bounds(row_program(layout.mappings, read, graph, layout.packing.placements), graph)


def _movement(layout: Layout, read: ReadTime, graph: RowGraph | None) -> DataMovement | None:
    """What a sample's time goes into, where moves are charged."""
    if not isinstance(read, ChargedTime):
        return None
    rows = [each.rows for each in graph] if graph else [1] * len(layout.mappings)
    return data_movement(layout.mappings, read, rows)


def graph_of(network: Network, kind: ScheduleKind) -> RowGraph | None:
    """What a schedule of a network runs by; None for that of layers. BadInput where there is no graph."""
    if kind != "layer" and len(network.graph) != len(network.layers):
        raise BadInput(
            f"schedule: found '{kind}', allowed is 'layer' for {network.name}, whose graph is unknown"
        )
    return graph_for(kind, network.graph)


def compile_layout(
    layers: Sequence[Layer],
    hardware: Hardware,
    options: CompileOptions,
    watch: Watch = NOBODY_WATCHES,
    graph: RowGraph | None = None,
) -> CompiledLayout | NoFit:
    """Partition, pack and duplicate layers; the way of `compile_network` and of every subnet of a search.

    `graph` is what the schedule runs by that copies are chosen for; None for that of layers.
    Raises BadInput where the layers cannot be cut for the hardware.
    """
    clock = _Clock()

    def attempt(options: CompileOptions) -> Layout | NoFit:
        mappings = cut_layers(layers, hardware, options)
        clock.lap("partition")
        packing = pack_mappings(mappings, hardware.size, options.rules, options.packer, watch.packing)
        clock.lap("packing")
        if options.budget is not None and packing.crossbars > options.budget:
            return NoFit(options.budget, packing.lower_bound, packing.crossbars)
        return Layout(mappings, packing)

    plain = with_split_or_without(options, attempt)
    if isinstance(plain, NoFit):
        return plain
    layout, duplication = _duplicate(plain, hardware, options, watch, graph)
    clock.lap("duplication")
    return CompiledLayout(plain.mappings, layout, duplication, clock.laps())


def with_split_or_without(
    options: CompileOptions, attempt: Callable[[CompileOptions], Found | NoFit]
) -> Found | NoFit:
    """What an attempt gives; where it does not fit, the joint tuner does without the split: it cuts anew."""
    found = attempt(options)
    is_joint = options.tuning is not None and options.tuning.tuner == "joint"
    if isinstance(found, NoFit) and is_joint and options.depth_split > 1:
        return attempt(replace(options, depth_split=1))
    return found


def cut_layers(layers: Sequence[Layer], hardware: Hardware, options: CompileOptions) -> tuple[Mapping, ...]:
    """The layers cut as the options say; "auto" begins with the dense mapping."""
    diagonal = options.depthwise == "diagonal"
    return partition(layers, hardware.size, options.depth_split, diagonal, options.diagonal_rows)


def _duplicate(
    plain: Layout, hardware: Hardware, options: CompileOptions, watch: Watch, graph: RowGraph | None
) -> tuple[Layout, Duplication | None]:
    if options.tuning is None:
        return plain, None
    tuning = replace(options.tuning, effort=replace(options.tuning.effort, graph=graph))
    budget = options.budget or plain.packing.crossbars
    target = Target(budget, hardware.size, options.rules, options.depthwise, options.diagonal_rows)
    return tune_layout(plain, target, time_of(hardware, options.data_movement), tuning, watch.tuning)


def evaluate(
    layers: tuple[Layer, ...],
    layout: Layout,
    hardware: Hardware,
    options: CompileOptions,
    graph: RowGraph | None = None,
) -> tuple[tuple[LatencyComparison, ...], Schedule, Contention, float, Chip]:
    """Simulate every number of samples beside the ideal and the baseline, trace the first, add up costs."""
    mappings, packing = layout.mappings, layout.packing
    read = time_of(hardware, options.data_movement)
    packed = prepared(mappings, read, graph, packing.placements)
    ideal = prepared(mappings, read, graph)
    baseline = prepared(partition(layers, hardware.size), read, None)
    evaluations = tuple(
        LatencyComparison(n, *(schedule_of(each, n).latency_ns for each in (packed, ideal, baseline)))
        for n in options.samples
    )
    latency_ns = schedule_of(packed, 1).latency_ns
    chip = chip_costs(hardware, mappings, packing.crossbars, latency_ns, options.leakage)
    waits = contention(mappings, packing, schedule_of(packed, options.watched_samples), graph)
    roofline = roofline_ns(mappings, read, options.budget or packing.crossbars)
    return evaluations, schedule_of(packed, options.traced_samples), waits, roofline, chip


class _Clock:
    """Time since the last lap, by name. What goes into compiling kernels counts by itself."""

    def __init__(self, laps: dict[str, float] | None = None) -> None:
        self._laps = {"compiling": 0.0, **(laps or {})}
        self._last, self._compiled = perf_counter(), compiling_s()

    def lap(self, name: str) -> None:
        now, compiled = perf_counter(), compiling_s()
        compiling = compiled - self._compiled
        self._laps[name] = self._laps.get(name, 0.0) + now - self._last - compiling
        self._laps["compiling"] += compiling
        self._last, self._compiled = now, compiled

    def laps(self) -> dict[str, float]:
        return dict(self._laps)
