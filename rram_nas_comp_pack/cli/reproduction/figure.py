"""The figure of `reproduce`: crossbars, speeds and fronts."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from .claims import PAPER_ACCURACIES, PAPER_SPEEDS, Claim, Run

Found = Sequence[tuple[Run, Claim, tuple[float, ...]]]
THEIRS, MARGIN, JOINT = "#9aa5b1", "#4c78a8", "#e4572e"


def draw(found: Found) -> dict[str, bytes]:
    """What was found as a picture, in files by suffix."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "rnc", "font.size": 8}):
        figure = Figure(figsize=(12, 8), layout="constrained")
        grid = figure.add_gridspec(2, 6)
        _crossbars(figure.add_subplot(grid[0, :2]), found)
        _speeds(figure.add_subplot(grid[0, 2:]), found)
        _fronts(figure.add_subplot(grid[1, :3]), found, "digits")
        _fronts(figure.add_subplot(grid[1, 3:]), found, "cifar10")
        return {kind: _saved(figure, kind) for kind in ("png", "svg")}


def _saved(figure: Any, kind: str) -> bytes:
    file = io.BytesIO()
    figure.savefig(file, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return file.getvalue()


def _crossbars(axes: Any, found: Found) -> None:
    """Crossbars over the lower bound: the published program and ours."""
    bounds = {run.name: values[0] for run, claim, values in found if claim.figure == "lower_bound"}
    rows = [(run.name, claim, values[0]) for run, claim, values in found if claim.figure == "crossbars"]
    for at, (name, claim, ours) in enumerate(rows):
        bound = bounds[name]
        axes.bar(at + 0.2, ours / bound - 1, 0.35, color=JOINT, label="ours")
        if claim.program is None:
            continue
        low, high = (crossbars / bound - 1 for crossbars in claim.program[:2])
        axes.bar(at - 0.2, high, 0.35, color=THEIRS, label="published program, worst of 100 orders")
        axes.plot([at - 0.37, at - 0.03], [low] * 2, color="black", label="published program, best order")
    axes.set(xticks=range(len(rows)), xticklabels=[name for name, *_ in rows])
    axes.set_title("Crossbars above the lower bound")
    axes.margins(y=0.4)  # room for the legend
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    _legend(axes)


def _speeds(axes: Any, found: Found) -> None:
    """Speeds with copies, by case: the published program, our version of its tuner, and the joint tuner."""
    cases: dict[str, dict[str, float]] = {}
    for run, claim, values in found:
        if claim.figure == "speed":
            case = cases.setdefault(run.name, {"program": claim.program.low if claim.program else 0.0})
            case["joint" if "joint" in claim.name else "margin"] = values[0]
    bars = (
        ("program", "published program", THEIRS),
        ("margin", "our version of the paper's tuner", MARGIN),
        ("joint", "joint tuner", JOINT),
    )
    for shift, (key, label, colour) in enumerate(bars):
        heights = [case.get(key, 0.0) for case in cases.values()]
        axes.bar(
            [at + (shift - 1) * 0.27 for at in range(len(cases))], heights, 0.25, color=colour, label=label
        )
    names = [name.replace(" crossbars", "").replace(", ", "\n") for name in cases]
    axes.set(xticks=range(len(cases)), xticklabels=names, yscale="log", ylabel="x the baseline's speed")
    axes.axhline(1, color="black", linewidth=0.5)
    axes.set_title("Speed with copies")
    _legend(axes)


def _fronts(axes: Any, found: Found, group: str) -> None:
    """Fronts of the searches on one set of images; for that of the paper, its range as a box."""
    own = [(run.name, claim.figure, values) for run, claim, values in found if run.group == group]
    speeds = {name: values for name, figure, values in own if figure == "speeds"}
    for name, figure, values in own:
        if figure == "accuracies":
            axes.plot(speeds[name], values, "o-", markersize=3, linewidth=0.7, label=name)
    if group == "cifar10":
        sides, ends = PAPER_SPEEDS[:2], PAPER_ACCURACIES[:2]
        axes.fill_between(
            sides, *ends, color=THEIRS, alpha=0.5, label="the paper's fronts (arXiv 2409.18841)"
        )
        axes.margins(0.3)
    where = "CIFAR-10" if group == "cifar10" else group
    axes.set(xlabel="x the baseline's speed", ylabel=f"accuracy on test images of {where}")
    axes.set_title(f"Fronts on {where}{'' if own else ', not searched here'}")
    _legend(axes)


def _legend(axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if unique:
        axes.legend(unique.values(), unique.keys(), fontsize=7)
