"""A packing run as tables."""

from __future__ import annotations

from collections.abc import Iterator

from ...runs.packing.coverage import shares
from ...runs.packing.run import PackingRun
from ...simulation.contention import LayerContention
from ...values import Coverage, LatencyComparison, Mapping
from ..page import Cell, CellValue, table
from .charts import duration


def layer_table(run: PackingRun) -> str:
    """Every layer: its copies, how they are cut and lie, and how it spends the latency."""
    header: tuple[str, ...] = (
        *(
            "layer",
            "module",
            "weights (h\u00a0×\u00a0w)",
            "reads a sample",
            "copies",
            "boxes each",
            "mapping",
            "cells",
        ),
        *("busy", "waiting", "idle", "waits for"),
    )
    if run.result.buffers is not None:
        header = (*header[:8], "rows kept", "bytes kept", *header[8:])
    caption = f"Layers in order of execution; times are those of {run.result.samples} samples"
    pairs = zip(run.mappings, run.result.contention.layers, strict=True)
    return table(header, (_layer(run, m, times) for m, times in pairs), caption, sortable=True)


def _layer(run: PackingRun, m: Mapping, times: LayerContention) -> list[CellValue]:
    layer = m.layer
    waits_for = ", ".join(f"{run.mappings[i].layer.label} {duration(ns)}" for i, ns in times.waits_for)
    spent = (times.busy_ns, times.waiting_ns, times.idle_ns)
    return [
        Cell(layer.label, layer.index),
        layer.name,
        Cell(f"{layer.raw.h} × {layer.raw.w}", layer.weights),
        layer.raw.cycles,
        m.copies,
        len(m.boxes),
        _lies(run, m),
        m.copies * sum(box.h * box.w for box in m.boxes) if m.stored else 0,
        *_kept(run, layer.index),
        *(Cell(duration(ns), ns) for ns in spent),
        waits_for,
    ]


def _kept(run: PackingRun, layer: int) -> list[CellValue]:
    """Rows and bytes of the buffer behind a layer, where the schedule has buffers."""
    buffers = run.result.buffers
    return [] if buffers is None else [buffers.rows[layer], buffers.bytes[layer]]


def _lies(run: PackingRun, m: Mapping) -> str:
    if not m.stored:
        return f"in {run.mappings[m.layer.stored_in].layer.label}"
    if not m.layer.depthwise:
        return "dense"
    return "depthwise, diagonal" if m.diagonal else "depthwise, dense"


def evaluation_table(run: PackingRun) -> str:
    """Latencies of every number of samples."""
    header = ("samples", "packed", "ideal", "baseline", "ideal / packed", "baseline / packed")
    return table(
        header, map(_evaluation, run.result.evaluations), "Latency by number of samples", sortable=True
    )


def _evaluation(e: LatencyComparison) -> list[CellValue]:
    times = (e.latency_ns, e.ideal_latency_ns, e.baseline_latency_ns)
    waiting, speed = e.ideal_latency_ns / e.latency_ns, e.baseline_latency_ns / e.latency_ns
    cells = [Cell(duration(ns), ns) for ns in times]
    return [e.num_sample, *cells, Cell(f"{waiting:.3f}", waiting), Cell(f"{speed:.2f}", speed)]


def coverage_tables(run: PackingRun) -> str:
    """What became of the network: totals by kind, then every part."""
    header = ("parameters", "share of parameters", "MACs", "share of MACs")
    totals = table(("kind", "status", "parts", *header), _kinds(run), "Totals by kind", sortable=True)
    parts = "Parts of the network with parameters or MACs"
    return totals + table(("module", "kind", "status", *header), _parts(run), parts, sortable=True)


def _kinds(run: PackingRun) -> Iterator[list[CellValue]]:
    """A row a kind and status, those with most MACs first."""
    by_kind: dict[tuple[str, str], list[Coverage]] = {}
    for row in run.result.coverage:
        by_kind.setdefault((row.kind, row.status), []).append(row)
    totals = [
        Coverage("", kind, rows[0].status, sum(r.parameters for r in rows), sum(r.macs for r in rows), least)
        for (kind, _), rows in by_kind.items()
        for least in [any(r.at_least for r in rows)]
    ]
    totals.sort(key=lambda row: (-row.macs, -row.parameters))
    for row, *both in shares(totals):
        yield [row.kind, row.status, len(by_kind[row.kind, row.status]), *_amounts(row, *both)]


def _parts(run: PackingRun) -> Iterator[list[CellValue]]:
    for row, *both in shares(run.result.coverage):
        yield [row.name, row.kind, row.status, *_amounts(row, *both)]


def _amounts(row: Coverage, parameters: float, macs: float) -> list[CellValue]:
    """Parameters and MACs with their shares."""
    shown = Cell(f"at least {row.macs:,}", row.macs) if row.at_least else row.macs
    return [row.parameters, Cell(f"{parameters:.3%}", parameters), shown, Cell(f"{macs:.3%}", macs)]


def cost_table(run: PackingRun) -> str:
    """Area and energy of every component."""
    header = ("component", "area (mm²)", "share of area", "energy (µJ)", "share of energy")
    names = sorted(run.result.costs.area_share.keys() | run.result.costs.energy_share.keys())
    caption = "Area of the chip and energy of an inference by component"
    return table(header, (_cost(run, name) for name in names), caption, sortable=True)


def _cost(run: PackingRun, name: str) -> list[CellValue]:
    area, energy = run.result.costs.area_share.get(name, 0.0), run.result.costs.energy_share.get(name, 0.0)
    return [
        name.replace("_", " "),
        run.result.costs.area_um2 / 1e6 * area,
        Cell(f"{area:.3%}", area),
        run.result.costs.energy_nj / 1e3 * energy,
        Cell(f"{energy:.3%}", energy),
    ]
