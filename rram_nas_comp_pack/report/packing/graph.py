"""The graph of a run's layers, whose nodes choose layers in the atlas, and what bounds the run's speed."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ...runs.packing.log import kilobytes
from ...runs.packing.run import PackingRun
from ...values import LatencyComparison, RowGraph, RowRead
from ..page import Cell, CellValue, asset, table
from .atlas import shades
from .atlas_page import ALONE, Beside
from .charts import duration
from .graph_layout import Edge, GraphLayout, laid_out

NODE_HEIGHT, GAP, MARGIN, TRACK, BETWEEN = 22, 20, 8, 9, 14
"""Of nodes, between depths, around all, of a track in the gutter, and between lanes."""

LETTER = 7.3
"""Width of a letter of a label, at most."""


def graph_beside(run: PackingRun) -> Beside:
    """The drawing for a place beside the atlas; nothing for a run whose schedule knows no graph."""
    if run.graph is None:
        return ALONE
    words = f"Graph of {len(run.graph)} layers; a layer that is chosen is shown alone in the atlas"
    panel = (
        f'<div class="graph" id="graph" role="group" aria-label="{escape(words)}">\n'
        f"{_drawing(run, run.graph)}</div>\n"
    )
    return Beside(_WORDS, panel, f"<script>\n{asset('packing/graph.js')}</script>\n")


_WORDS = """<p class="hint screen">Layers by depth. Along a full line rows follow one another; at a dashed one
the next layer waits for all of the one before. Click a layer, or go there with the arrow keys and press
Enter, to light up its boxes; point at a box to find its layer.</p>
<p class="told screen" id="graph-told" role="status" aria-live="polite">&nbsp;</p>
"""


class _Places:
    """From depths, lanes and tracks to places in the drawing."""

    def __init__(self, layout: GraphLayout, labels: tuple[str, ...]) -> None:
        self.node = round(LETTER * max(map(len, labels)) + 14)
        self._left = MARGIN + TRACK * layout.tracks
        self.width = self._left + layout.width * (self.node + BETWEEN) - BETWEEN + MARGIN
        self.height = 2 * MARGIN + layout.height * (NODE_HEIGHT + GAP) - GAP

    def x(self, lane: int) -> float:
        """The middle of a lane."""
        return self._left + lane * (self.node + BETWEEN) + self.node / 2

    def y(self, depth: int) -> float:
        """The upper edge of a node."""
        return MARGIN + depth * (NODE_HEIGHT + GAP)

    def gutter(self, track: int) -> float:
        """A track: the first is nearest to the nodes."""
        return self._left - TRACK * (track + 0.7)


def _drawing(run: PackingRun, graph: RowGraph) -> str:
    layout = laid_out(graph)
    at = _Places(layout, run.labels)
    lines = "".join(_line(edge, layout, at) for edge in layout.edges)
    nodes = "".join(_nodes(run, graph, layout, at))
    return (
        f'<svg width="{at.width:g}" height="{at.height:g}" viewBox="0 0 {at.width:g} {at.height:g}">\n'
        f'<g class="edges">{lines}</g>\n{nodes}</svg>\n'
    )


def _line(edge: Edge, layout: GraphLayout, at: _Places) -> str:
    """Down from one node to the other, by way of a lane or of the gutter."""
    x0, x1 = (at.x(layout.lanes[layer]) for layer in (edge.source, edge.target))
    y0 = at.y(layout.depths[edge.source]) + NODE_HEIGHT
    y1 = at.y(layout.depths[edge.target])
    if edge.lane is None and edge.track is None:
        path = _bend(x0, y0, x1, y1)
    else:
        by = at.x(edge.lane) if edge.lane is not None else at.gutter(edge.track or 0)
        path = f"{_bend(x0, y0, by, y0 + GAP)} V{y1 - GAP:g} {_bend(by, y1 - GAP, x1, y1, move=False)}"
    whole = ' class="whole"' if edge.is_whole else ""
    return f'<path{whole} data-from="{edge.source}" data-to="{edge.target}" d="{path}"/>'


def _bend(x0: float, y0: float, x1: float, y1: float, move: bool = True) -> str:
    """From one place down to another."""
    begin = f"M{x0:g} {y0:g} " if move else ""
    if x0 == x1:
        return f"{begin}V{y1:g}"
    middle = (y0 + y1) / 2
    return f"{begin}C{x0:g} {middle:g} {x1:g} {middle:g} {x1:g} {y1:g}"


def _nodes(run: PackingRun, graph: RowGraph, layout: GraphLayout, at: _Places) -> Iterator[str]:
    """Layers from above, so that the order of elements is that of the eye."""
    colours = shades(len(run.mappings))
    said = _described(run, graph)
    for layer in sorted(range(len(graph)), key=lambda k: (layout.depths[k], layout.lanes[k])):
        x, y = at.x(layout.lanes[layer]) - at.node / 2, at.y(layout.depths[layer])
        label = escape(run.mappings[layer].layer.label)
        ink = "#000" if _is_bright(colours[layer]) else "#fff"
        yield (
            f'<g role="button" tabindex="-1" aria-pressed="false" data-layer="{layer}" '
            f'aria-label="{escape(said[layer])}"><title>{escape(said[layer])}</title>'
            f'<rect x="{x:g}" y="{y:g}" width="{at.node}" height="{NODE_HEIGHT}" rx="4" '
            f'fill="{colours[layer]}"/>'
            f'<text x="{x + at.node / 2:g}" y="{y + 15.5:g}" fill="{ink}">{label}</text>'
            "</g>\n"
        )


def _is_bright(colour: str) -> bool:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return 0.299 * red + 0.587 * green + 0.114 * blue > 120


def _described(run: PackingRun, graph: RowGraph) -> list[str]:
    """What is known of every layer, in words."""
    readers: list[list[str]] = [[] for _ in graph]
    for layer, each in enumerate(graph):
        for read in each.reads:
            readers[read.layer].append(run.mappings[layer].layer.label)
    return [_description(run, graph, layer, readers[layer]) for layer in range(len(graph))]


def _description(run: PackingRun, graph: RowGraph, layer: int, readers: list[str]) -> str:
    m, each = run.mappings[layer], graph[layer]
    copies = f"{m.copies} cop{'ies' if m.copies > 1 else 'y'}"
    rows = f"{each.rows} row{'s' * (each.rows > 1)}"
    reads = "; ".join(_read_words(run, graph, read) for read in each.reads) or "the input of the network"
    read_by = ", ".join(readers) or "nobody"
    parts = f"{m.layer.label} ({m.layer.name}): {rows}, {copies}; reads {reads}; read by {read_by}"
    if run.result.buffers is None:
        return parts
    kept, size = run.result.buffers.rows[layer], run.result.buffers.bytes[layer]
    return f"{parts}; {kept} row{'s' * (kept > 1)} kept behind it ({kilobytes(size)})"


def _read_words(run: PackingRun, graph: RowGraph, read: RowRead) -> str:
    label, rows = run.mappings[read.layer].layer.label, graph[read.layer].rows
    if read.last[0] == rows - 1:
        return f"all of {label}"
    return f"{label} row by row (its first row needs {max(read.last[0] + 1, 0)} of {rows})"


def bound_table(run: PackingRun) -> str:
    """What one sample takes, and each of many, beside what no schedule can beat."""
    bounds = run.result.bounds
    if bounds is None:
        return ""
    found = {e.num_sample: e for e in run.result.evaluations}
    chosen = [found[n] for n in sorted({1, max(found)} & found.keys())]
    rows = [row for e in chosen for row in _bounds(run, e)]
    header = ("samples", "bound", "time a sample", "packed / bound")
    caption = "Bounds on the time, and how far the packed layout is from them"
    return table(header, rows, caption)


def _bounds(run: PackingRun, e: LatencyComparison) -> Iterator[list[CellValue]]:
    bounds, n = run.result.bounds, e.num_sample
    if bounds is None:
        return
    packed = e.latency_ns / n
    yield [str(n), "packed", Cell(duration(packed), packed), Cell("", None)]
    rows = [
        ("ideal (no waiting)", e.ideal_latency_ns / n),
        ("busiest crossbar", bounds.busiest_ns),
        ("roofline", run.result.roofline_ns),
    ]
    if n == 1:
        rows.insert(1, ("critical path", bounds.critical_path_ns))
    for name, ns in rows:
        ratio = Cell(f"{packed / ns:.2f} ×", packed / ns) if ns > 0 else Cell("", None)
        yield [str(n), name, Cell(duration(ns), ns), ratio]
