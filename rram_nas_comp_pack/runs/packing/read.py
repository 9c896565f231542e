"""Reads a packing run: result.json, and all files together. What is unsound raises BadInput."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput
from ...hardware.config.read import SimConfig
from ...packing.check import violations
from ...simulation.contention import Contention, LayerContention
from ...simulation.data_movement import DataMovement
from ...simulation.row_bounds import RowBounds
from ...simulation.row_buffers import RowBuffers
from ...simulation.row_graph import ScheduleKind, chain
from ...values import (
    NO_RULES,
    Coverage,
    CrossbarSize,
    LatencyComparison,
    Mapping,
    Placement,
    Rules,
    cells_with_weights,
    rules_of,
)
from ..checked_json import HUGE, JsonObject, read_json
from ..log import read_pairs
from ..simconfig import read_simconfig
from .agreement import disagreements
from .graph import read_drawn_graph, read_graph
from .read_judged import read_judged
from .read_layout import all_slots, read_mappings, read_segments
from .reload import read_reload
from .run import Copies, Costs, PackingResult, PackingRun, Speeds
from .sim_log import read_sim_log

RESULT = "result.json"


def read_result(run_dir: Path) -> PackingResult:
    """What result.json says, checked by itself."""
    path = run_dir / RESULT
    result = JsonObject(path, "result", read_json(path))
    options, crossbar, contention = (result.within(key) for key in ("options", "crossbar", "contention"))
    samples = contention.count("num_sample")
    reload = read_reload(result, result.count("layers"))
    if reload is None and options.count("num_sample") != samples:
        options.fail("num_sample", options.value["num_sample"], f"that of contention, {samples}")
    options.count("seed", 0)
    return PackingResult(
        model=result.text("model"),
        config=_config(result, crossbar),
        inputs=_inputs(result) if result.has("inputs") else None,
        layers=result.count("layers"),
        boxes=result.count("boxes"),
        crossbars=result.count("crossbars_used"),
        budget=_budget(result, options),
        rules=_rules(options),
        lower_bound=result.count("lower_bound", 0),
        packer=result.text("packer"),
        stopped=result.text("stopped"),
        utilization=result.share("utilization"),
        weight_utilization=result.maybe(result.share, "weight_utilization"),
        size=CrossbarSize(crossbar.count("rows"), crossbar.count("columns")),
        copies=_copies(result.within("duplication")),
        evaluations=_evaluations(result),
        samples=samples,
        roofline_ns=contention.number("roofline_ns"),
        contention=_contention(contention),
        costs=_costs(result.within("hardware")),
        coverage=tuple(_coverage(entry) for entry in result.objects("coverage")),
        seconds=_seconds(result.within("timing_s")),
        traced=options.maybe(options.count, "sim_log_samples"),
        schedule=_schedule(result),
        movement=_movement(result.within("data_movement")) if result.has("data_movement") else None,
        bounds=_bounds(result.within("bounds")) if result.has("bounds") else None,
        buffers=_buffers(result.within("buffers")) if result.has("buffers") else None,
        options=options.value,
        document=result.value,
        reload=reload,
    )


def _schedule(result: JsonObject) -> ScheduleKind:
    """What ran at once; a run by the paper's schedule does not say so."""
    kinds: dict[str, ScheduleKind] = {"layer": "layer", "branch": "branch", "row": "row"}
    found = result.text("schedule") if result.has("schedule") else "layer"
    if found not in kinds:
        result.fail("schedule", found, ", ".join(kinds))
    return kinds[found]


def _movement(place: JsonObject) -> DataMovement:
    """Times that moves and digital operators are shares of."""
    reads = place.positive("reads_ns")
    return DataMovement(reads, place.number("moves_ns"), place.number("digital_ns"))


def _bounds(place: JsonObject) -> RowBounds:
    return RowBounds(place.positive("critical_path_ns"), place.number("busiest_ns"))


