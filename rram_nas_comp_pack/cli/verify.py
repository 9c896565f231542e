"""`verify`: judge a run's layout from its files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..packing.check import violations
from ..runs.packing.agreement import disagreements
from ..runs.packing.read import RESULT, read_result
from ..runs.packing.read_layout import read_mappings, read_partition, read_placements
from ..values import Mapping, Rules
from .options import VerifyOptions
from .run_hardware import copy_note, hardware_of, say


def run(options: VerifyOptions) -> int:
    """Print every violation on a line of its own; returns 1 where there is one."""
    mappings, placements = read_mappings(options.run_dir), read_placements(options.run_dir)
    if (options.run_dir / RESULT).exists():
        result = read_result(options.run_dir)
        size = result.size
        note = copy_note(options.run_dir, result.config)
        if options.config is not None:
            hardware, note = hardware_of(options.run_dir, result.config, options.config)
            size = hardware.size
        found = [
            *violations(mappings, placements, size, result.rules, result.budget),
            *(f"result.json says {fault}" for fault in disagreements(result, mappings, placements)),
            *_changed_layers(options.run_dir, mappings),
        ]
    else:  # another program's run: its rules are not recorded, so those of the defaults are held against it
        hardware, note = hardware_of(options.run_dir, None, options.config)
        found = list(violations(mappings, placements, hardware.size, Rules()))
    say(note)
    print(*(found or [f"{options.run_dir}: {len(placements)} boxes, no violation"]), sep="\n")
    return 1 if found else 0


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
