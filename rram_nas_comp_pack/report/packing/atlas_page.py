"""The atlas on the page: all crossbars on a canvas, coloured by what the reader chooses."""

from __future__ import annotations

import json
from html import escape
from typing import NamedTuple

from ...runs.packing.run import PackingRun
from ..page import asset, data_url, json_data
from .atlas import atlas_title, slot_of_boxes, slots_of
from .atlas_colours import Scheme, schemes_of


class Beside(NamedTuple):
    """What stands beside the atlas, as markup: words above both, a panel, and a script behind its own."""

    words: str
    panel: str
    script: str


ALONE = Beside("", "", "")


def atlas_html(run: PackingRun, still: bytes, beside: Beside = ALONE) -> str:
    """The atlas as a canvas that shows what is scrolled to; `still` is a PNG for paper."""
    schemes = schemes_of(run)
    layers = "".join(f'<option value="{i}">{escape(label)}</option>' for i, label in enumerate(run.labels))
    colours = "".join(f'<option value="{name}">{name}</option>' for name in schemes)
    label = atlas_title(run)
    return (
        _CONTROLS.replace("LAYERS", layers).replace("COLOURS", colours)
        + _VIEW.replace("LABEL", escape(label))
        .replace("SLOTS", _SLOTS if run.result.reload else "")
        .replace("WORDS", beside.words)
        .replace("GRAPH", beside.panel)
        + "".join(_legend(name, scheme) for name, scheme in schemes.items())
        + f'<img class="still" alt="{escape(label)}" src="{data_url(still)}">\n'
        + f'<div id="atlas-data">{json_data(json.dumps(_data(run, schemes), separators=(",", ":")))}</div>\n'
        + f"<script>\n{asset('packing/atlas.js')}</script>\n"
        + beside.script
    )


_CONTROLS = """<form class="controls screen" id="atlas-controls">
<label>Layer <select id="atlas-layer"><option value="">all</option>LAYERS</select></label>
<label>Name or label contains <input type="search" id="atlas-text" autocomplete="off"></label>
<label><input type="checkbox" id="atlas-gather"> only crossbars that hold them</label>
<label>Colour by <select id="atlas-colours">COLOURS</select></label>
<label>Size <input type="range" id="atlas-size" min="48" max="400" value="104"></label>
</form>
"""

_VIEW = """<p class="hint screen" id="atlas-hint">Point at a box to light up all boxes and copies of its
layer, or move from box to box with the arrow keys; Enter shows the layer alone, Escape shows all. The strip
on the right shows all crossbars: click on it to go there.SLOTS</p>
WORDS<p class="told screen" id="atlas-told" role="status" aria-live="polite">&nbsp;</p>
<div class="beside">
GRAPH<div class="atlas-pair screen"><div class="atlas" id="atlas-view" tabindex="0" role="application"
aria-label="LABEL" aria-describedby="atlas-hint">
<div id="atlas-room"><canvas id="atlas-canvas" aria-hidden="true"></canvas></div></div>
<canvas class="overview" id="atlas-overview" aria-hidden="true"></canvas></div>
</div>
"""


_SLOTS = """ Each segment begins a row; above a crossbar stand
its segment and its number."""


def _legend(name: str, scheme: Scheme) -> str:
    """Which colours stand for what; the script shows that of the chosen scheme."""
    return f'<p class="hint screen legend" data-scheme="{name}">{scheme.legend}</p>\n'


def _data(run: PackingRun, schemes: dict[str, Scheme]) -> dict[str, object]:
    """What the script draws: boxes as [layer, crossbar, x, y, w, h, replica, box]."""
    layers = [
        {
            "label": m.layer.label,
            "name": m.layer.name,
            "copies": m.copies,
            "boxes": len(m.boxes),
            "cycles": [box.cycles for box in m.boxes],
        }
        for m in run.mappings
    ]
    slots = slots_of(run)
    number = {slot: n for n, slot in enumerate(slots)}
    placed = [(number[slot], p) for slot, p in zip(slot_of_boxes(run), run.placements, strict=True)]
    boxes = [
        [
            *(p.layer_idx, slot, p.loc_x, p.loc_y),
            *(p.max_x - p.loc_x, p.max_y - p.loc_y, p.replica, p.box),
        ]
        for slot, p in sorted(placed, key=lambda each: (each[0], each[1].loc_y, each[1].loc_x))
    ]
    return {
        "rows": run.result.size.rows,
        "columns": run.result.size.columns,
        "crossbars": len(slots),
        "load": [round(run.result.contention.load[crossbar], 4) for _, crossbar in slots],
        "layers": layers,
        "schemes": {name: {"per": each.per, "colours": each.colours} for name, each in schemes.items()},
        "boxes": boxes,
        **({} if run.result.reload is None else {"slots": slots}),
    }
