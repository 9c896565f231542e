"""The atlas of a layout as one SVG, for notebooks: point at a box to read what it is."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import ceil

from ...values import Layout, Placement
from .atlas import GAP, shades

ACROSS = 16
"""The most crossbars in a row."""
WIDTH = 960
"""Pixels of a full row."""


def atlas_svg(layout: Layout) -> str:
    """All crossbars in reading order, their boxes coloured by layer, as markup."""
    size, count = layout.packing.size, layout.packing.crossbars
    across = min(count, ACROSS)
    wide, high = across * size.columns * GAP, ceil(count / across) * size.rows * GAP
    body = "".join(_shapes(layout, across))
    width = round(WIDTH * across / ACROSS)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {wide:.0f} {high:.0f}" '
        f'style="width: {width}px; max-width: 100%" role="img">'
        f"<title>{len(layout.packing.placements)} boxes on {count} crossbars</title>{body}</svg>\n"
    )


def _shapes(layout: Layout, across: int) -> Iterator[str]:
    size, colours = layout.packing.size, shades(len(layout.mappings))
    corners = [
        (column * size.columns * GAP, row * size.rows * GAP)
        for row, column in (divmod(crossbar, across) for crossbar in range(layout.packing.crossbars))
    ]
    frame = f'width="{size.columns}" height="{size.rows}" fill="#eef1f4" stroke="#8a8f98"'
    yield from (f'<rect x="{x:.1f}" y="{y:.1f}" {frame}/>' for x, y in corners)
    for p in layout.packing.placements:
        x, y = corners[p.crossbar_idx]
        place = f'x="{x + p.loc_x:.1f}" y="{y + p.loc_y:.1f}"'
        extent = f'width="{p.max_x - p.loc_x}" height="{p.max_y - p.loc_y}"'
        told = f"<title>{escape(_told(layout, p))}</title>"
        yield f'<rect {place} {extent} fill="{colours[p.layer_idx]}" stroke="white">{told}</rect>'


def _told(layout: Layout, p: Placement) -> str:
    mapping = layout.mappings[p.layer_idx]
    place = f"{p.max_y - p.loc_y} x {p.max_x - p.loc_x} cells of crossbar {p.crossbar_idx}"
    copy = f"copy {p.replica + 1} of {mapping.copies}, box {p.box + 1} of {len(mapping.boxes)}"
    return f"{mapping.layer.label} ({mapping.layer.name}): {place}; {copy}"