def _buffers(place: JsonObject) -> RowBuffers:
    return RowBuffers(place.counts("rows"), place.counts("bytes"))


def read_any_result(run_dir: Path) -> PackingResult | None:
    """What result.json says; None for a run of another program, which has none."""
    return read_result(run_dir) if (run_dir / RESULT).exists() else None


def read_run(run_dir: Path, name: str) -> PackingRun:
    """All files of a run, which must agree. `name` is what it is to be called."""
    result = read_result(run_dir)
    mappings = read_mappings(run_dir)
    placed, segments = read_segments(run_dir)
    if (segments is None) != (result.reload is None):
        raise BadInput(f"{run_dir}: pack.csv and result.json do not agree on whether there are segments")
    placements = placed if segments is None else all_slots(placed, segments)
    wrong = next(violations(mappings, placements, result.size, NO_RULES), None)
    if wrong is not None:
        raise BadInput(f"{run_dir}: the layout is invalid: {wrong}")
    _require_agreement(run_dir / RESULT, result, mappings, placements)
    used = 1 + max(p.crossbar_idx for p in placed)
    if len(result.contention.load) != used:
        said = f"contention, load: found {len(result.contention.load)}"
        raise BadInput(f"{run_dir / RESULT}: {said}, the layout has {used}")
    cells = len({p.crossbar_idx for p in placements}) * result.size.cells
    share = result.weight_utilization
    accuracy, sweeps = read_judged(run_dir, mappings, result.config)
    return PackingRun(
        name=name,
        result=result,
        weight_utilization=cells_with_weights(mappings) / cells if share is None else share,
        mappings=mappings,
        placements=placed,
        trace=read_sim_log(run_dir, mappings, result.traced, result.reload),
        accuracy=accuracy,
        sweeps=sweeps,
        segments=segments or (),
        graph=read_drawn_graph(run_dir, result.schedule, mappings),
        whole_layers=read_graph(run_dir, result.schedule, mappings) == chain(len(mappings)),
        made=read_pairs(run_dir / "logs.log", "run"),
    )


def _require_agreement(
    path: Path, result: PackingResult, mappings: Sequence[Mapping], placements: Sequence[Placement]
) -> None:
    """Raise BadInput where result.json speaks of another layout."""
    fault = next(disagreements(result, mappings, placements), None)
    if fault is not None:
        raise BadInput(f"{path}: it is of another layout: {fault}")
    said_and_found = {
        "duplication, copies": (result.copies.per_layer, tuple(m.copies for m in mappings)),
        "contention, layers": (len(result.contention.layers), len(mappings)),
        "buffers, rows": (len(result.buffers.rows) if result.buffers else len(mappings), len(mappings)),
        "buffers, bytes": (len(result.buffers.bytes) if result.buffers else len(mappings), len(mappings)),
    }
    for key, (said, found) in said_and_found.items():
        if said != found:
            raise BadInput(f"{path}: {key}: found {said!r:.60}, the layout has {found!r:.60}")


def _config(result: JsonObject, crossbar: JsonObject) -> SimConfig | None:
    """The hardware, whose crossbars are those of the layout."""
    found = read_simconfig(result)
    for key in ("rows", "columns") if found else ():
        size = getattr(found and found.hardware, key)
        if crossbar.count(key) != size:
            crossbar.fail(key, crossbar.count(key), f"that of Xbar_Size, {size}")
    return found


def _seconds(place: JsonObject) -> float:
    """What compiling took, without that of kernels, which happens once on a machine."""
    total, kernels = place.number("total"), place.maybe(place.number, "compiling") or 0.0
    if kernels > total:
        place.fail("compiling", kernels, f"a number from 0 to the total, {total}")
    return total - kernels


def _inputs(result: JsonObject) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((each.text("name"), each.counts("size")) for each in result.objects("inputs"))


