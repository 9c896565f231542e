"""Runs the tuners beside each other and takes the layout that the simulation finds fastest."""

from __future__ import annotations

from ..box_converter.boxes import partition
from ..simulation import program, simulate
from ..values import Duplication, Layout
from .joint.multi_start import tune
from .paper.margin_tuner import margin_trials
from .settings import Progress, ReadTime, Target, Tuning


def tune_layout(
    plain: Layout, target: Target, read_ns: ReadTime, tuning: Tuning, progress: Progress | None = None
) -> tuple[Layout, Duplication]:
    """Copies for an un-duplicated layout within the crossbars of `target`; never slower than it was.

    The paper's tuner runs in any case, so that its outcome stands beside that of the joint one.
    """
    samples = tuning.effort.samples

    def latency(layout: Layout) -> float:
        ran = program(layout.mappings, read_ns, layout.packing.placements)
        return simulate(ran, samples).latency_ns

    tries = list(margin_trials(plain, target, tuning.effort.seed, latency))
    trials = tuple(trial for trial, _ in tries)
    margin, layout = trials[-1].margin, tries[-1][1]
    found = [(latency(plain), "none", plain), (latency(layout), "margin", layout)]
    stopped, steps = "effort", 0
    if tuning.tuner == "joint":
        tuned = tune(plain, target, read_ns, tuning.effort, progress)
        stopped = "no start"
        if tuned is not None:
            found.append((latency(tuned.layout), "joint", tuned.layout))
            stopped, steps = tuned.stopped, tuned.steps
    fastest, method, chosen = min(found, key=lambda each: each[0])
    chosen_margin = margin if method == "margin" else None
    uncut = partition(tuple(m.layer for m in plain.mappings), target.size)
    baseline = simulate(program(uncut, read_ns), samples).latency_ns
    times = (baseline, found[0][0], fastest)
    return chosen, Duplication(method, samples, chosen_margin, trials, *times, stopped, steps)
