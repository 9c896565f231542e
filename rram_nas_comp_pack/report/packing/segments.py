"""A run in segments: what each takes, how a pass is split into writing and running, and the cells' life."""

from __future__ import annotations

from collections.abc import Iterator

from ...runs.packing.log import counted
from ...runs.packing.log_reload import lifetime
from ...runs.packing.reload import ReloadFigures, SegmentFigures
from ...runs.packing.run import PackingRun
from ..chart_values import Axis, Bars, Portion
from ..page import Cell, CellValue, table
from ..palette import BLUE, ORANGE
from .charts import duration


def figures_of(run: PackingRun) -> ReloadFigures:
    """The figures of a run that is known to have segments."""
    if run.result.reload is None:
        raise ValueError("a run of one segment")
    return run.result.reload


def segment_chart(run: PackingRun) -> Bars:
    """Running and writing of every segment, as shares of a pass."""
    reload = figures_of(run)
    total = reload.write_ns + reload.compute_ns
    labels = tuple(f"segment {number}" for number in range(len(reload.segments)))
    portions = (
        Portion("running", tuple(s.latency_ns / total for s in reload.segments), BLUE),
        Portion("writing", tuple(s.write_ns / total for s in reload.segments), ORANGE),
    )
    return Bars(
        "What segments take",
        labels,
        Axis("share of the time of a pass", percent=True),
        portions,
        kind="segment",
    )


def segment_words(run: PackingRun) -> str:
    """What the chart shows, in words."""
    reload = figures_of(run)
    longest = max(range(len(reload.segments)), key=lambda n: reload.segments[n].latency_ns)
    write, ran = duration(reload.write_ns), duration(reload.compute_ns)
    most = duration(reload.segments[longest].latency_ns)
    return (
        f"Time of each segment in a pass of {counted(reload.batch, 'sample')}: {ran} of running and "
        f"{write} of writing in all. Longest: segment {longest}, {most}."
    )


def segment_table(run: PackingRun) -> str:
    """A row a segment."""
    header = (
        "segment",
        "layers",
        "boxes",
        "crossbars",
        "rows written",
        "writing",
        "running",
        "energy of writing",
    )
    rows = (_row(run, number, s) for number, s in enumerate(figures_of(run).segments))
    return table(header, rows, "Segments in the order in which they are written and run", sortable=True)


def _row(run: PackingRun, number: int, segment: SegmentFigures) -> list[CellValue]:
    own = [p for p, s in zip(run.placements, run.segments, strict=True) if s == number]
    first, last = (run.labels[segment.layers[at]] for at in (0, -1))
    layers = first if len(segment.layers) == 1 else f"{first} to {last}"
    return [
        Cell(str(number), number),
        Cell(layers, segment.layers[0]),
        len(own),
        len({p.crossbar_idx for p in own}),
        segment.rows,
        Cell(duration(segment.write_ns), segment.write_ns),
        Cell(duration(segment.latency_ns), segment.latency_ns),
        Cell(f"{segment.write_nj / 1e3:.4g} µJ", segment.write_nj),
    ]


def segment_figures(run: PackingRun) -> Iterator[tuple[str, str]]:
    """Key figures of a run in segments, with their names."""
    reload = figures_of(run)
    total, energy = reload.write_ns + reload.compute_ns, reload.write_nj + reload.compute_nj
    yield (
        "Segments",
        f"{len(reload.segments)}, written anew in each pass of {counted(reload.batch, 'sample')}",
    )
    if reload.residents:
        crossbars = {p.crossbar_idx for p, s in zip(run.placements, run.segments, strict=True) if s < 0}
        yield "Layers that stay", f"{len(reload.residents)} on {len(crossbars)} crossbars"
    yield "Time of a pass", f"{duration(total)}, of which writing {reload.write_ns / total:.1%}"
    yield "Filling segment after segment", f"{duration(reload.naive_ns)} a pass"
    yield "Energy of writing", f"{reload.write_nj / energy:.1%} of that of a pass"
    at = f"{reload.rate:g} inferences a second"
    yield "Life of the cells", f"{lifetime(reload.years)} at {at}, {reload.endurance:g} writes a cell"
    if reload.years < 10 and reload.batch_for_ten_years is not None:
        yield "Batch for ten years", f"{reload.batch_for_ten_years:,} samples"
    yield "Fastest rate", f"{reload.rate_most:.4g} inferences a second"
