"""What a run in segments found, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ..plain_text import counted
from .coverage import mapped_share
from .log import milliseconds, tuned_for
from .reload import batch_for_ten_years

if TYPE_CHECKING:
    from ...hardware.writing import Wear
    from ...reload.result import ReloadResult

SHORT_YEARS = 1.0
"""Below it, the life of the cells is a warning."""


def reload_lines(report: ReloadResult) -> Iterator[str]:
    """The section of logs.log: every segment, then the pass and the life of the cells."""
    yield f"{'segment':>7} {'crossbars':>9} {'rows':>7} {'write, ns':>12} {'run, ns':>14}  layers"
    labels = [m.layer.label for m in report.mappings]
    for number, (each, costs) in enumerate(zip(report.loaded, report.costs.segments, strict=True)):
        crossbars = len({p.crossbar_idx for p in each.placements})
        names = []
        for unit in each.units:
            part = "" if unit.whole else f" ({unit.part + 1} of {unit.parts})"
            names.append(f"{labels[unit.layer.index]}{part}")
        times = f"{costs.write_ns:>12.1f} {costs.latency_ns:>14.1f}"
        yield f"{number:>7} {crossbars:>9} {costs.rows:>7} {times}  {', '.join(names)}"
    yield from pass_lines(report)
    residents = report.plan.residents
    if residents.mappings:
        stay = ", ".join(labels[index] for index in sorted(residents.mappings))
        yield f"staying on the last {counted(residents.crossbars, 'crossbar')}: {stay}"
    yield f"segments compared = {report.plan.compared}"


def pass_lines(report: ReloadResult) -> Iterator[str]:
    """Time and energy of a pass, split into writing and running, and the life of the cells."""
    costs = report.costs
    total, naive = costs.write_ns + costs.compute_ns, milliseconds(report.plan.full_ns)
    shares = costs.write_ns / total, costs.write_nj / (costs.write_nj + costs.compute_nj)
    millijoules = (costs.write_nj + costs.compute_nj) / costs.batch / 1e6
    yield (
        f"pass of {counted(costs.batch, 'sample')}: {milliseconds(total)}, of which writing {shares[0]:.2%}; "
        f"filling segment after segment takes {naive}"
    )
    yield f"energy: {millijoules:.4f} mJ per inference, of which writing {shares[1]:.2%}"
    yield from wear_lines(costs.wear, costs.rate_most, batch_for_ten_years(costs))


def wear_lines(wear: Wear, rate_most: float, batch: int | None) -> Iterator[str]:
    """How long the cells last."""
    yield (
        f"life: {lifetime(wear.years)} until the first cell has had {wear.endurance:g} writes, at "
        f"{wear.rate:g} inferences a second and {counted(wear.writes, 'write')} a pass"
    )
    if batch is not None and wear.years < 10:
        yield f"with --batch {batch} it would be ten years, if no segment were written more often"
    if rate_most < wear.rate:
        yield f"the chip reaches {rate_most:.4g} inferences a second at most, so that it lasts longer"


def lifetime(years: float) -> str:
    """Years, days or hours."""
    if years >= 1:
        return f"{years:.3g} years"
    days = years * 365.25
    return f"{days:.3g} days" if days >= 1 else f"{days * 24:.3g} hours"


def short_life(report: ReloadResult) -> str:
    """A warning where the cells last less than a year; "" where they do not."""
    wear, batch = report.costs.wear, batch_for_ten_years(report.costs)
    if wear.years >= SHORT_YEARS:
        return ""
    longer = "" if batch is None else f"; --batch {batch} would make it ten years"
    return f"the first cell is worn after {lifetime(wear.years)} at {wear.rate:g} inferences a second{longer}"


def reload_summary(report: ReloadResult) -> Iterator[str]:
    """What `pack` prints when a run in segments is done."""
    packing, chip = report.packing, report.chip
    layers, boxes = counted(len(report.mappings), "layer"), len(packing.placements)
    yield f"{report.network.name}: {layers} in {boxes} box{'es' * (boxes != 1)}"
    yield f"on crossbars: {mapped_share(report.network.coverage)}"
    size = f"({packing.size.rows} x {packing.size.columns} cells each)"
    segments = counted(len(report.loaded), "segment")
    stays = report.plan.residents
    kept = (
        f", but for {stays.crossbars} on which {counted(len(stays.mappings), 'layer')} stay"
        if stays[0]
        else ""
    )
    yield f"{counted(report.crossbars, 'crossbar')} {size}, written anew for each of {segments}{kept}"
    yield f"utilization: {report.layout.utilization:.1%} of their cells, on average"
    if report.duplication is not None:
        yield f"duplication: {tuned_for(report)}"
    for e in report.evaluations:
        if e.num_sample in (1, report.costs.batch, 512):
            speed = f"{e.baseline_latency_ns / e.latency_ns:.2f} x the baseline's speed"
            yield f"latency, {counted(e.num_sample, 'sample')}: {milliseconds(e.latency_ns)} ({speed})"
    yield from pass_lines(report)
    yield f"area: {chip.area_um2 / 1e6:.1f} mm2, {counted(chip.physical_crossbars, 'physical crossbar')}"
