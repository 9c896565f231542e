"""A network that is run in segments, as the compiler reports one that fits."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from time import perf_counter

from ..box_converter.partition import partition
from ..compiler import (
    CompileOptions,
    CompileResult,
    Watch,
    compile_network,
    cut_layers,
)
from ..errors import BadInput
from ..hardware.chip_costs import Chip, chip_costs, read_time_of
from ..hardware.config.read import Hardware
from ..hardware.writing import Wear, most_writes, write_nj, written_rows
from ..packing.bounds import counting_bound
from ..packing.place import items_of
from ..simulation.contention import roofline_ns
from ..simulation.schedules import prepared, schedule_of
from ..values import (
    Duplication,
    LatencyComparison,
    Layout,
    MarginTrial,
    Network,
    NoFit,
    Packing,
)
from .levelling import levelled
from .plan import Plan, plan
from .segments import Compiling, ReloadSettings, Segment
from .whole import (
    Loaded,
    Running,
    Split,
    contention_of_pass,
    schedule_of_pass,
    split_layout,
    whole_mappings,
)


@dataclass(frozen=True, slots=True)
class SegmentCosts:
    """What one segment takes: rows that are written, the time of writing them, and that of the batch."""

    rows: int
    cells: int
    write_ns: float
    write_nj: float
    latency_ns: float


@dataclass(frozen=True, slots=True)
class ReloadCosts:
    """What a pass of a batch takes: `segments`, energies of the pass, and how long the cells last.

    `rate_most` is how many inferences a second the chip reaches.
    """

    batch: int
    segments: tuple[SegmentCosts, ...]
    compute_nj: float
    wear: Wear

    @property
    def write_ns(self) -> float:
        """Time of writing, in a pass."""
        return math.fsum(s.write_ns for s in self.segments)

    @property
    def compute_ns(self) -> float:
        """Time of running the batch through all segments."""
        return math.fsum(s.latency_ns for s in self.segments)

    @property
    def write_nj(self) -> float:
        """Energy of writing, in a pass."""
        return math.fsum(s.write_nj for s in self.segments)

    @property
    def rate_most(self) -> float:
        """Inferences a second that passes one after another reach."""
        return self.batch * 1e9 / (self.write_ns + self.compute_ns)


@dataclass(frozen=True, slots=True)
class ReloadResult(CompileResult):
    """A run in segments. `layout` has the boxes on *slots* (`whole`), of which each segment has `budget`.

    `evaluations` are those of passes of the batch; `schedule` is that of the first samples of a batch.
    """

    plan: Plan = field(kw_only=True)
    loaded: tuple[Loaded, ...] = field(kw_only=True)
    split: Split = field(kw_only=True)
    settings: ReloadSettings = field(kw_only=True)
    costs: ReloadCosts = field(kw_only=True)

    @property
    def last_crossbar(self) -> int:
        """Number of the last crossbar of the chip in use."""
        return max(p.crossbar_idx for p in self.split.placements)

    @property
    def crossbars(self) -> int:
        """Of the chip that are in use, in any segment."""
        return len({p.crossbar_idx for p in self.split.placements})


def compile_reloaded(
    network: Network,
    hardware: Hardware,
    options: CompileOptions,
    reload: ReloadSettings,
    watch: Watch,
) -> CompileResult:
    """A network that fits as `compile_network` compiles it, any other in segments.

    Raises BadInput where it cannot be cut for the hardware, or another schedule than that of layers is asked
    for.
    """
    if options.budget is None:
        raise BadInput("--reload: found no number of crossbars, allowed is a number of them")
    if not reload.always and not _refuted(network, hardware, options):
        found = compile_network(network, hardware, options, watch)
        if not isinstance(found, NoFit):
            return found
    _require_layers(options)
    began = perf_counter()
    compiling = reload.compiling(hardware, options)
    budget = options.budget

    def laid(done: int, most: int) -> None:
        if watch.packing is not None:
            watch.packing(done, most, budget)

    planned = plan(network.layers, compiling, watch.tuning, laid)
    is_one = len(planned.segments) == 1 and planned.segments[0].units[0].whole
    if is_one or not any(segment.write_ns for segment in planned.segments):  # all layers may stay on the chip
        found = compile_network(network, hardware, options, watch)
        if not isinstance(found, NoFit):
            return found
    planning = perf_counter() - began
    result = _result(compiling, network, planned, reload)
    return replace(result, timing_s={"planning": planning, "evaluation": perf_counter() - began - planning})


def _require_layers(options: CompileOptions) -> None:
    """Raise BadInput for what segments do not know."""
    in_several = "with --reload and a network that needs several segments"
    if options.schedule != "layer":
        raise BadInput(f"--schedule: found '{options.schedule}' {in_several}, allowed is layer")
    for name, given in (("--data-movement", options.data_movement), ("--leakage", options.leakage)):
        if given:
            raise BadInput(f"{name}: found {in_several}, allowed is without it")


def _refuted(network: Network, hardware: Hardware, options: CompileOptions) -> bool:
    """Whether counting shows that a network does not fit, so that no packer need try."""
    mappings = cut_layers(network.layers, hardware, replace(options, depth_split=1))
    bound = counting_bound(items_of(mappings, hardware.size), options.rules)
    cells = sum(m.layer.weights for m in mappings if m.stored)
    return max(bound, -(-cells // hardware.size.cells)) > (options.budget or 0)


def _result(compiling: Compiling, network: Network, planned: Plan, reload: ReloadSettings) -> ReloadResult:
    """All figures of a plan, but for its timing."""
    hardware, options, batch = compiling.hardware, compiling.options, reload.batch
    size, read = hardware.size, read_time_of(hardware)
    loaded = levelled([_loaded(s) for s in planned.segments], options.budget or 0, size)
    running, split = Running(loaded, read, batch), split_layout(network.layers, loaded, size)
    plain = whole_mappings(network.layers, [(s.units, s.plain) for s in planned.segments], size)
    costs = reload_costs(hardware, split, running, reload)
    last = max(p.crossbar_idx for p in split.placements)
    evaluations = tuple(_evaluations(compiling, network, running))
    duplication = None
    if options.tuning is not None:
        baseline = next(e.baseline_latency_ns for e in evaluations if e.num_sample == batch)
        duplication = _duplication(planned.segments, batch, baseline)
    traced, layers = min(options.traced_samples, batch), len(network.layers)
    return ReloadResult(
        network,
        plain,
        Layout(split.mappings, _slot_packing(planned, split, compiling)),
        duplication,
        evaluations,
        schedule_of_pass(running, traced, layers),
        contention_of_pass(running, layers, last + 1),
        roofline_ns(split.mappings, read, options.budget or last + 1),
        reload_chip(hardware, split, costs),
        {},
        plan=planned,
        loaded=loaded,
        split=split,
        settings=reload,
        costs=costs,
    )


def _loaded(segment: Segment) -> Loaded:
    layout = segment.layout
    return Loaded(
        segment.units,
        layout.mappings,
        layout.packing.placements,
        segment.write_ns,
        segment.latency_ns,
        segment.kept,
    )


def _slot_packing(planned: Plan, split: Split, compiling: Compiling) -> Packing:
    """All boxes on slots; `crossbars` counts the slots in use, so that shares are those of all segments."""
    packings = [s.layout.packing for s in planned.segments]
    slots = split.slots(compiling.options.budget or 0)
    stopped = next((p.stopped for p in packings if p.stopped != "budget"), "budget")
    packers = "joint" if any(p.packer == "joint" for p in packings) else packings[0].packer
    bound = max(p.lower_bound for p in packings)
    used = len({p.crossbar_idx for p in slots})
    return Packing(slots, compiling.size, used, bound, packers, stopped)


def _evaluations(compiling: Compiling, network: Network, running: Running) -> Iterator[LatencyComparison]:
    """Latencies of the usual numbers of samples and of the batch, in passes of the batch."""
    batch = compiling.batch
    baseline = prepared(partition(network.layers, compiling.size), running.read_ns, None)
    for n in sorted({*compiling.options.samples, batch}):
        yield LatencyComparison(n, *running.latencies_ns(n), schedule_of(baseline, n).latency_ns)


def reload_costs(hardware: Hardware, split: Split, running: Running, reload: ReloadSettings) -> ReloadCosts:
    """What a pass costs, from the layout of all segments alone."""
    segments = [_segment_costs(hardware, each, reload) for each in running.loaded]
    reads_nj = chip_costs(hardware, split.mappings, 1, 1.0).energy_nj
    wear = Wear(
        most_writes((each.written for each in running.loaded), hardware.size),
        reload.batch,
        reload.endurance,
        reload.rate,
    )
    return ReloadCosts(reload.batch, tuple(segments), reads_nj * reload.batch, wear)


def _segment_costs(hardware: Hardware, each: Loaded, reload: ReloadSettings) -> SegmentCosts:
    cells = sum((p.max_x - p.loc_x) * (p.max_y - p.loc_y) for p in each.written)
    energy = write_nj(hardware, cells, reload.writing)
    return SegmentCosts(
        sum(written_rows(each.written).values()), cells, each.write_ns, energy, each.latency_ns
    )


def reload_chip(hardware: Hardware, split: Split, costs: ReloadCosts) -> Chip:
    """Area and energy of the chip; writing is a component of the energy of an inference.

    The average power is that of passes of full batches one after another.
    """
    crossbars = len({p.crossbar_idx for p in split.placements})
    chip = chip_costs(hardware, split.mappings, crossbars, 1.0)
    write, total = costs.write_nj / costs.batch, chip.energy_nj + costs.write_nj / costs.batch
    shares = {name: share * chip.energy_nj / total for name, share in chip.energy_share.items()}
    return replace(
        chip,
        energy_nj=total,
        energy_share={**shares, "writing": write / total},
        average_power_w=total * costs.batch / (costs.write_ns + costs.compute_ns),
    )


def _duplication(segments: Sequence[Segment], batch: int, baseline_ns: float) -> Duplication:
    """How copies were chosen in all segments: times are those of a pass, with writing."""
    found = [s.duplication for s in segments if s.duplication is not None]
    writing = math.fsum(s.write_ns for s in segments)
    margins = [d.trials[-1].margin for d in found]
    margin = min((m for m in margins if m is not None), default=None)
    boxes = sum(d.trials[-1].boxes for d in found)
    paper = writing + math.fsum(d.margin_tuner_ns for d in found)
    methods = [d.method for d in found]
    method = next((m for m in ("joint", "margin") if m in methods), "none")
    return Duplication(
        method=method,
        samples=batch,
        margin=margin if method == "margin" else None,
        trials=(MarginTrial(margin, boxes, True, paper),),
        baseline_ns=baseline_ns,
        plain_ns=writing + math.fsum(d.plain_ns for d in found),
        latency_ns=math.fsum(s.total_ns for s in segments),
        stopped=next((d.stopped for d in found if d.stopped not in ("effort", "no start")), "effort"),
        steps=sum(d.steps for d in found),
    )
