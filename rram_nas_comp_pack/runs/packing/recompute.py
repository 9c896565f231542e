"""Whether the figures in result.json are those of the layout, computed once more from the files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from math import isclose
from pathlib import Path
from typing import Any

from ...box_converter.partition import partition
from ...hardware.chip_costs import reader, totals
from ...hardware.config.read import Hardware
from ...packing.bounds import counting_bound
from ...packing.place import items_of
from ...simulation.contention import contention, roofline_ns
from ...simulation.event_loop import Program, program, simulate
from ...values import Mapping, Packing, Placement
from ..checked_json import read_json
from .read import RESULT
from .read_layout import partition_file
from .run import PackingResult

MOST_SAMPLES = 512
"""Figures of more samples are not computed again, which would take long."""

Layout = tuple[Sequence[Mapping], Sequence[Placement]]


def false_bounds(result: PackingResult, layout: Layout) -> Iterator[str]:
    """What result.json says about the fewest crossbars and cannot be true, whatever the hardware."""
    items = items_of(layout[0], result.size)
    cells = int((items.widths * items.heights).sum())
    least = max(counting_bound(items, result.rules), -(-cells // result.size.cells))
    used = len({p.crossbar_idx for p in layout[1]})
    if result.lower_bound > used:
        yield f"lower_bound {result.lower_bound}, found {used} crossbars in use"
    if result.lower_bound < least:
        yield f"lower_bound {result.lower_bound}, found at least {least}"


def false_latencies(result: PackingResult, layout: Layout, hardware: Hardware) -> Iterator[str]:
    """Latencies, packed and ideal, that are others on this hardware."""
    mappings, placements = layout
    read = reader(hardware)
    runs = {
        "latency_ns": program(mappings, read, placements),
        "ideal_latency_ns": program(mappings, read),
    }
    yield from _false_evaluations(result, runs)


def false_figures(run_dir: Path, result: PackingResult, layout: Layout, hardware: Hardware) -> Iterator[str]:
    """All figures of a run that holds its hardware, and are others on it.

    The partition of such a run tells a depthwise layer by its `mapping`.
    """
    mappings, placements = layout
    read, entries = reader(hardware), read_json(partition_file(run_dir))
    layers = tuple(
        replace(m.layer, depthwise="mapping" in entry) for m, entry in zip(mappings, entries, strict=True)
    )
    packed = program(mappings, read, placements)
    baseline = program(partition(layers, hardware.size), read)
    runs = {"baseline_latency_ns": baseline}
    yield from false_latencies(result, layout, hardware)
    yield from _false_evaluations(result, runs)
    said = read_json(run_dir / RESULT)
    used = len({p.crossbar_idx for p in placements})
    chip = totals(hardware, mappings, used, simulate(packed, 1).latency_ns)
    yield from _differences("hardware", said["hardware"], asdict(chip))
    counts = {"gap": used - result.lower_bound, "proved_optimal": used == result.lower_bound}
    for key, value in counts.items():
        yield from _differences(key, said.get(key, value), value)
    yield from _false_duplication(
        result, said["duplication"], {"latency_ns": packed, "baseline_ns": baseline}
    )
    said, shares = said["contention"], {"roofline_ns": roofline_ns(mappings, read, result.budget or used)}
    if result.samples <= MOST_SAMPLES and used == 1 + max(p.crossbar_idx for p in placements):
        packing = Packing(tuple(placements), hardware.size, used, 0, "", "")
        schedule = simulate(packed, result.samples)
        waits = asdict(contention(mappings, packing, schedule))
        shares |= {"load": waits["load"]}
        rounding_ns = 1e-9 * schedule.latency_ns  # times are differences of others
        yield from _differences("contention, layers", said["layers"], waits["layers"], rounding_ns)
    yield from _differences("contention", said, shares)


def _false_evaluations(result: PackingResult, runs: dict[str, Program]) -> Iterator[str]:
    for e in result.evaluations:
        if e.num_sample <= MOST_SAMPLES:
            found = {name: simulate(each, e.num_sample).latency_ns for name, each in runs.items()}
            many = f"{e.num_sample} sample{'s' * (e.num_sample > 1)}"
            yield from _differences(f"evaluations, {many}", asdict(e), found)


def _false_duplication(
    result: PackingResult, said: dict[str, Any], runs: dict[str, Program]
) -> Iterator[str]:
    samples = said.get("samples")
    if result.copies.speeds is not None and result.copies.speeds.samples <= MOST_SAMPLES:
        found = {name: simulate(each, int(samples or 1)).latency_ns for name, each in runs.items()}
        yield from _differences("duplication", said, found)


def _differences(key: str, said: Any, found: Any, noise: float = 0.0) -> Iterator[str]:
    """Each number in `found` that is another in `said`: its place, and both. What is not said is no fault."""
    if isinstance(found, dict) and isinstance(said, dict):
        for name in [name for name in found if name in said]:
            yield from _differences(f"{key}, {name}", said[name], found[name], noise)
    elif isinstance(found, list | tuple) and isinstance(said, list) and len(found) == len(said):
        for i, (one, other) in enumerate(zip(said, found, strict=True)):
            yield from _differences(f"{key}, entry {i}", one, other, noise)
    elif not _same(said, found, noise):
        yield f"{key} {said!r:.60}, found {found!r:.60}"


def _same(said: Any, found: Any, noise: float) -> bool:
    if type(said) in (int, float) and type(found) in (int, float):
        return isclose(said, found, rel_tol=1e-9, abs_tol=noise)
    return type(said) is type(found) and bool(said == found)
