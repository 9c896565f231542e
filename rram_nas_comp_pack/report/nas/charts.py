"""Searches as charts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...kernels.arrays import Floats
from ...runs.nas.run import FrontNetwork, SearchRun
from ..chart_values import SHADES, TESTED, Axis, Front, Lines, Parallel, Point, Rail, Scatter, Series
from ..palette import ON_CHIP, SEARCHED, TEST, TUNED, Look, look

MOST_LINES = 1200
"""More lines than these cannot be told apart: of more networks, as many are drawn, evenly by speed."""


def front_chart(runs: Sequence[SearchRun]) -> Scatter:
    """Accuracy over speed: all networks, and the front of every run."""
    cloud = np.concatenate([np.stack([r.evaluated.speed, r.evaluated.judged], axis=1) for r in runs])
    fronts = (
        _by_hardware(runs[0])
        if len(runs) == 1 and runs[0].front.offered
        else tuple(
            Front(
                run.name if len(runs) > 1 else f"front, {tuned_words(run)}",
                _points(i, run, len(runs) > 1),
                look(i) if len(runs) > 1 else front_look(run),
            )
            for i, run in enumerate(runs)
        )
    )
    tested = len(runs) == 1 and not runs[0].front.offered
    whose = judges(runs)
    images = (f" on {whose[:-2]}" if whose else "") if tested else f" on {whose}validation images"
    y = Axis(f"accuracy{images} (share)", least=0.002)
    return Scatter("", SPEED, y, cloud, fronts, NAMED, _tested(runs[0]) if tested else ())


SPEED = Axis("speed (multiple of the baseline's)")
NAMED = ("evaluated, as searched", "front, as searched")


def front_legend(runs: Sequence[SearchRun]) -> list[tuple[str, Look]]:
    """What marks of the chart stand for, whatever run they are of."""
    chart, (searched, _) = front_chart(runs), NAMED
    several = len(runs) > 1 or runs[0].front.offered
    single = [] if several else [(front.name, front.look) for front in chart.fronts]
    return [(searched, SEARCHED), *single, *([(TESTED, TEST)] if chart.tested else [])]


def tested_words(runs: Sequence[SearchRun]) -> str:
    """What the marks of test images are, where there are any."""
    on = " and other chips" if runs[0].front.accuracy == "chip" else ""
    return f" A triangle is the accuracy on test images{on}." if front_chart(runs).tested else ""


def front_look(run: SearchRun) -> Look:
    """The look of the front of a single run: that of what its accuracies are."""
    return TUNED if run.front.accuracy != "chip" else ON_CHIP


def tuned_words(run: SearchRun) -> str:
    """What the front of a single run shows."""
    return "tuned, on chips" if run.front.accuracy == "chip" else "tuned"


def _tested(run: SearchRun) -> tuple[tuple[float, float, float], ...]:
    """Speed of each network of the front, its accuracy on validation images, and that on test images."""
    chips = run.front.accuracy == "chip"
    found = ((n.best.speed, n.judged, n.chip_test if chips else n.test) for n in run.front.networks)
    return tuple((speed, judged, test) for speed, judged, test in found if test is not None)


def _by_hardware(run: SearchRun) -> tuple[Front, ...]:
    """What the front has on each hardware."""
    found = _points(0, run, False)
    chosen = [network.hardware for network in run.front.networks]
    named = enumerate(each.name for each in run.front.offered)
    return tuple(
        Front(name, tuple(p for p, own in zip(found, chosen, strict=True) if own == name), look(i))
        for i, name in named
        if name in chosen
    )


def _points(place: int, run: SearchRun, named: bool) -> tuple[Point, ...]:
    name = f"{run.name}, " if named else ""
    return tuple(
        Point(
            n.best.speed,
            n.judged,
            n.searched.speed if n.tuned else None,
            network_id(place, n),
            f"{name}network {n.index}: {accuracies_told(n)}, speed {n.best.speed:.2f}"
            + (f", on {n.hardware}" if n.hardware else ""),
        )
        for n in run.front.networks
    )


def judges(runs: Sequence[SearchRun]) -> str:
    """Whose accuracies the charts show, in words before "validation images"."""
    on_chips = [run.front.accuracy == "chip" for run in runs]
    if all(on_chips):
        return "chips, "
    return "chips or of floats, " if any(on_chips) else ""


def accuracies_told(network: FrontNetwork) -> str:
    """Accuracies on validation images in words, that which counts first."""
    if network.chip is None:
        return f"accuracy {network.validation:.4f}"
    return f"accuracy on chips {network.chip:.4f}, in floats {network.validation:.4f}"


def knee(points: Sequence[Point]) -> str:
    """The key of the point of a front that lies farthest beyond the line between its ends.

    Distances are those of axes as long as the front; where none lies beyond, it is the most accurate point.
    """
    ordered = sorted(points, key=lambda p: (p.x, p.y))
    first, last = ordered[0], ordered[-1]
    width, height = (last.x - first.x) or 1.0, (first.y - last.y) or 1.0
    beyond = [(p.x - first.x) / width - (first.y - p.y) / height for p in ordered]
    best = max(range(len(ordered)), key=lambda k: (beyond[k] > 1e-9, beyond[k], ordered[k].y))
    return ordered[best].key


def network_id(run: int, network: FrontNetwork) -> str:
    """What names a network in the page."""
    return f"network-{run}-{network.index}"


def progress_charts(runs: Sequence[SearchRun]) -> tuple[Lines, Lines]:
    """Hypervolume by generation and by networks evaluated."""
    y = Axis("hypervolume (accuracy × speed)", zero=True)
    by_generation = [tuple(map(float, range(len(run.hypervolumes)))) for run in runs]
    by_networks = [tuple(map(float, run.counts)) for run in runs]
    return (
        Lines("", Axis("generation", whole=True), y, _progress(runs, by_generation)),
        Lines("", Axis("number of networks evaluated", whole=True), y, _progress(runs, by_networks)),
    )


def _progress(runs: Sequence[SearchRun], xs: Sequence[tuple[float, ...]]) -> tuple[Series, ...]:
    return tuple(
        Series(run.name, x, run.hypervolumes, look(i).colour, mark=look(i).mark)
        for i, (run, x) in enumerate(zip(runs, xs, strict=True))
    )


GROUPS = (("depth (blocks)", 2, 4), ("mean expansion (ratio)", 3, 6), ("mean kernel (pixels)", 3, 7))
STAGES, GROUP_WIDTH = 4, 4.7


def genome_chart(run: SearchRun, speeds: tuple[float, float]) -> Parallel:
    """Depth, expansion and kernels of every stage, a line a network that fits, coloured by its speed.

    The slowest come first. `speeds` are the least and largest of all runs.
    """
    own, (least, most) = run.evaluated, speeds
    drawn = np.argsort(own.speed, kind="stable")
    if len(drawn) > MOST_LINES:
        drawn = drawn[np.linspace(0, len(drawn) - 1, MOST_LINES).round().astype(int)]
    # Choices are few: networks of one choice are spread a little, by speed, or they would hide each other.
    spread = (np.arange(len(drawn)) / max(len(drawn) - 1, 1) - 0.5)[:, None] * 0.05
    genes = [
        (values[drawn] - low) / (high - low) * 0.92 + 0.04 + spread
        for values, (_, low, high) in zip(own.by_stage(), GROUPS, strict=True)
    ]
    worst, best = _ends(own.judged)
    share = (own.speed[drawn] - least) / ((most - least) or 1)
    accuracy = (own.judged[drawn] - worst) / ((best - worst) or 1)
    rails = [
        Rail(stage + g * GROUP_WIDTH, name, f"{stage + 1}", f"{low}", f"{high}", "stage")
        for g, (name, low, high) in enumerate(GROUPS)
        for stage in range(STAGES)
    ]
    end = len(GROUPS) * GROUP_WIDTH
    rails.append(Rail(end + 0.3, "accuracy (share)", "", f"{worst:.3f}", f"{best:.3f}"))
    rails.append(Rail(end + 3.0, "speed (×)", "", f"{least:.1f}", f"{most:.1f}"))
    shades = np.minimum((share * SHADES).astype(int), SHADES - 1).tolist()
    return Parallel("", tuple(rails), np.column_stack([*genes, accuracy, share]), tuple(shades))


def speeds_of(runs: Sequence[SearchRun]) -> tuple[float, float]:
    """Least and largest speed of all networks that fit."""
    return _ends(np.concatenate([run.evaluated.speed for run in runs]))


def _ends(values: Floats) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
