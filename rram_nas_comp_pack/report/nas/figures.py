"""Figures of searches for paper: PNG and SVG, the same bytes for the same searches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib import colormaps, rc_context
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from ...runs.nas.run import SearchRun
from ..matplotlib_charts import STYLE, WIDTH, png_and_svg
from ..svg import colour
from .charts import GROUPS, SHADES, STAGES, axis_names, genomes, speeds_of
from .front import envelope

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MARKERS = "os^Dv*p"
GREY = "#8A8F98"


def search_figures(runs: Sequence[SearchRun]) -> dict[str, bytes]:
    """Contents of files by name."""
    drawn = {"front": front_figure(runs)}
    if any(run.hypervolumes for run in runs):
        drawn["hypervolume"] = progress_figure(runs)
    for i, run in enumerate(runs):
        if len(run.evaluated.speed):
            drawn["genomes" if i == 0 else f"genomes_{i + 1}"] = genome_figure(run, speeds_of(runs))
    return {
        f"{name}.{suffix}": content
        for name, figure in drawn.items()
        for suffix, content in png_and_svg(figure).items()
    }


def front_figure(runs: Sequence[SearchRun]) -> Figure:
    """Accuracy over speed: all networks, and the fronts as tuned."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 5.0), layout="constrained")
        axes = figure.add_subplot()
        # Thousands of dots as pixels, also in the SVG file.
        for run in runs:
            own, name = run.evaluated, "evaluated" if run is runs[0] else "_"
            axes.plot(own.speed, own.accuracy, "o", color=GREY, alpha=0.35, markersize=5, markeredgewidth=0,
                      rasterized=True, label=name)  # fmt: skip
        for i, run in enumerate(runs):
            _front(axes, i, run, run.name if len(runs) > 1 else "front")
        axes.set_xlabel("speed over the baseline's")
        axes.set_ylabel("accuracy on validation images")
        axes.legend(loc="best")
    return figure


def _front(axes: Axes, place: int, run: SearchRun, name: str) -> None:
    limit = envelope(run.front.networks)
    speeds, accuracies = [n.best.speed for n in limit], [n.validation for n in limit]
    axes.plot(speeds, accuracies, drawstyle="steps-pre", color=colour(place), alpha=0.6)
    marker = MARKERS[place % len(MARKERS)]
    all_speeds, all_accuracies = (
        [n.best.speed for n in run.front.networks],
        [n.validation for n in run.front.networks],
    )
    axes.plot(all_speeds, all_accuracies, marker, color=colour(place), markersize=9, markeredgecolor="white",
              label=name)  # fmt: skip


def progress_figure(runs: Sequence[SearchRun]) -> Figure:
    """Hypervolume by generation and by networks evaluated."""
    with rc_context(STYLE):
        figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for i, run in enumerate(runs):
            every = max(1, len(run.counts) // 10)
            for axes, xs in ((left, range(len(run.counts))), (right, run.counts)):
                axes.plot(xs, run.hypervolumes, color=colour(i), marker=MARKERS[i % len(MARKERS)],
                          markevery=every, label=run.name)  # fmt: skip
        left.set_xlabel("generation")
        right.set_xlabel("networks evaluated")
        left.set_ylabel("hypervolume")
        left.set_ylim(bottom=0)
        if len(runs) > 1:
            right.legend(loc="lower right")
    return figure


def genome_figure(run: SearchRun, speeds: tuple[float, float]) -> Figure:
    """Depth, expansion and kernels of every stage, a line a network, coloured by its speed."""
    drawn, names = genomes(run, speeds), axis_names()
    at = np.array([k + 0.35 * (k // STAGES) for k in range(len(names))])
    # Dark is fast: yellow lines would vanish on paper.
    colours = colormaps["cividis_r"]
    with rc_context({**STYLE, "axes.grid": False}):
        figure = Figure(figsize=(WIDTH * 1.25, 4.6), layout="constrained")
        axes = figure.add_subplot()
        lines = np.stack([np.broadcast_to(at, drawn.places.shape), drawn.places], axis=2)
        shades = colours(np.array(drawn.shades) / (SHADES - 1))
        axes.add_collection(
            LineCollection(list(lines), colors=shades, linewidths=0.8, alpha=0.6, rasterized=True)
        )
        _rails(axes, at, drawn.ends)
        axes.set_xticks(at, [name.replace(" ", "\n") for name in names], fontsize=11)
        figure.colorbar(ScalarMappable(Normalize(*speeds), colours), ax=axes, label="speed", pad=0.01)
    return figure


def _rails(axes: Axes, at: np.ndarray, ends: Sequence[tuple[str, str]]) -> None:
    for x, (low, high) in zip(at, ends, strict=True):
        axes.axvline(x, 0.1, 0.86, color="#57606a", linewidth=1)
        axes.text(x, -0.03, low, ha="center", va="top", fontsize=10)
        axes.text(x, 1.02, high, ha="center", va="bottom", fontsize=10)
    for k, (name, *_) in enumerate(GROUPS):
        middle = at[STAGES * k : STAGES * (k + 1)].mean()
        axes.text(middle, 1.11, name, ha="center", va="bottom", fontsize=13)
    axes.set_xlim(at[0] - 0.5, at[-1] + 0.5)
    axes.set_ylim(-0.13, 1.19)
    axes.set_yticks([])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
