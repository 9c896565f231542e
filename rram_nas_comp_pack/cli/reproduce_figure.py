"""The figure of `reproduce`: crossbars, speeds and fronts."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .claims import Claim, Run

Found = Sequence[tuple[Run, Claim, tuple[float, ...]]]
PAPER, MARGIN, JOINT = "#9aa5b1", "#4c78a8", "#e4572e"


def draw(found: Found, *paths: Path) -> None:
    """Draw what was found into files; the suffix of each says how."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "rnc", "font.size": 8}):
        figure = Figure(figsize=(12, 4), layout="constrained")
        crossbars, speeds, fronts = figure.subplots(1, 3, width_ratios=(1, 1.8, 1.2))
        _crossbars(crossbars, found)
        _speeds(speeds, found)
        _fronts(fronts, found)
        for path in paths:
            figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)


def _crossbars(axes: Any, found: Found) -> None:
    """Crossbars over the lower bound: the paper's program and ours."""
    bounds = {run.name: values[0] for run, claim, values in found if claim.figure == "lower_bound"}
    rows = [(run.name, claim, values[0]) for run, claim, values in found if claim.figure == "crossbars"]
    for at, (name, claim, ours) in enumerate(rows):
        low, high, bound = claim.low or 0, claim.high or 0, bounds[name]
        axes.bar(at - 0.2, high / bound - 1, 0.35, color=PAPER, label="paper's program, worst order")
        axes.bar(at + 0.2, ours / bound - 1, 0.35, color=JOINT, label="ours")
        axes.plot([at - 0.37, at - 0.03], [low / bound - 1] * 2, color="black", label="its best of 100")
    axes.set(xticks=range(len(rows)), xticklabels=[name for name, *_ in rows])
    axes.set_title("Crossbars above the lower bound")
    axes.margins(y=0.4)  # room for the legend
    axes.yaxis.set_major_formatter(lambda share, _: f"{share:.0%}")
    _legend(axes)


def _speeds(axes: Any, found: Found) -> None:
    """Speeds with copies, by case: the paper's program, its method here, and the joint tuner."""
    cases: dict[str, dict[str, float]] = {}
    for run, claim, values in found:
        if claim.figure == "speed":
            case = cases.setdefault(run.name, {"paper": claim.low or 0.0})
            case["joint" if "joint" in claim.name else "margin"] = values[0]
    bars = (
        ("paper", "paper's program", PAPER),
        ("margin", "its method here", MARGIN),
        ("joint", "joint", JOINT),
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


def _fronts(axes: Any, found: Found) -> None:
    """Fronts of the searches, an axis of speed and one of accuracy, with the paper's range as a box."""
    speeds = {run.name: values for run, claim, values in found if claim.figure == "speeds"}
    for run, claim, values in found:
        if claim.figure == "accuracies":
            axes.plot(speeds[run.name], values, "o-", markersize=3, linewidth=0.7, label=run.name)
    axes.fill_between([5, 30], 0.90, 0.92, color=PAPER, alpha=0.5, label="paper, CIFAR-10")
    axes.set(xlabel="x the baseline's speed", ylabel="accuracy on test images")
    axes.set_title("Fronts")
    _legend(axes)


def _legend(axes: Any) -> None:
    handles, labels = axes.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    if unique:
        axes.legend(unique.values(), unique.keys(), fontsize=7)
