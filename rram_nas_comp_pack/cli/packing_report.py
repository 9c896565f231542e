"""Reads the files of a packing run for its report. What does not hold what it must raises BadInput."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..contention import Contention, LayerContention
from ..errors import BadInput
from ..packing.check import violations
from ..report.packing_run import Copies, Costs, PackingRun, Ran
from ..values import NO_RULES, Coverage, Evaluation, Mapping
from .files import SIM_LOG_HEADER, Place, read_json, read_mappings, read_placements, read_text
from .wording import STOPPED

if TYPE_CHECKING:
    from ..report.files import ReportFiles


def read(run_dir: Path, name: str) -> ReportFiles:
    """The report of a run's files."""
    run = read_run(run_dir, name)
    from ..report.packing import packing_report  # loads what draws, which takes longer than reading

    return packing_report(run)


def read_run(run_dir: Path, name: str) -> PackingRun:
    """All that the report needs, consistent within itself."""
    path = run_dir / "result.json"
    result = Place(path, "result", read_json(path))
    mappings, placements = read_mappings(run_dir), read_placements(run_dir)
    size = result.within("crossbar").count("rows"), result.within("crossbar").count("columns")
    wrong = next(violations(mappings, placements, size, NO_RULES), None)
    if wrong is not None:
        raise BadInput(f"{run_dir}: the layout is invalid: {wrong}")
    used = 1 + max(p.crossbar_idx for p in placements)
    contention = result.within("contention")
    return PackingRun(
        name=name,
        model=result.text("model"),
        rows=size[0],
        columns=size[1],
        crossbars=used,
        budget=None if result.value.get("crossbars_budget") is None else result.count("crossbars_budget"),
        lower_bound=result.count("lower_bound", 0),
        ended=f"{result.text('packer')}: {STOPPED.get(result.text('stopped'), result.text('stopped'))}",
        utilization=result.number("utilization"),
        weight_utilization=result.number("weight_utilization"),
        copies=_copies(result.within("duplication")),
        evaluations=tuple(_evaluation(entry) for entry in result.items("evaluations")),
        samples=contention.count("num_sample"),
        roofline_ns=contention.number("roofline_ns"),
        contention=_contention(contention, len(mappings), used),
        costs=_costs(result.within("hardware")),
        coverage=tuple(_coverage(entry) for entry in result.items("coverage")),
        mappings=mappings,
        placements=placements,
        trace=_trace(run_dir / "sim.log", mappings),
    )


def _copies(place: Place) -> Copies | None:
    if not place.has("latency_ns"):
        return None
    keys = ("latency_ns", "margin_tuner_ns", "plain_ns")
    ours, paper, plain = (place.number("baseline_ns") / place.number(key, 1e-9) for key in keys)
    return Copies(place.text("method"), place.count("samples"), ours, paper, plain)


def _evaluation(place: Place) -> Evaluation:
    names = ("latency_ns", "ideal_latency_ns", "baseline_latency_ns")
    return Evaluation(place.count("num_sample"), *(place.number(name, 1e-9) for name in names))


def _contention(place: Place, layers: int, crossbars: int) -> Contention:
    rows, load = place.items("layers"), place.get("load", list, "a list of numbers")
    if [row.count("layer", 0) for row in rows] != list(range(layers)):
        place.fail("layers", f"{len(rows)} entries", f"one for each of {layers} layers, in order")
    if len(load) != crossbars or not all(isinstance(x, int | float) and 0 <= x <= 1 for x in load):
        place.fail("load", load, f"a number from 0 to 1 for each of {crossbars} crossbars")
    return Contention(tuple(_layer(row, layers) for row in rows), tuple(map(float, load)))


def _layer(place: Place, layers: int) -> LayerContention:
    names = ("busy_ns", "waiting_ns", "idle_ns", "waited_ns")
    busy, waiting, idle, waited = (place.number(name) for name in names)
    culprits = place.get("waits_for", list, "a list of [layer, ns]")
    for pair in culprits:
        if not _is_wait(pair, layers):
            place.fail("waits_for", pair, f"[layer, ns], layers from 0 to {layers - 1}")
    waits_for = tuple((int(i), float(ns)) for i, ns in culprits)
    return LayerContention(place.count("layer", 0), busy, waiting, idle, waited, waits_for)


def _is_wait(pair: object, layers: int) -> bool:
    """Whether it is [layer, ns]."""
    if not (isinstance(pair, list) and len(pair) == 2 and type(pair[0]) is int and pair[0] in range(layers)):
        return False
    return isinstance(pair[1], int | float) and math.isfinite(pair[1])


def _costs(place: Place) -> Costs:
    return Costs(
        area_um2=place.number("area_um2"),
        area_share=place.shares("area_share"),
        energy_nj=place.number("energy_nj"),
        energy_share=place.shares("energy_share"),
        average_power_w=place.number("average_power_w"),
        physical_crossbars=place.count("physical_crossbars"),
    )


def _coverage(place: Place) -> Coverage:
    status = place.text("status")
    if status not in ("mapped", "digital", "unsupported"):
        place.fail("status", status, "'mapped', 'digital' or 'unsupported'")
    counts = place.count("parameters", 0), int(place.number("macs"))
    least = place.value.get("at_least", False)
    if not isinstance(least, bool):
        place.fail("at_least", least, "true or false")
    return Coverage(place.text("name"), place.text("kind"), status, *counts, least)  # type: ignore[arg-type]


def _trace(path: Path, mappings: Sequence[Mapping]) -> tuple[Ran, ...]:
    """The rows of sim.log."""
    rows = list(csv.reader(read_text(path).splitlines()))
    if not rows or tuple(rows[0]) != SIM_LOG_HEADER:
        raise BadInput(f"{path}: line 1: allowed is the header {','.join(SIM_LOG_HEADER)}")
    numbers = {m.layer.label: m.layer.index for m in mappings}
    return tuple(_ran(path, line, row, numbers) for line, row in enumerate(rows[1:], start=2))


def _ran(path: Path, line: int, row: Sequence[str], numbers: dict[str, int]) -> Ran:
    try:
        sample, times = int(row[0]), [float(text) for text in row[2:5]]
        ran = Ran(sample, numbers[row[1]], *times)
        if sample >= 0 and len(row) == len(SIM_LOG_HEADER) and math.isfinite(sum(times)):
            return ran
    except (ValueError, KeyError, IndexError, TypeError):
        pass
    raise BadInput(f"{path}: line {line}: found {','.join(row)!r:.60}, allowed is sample, layer and times")
