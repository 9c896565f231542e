"""Duplication: runs the tuners beside each other and takes what the simulation finds fastest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from ..box_converter.boxes import partition
from ..simulation import program, simulate
from ..values import Duplication, Mapping, Packing
from .choices import ReadTime, Target
from .joint import Effort, Progress, tune
from .margin import Layout, by_margin
from .sketch import sketch

Tuner = Literal["joint", "margin"]


@dataclass(frozen=True, slots=True)
class Tuning:
    """What the user asked for: which tuner, and for the joint one how long it searches and for what."""

    tuner: Tuner = "joint"
    effort: Effort = field(default_factory=lambda: Effort(samples=8))


def duplicated(
    plain: Layout, target: Target, read_ns: ReadTime, tuning: Tuning, progress: Progress | None = None
) -> tuple[Layout, Duplication]:
    """Copies for an un-duplicated layout within the crossbars of `target`; never slower than it was.

    Our version of the paper's tuner runs in any case, so that its outcome stands beside the joint one's. Nor
    is the joint tuner slower than the quick layout that a search over networks goes by, whatever its effort.
    """
    samples = tuning.effort.samples

    def latency(mappings: Sequence[Mapping], packing: Packing) -> float:
        return simulate(program(mappings, read_ns, packing.placements), samples).latency_ns

    tries = list(by_margin(plain, target, tuning.effort.seed, latency))
    trials = tuple(trial for trial, _ in tries)
    margin, layout = trials[-1].margin, tries[-1][1]
    found = [(latency(*plain), "none", plain), (latency(*layout), "margin", layout)]
    stopped, steps = "effort", 0
    if tuning.tuner == "joint":
        quick = _quick(plain, target, read_ns, tuning.effort)
        tuned = tune(plain, target, read_ns, tuning.effort, progress)
        answers = [] if tuned is None else [(tuned.mappings, tuned.packing)]
        answers += [] if quick is None else [quick]
        found += [(latency(*answer), "joint", answer) for answer in answers]
        if tuned is not None:
            stopped, steps = tuned.stopped, tuned.steps
        elif quick is None:
            stopped = "no start"
    fastest, method, chosen = min(found, key=lambda each: each[0])
    chosen_margin = margin if method == "margin" else None
    uncut = partition(tuple(m.layer for m in plain[0]), target.rows, target.columns)
    baseline = simulate(program(uncut, read_ns), samples).latency_ns
    times = (baseline, found[0][0], fastest)
    return chosen, Duplication(method, samples, chosen_margin, trials, *times, stopped, steps)


def _quick(plain: Layout, target: Target, read_ns: ReadTime, effort: Effort) -> Layout | None:
    """What a search over networks sees of this one: a sketch, or else the joint tuner without any steps."""
    drawn = sketch(plain[0], target, read_ns, effort.samples, effort.seed)
    if drawn is not None:
        return drawn.values()
    if effort.steps == 0:
        return None
    tuned = tune(plain, target, read_ns, Effort(effort.samples, 0, seed=effort.seed))
    return None if tuned is None else (tuned.mappings, tuned.packing)
