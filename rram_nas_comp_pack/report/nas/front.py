"""The front as a drawing whose points can be chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from ...runs.nas.run import FrontNetwork, SearchRun
from ..svg import Axis, Scale, axes, cloud, colour, drawing, line, mark, scale

WIDTH, HEIGHT = 760, 500


def front_chart(runs: Sequence[SearchRun]) -> str:
    """Accuracy over speed: all networks in grey, and the front of every run in colour."""
    fronts = [network for run in runs for network in run.front.networks]
    speeds = [s for n in fronts for s in (n.best.speed, n.searched.speed)]
    accuracies = [n.validation for n in fronts]
    for run in runs:
        speeds += run.evaluated.speed.tolist()
        accuracies += run.evaluated.accuracy.tolist()
    x, y = scale(speeds, 84, WIDTH - 12), scale(accuracies, HEIGHT - 56, 12, 0.002)
    content = [axes(Axis(x, "speed over the baseline's"), Axis(y, "accuracy on validation images"))]
    content.append(f'<path class="cloud" d="{_cloud(runs, x, y)}"/>')
    content += [_front(i, run, x, y, len(runs) > 1) for i, run in enumerate(runs)]
    label = (
        f"Accuracy over speed: {sum(len(run.evaluated.speed) for run in runs)} networks in grey, "
        f"{len(fronts)} of the front in colour. Arrow keys go from point to point, Enter shows the network."
    )
    return drawing(WIDTH, HEIGHT, label, "".join(content), "group")


def network_id(run: int, network: FrontNetwork) -> str:
    """What names a network in the page."""
    return f"network-{run}-{network.index}"


def envelope(front: Sequence[FrontNetwork]) -> list[FrontNetwork]:
    """Those that no other beats in both accuracy and speed as tuned, by rising speed."""
    found: list[FrontNetwork] = []
    for network in sorted(front, key=lambda n: (-n.best.speed, -n.validation)):
        if not found or network.validation > found[-1].validation:
            found.append(network)
    return found[::-1]


def _cloud(runs: Sequence[SearchRun], x: Scale, y: Scale) -> str:
    return cloud(
        (x(speed), y(accuracy))
        for run in runs
        for speed, accuracy in zip(run.evaluated.speed.tolist(), run.evaluated.accuracy.tolist(), strict=True)
    )


def _front(place: int, run: SearchRun, x: Scale, y: Scale, named: bool) -> str:
    """A run's front: the limit that it draws, what tuning in full brought, and the points."""
    limit = [(x(n.best.speed), y(n.validation)) for n in envelope(run.front.networks)]
    stairs = [(across, up) for i, (across, _) in enumerate(limit) for up in (limit[i][1],)]
    corners = [(x.start, stairs[0][1]), *_corners(stairs), (stairs[-1][0], y.start)] if stairs else []
    gains = "".join(
        line([(x(n.searched.speed), y(n.validation)), (x(n.best.speed), y(n.validation))])
        for n in run.front.networks
    )
    rings = cloud((x(n.searched.speed), y(n.validation)) for n in run.front.networks if n.tuned)
    points = "".join(_point(place, run.name if named else "", n, x, y) for n in run.front.networks)
    return (
        f'<g style="--run:{colour(place)}"><path class="limit" d="{line(corners)}"/>'
        f'<path class="gain" d="{gains}"/><path class="before" d="{rings}"/>{points}</g>'
    )


def _corners(points: Sequence[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """Points and the corners between them: what lies left of and below a point is beaten by it."""
    for i, point in enumerate(points):
        if i:
            yield points[i - 1][0], point[1]
        yield point


def _point(place: int, run: str, network: FrontNetwork, x: Scale, y: Scale) -> str:
    figures = network.best
    label = (
        f"{run}{', ' if run else ''}network {network.index}: accuracy {network.validation:.4f}, "
        f"speed {figures.speed:.2f}"
    )
    at = f"translate({x(figures.speed):.1f} {y(network.validation):.1f})"
    return (
        f'<g class="pick" role="button" tabindex="-1" aria-pressed="false" transform="{at}" '
        f'data-network="{network_id(place, network)}" aria-label="{escape(label)}">'
        f'<title>{escape(label)}</title><circle r="14" class="reach"/><path d="{mark(place)}"/></g>'
    )
