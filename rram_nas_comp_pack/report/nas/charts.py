"""Progress and genomes of searches as drawings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from ...kernels.arrays import Floats
from ...runs.nas.run import SearchRun
from ..svg import Axis, Scale, axes, colour, drawing, line, mark, scale

SHADES = 8
"""Steps of the colour that tells a network's speed."""

MOST_LINES = 1200
"""More lines than these cannot be told apart: of more networks, as many are drawn, evenly by speed."""


def progress_chart(runs: Sequence[SearchRun]) -> str:
    """Hypervolume by generation and by networks evaluated."""
    width, height = 1080, 340
    volumes = [volume for run in runs for volume in run.hypervolumes]
    y = scale([*volumes, 0.0], height - 56, 12)
    parts = []
    for left, name in ((76, "generation"), (616, "networks evaluated")):
        xs = [_counted(run, name) for run in runs]
        x = scale([v for own in xs for v in own], left, left + 450, 1)
        parts.append(axes(Axis(x, name), Axis(y, "hypervolume")))
        for i, (run, own) in enumerate(zip(runs, xs, strict=True)):
            points = [(x(a), y(b)) for a, b in zip(own, run.hypervolumes, strict=True)]
            parts.append(_track(i, points))
    label = "Hypervolume by generation and by networks evaluated. " + "; ".join(
        f"{run.name}: {run.hypervolumes[0]:.2f} to {run.hypervolumes[-1]:.2f}" if len(runs) > 1 else
        f"it grows from {run.hypervolumes[0]:.2f} to {run.hypervolumes[-1]:.2f}"
        for run in runs if run.hypervolumes
    )  # fmt: skip
    return drawing(width, height, label, "".join(parts))


def _counted(run: SearchRun, name: str) -> Sequence[int]:
    return range(len(run.hypervolumes)) if name == "generation" else run.counts


def _track(place: int, points: Sequence[tuple[float, float]]) -> str:
    marked = points[-1:] if len(points) > 30 else points
    shape = f'<path d="{mark(place)}" transform="translate'
    marks = "".join(f'{shape}({x:.1f} {y:.1f}) scale(.7)"/>' for x, y in marked)
    return f'<g class="track" style="--run:{colour(place)}"><path class="way" d="{line(points)}"/>{marks}</g>'


class Genomes(NamedTuple):
    """Networks as lines over axes: `places` (networks, axes) from 0 to 1, slowest network first.

    `shades` (networks,) tells the speed, 0 to SHADES - 1; `ends` are the texts at both ends of the axes.
    """

    places: Floats
    shades: tuple[int, ...]
    ends: tuple[tuple[str, str], ...]


GROUPS = (("depth", 2, 4), ("mean expansion", 3, 6), ("mean kernel", 3, 7))
STAGES = 4


def genomes(run: SearchRun, speeds: tuple[float, float]) -> Genomes:
    """The networks of a run that fit. `speeds` are the least and largest of all runs, for the colour."""
    own, (least, most) = run.evaluated, speeds
    slowest_first = np.argsort(own.speed, kind="stable")
    if len(slowest_first) > MOST_LINES:
        slowest_first = slowest_first[np.linspace(0, len(slowest_first) - 1, MOST_LINES).round().astype(int)]
    count = len(slowest_first)
    # Choices are few: networks of one choice are spread a little, by speed, or they would hide each other.
    spread = (np.arange(count) / max(count - 1, 1) - 0.5)[:, None] * 0.05
    columns = [
        (values - low) / (high - low) * 0.92 + 0.04 + spread
        for values, (_, low, high) in zip(own.by_stage(), GROUPS, strict=True)
        for values in [values[slowest_first]]
    ]
    figures = [(own.accuracy, *_ends(own.accuracy)), (own.speed, least, most)]
    columns += [((v[slowest_first] - a) / ((b - a) or 1))[:, None] for v, a, b in figures]
    share = (own.speed[slowest_first] - least) / ((most - least) or 1)
    shades = np.minimum((share * SHADES).astype(int), SHADES - 1).tolist()
    ends = [(f"{low}", f"{high}") for _, low, high in GROUPS for _ in range(STAGES)]
    ends += [(f"{figures[0][1]:.3f}", f"{figures[0][2]:.3f}"), (f"{least:.1f}", f"{most:.1f}")]
    return Genomes(np.hstack(columns), tuple(shades), tuple(ends))


