"""`verify`: judge a run's layout from its files alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ofa.streams import printable

from ...errors import BadInput
from ...packing.check import violations
from ...runs.kinds import require_packing
from ...runs.packing.accuracy_check import false_accuracies
from ...runs.packing.agreement import disagreements
from ...runs.packing.graph import read_graph
from ...runs.packing.read import RESULT, read_any_result
from ...runs.packing.read_layout import changed_layers, read_mappings, read_placements
from ...runs.packing.recompute import Layout, false_bounds, false_figures, false_latencies
from ...runs.packing.reload_check import false_reload_figures, reload_faults
from ...runs.packing.run import PackingResult
from ...runs.simconfig import copy_note, hardware_of
from ...values import NO_RULES, Rules
from ..shared import telling_of_compiling, warn


def run(run_dir: Path, config: Path | None, execute: bool, weights: Path | None) -> int:
    """Print every violation on a line of its own; returns 1 where there is one.

    Without `config` the hardware is that of the run.
    """
    if weights is not None and not execute:
        raise BadInput("--weights: found without --execute, allowed is with it")
    require_packing(run_dir)
    layout = read_mappings(run_dir), read_placements(run_dir)
    result = read_any_result(run_dir)
    if result is not None:
        found = list(_judged(run_dir, config, result, layout))
    else:  # another program's run: its rules are not recorded, so those of the defaults are held against it
        hardware, note = hardware_of(run_dir, None, config)
        found = list(violations(*layout, hardware.size, Rules()))
        warn(note)
    if execute and not found:
        from ..execution_check import differences  # torch, which the layout alone does not need

        found = list(differences(run_dir, weights))
    executed = "; every integer is that of the integer network" if execute else ""
    told = found or [f"{run_dir}: no violation found in {_boxes(len(layout[1]))}{executed}"]
    print(*map(printable, told), sep="\n")
    return 1 if found else 0


def _boxes(number: int) -> str:
    return f"{number} box{'es' * (number != 1)}"


def _judged(run_dir: Path, config: Path | None, result: PackingResult, layout: Layout) -> Iterator[str]:
    """Violations of the layout, and what result.json says and is not true."""
    mappings, placements = layout
    size = result.size
    if config is not None:
        hardware, note = hardware_of(run_dir, result.config, config)
        size = hardware.size
    else:
        note = copy_note(run_dir, result.config)
    warn(note)
    budget = result.budget if result.reload is None else None  # `reload_faults` looks at that of the chip
    yield from violations(mappings, placements, size, result.rules, budget)
    said = [*disagreements(result, mappings, placements)]
    if config is None and not any(violations(mappings, placements, size, NO_RULES)):
        said += _false_figures(run_dir, result, layout)
    yield from (f"{RESULT} says {fault}" for fault in said)
    yield from changed_layers(run_dir, mappings)
    yield from false_accuracies(run_dir, mappings)


def _false_figures(run_dir: Path, result: PackingResult, layout: Layout) -> Iterator[str]:
    """Figures that are false. Those of unknown hardware may be of another: that is said, not judged."""
    if result.reload is not None:
        yield from reload_faults(run_dir, result)
        if result.config is not None:
            with telling_of_compiling():
                yield from false_reload_figures(run_dir, result, result.config.hardware)
        return
    yield from false_bounds(result, layout)
    with telling_of_compiling():
        if result.config is not None:
            yield from false_figures(run_dir, result, layout, result.config.hardware)
            return
        hardware, note = hardware_of(run_dir, None, None)
        if hardware.size == result.size:
            graph = read_graph(run_dir, result.schedule, layout[0])
            differs = next(false_latencies(result, layout, hardware, graph), None)
            if differs is not None:
                warn(note, f"{run_dir / RESULT} says {differs}: it was made with another hardware or layout")