def _budget(result: JsonObject, options: JsonObject) -> int | None:
    wanted = None if options.flag("find_solution") else options.count("num_crossbars")
    budget = result.maybe(result.count, "crossbars_budget")
    if budget != wanted:
        result.fail("crossbars_budget", budget, f"that of the options, {wanted or 'null'}")
    return budget


def _rules(options: JsonObject) -> Rules:
    numbers = options.count("layer_threshold", 0), options.count("xbar_max_load")
    return rules_of(options.flag("no_pack_heuristic"), *numbers)


def _copies(place: JsonObject) -> Copies:
    margin = place.maybe(place.number, "margin")
    speeds = _speeds(place) if place.has("latency_ns") else None
    return Copies(place.label("method"), margin, place.counts("copies"), speeds)


def _speeds(place: JsonObject) -> Speeds:
    keys = ("latency_ns", "margin_tuner_ns", "plain_ns")
    baseline = place.positive("baseline_ns")
    ours, paper, plain = (baseline / place.positive(key) for key in keys)
    return Speeds(place.count("samples"), ours, paper, plain)


def _evaluations(result: JsonObject) -> tuple[LatencyComparison, ...]:
    """Latencies of some numbers of samples, each number once."""
    found = tuple(_evaluation(entry) for entry in result.objects("evaluations"))
    counts = [e.num_sample for e in found]
    if not 1 <= len(set(counts)) == len(counts) <= 100:
        result.fail("evaluations", counts, "1 to 100 entries, each for another num_sample")
    return found


def _evaluation(place: JsonObject) -> LatencyComparison:
    names = ("latency_ns", "ideal_latency_ns", "baseline_latency_ns")
    return LatencyComparison(place.count("num_sample"), *(place.positive(name) for name in names))


def _contention(place: JsonObject) -> Contention:
    rows, load = place.objects("layers"), place.entries("load")
    if [row.count("layer", 0) for row in rows] != list(range(len(rows))):
        place.fail("layers", [row.value["layer"] for row in rows], "an entry for each layer, in order")
    if not all(type(x) in (int, float) and 0 <= x <= 1 for x in load):
        place.fail("load", load, "a list of numbers from 0 to 1")
    return Contention(tuple(_layer(row, len(rows)) for row in rows), tuple(map(float, load)))


def _layer(place: JsonObject, layers: int) -> LayerContention:
    names = ("busy_ns", "waiting_ns", "idle_ns", "waited_ns")
    busy, waiting, idle, waited = (place.number(name) for name in names)
    culprits = place.entries("waits_for")
    for pair in culprits:
        if not _is_wait(pair, layers):
            place.fail("waits_for", pair, f"[layer, ns], layers from 0 to {layers - 1}, ns from 0")
    waits_for = tuple((int(i), float(ns)) for i, ns in culprits)
    return LayerContention(place.count("layer", 0), busy, waiting, idle, waited, waits_for)


def _is_wait(pair: object, layers: int) -> bool:
    """Whether it is [layer, ns]."""
    if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and pair[0] in range(layers)):
        return False
    return type(pair[1]) in (int, float) and 0 <= pair[1] <= HUGE


def _costs(place: JsonObject) -> Costs:
    return Costs(
        area_um2=place.number("area_um2"),
        area_share=place.shares("area_share"),
        energy_nj=place.number("energy_nj"),
        energy_share=place.shares("energy_share"),
        average_power_w=place.number("average_power_w"),
        physical_crossbars=place.count("physical_crossbars"),
    )


def _coverage(place: JsonObject) -> Coverage:
    status = place.text("status")
    if status not in ("mapped", "digital", "unsupported"):
        place.fail("status", status, "'mapped', 'digital' or 'unsupported'")
    counts = place.count("parameters", 0, 2**53), place.count("macs", 0, 2**53)
    least = place.flag("at_least") if place.has("at_least") else False
    return Coverage(place.text("name"), place.text("kind"), status, *counts, least)  # type: ignore[arg-type]