def axis_names() -> tuple[str, ...]:
    """What the axes of `Genomes` are called, in order."""
    return (*(f"stage {stage + 1}" for _ in GROUPS for stage in range(STAGES)), "accuracy", "speed")


def speeds_of(runs: Sequence[SearchRun]) -> tuple[float, float]:
    """Least and largest speed of all networks that fit."""
    found = np.concatenate([run.evaluated.speed for run in runs])
    return _ends(found)


def _ends(values: Floats) -> tuple[float, float]:
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def genome_chart(run: SearchRun, speeds: tuple[float, float]) -> str:
    """Depth, expansion and kernels of every stage, a line a network, coloured by its speed."""
    width, height = 1080, 450
    drawn = genomes(run, speeds)
    at = [50 + 66 * k + 24 * (k // STAGES) for k in range(len(drawn.ends))]
    at[-1] += 18
    y = Scale(0, 1, height - 92, 62)
    names = axis_names()
    parts = list(_rails(at, y, names, drawn.ends))
    paths = [""] * SHADES
    for row, shade in zip(drawn.places.tolist(), drawn.shades, strict=True):
        paths[shade] += line((x, y(v)) for x, v in zip(at, row, strict=True))
    parts += [f'<path class="gene" style="stroke:var(--shade-{k})" d="{d}"/>' for k, d in enumerate(paths)]
    parts.append(_key(width, height, speeds))
    label = (
        f"Depth, mean expansion ratio and mean kernel size of four stages, accuracy and speed of "
        f"{len(drawn.shades)} networks, a line each, coloured by speed, {speeds[0]:.1f} to {speeds[1]:.1f}."
    )
    return drawing(width, height, label, "".join(parts))


def _rails(
    at: Sequence[float], y: Scale, names: Sequence[str], ends: Sequence[tuple[str, str]]
) -> Iterator[str]:
    yield '<g class="axes rails" aria-hidden="true">'
    for x, name, (low, high) in zip(at, names, ends, strict=True):
        yield f'<line x1="{x:g}" x2="{x:g}" y1="{y.start:g}" y2="{y.end:g}"/>'
        yield f'<text x="{x:g}" y="{y.end - 10:g}" class="x">{high}</text>'
        yield f'<text x="{x:g}" y="{y.start + 18:g}" class="x">{low}</text>'
        yield f'<text x="{x:g}" y="{y.start + 38:g}" class="x">{name}</text>'
    for k, (name, *_) in enumerate(GROUPS):
        middle = (at[STAGES * k] + at[STAGES * k + STAGES - 1]) / 2
        yield f'<text x="{middle:g}" y="{y.end - 36:g}" class="x group">{name}</text>'
    yield "</g>"


def _key(width: float, height: float, speeds: tuple[float, float]) -> str:
    """Which colour means which speed."""
    left, top = width - 330, height - 14
    boxes = "".join(
        f'<rect x="{left + 24 * k}" y="{top - 12}" width="24" height="12" style="fill:var(--shade-{k})"/>'
        for k in range(SHADES)
    )
    texts = f'<text x="{left - 8}" y="{top - 6}" class="y">speed {speeds[0]:.1f}</text>'
    texts += f'<text x="{left + 24 * SHADES + 8}" y="{top - 6}" class="after">{speeds[1]:.1f}</text>'
    return f'<g class="axes" aria-hidden="true">{boxes}{texts}</g>'
