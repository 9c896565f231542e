"""The figure of `reproduce`: crossbars, speeds and fronts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...report.chart_values import Axis, Bars, Front, Lines, Point, Portion, Series
from ...report.palette import BASELINE, BLUE, GREY, ORANGE, SKY, look
from .claims import PAPER_ACCURACIES, PAPER_SPEEDS, Claim, Run

Found = Sequence[tuple[Run, Claim, tuple[float, ...]]]
Values = tuple[float, ...]
SPEED = "speed (multiple of the baseline's)"


def draw(found: Found) -> dict[str, bytes]:
    """What was found as a picture, in files by suffix."""
    from ...report import matplotlib_charts as print_

    fronts = (front_chart(found, "clutter"), front_chart(found, "cifar10"))
    figure = print_.draw(crossbar_chart(found), speed_chart(found), *fronts, usual=2.4 * print_.WIDTH)
    return print_.files_of(figure)


def crossbar_chart(found: Found) -> Bars:
    """Crossbars over the lower bound: the published program and ours."""
    bounds = {run.name: values[0] for run, claim, values in found if claim.figure == "lower_bound"}
    rows = [(run.name, claim, values[0]) for run, claim, values in found if claim.figure == "crossbars"]
    cited = [(claim.program or (0.0, 0.0))[:2] for _, claim, _ in rows]
    counts = (
        ("published program, worst of 100 orders", [most for _, most in cited], GREY),
        ("published program, best order", [least for least, _ in cited], SKY),
        ("ours", [ours for *_, ours in rows], ORANGE),
    )
    names = tuple(name for name, *_ in rows)
    portions = tuple(
        Portion(
            label, tuple(max(n / bounds[name] - 1, 0.0) for name, n in zip(names, own, strict=True)), colour
        )
        for label, own, colour in counts
    )
    return Bars(
        "Crossbars", names, Axis("share above the lower bound", percent=True), portions, stacked=False
    )


def speed_chart(found: Found) -> Bars:
    """Speeds with copies, by case: the published program, our version of its tuner, and the joint tuner."""
    cases: dict[str, dict[str, float]] = {}
    for run, claim, values in found:
        if claim.figure == "speed":
            case = cases.setdefault(run.name, {"program": claim.program.low if claim.program else 0.0})
            case["joint" if "joint" in claim.name else "margin"] = values[0]
    portions = tuple(
        Portion(label, tuple(case.get(key, 0.0) for case in cases.values()), colour)
        for key, label, colour in (
            ("program", "published program", GREY),
            ("margin", "our version of the paper's tuner", BLUE),
            ("joint", "joint tuner", ORANGE),
        )
    )
    names = tuple("\n".join(name.rsplit(", ", 1)) for name in cases)
    value = Axis(SPEED, log=True, ticks=(1, 2, 5, 10, 20, 50, 100))
    return Bars("Speed with copies", names, value, portions, stacked=False)


def front_chart(found: Found, group: str) -> Lines:
    """Fronts of the searches on one set of images; for that of the paper, its range as a box."""
    series = tuple(_fronts(found, group))
    where = "CIFAR-10" if group == "cifar10" else group
    searched = any(run.group == group for run, *_ in found)
    title = f"Fronts on {where}{'' if searched else ', not searched here'}"
    return Lines(title, Axis(SPEED), Axis(f"test accuracy on {where}", least=0.002), series)


def _fronts(found: Found, group: str) -> Iterator[Series]:
    own = [(run.name, claim.figure, values) for run, claim, values in found if run.group == group]
    speeds = {name: values for name, figure, values in own if figure == "speeds"}
    fronts = [(name, values) for name, figure, values in own if figure == "accuracies"]
    for i, (name, values) in enumerate(fronts):
        best = _unbeaten(speeds[name], values)
        yield Series(name.rpartition(", ")[2], *best, look(i).colour, mark=look(i).mark)
    if fronts:
        of_all = [accuracy for _, values in fronts for accuracy in values]
        yield Series(
            *("baseline", (1.0, 1.0), (min(of_all), max(of_all)), BASELINE.colour, "dot", (), BASELINE.mark)
        )
    if group == "cifar10":
        (slow, fast), (low, high) = PAPER_SPEEDS[:2], PAPER_ACCURACIES[:2]
        x, y = (slow, fast, fast, slow, slow), (low, low, high, high, low)
        yield Series("the paper's range", x, y, GREY, "dash")


def _unbeaten(speeds: Sequence[float], values: Sequence[float]) -> tuple[Values, Values]:
    """Speeds and accuracies of the networks that no other of the front beats in both, on these images.

    A search looks at validation images alone, so that on others networks of its front may beat each other.
    """
    points = [Point(x, y, None, "", "") for x, y in zip(speeds, values, strict=True)]
    limit = Front("", tuple(points), look(0)).limit()
    return tuple(p.x for p in limit), tuple(p.y for p in limit)
