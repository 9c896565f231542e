"""The report of searches: one page, and the same figures for print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from matplotlib.figure import Figure

from ...runs.nas.run import SearchRun, local
from .. import svg
from ..chart_values import Front, Scatter
from ..compare.page import runs_table
from ..compare.run import search_run
from ..compare.table import rows
from ..figure_options import USUAL, FigureOptions
from ..matplotlib_charts import WIDTH, draw, files_of
from ..page import Section, asset, page, table, terms
from ..palette import Look, look
from ..report_files import ReportFiles
from .charts import (
    MOST_LINES,
    front_chart,
    front_legend,
    genome_chart,
    knee,
    progress_charts,
    speeds_of,
    tested_words,
)
from .evaluated import evaluated_data, evaluated_panel
from .hardware import budget_told, hardware_table
from .networks import front_table, network_panels
from .verdict import verdict

FILES = {"config", "checkpoint", "dataset"}
"""Options that name a file or folder: where it lies on the machine that searched is nobody's business."""


def search_report(
    runs: Sequence[SearchRun], folders: Sequence[str], options: FigureOptions = USUAL
) -> ReportFiles:
    """Page and figures of searches; `folders` lead from the page to the runs, "." where it lies in one.

    A page of one run does not name it: equal searches have equal pages.
    """
    figures = {
        f"{name}.{kind}": content
        for name, figure in _figures(runs, options)
        for kind, content in files_of(figure, options).items()
    }
    return ReportFiles(search_page(runs, folders), figures)


def _figures(runs: Sequence[SearchRun], options: FigureOptions) -> Iterator[tuple[str, Figure]]:
    """Figures by name."""
    yield "front", draw(front_chart(runs), options=options)
    if any(run.hypervolumes for run in runs):
        yield "hypervolume", draw(*progress_charts(runs), usual=1.2 * WIDTH, options=options)
    for i, run in enumerate(runs):
        if len(run.evaluated.speed):
            chart = genome_chart(run, speeds_of(runs))
            drawn = draw(chart, usual=1.25 * WIDTH, options=options)
            yield "genomes" if i == 0 else f"genomes_{i + 1}", drawn


def search_page(runs: Sequence[SearchRun], folders: Sequence[str]) -> str:
    """The page."""
    many = len(runs) > 1
    title = f"{len(runs)} searches of subnets" if many else "Search of subnets"
    budgets = " and ".join(dict.fromkeys(map(budget_told, sorted(runs, key=lambda run: run.front.budget))))
    datasets, methods = (
        {local(run.front.dataset) for run in runs},
        {run.options.get("method", "") for run in runs} - {""},
    )
    subtitle = ", ".join([*sorted(datasets), f"at most {budgets}", *sorted(methods)])
    return page(title, subtitle, list(_sections(runs, folders)), plots=False)


def _sections(runs: Sequence[SearchRun], folders: Sequence[str]) -> Iterator[Section]:
    names = svg.legend([(run.name, look(i)) for i, run in enumerate(runs)])
    style = f"<style>\n{asset('nas/nas.css')}</style>\n"
    chart = front_chart(runs)
    middle = _middle(runs, chart)
    yield Section("result", "Result", style + _result(runs, middle))
    looks = svg.legend([*_by_name(runs), *front_legend(runs)])
    yield Section(
        "front",
        "Front",
        f"{_note(FRONT_NOTE + tested_words(runs))}{looks}{_front(runs, folders, chart, middle)}"
        f"{front_table(runs)}",
    )
    if any(run.front.offered for run in runs):
        yield Section("hardware", "Hardware", hardware_table(runs))
    if any(run.hypervolumes for run in runs):
        yield Section("progress", "Progress", f"{_note(VOLUME_NOTE)}{names}{_progress(runs)}")
    if any(len(run.evaluated.speed) for run in runs):
        yield Section("genomes", "Networks that were evaluated", _genomes(runs))
    # Without scripts nothing can be chosen: everything is shown.
    plain = "<noscript><style>.panel[hidden]:not(#evaluated) { display: block; }</style></noscript>\n"
    script = f"<script>\n{asset('nas/nas.js')}</script>\n"
    yield Section("options", "Options", table(*_options(runs)) + plain + script)


def _by_name(runs: Sequence[SearchRun]) -> Iterator[tuple[str, Look]]:
    """What tells several runs apart, or several hardwares of one."""
    several = [run.name for run in runs] if len(runs) > 1 else [own.name for own in runs[0].front.offered]
    return ((name, look(i)) for i, name in enumerate(several))


FRONT_NOTE = (
    "Grey: every network that fits, as searched: by a quick layout, made in milliseconds, which is what the "
    "search goes by (pack --tune-effort 0 tries others beside it and may be faster). In colour: the front, "
    "as tuned in full, where the quick layout is kept unless a faster one is found; a dotted line leads from "
    "the speed searched (grey dot) to the speed tuned. The steps bound what the front beats. A click on a "
    "point, grey or coloured, shows its network."
)
VOLUME_NOTE = "The hypervolume is the area below the front, from accuracy 0 and speed 0 on."
GENOME_NOTE = (
    "A line a network. Expansion ratio and kernel size are means over the blocks of a stage that run; lines "
    "of equal choices are spread a little, the fastest on top."
)


