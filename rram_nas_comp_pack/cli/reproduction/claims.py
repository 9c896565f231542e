"""The paper's claims as data: what paper and published program report, and the command that finds ours.

Every figure has its source; where none is given, there is no figure. Speeds are those of the ISAAC-like
baseline over the simulated latency, for the same number of samples.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from ...runs.nas.run import Front
from ...runs.packing.run import PackingResult
from ..environment.paper_data import CHECKPOINT

MEASURED = "docs/benchmarks.md: measured with the published program"
GOLDEN = "tests/golden/isaac_like.json: output of the published program"
DERIVED = "cells of tests/golden/isaac_like.json over the published program's crossbars in docs/benchmarks.md"
FRONTS = "arXiv 2409.18841, figure of the Pareto fronts"

Better = Literal["lower", "higher", "equal", "none"]


class Cited(NamedTuple):
    """Somebody's figures, least and largest, and where they stand."""

    low: float
    high: float
    source: str


class Claim(NamedTuple):
    """One figure of a run, and the same figure of others: in the `paper`, and by its authors' `program`.

    `name` is shown, `figure` is the figure's name among those of the run, `unit` "", "x", "%", "s" or "ns".
    """

    name: str
    figure: str
    unit: str = ""
    paper: Cited | None = None
    program: Cited | None = None
    better: Better = "none"

    @property
    def cited(self) -> Cited | None:
        """What ours is judged by: the paper's figure, else the program's."""
        return self.paper or self.program


class Run(NamedTuple):
    """A command, without the options that say where its files go, and the claims that it answers.

    `group` gathers what belongs together; `needs` says why it cannot run here, "" where it can. A search
    `learns_from` the networks that the run of this name judged, "" where it judges its own.
    """

    name: str
    group: str
    argv: tuple[str, ...]
    claims: tuple[Claim, ...]
    needs: str = ""
    learns_from: str = ""


class Baseline(NamedTuple):
    """What the published program finds for a crossbar a box, and its crossbars in 100 random orders."""

    model: str
    crossbars: int
    utilization: float
    latency_ns: float
    fewest: int
    most: int


BASELINES = (
    Baseline("mbv3_small", 210, 0.48568870907738093, 16525170.467840621, 107, 111),
    Baseline("squeezenet", 80, 0.552880859375, 415848.62448655965, 45, 49),
    Baseline("resnet18", 698, 0.9762435082378224, 4155583.55424648, 684, 686),
)


class Duplicated(NamedTuple):
    """The speed that the published program reaches with copies; `quick`: also among the few of `--quick`."""

    model: str
    crossbars: int
    factor: int
    samples: int
    speed: float
    quick: bool = False
    source: str = MEASURED


NO_COPIES = 40616891.51377476 / 26830791.57804999
UNPACKED = "tests/golden/sim_mbv3_small.json: no margin packs, its layout without copies"

DUPLICATED = (
    Duplicated("mbv3_small", 211, 1, 1, 15.5),
    Duplicated("mbv3_small", 211, 1, 8, 8.3, quick=True),
    Duplicated("mbv3_small", 211, 1, 64, 6.4),
    *(Duplicated("mbv3_small", n, 5, 8, NO_COPIES, n == 249, UNPACKED) for n in (249, 299, 349, 399, 449)),
    Duplicated("squeezenet", 82, 1, 8, 7.1, quick=True),
    Duplicated("squeezenet", 82, 1, 512, 6.8),
    Duplicated("resnet18", 1028, 1, 8, 5.7, quick=True),
    Duplicated("resnet18", 1028, 1, 512, 5.3),
)
"""Cases of docs/benchmarks.md, and the published budgets of duplication, with factor 5."""

PAPER_SPEEDS, PAPER_ACCURACIES = Cited(5, 30, FRONTS), Cited(0.90, 0.92, FRONTS)
"""Of the fronts at 168, 211 and 253 crossbars, on CIFAR-10."""

SEARCHED = (168, 211, 253)
PACK_SEED, SEARCH_SEED = ("--seed", "123"), ("--seed", "1")
QUICK_TUNING = {"mbv3_small": "2000", "squeezenet": "2000", "resnet18": "500"}
PREDICTED = ("--predictor-tau", "0.5", "--tune-effort", "0")
"""A perfect predictor would reach 0.67 on 2000 images (docs/benchmarks.md)."""
QUICK_SEARCH = ("--population", "8", "--generations", "2", "--tune-effort", "100")


def runs(quick: bool, lacking: list[str]) -> list[Run]:
    """All that is measured, in order; `lacking` is what the paper's own search does not find here."""
    found = [_packed(baseline) for baseline in BASELINES]
    for case in DUPLICATED:
        if case.quick or not quick:
            found += [_duplicated(case, tuner, quick) for tuner in ("margin", "joint")]
    found += [_on_clutter(crossbars, quick) for crossbars in SEARCHED]
    return found + [_as_published(crossbars, quick, lacking) for crossbars in SEARCHED]


def _packed(b: Baseline) -> Run:
    """The fewest crossbars for one copy of each layer."""
    cells = b.utilization * b.crossbars
    claims = (
        _given("crossbars of the baseline", "boxes", "", b.crossbars),
        _given("utilization of the baseline", "baseline_utilization", "%", b.utilization),
        _given("latency of the baseline", "baseline_ns", "ns", b.latency_ns),
        Claim("fewest crossbars", "crossbars", "", None, Cited(b.fewest, b.most, MEASURED), "lower"),
        Claim("lower bound of crossbars", "lower_bound"),
        Claim(
            "utilization of the fewest crossbars",
            "utilization",
            "%",
            None,
            Cited(cells / b.most, cells / b.fewest, DERIVED),
            "higher",
        ),
        Claim("whole pack", "pack_s", "s"),
    )
    return Run(b.model, "packing", ("pack", "--model", b.model, "--find-solution", *PACK_SEED), claims)


