"""The atlas: every crossbar with its boxes, each coloured by its layer's place in the network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil

from matplotlib import colormaps, rc_context, rcParams
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ...runs.packing.run import PackingRun
from ..figure_options import USUAL, FigureOptions, small
from ..matplotlib_charts import WIDTH
from .charts import across

DARKEST, LIGHTEST = 0.1, 0.95
"""Ends of viridis that are used: all of it would fade into a dark or light page."""


def shades(count: int) -> list[str]:
    """A colour per layer, from the first to the last, that brightens evenly."""
    steps = (i / max(count - 1, 1) for i in range(count))
    return [to_hex(colormaps["viridis"](DARKEST + (LIGHTEST - DARKEST) * step)) for step in steps]


Slot = tuple[int, int]
"""A crossbar of the chip in a segment: the segment, 0 where there is but one, and the crossbar."""


def slots_of(run: PackingRun) -> list[Slot]:
    """All that is drawn, in order: every crossbar, or those that each segment uses."""
    if run.result.reload is None:
        return [(0, crossbar) for crossbar in range(run.result.crossbars)]
    return sorted({(s, p.crossbar_idx) for p, s in zip(run.placements, run.segments, strict=True)})


def slot_of_boxes(run: PackingRun) -> list[Slot]:
    """Where each of the placements lies."""
    segments = run.segments or [0] * len(run.placements)
    return [(s, p.crossbar_idx) for p, s in zip(run.placements, segments, strict=True)]


def _positions(slots: Sequence[Slot], columns: int) -> dict[Slot, int]:
    """Where each lies in a grid of so many columns; a segment begins a row."""
    found: dict[Slot, int] = {}
    at, before = 0, slots[0][0]
    for slot in slots:
        if slot[0] != before:
            at, before = -(-at // columns) * columns, slot[0]
        found[slot] = at
        at += 1
    return found


def atlas_figure(run: PackingRun, options: FigureOptions = USUAL) -> Figure:
    """All crossbars in reading order, in a grid about as wide as high; rows say which is their first."""
    slots, width = slots_of(run), options.width or WIDTH
    columns = across(len(slots), run.result.size)
    positions = _positions(slots, columns)
    rows = 1 + max(positions.values()) // columns
    colours = shades(len(run.mappings))
    with rc_context(options.settings()):
        ratio = min(rows * run.result.size.rows / (columns * run.result.size.columns), TALLEST)
        figure = Figure(figsize=(width, 0.5 + 0.8 * width * ratio), layout="constrained")
        axes = figure.add_subplot()
        places = {slot: _place(run, position, columns) for slot, position in positions.items()}
        frames = [_rectangle(x, y, run.result.size.columns, run.result.size.rows) for x, y in places.values()]
        axes.add_collection(PolyCollection(frames, facecolor="#eef1f4", edgecolor="#8a8f98", lw=0.3))
        boxes = [
            _box(places[slot], p.loc_x, p.loc_y, p.max_x, p.max_y)
            for p, slot in zip(run.placements, slot_of_boxes(run), strict=True)
        ]
        faces = [colours[p.layer_idx] for p in run.placements]
        axes.add_collection(PolyCollection(boxes, facecolor=faces, edgecolor="white", lw=0.2))
        axes.set(
            xlim=(-8, columns * run.result.size.columns * GAP),
            ylim=(rows * run.result.size.rows * GAP, -8),
            aspect="equal",
        )
        axes.set_axis_off()
        if options.titles:
            axes.set_title(atlas_title(run))
        _name_rows(axes, _firsts(run, places), 0.75 * width / columns)
        kind = "first crossbar of the row" if run.result.reload is None else "segment"
        figure.supylabel(kind, fontsize=rcParams["font.size"])
        _scale(figure, axes, len(run.mappings))
    return figure


def atlas_title(run: PackingRun) -> str:
    """What the atlas shows, in words."""
    title = f"{len(run.placements)} boxes on {run.result.crossbars} crossbars"
    return title if run.result.reload is None else f"{title}, in {len(run.result.reload.segments)} segments"


def _firsts(run: PackingRun, places: Mapping[Slot, tuple[float, float]]) -> dict[str, float]:
    """The middles of the rows that have a name, by this: each first one of a segment, or every row."""
    half = run.result.size.rows / 2
    if run.result.reload is None:
        return {str(crossbar): y + half for (_, crossbar), (x, y) in places.items() if x == 0}
    firsts = {segment: y for (segment, _), (_, y) in reversed([*places.items()])}
    return {"kept" if segment < 0 else str(segment): y + half for segment, y in firsts.items()}


def _name_rows(axes: Axes, names: Mapping[str, float], inches: float) -> None:
    """Names of rows, each so high, as far apart as their letters need."""
    size = small(rcParams["font.size"])
    step = ceil(1.2 * size / (72 * inches))
    for name, middle in [*names.items()][::step]:
        axes.text(-16, middle, name, ha="right", va="center", fontsize=size, clip_on=False)


TALLEST = 8.0
"""Most height over width of the figure, for crossbars of far more rows than columns."""

GAP = 1.12
"""A crossbar with the space beside it, over its size."""


def _place(run: PackingRun, crossbar: int, columns: int) -> tuple[float, float]:
    row, column = divmod(crossbar, columns)
    return column * run.result.size.columns * GAP, row * run.result.size.rows * GAP


def _box(place: tuple[float, float], x0: int, y0: int, x1: int, y1: int) -> list[tuple[float, float]]:
    return _rectangle(place[0] + x0, place[1] + y0, x1 - x0, y1 - y0)


def _rectangle(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    return [(x, y), (x + width, y), (x + width, y + height), (x, y + height)]


def _scale(figure: Figure, axes: Axes, layers: int) -> None:
    scale = ScalarMappable(Normalize(-0.5, layers - 0.5), ListedColormap(shades(layers)))
    whole = MaxNLocator(6, integer=True)
    figure.colorbar(scale, ax=axes, label="layer (number)", shrink=0.6, aspect=30, ticks=whole)