KEY_FIGURES = (
    *("speed", "best_validation", "best_test", "best_chip", "best_chip_test"),
    *("hypervolume", "front", "generations", "evaluated"),
    *("median_speed", "median_accuracy", "energy_nj", "utilization"),
)


def _note(text: str) -> str:
    return f'<p class="hint">{text}</p>\n'


def _result(runs: Sequence[SearchRun], middle: str | None) -> str:
    compared = [search_run(run) for run in runs]
    if len(runs) == 1:
        found = rows(compared)
        shown = {row.field.key: (row.field.label, row.shown(0)) for row in found}
        known = (shown[key] for key in KEY_FIGURES if key in shown)
        told = f"<p>{escape(' '.join(verdict(runs[0], middle)))}</p>\n"
        return told + terms([*(figure for figure in known if figure[1] != "-"), *_others(runs[0])])
    return runs_table(compared)


def _others(run: SearchRun) -> Iterator[tuple[str, str]]:
    """How many networks have no figures."""
    yield "too large for the crossbars", f"{run.evaluated.too_large:,}"
    if run.evaluated.failed:
        yield "failed", f"{run.evaluated.failed:,}"


def _front(runs: Sequence[SearchRun], folders: Sequence[str], chart: Scatter, middle: str | None) -> str:
    """The drawing, and beside it the network that is chosen: at first the front's knee."""
    hint = '<p class="hint">Choose a point or a row to see its network.</p>'
    panels = hint + network_panels(runs, folders) + evaluated_panel(runs)
    first = f' data-first="{escape(middle)}"' if middle else ""
    return (
        f'<div class="front"><div>{_drawn(chart)}</div>'
        f'<div class="panels" aria-live="polite"{first}>{panels}</div></div>\n'
        f"{evaluated_data(runs, folders, chart)}"
    )


def _middle(runs: Sequence[SearchRun], chart: Scatter) -> str | None:
    """The id of the network at the knee of the first run's front."""
    own = chart.fronts if runs[0].front.offered else chart.fronts[:1]
    best = Front("", tuple(point for front in own for point in front.points), look(0)).limit()
    return knee(best) if best else None


def _drawn(chart: Scatter) -> str:
    words = (
        f"Accuracy over speed: {len(chart.cloud)} networks in grey, "
        f"{sum(len(front.points) for front in chart.fronts)} of the front in colour. "
        "Arrow keys go from point to point of the front, Enter shows the network."
    )
    return svg.draw(chart, words)


def _progress(runs: Sequence[SearchRun]) -> str:
    grown = (
        f"{run.name if len(runs) > 1 else 'it grows'} from {volumes[0]:.2f} to {volumes[-1]:.2f}"
        for run in runs
        if (volumes := run.hypervolumes)
    )
    words = "; ".join(grown)
    drawn = (svg.draw(c, f"Hypervolume by {c.x.title}: {words}.") for c in progress_charts(runs))
    return f'<div class="pair">{"".join(drawn)}</div>\n'


def _genomes(runs: Sequence[SearchRun]) -> str:
    speeds = speeds_of(runs)
    charts = (
        (f"<h3>{escape(run.name)}</h3>" if len(runs) > 1 else "") + _genome(run, speeds)
        for run in runs
        if len(run.evaluated.speed)
    )
    left_out = sum(max(0, len(run.evaluated.speed) - MOST_LINES) for run in runs)
    more = f" {left_out:,} networks between these are not drawn." if left_out else ""
    return _note(GENOME_NOTE + more) + "".join(charts)


def _genome(run: SearchRun, speeds: tuple[float, float]) -> str:
    chart = genome_chart(run, speeds)
    words = (
        "Depth, mean expansion ratio and mean kernel size of four stages, accuracy and speed of "
        f"{len(chart.shades)} networks, a line each, coloured by speed, {speeds[0]:.1f} to {speeds[1]:.1f}."
    )
    return svg.draw(chart, words)


def _options(runs: Sequence[SearchRun]) -> tuple[Sequence[str], list[tuple[str, ...]], str]:
    """Header, rows and caption."""
    named = sorted({name for run in runs for name in run.options})
    rows = [("version", *(run.front.version for run in runs))]
    rows += [(f"--{name.replace('_', '-')}", *(_option(run, name) for run in runs)) for name in named]
    values = [run.name for run in runs] if len(runs) > 1 else ["value"]
    return ("option", *values), rows, "What decided the result"


def _option(run: SearchRun, name: str) -> str:
    value = run.options.get(name, "None")
    if value in ("None", "True", "False"):
        return {"None": "-", "True": "on", "False": "off"}[value]
    return local(value) if name in FILES else value
