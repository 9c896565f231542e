"""`verify`: judge a run's layout from its files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ofa.streams import printable

from ...packing.check import violations
from ...runs.packing.agreement import disagreements
from ...runs.packing.read import RESULT, read_result
from ...runs.packing.read_layout import read_mappings, read_partition, read_placements
from ...runs.packing.recompute import Layout, false_bounds, false_figures, false_latencies
from ...runs.packing.run import PackingResult
from ...values import NO_RULES, Mapping, Placement, Rules
from ..options.parse import VerifyOptions
from ..progress import telling_of_compiling
from ..run_hardware import copy_note, hardware_of, say


def run(options: VerifyOptions) -> int:
    """Print every violation on a line of its own; returns 1 where there is one."""
    layout = read_mappings(options.run_dir), read_placements(options.run_dir)
    if (options.run_dir / RESULT).exists():
        found = list(_judged(options, read_result(options.run_dir), *layout))
    else:  # another program's run: its rules are not recorded, so those of the defaults are held against it
        hardware, note = hardware_of(options.run_dir, None, options.config)
        found = list(violations(*layout, hardware.size, Rules()))
        say(note)
    told = found or [f"{options.run_dir}: {len(layout[1])} boxes, no violation"]
    print(*map(printable, told), sep="\n")
    return 1 if found else 0


def _judged(
    options: VerifyOptions,
    result: PackingResult,
    mappings: Sequence[Mapping],
    placements: Sequence[Placement],
) -> Iterator[str]:
    """Violations of the layout, and what result.json says and is not true."""
    size = result.size
    if options.config is not None:
        hardware, note = hardware_of(options.run_dir, result.config, options.config)
        size = hardware.size
    else:
        note = copy_note(options.run_dir, result.config)
    say(note)
    yield from violations(mappings, placements, size, result.rules, result.budget)
    said = [*disagreements(result, mappings, placements)]
    if options.config is None and not any(violations(mappings, placements, size, NO_RULES)):
        said += _false_figures(options.run_dir, result, (mappings, placements))
    yield from (f"{RESULT} says {fault}" for fault in said)
    yield from _changed_layers(options.run_dir, mappings)


def _false_figures(run_dir: Path, result: PackingResult, layout: Layout) -> Iterator[str]:
    """Figures that are false. Those of unknown hardware may be of another: that is said, not judged."""
    yield from false_bounds(result, layout)
    with telling_of_compiling():
        if result.config is not None:
            yield from false_figures(run_dir, result, layout, result.config.hardware)
            return
        hardware, note = hardware_of(run_dir, None, None)
        if hardware.size == result.size:
            differs = next(false_latencies(result, layout, hardware), None)
            if differs is not None:
                say(note)
                say(f"{run_dir / RESULT} says {differs}: it was made with another hardware or layout")


def _changed_layers(run_dir: Path, mappings: Sequence[Mapping]) -> Iterator[str]:
    """Layers that duplication may not change, but are not those of partition.json."""
    if not (run_dir / "partition_optimized.json").exists():
        return
    plain = read_partition(run_dir / "partition.json")
    if len(plain) != len(mappings):
        yield f"partition.json has {len(plain)} layers, found {len(mappings)}"
        return
    for before, after in zip(plain, mappings, strict=True):
        if before.layer != after.layer:
            yield f"layer {after.layer.index} is not that of partition.json: {after.layer}"
        elif not after.layer.depthwise and before.boxes != after.boxes:
            yield f"layer {after.layer.index} is cut otherwise than in partition.json"
