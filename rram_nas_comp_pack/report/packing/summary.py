"""The summary of a run: its verdict, six key figures, all others, and how it was made."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from html import escape

from ...hardware.config.read import SimConfig
from ...runs.nas.run import local
from ...runs.packing.coverage import mapped_shares
from ...runs.packing.log import STOPPED, buffer_words, movement_words
from ...runs.packing.run import PackingRun
from ...runs.plain_text import counted
from ...values import LatencyComparison
from ..page import KeyFigure, key_figures, table
from .charts import duration
from .segments import segment_figures
from .verdict import largest_part, verdict_html


def summary_html(run: PackingRun) -> str:
    """The section."""
    more = table(("figure", "value"), _more_figures(run), "All other figures")
    return verdict_html(run) + key_figures(_key_figures(run)) + _folded("More figures", more) + _made(run)


def _key_figures(run: PackingRun) -> Iterator[KeyFigure]:
    """What a reader wants to know first, and what it means."""
    result, costs = run.result, run.result.costs
    size = f"{result.size.rows} × {result.size.columns} cells"
    used = f"in use, of {size} each; {result.utilization:.1%} of the cells lie under boxes"
    yield KeyFigure("Crossbars", str(result.crossbars), used)
    evaluations = {e.num_sample: e for e in result.evaluations}
    if 1 in evaluations:
        yield KeyFigure("Latency of a sample", duration(evaluations[1].latency_ns), _speed(evaluations[1]))
    if evaluations:
        most = evaluations[max(evaluations)]
        rate = f"{most.num_sample / most.latency_ns * 1e9:,.0f} samples/s"
        yield KeyFigure(
            "Throughput", rate, f"of {counted(most.num_sample, 'sample')} in a row; {_speed(most)}"
        )
    when = "full batches run, one after another" if result.reload else "one runs"
    power = f"{costs.average_power_w:.3f} W on average while {when}"
    yield KeyFigure("Energy of an inference", f"{costs.energy_nj / 1e6:.4f} mJ", power)
    part, share = largest_part(costs)
    arrays = f"of {costs.physical_crossbars:,} arrays of cells and all around them; {share:.0%} are {part}"
    yield KeyFigure("Area", f"{costs.area_um2 / 1e6:,.1f} mm²", arrays)
    parameters, macs = mapped_shares(result.coverage)
    digital = any(row.status != "mapped" for row in result.coverage)
    rest = "; the rest is computed beside them" if digital else ""
    yield KeyFigure(
        "Mapped", f"{macs} of the MACs", f"and {parameters} of the parameters run on crossbars{rest}"
    )


def _speed(e: LatencyComparison) -> str:
    speed = e.baseline_latency_ns / e.latency_ns
    return f"{speed:.2f} × the speed of the baseline, which gives every box a crossbar of its own"


def _more_figures(run: PackingRun) -> Iterator[tuple[str, str]]:
    result = run.result
    gap = result.crossbars - result.lower_bound
    yield "Budget", "none: the fewest were sought" if result.budget is None else f"{result.budget} crossbars"
    if result.reload is None:
        proved = "proved optimal" if gap == 0 else f"gap {gap}"
        yield "Lower bound", f"{result.lower_bound} crossbars ({proved})"
    else:
        yield from segment_figures(run)
    ended = "" if result.reload else f": {STOPPED.get(result.stopped, result.stopped)}"
    yield "Packer", f"{result.packer}{ended}"
    yield "Weights", f"{run.weight_utilization:.1%} of the cells hold weights"
    if result.schedule != "layer":
        whole = "; whole layers are not slower, and are what runs" if run.whole_layers else ""
        yield "Schedule", f"by {result.schedule}{whole}; the baseline runs layer after layer"
    if result.buffers is not None:
        yield "Buffers", buffer_words(result.buffers, run.labels)
    if result.movement is not None:
        yield "Data movement", movement_words(result.movement).partition(": ")[2]
    for e in result.evaluations:
        if e.num_sample == result.samples:
            speed = f"{e.baseline_latency_ns / e.latency_ns:.2f} × the baseline's speed"
            yield f"Latency of {counted(e.num_sample, 'sample')}", f"{duration(e.latency_ns)}, {speed}"
    yield "Roofline", f"{duration(result.roofline_ns)} a sample"
    yield from _bound(run)
    speeds = result.copies.speeds
    if speeds is not None:
        count = counted(speeds.samples, "sample")
        yield f"Copies by {result.copies.method}", f"{speeds.with_copies:.2f} × for {count}"
        paper = f"{speeds.margin_tuner:.2f} × (without copies {speeds.plain:.2f} ×)"
        yield "Our version of the paper's tuner", paper


def _bound(run: PackingRun) -> Iterator[tuple[str, str]]:
    """How far one sample is from what no schedule of the layout beats."""
    bounds = run.result.bounds
    for e in run.result.evaluations:
        if bounds is not None and e.num_sample == 1:
            name = "critical path" if bounds.largest_ns == bounds.critical_path_ns else "busiest crossbar"
            name += " of whole layers" if run.whole_layers else ""
            ratio = e.latency_ns / bounds.largest_ns
            yield (
                "Bound, 1 sample",
                f"{duration(bounds.largest_ns)} ({name}): packed takes {ratio:.2f} × that",
            )


def _made(run: PackingRun) -> str:
    """How the run was made: the command, when, by which version, with which options and hardware."""
    version, when = escape(str(run.result.document.get("version", ""))), escape(run.made.get("date", ""))
    date = f" on <time>{when}</time>" if when else ""
    made = f"Made by rram_nas_comp_pack {version}{date}{_command(run.made.get('command', ''))}"
    options = table(("option", "value"), _options(run), "Options; files without their folders")
    return f'<p class="hint">{made}</p>\n{_folded("Options", options)}{_hardware(run.result.config)}'


def _options(run: PackingRun) -> Iterator[tuple[str, str]]:
    for name, value in run.result.options.items():
        if name not in PLACES:
            several = value if isinstance(value, list) else [value]
            yield f"--{name.replace('_', '-')}", ", ".join(local(str(each)) for each in several)


def _hardware(config: SimConfig | None) -> str:
    if config is None:
        return ""
    values = ((key, name, value) for name, keys in config.sections.items() for key, value in keys.items())
    caption = f"Values of SimConfig.ini; their hash is {config.digest[:12]}"
    return _folded("Hardware", table(("key", "section", "value"), values, caption))


PLACES = {"log_dir", "exp_id", "verbose", "no_report"}
"""Options that say where a run went, which is nobody's business."""


def _command(command: str) -> str:
    """The command without the folders of its files, as markup."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    shown = " ".join(shlex.quote(local(word)) for word in words)
    return f": <code>{escape(shown)}</code>" if words else ""


def _folded(title: str, html: str) -> str:
    return f"<details>\n<summary>{title}</summary>\n{html}</details>\n"
