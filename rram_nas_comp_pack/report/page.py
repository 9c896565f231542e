"""The page of a report: one HTML file that needs nothing else, neither network nor other files."""

from __future__ import annotations

import gzip
from base64 import b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from importlib.resources import files
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from plotly.graph_objects import Figure


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the page with a heading of its own; `html` is markup, `title` plain text."""

    anchor: str
    title: str
    html: str


class Cell(NamedTuple):
    """A table's cell on the right that sorts by another value than its text; `strong` is bold."""

    text: str
    value: float | None
    strong: bool = False


CellValue = str | int | float | Cell


def page(title: str, subtitle: str, sections: Sequence[Section], plots: bool = True) -> str:
    """The whole document. With `plots` it carries the library that `plot` needs, 2 MB of it."""
    links = "".join(f'<li><a href="#{escape(s.anchor)}">{escape(s.title)}</a></li>' for s in sections)
    library = f'<script id="plotly" type="text/plain">{_library()}</script>' if plots else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="generator" content="rram_nas_comp_pack">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        f"<title>{escape(title)}</title>\n<style>\n{asset('page.css')}</style>\n"
        "<noscript><style>.still { display: block; } .live { display: none; }</style></noscript>\n"
        "</head>\n<body>\n"
        '<a class="skip" href="#main">Skip to the report</a>\n'
        f'<header><h1>{escape(title)}</h1><p>{escape(subtitle)}</p></header>\n'
        f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n'
        f'<main id="main" tabindex="-1">\n{"".join(map(_section, sections))}</main>\n'
        f"{library}\n<script>\n{asset('page.js')}</script>\n</body>\n</html>\n"
    )  # fmt: skip


_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def asset(name: str) -> str:
    """A style sheet or script that lies beside this module."""
    return files(__package__).joinpath(name).read_text("utf-8")


@lru_cache(maxsize=1)
def _library() -> str:
    """plotly.js, gzipped, in base64: the page inflates it."""
    from plotly.offline import get_plotlyjs

    return b64encode(gzip.compress(get_plotlyjs().encode(), 6, mtime=0)).decode("ascii")


def _section(section: Section) -> str:
    anchor = escape(section.anchor)
    heading = f'<h2 id="{anchor}-title">{escape(section.title)}</h2>'
    return (
        f'<section id="{anchor}" aria-labelledby="{anchor}-title">\n{heading}\n{section.html}\n</section>\n'
    )


def plot(figure: Figure, label: str, still: bytes = b"") -> str:
    """A chart that is drawn when the page opens; `label` says in words what it shows.

    `still`, a PNG of the same, stands in for it on paper and where no script runs.
    """
    image = f'<img class="still" alt="{escape(label)}" src="{data_url(still)}">' if still else ""
    height = int(figure.layout.height or 460)
    return (
        f'<figure class="plot"><div class="live" role="img" aria-label="{escape(label)}" '
        f'style="min-height:{height}px"></div>{image}<figcaption>{escape(label)}</figcaption>'
        f"{json_data(figure.to_json())}</figure>\n"
    )


def data_url(png: bytes) -> str:
    """An image within the page."""
    return f"data:image/png;base64,{b64encode(png).decode('ascii')}"


def json_data(document: str) -> str:
    """JSON as an element that scripts read; no text in it can end the element."""
    text = document.replace("&", r"\u0026").replace("<", r"\u003c").replace(">", r"\u003e")
    return f'<script type="application/json">{text}</script>'


def table(
    header: Sequence[str],
    rows: Iterable[Sequence[CellValue]],
    caption: str,
    sortable: bool = False,
    attributes: Sequence[str] = (),
) -> str:
    """A table; the first cell of a row is its heading, numbers stand to the right.

    `attributes`, where there are any, are those of the rows, each with a space before it.
    """
    rows = [list(row) for row in rows]
    words = [i == 0 or any(isinstance(row[i], str) for row in rows) for i in range(len(header))]
    heads = "".join(_head(name, sortable, not text) for name, text in zip(header, words, strict=True))
    body = "".join(
        f"<tr{more}>{''.join(_cell(v, i == 0) for i, v in enumerate(row))}</tr>\n"
        for row, more in zip_longest(rows, attributes, fillvalue="")
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption><span>{escape(caption)}</span></caption>\n"
        f"<thead><tr>{heads}</tr></thead>\n<tbody>\n{body}</tbody></table></div>\n"
    )


def _head(name: str, sortable: bool, number: bool) -> str:
    text = f'<button type="button">{escape(name)}</button>' if sortable else escape(name)
    return f'<th scope="col"{_NUMBER if number else ""}>{text}</th>'


_NUMBER = ' class="number"'


def _cell(value: CellValue, heading: bool) -> str:
    tag, scope = ("th", ' scope="row"') if heading else ("td", "")
    if isinstance(value, str):
        return f"<{tag}{scope}>{escape(value)}</{tag}>"
    cell = value if isinstance(value, Cell) else Cell(_number(value), value)
    text = f"<strong>{escape(cell.text)}</strong>" if cell.strong else escape(cell.text)
    number = "" if cell.value is None else f' data-value="{cell.value!r}"'
    return f"<{tag}{scope}{'' if heading else _NUMBER}{number}>{text}</{tag}>"


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


class KeyFigure(NamedTuple):
    """A figure that stands out: what it is, its value with the unit, and what it means in a line."""

    name: str
    value: str
    meaning: str


def key_figures(figures: Iterable[KeyFigure]) -> str:
    """The figures that a reader sees first."""
    items = (
        f'<div><dt>{name}</dt><dd>{value}</dd><dd class="hint">{meaning}</dd></div>'
        for name, value, meaning in (map(escape, figure) for figure in figures)
    )
    return f'<dl class="terms keys">{"".join(items)}</dl>\n'


def terms(pairs: Iterable[tuple[str, str]]) -> str:
    """Key figures: terms and what they come to."""
    items = "".join(f"<div><dt>{escape(term)}</dt><dd>{escape(text)}</dd></div>" for term, text in pairs)
    return f'<dl class="terms">{items}</dl>\n'
