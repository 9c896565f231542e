"""The stages in order: network -> layers -> boxes -> packing -> schedule -> report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter

import numpy as np

from .box_converter.boxes import partition
from .hardware.chip import Chip, read_ns, totals
from .hardware.config import Hardware
from .packing.items import Items
from .packing.pack import Goal, Layout, Progress, pack
from .simulation import program, simulate
from .values import Evaluation, Layer, Mapping, Network, NoFit, Packing, Placement, Rules, Schedule

SAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)


@dataclass(frozen=True, slots=True)
class CompileOptions:
    """What the user chose. `budget` is the number of crossbars allowed, None for any number; the packer's
    own settings are in `goal` (its budget decides when the search stops, this one what is accepted).
    """

    depth_split: int = 1
    budget: int | None = None
    rules: Rules = field(default_factory=Rules)
    goal: Goal = field(default_factory=Goal)
    samples: tuple[int, ...] = SAMPLES
    traced_samples: int = 4


@dataclass(frozen=True, slots=True)
class Report:
    """All that a run found out. `schedule` is that of the first `traced_samples` samples; times in s."""

    network: Network
    mappings: tuple[Mapping, ...]
    packing: Packing
    evaluations: tuple[Evaluation, ...]
    schedule: Schedule
    chip: Chip
    timing_s: dict[str, float]


def compile_network(
    network: Network, hardware: Hardware, options: CompileOptions, progress: Progress | None = None
) -> Report | NoFit:
    """Partition, pack and simulate a traced network; `NoFit` where it needs more crossbars than allowed.

    Raises BadInput where the network cannot be cut for the hardware.
    """
    clock = _Clock()
    mappings = partition(network.layers, hardware.rows, hardware.columns, options.depth_split)
    clock.lap("partition")
    packing = place(mappings, hardware, options, progress)
    clock.lap("packing")
    if options.budget is not None and packing.crossbars > options.budget:
        return NoFit(options.budget, packing.lower_bound, packing.crossbars)
    evaluations, schedule, chip = evaluate(network.layers, mappings, packing, hardware, options)
    clock.lap("evaluation")
    return Report(network, mappings, packing, evaluations, schedule, chip, clock.laps())


def place(
    mappings: Sequence[Mapping], hardware: Hardware, options: CompileOptions, progress: Progress | None = None
) -> Packing:
    """Give every box of every replica its place."""
    keys = [
        (m, replica, box)
        for m in mappings
        if m.stored
        for replica in range(m.copies)
        for box in range(len(m.boxes))
    ]
    columns = [(m.boxes[box].w, m.boxes[box].h, m.layer.index) for m, _, box in keys]
    widths, heights, layers = np.array(columns, dtype=np.int64).T
    layout = pack(
        Items(widths, heights, layers, hardware.rows, hardware.columns), options.rules, options.goal, progress
    )
    places = _places(layout)
    placements = tuple(
        Placement(m.layer.index, bin_, x, y, x + m.boxes[box].w, y + m.boxes[box].h, replica, box)
        for (m, replica, box), (bin_, x, y) in zip(keys, places, strict=True)
    )
    return Packing(
        placements,
        hardware.rows,
        hardware.columns,
        layout.crossbars,
        layout.lower_bound,
        layout.packer,
        layout.stopped,
    )


def _places(layout: Layout) -> list[tuple[int, int, int]]:
    return list(zip(layout.bins.tolist(), layout.xs.tolist(), layout.ys.tolist(), strict=True))


def evaluate(
    layers: tuple[Layer, ...],
    mappings: Sequence[Mapping],
    packing: Packing,
    hardware: Hardware,
    options: CompileOptions,
) -> tuple[tuple[Evaluation, ...], Schedule, Chip]:
    """Simulate every number of samples beside the ideal and the baseline, trace the first, add up costs."""
    read = partial(read_ns, hardware)
    packed = program(mappings, read, packing.placements)
    ideal = program(mappings, read)
    baseline = program(partition(layers, hardware.rows, hardware.columns), read)
    evaluations = tuple(
        Evaluation(n, *(simulate(each, n).latency_ns for each in (packed, ideal, baseline)))
        for n in options.samples
    )
    chip = totals(hardware, mappings, packing.crossbars, simulate(packed, 1).latency_ns)
    return evaluations, simulate(packed, options.traced_samples), chip


class _Clock:
    """Time since the last lap, by name."""

    def __init__(self) -> None:
        self._laps: dict[str, float] = {}
        self._last = perf_counter()

    def lap(self, name: str) -> None:
        now = perf_counter()
        self._laps[name] = now - self._last
        self._last = now

    def laps(self) -> dict[str, float]:
        return dict(self._laps)