def _given(name: str, figure: str, unit: str, value: float) -> Claim:
    """A figure of the baseline, which is no matter of method."""
    return Claim(name, figure, unit, None, Cited(value, value, GOLDEN), "equal")


def _duplicated(case: Duplicated, tuner: str, quick: bool) -> Run:
    """Copies within a budget, by our version of the paper's tuner or by the joint one."""
    effort = ("--tune-effort", QUICK_TUNING[case.model]) if quick and tuner == "joint" else ()
    argv = (
        *("pack", "--model", case.model, "--num-crossbars", str(case.crossbars)),
        *("--depth-split-factor", str(case.factor), "--duplicate", "--tuner", tuner),
        *("--num-sample", str(case.samples), *effort, *PACK_SEED),
    )
    method = "our version of the paper's tuner" if tuner == "margin" else "joint tuner"
    speed = Cited(case.speed, case.speed, case.source)
    claims = (
        Claim(f"speed, {method}", "speed", "x", None, speed, "higher"),
        Claim(f"utilization, {method}", "utilization", "%"),
    )
    name = f"{case.model}, {case.crossbars} crossbars, {case.samples} samples"
    return Run(name, "duplication", argv, claims)


def _search(crossbars: int, images: str, accuracy: str) -> tuple[str, ...]:
    judged = "--dataset", images, "--accuracy", accuracy
    budget = "--num-crossbars", str(crossbars), "--num-sample", "8", "--duplicate"
    return ("evolve", *budget, *judged, *SEARCH_SEED)


def _on_clutter(crossbars: int, quick: bool) -> Run:
    """The search on what comes along. Its accuracies are those of cluttered digits, not of CIFAR-10.

    All budgets are searched among as many networks as in the paper, with one predictor.
    """
    claims = (
        Claim("speeds of the front", "speeds", "x"),
        Claim("accuracies of the front", "accuracies"),
        Claim("time per subnet, all included", "subnet_s", "s"),
        Claim("CPU time per subnet, all included", "subnet_cpu_s", "s"),
    )
    if quick:
        argv = (*_search(crossbars, "clutter", "calibrate"), "--images", "500", *QUICK_SEARCH)
        return Run(_on_clutter_name(crossbars), "clutter", argv, claims)
    argv = (*_search(crossbars, "clutter", "predictor"), *PREDICTED)
    taught = "" if crossbars == SEARCHED[0] else _on_clutter_name(SEARCHED[0])
    return Run(_on_clutter_name(crossbars), "clutter", argv, claims, learns_from=taught)


def _on_clutter_name(crossbars: int) -> str:
    return f"search on clutter, {crossbars} crossbars"


def _as_published(crossbars: int, quick: bool, lacking: list[str]) -> Run:
    """The paper's own search, where its supernet and images are in place; a smaller one is not judged."""
    better: Better = "none" if quick else "higher"
    claims = (
        Claim("speeds of the front", "speeds", "x", PAPER_SPEEDS, None, better),
        Claim("accuracies of the front", "accuracies", "", PAPER_ACCURACIES, None, better),
        Claim("CPU time per subnet, all included", "subnet_cpu_s", "s"),
    )
    paper = *_search(crossbars, "cifar10", "finetune"), "--checkpoint", str(CHECKPOINT)
    argv = (*paper, *(QUICK_SEARCH if quick else ()))
    needs = f"{' and '.join(lacking)} {'is' if len(lacking) == 1 else 'are'} missing" if lacking else ""
    return Run(f"search on CIFAR-10, {crossbars} crossbars", "cifar10", argv, claims, needs)


Figures = dict[str, tuple[float, ...]]


def pack_figures(result: PackingResult, seconds: float) -> Figures:
    """Figures of a pack, from its result.json and the time that the whole command took."""
    speeds = result.copies.speeds
    return {
        "boxes": (result.boxes,),
        "crossbars": (result.crossbars,),
        "lower_bound": (result.lower_bound,),
        "utilization": (result.utilization,),
        "baseline_utilization": (result.utilization * result.crossbars / result.boxes,),
        "baseline_ns": (result.evaluations[0].baseline_latency_ns,),
        "pack_s": (seconds,),
        **({} if speeds is None else {"speed": (speeds.with_copies,)}),
    }


def search_figures(front: Front, seconds: float, cpu_seconds: float) -> Figures:
    """Figures of a search, from its front.json; times are shared out among all networks evaluated."""
    found = [(network.tuned.speed, network.test) for network in front.networks if network.tuned]
    evaluated = front.evaluated or 1
    return {
        "speeds": tuple(speed for speed, _ in found),
        "accuracies": tuple(test for _, test in found if test is not None),
        "subnet_s": (seconds / evaluated,),
        "subnet_cpu_s": (cpu_seconds / evaluated,),
    }


def verdict(claim: Claim, ours: tuple[float, ...]) -> str:
    """How our figures stand beside those cited: the best of both, or each where they should be equal."""
    cited = claim.cited
    if cited is None or not ours:
        return "no figure to compare"
    if claim.better == "none":
        return "not judged: another setting"
    if claim.better == "equal":
        near = all(abs(each - cited.low) <= 1e-9 * cited.low for each in ours)
        return "equal" if near else "differs"
    sign = 1 if claim.better == "higher" else -1
    best, theirs = max(sign * each for each in ours), max(sign * cited.low, sign * cited.high)
    if abs(best - theirs) <= 1e-9 * abs(theirs):
        return "equal"
    return "better" if best > theirs else "worse"
