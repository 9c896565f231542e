"""What the colours of the atlas stand for: the layer, its kind, its copies, or the load of its crossbar."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape
from math import log
from typing import Literal, NamedTuple

from matplotlib import colormaps
from matplotlib.colors import to_hex

from ...runs.packing.run import PackingRun
from ...values import Layer
from ..palette import PALETTE
from .atlas import shades, slots_of


class Scheme(NamedTuple):
    """A colour for each layer, or for each crossbar as in `slots_of`; `legend` is markup."""

    per: Literal["layer", "crossbar"]
    colours: list[str]
    legend: str


def schemes_of(run: PackingRun) -> dict[str, Scheme]:
    """All schemes by the name that the reader chooses, the usual one first."""
    makers: dict[str, Callable[[PackingRun], Scheme]] = {
        "layer": _by_layer,
        "load": _by_load,
        "kind": _by_kind,
        "copies": _by_copies,
    }
    return {name: make(run) for name, make in makers.items()}


def kind_of(layer: Layer) -> str:
    """The kind that a layer is drawn as: how a depthwise one lies on crossbars differs from all others."""
    return f"depthwise {layer.kind}" if layer.depthwise else layer.kind


def _by_layer(run: PackingRun) -> Scheme:
    return Scheme("layer", shades(len(run.mappings)), _gradient(run.labels[0], shades(9), run.labels[-1]))


def _by_load(run: PackingRun) -> Scheme:
    """In the colours of the chart of loads."""
    load = run.result.contention.load
    shade = colormaps["cividis"]
    colours = [to_hex(shade(load[crossbar])) for _, crossbar in slots_of(run)]
    ends = "the crossbar reads 0%", "100% of the time"
    return Scheme("crossbar", colours, _gradient(ends[0], [to_hex(shade(i / 8)) for i in range(9)], ends[1]))


def _by_kind(run: PackingRun) -> Scheme:
    kinds = list(dict.fromkeys(kind_of(m.layer) for m in run.mappings))
    colour = {kind: PALETTE[i % len(PALETTE)] for i, kind in enumerate(kinds)}
    swatches = (f"{_swatch(colour[kind])} {escape(kind)}" for kind in kinds)
    return Scheme("layer", [colour[kind_of(m.layer)] for m in run.mappings], " &emsp; ".join(swatches))


def _by_copies(run: PackingRun) -> Scheme:
    """Brighter by the factor, as a layer's time falls by the factor."""
    most = max(m.copies for m in run.mappings)
    scale = shades(101)
    colours = [scale[round(100 * log(m.copies) / log(most)) if most > 1 else 0] for m in run.mappings]
    several = _gradient("1 copy", shades(9), f"{most} copies, on a logarithmic scale")
    legend = several if most > 1 else "1 copy of every layer"
    return Scheme("layer", colours, legend)


def _gradient(first: str, colours: Sequence[str], last: str) -> str:
    bar = f'<span class="scale" style="background: linear-gradient(to right, {", ".join(colours)})"></span>'
    return f"{escape(first)} {bar} {escape(last)}"


def _swatch(colour: str) -> str:
    return f'<span class="swatch" style="background: {colour}"></span>'
