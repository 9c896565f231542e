"""Runs the tuners beside each other and takes the layout that the simulation finds fastest."""

from __future__ import annotations

from dataclasses import replace

from ..box_converter.partition import partition
from ..simulation.schedules import fastest_graph, prepared, schedule_of
from ..values import Duplication, Layout, ReadTime
from .joint.multi_start import tune
from .joint.quick import quick_layout
from .paper.margin_tuner import margin_trials
from .settings import Effort, Progress, Target, Tuning


def tune_layout(
    plain: Layout, target: Target, read_ns: ReadTime, tuning: Tuning, progress: Progress | None = None
) -> tuple[Layout, Duplication]:
    """Copies for an un-duplicated layout within the crossbars of `target`; never slower than it was.

    Our version of the paper's tuner runs in any case, so that its outcome stands beside the joint one's. Nor
    is the joint tuner slower than the quick layout that a search over networks goes by, whatever its effort.
    Latencies are those of the schedule that is asked for; only the baseline's is that of layers in any case.
    For a schedule of rows the joint tuner searches twice, by that of layers too: what that finds is a
    candidate, so that rows are never slower than layers tuned by themselves.
    """
    samples, graph = tuning.effort.samples, tuning.effort.graph

    def latency(layout: Layout) -> float:
        if graph is not None:
            return fastest_graph(layout, read_ns, graph, samples)[1]
        ran = prepared(layout.mappings, read_ns, None, layout.packing.placements)
        return schedule_of(ran, samples).latency_ns

    tries = list(margin_trials(plain, target, tuning.effort.seed, latency))
    trials = tuple(trial for trial, _ in tries)
    margin, layout = trials[-1].margin, tries[-1][1]
    found = [(latency(plain), "none", plain), (latency(layout), "margin", layout)]
    stopped, steps = "effort", 0
    if tuning.tuner == "joint":
        quick = _quick_answers(plain, target, read_ns, tuning.effort)
        tuned = tune(plain, target, read_ns, tuning.effort, progress)
        answers = [] if tuned is None else [tuned.layout]
        if graph is not None and (tuned is None or tuned.stopped != "interrupt"):
            by_layers = tune(plain, target, read_ns, replace(tuning.effort, graph=None), progress)
            answers += [] if by_layers is None else [by_layers.layout]
        answers += quick
        found += [(latency(answer), "joint", answer) for answer in answers]
        if tuned is not None:
            stopped, steps = tuned.stopped, tuned.steps
        elif not quick:
            stopped = "no start"
    fastest, method, chosen = min(found, key=lambda each: each[0])
    chosen_margin = margin if method == "margin" else None
    uncut = partition(tuple(m.layer for m in plain.mappings), target.size)
    baseline = schedule_of(prepared(uncut, read_ns, None), samples).latency_ns
    times = (baseline, found[0][0], fastest)
    return chosen, Duplication(method, samples, chosen_margin, trials, *times, stopped, steps)


def _quick_answers(plain: Layout, target: Target, read_ns: ReadTime, effort: Effort) -> list[Layout]:
    """What a search over networks goes by: the quick layouts, or else the joint tuner without steps."""
    by_layers = replace(effort, graph=None)
    goals = [by_layers] if effort.graph is None else [effort, by_layers]
    found = [quick_layout(plain.mappings, target, read_ns, goal) for goal in goals]
    made = [quick.values() for quick in found if quick is not None]
    if made or effort.steps == 0:
        return made
    tuned = tune(plain, target, read_ns, Effort(effort.samples, 0, seed=effort.seed))
    return [] if tuned is None else [tuned.layout]
