"""`verify`: judge a run's layout from its files alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import BadInput
from ..hardware.config import load_hardware
from ..packing.check import violations
from ..values import CrossbarSize, Mapping, Placement, Rules, cells_with_weights
from .files import read_json, read_mappings, read_partition, read_placements
from .groups import rules_of
from .options import VerifyOptions


def run(options: VerifyOptions) -> int:
    """Print every violation on a line of its own; returns 1 where there is one."""
    mappings, placements = read_mappings(options.run_dir), read_placements(options.run_dir)
    path = options.run_dir / "result.json"
    if path.exists():
        result = read_json(path)
        size, rules, budget = _terms(path, result)
        found = [
            *violations(mappings, placements, size, rules, budget),
            *_claims(result, mappings, placements, size),
            *_changed_layers(options.run_dir, mappings),
        ]
    else:  # another program's run: its rules are not recorded, so those of the defaults are held against it
        hardware = load_hardware(options.config)
        found = list(violations(mappings, placements, hardware.size, Rules()))
    print(*(found or [f"{options.run_dir}: {len(placements)} boxes, no violation"]), sep="\n")
    return 1 if found else 0


def _terms(path: Path, result: Any) -> tuple[CrossbarSize, Rules, int | None]:
    """Crossbar size, rules and budget that the run was made under."""
    try:
        options = result["options"]
        numbers = (
            result["crossbar"]["rows"],
            result["crossbar"]["columns"],
            options["layer_threshold"],
            options["xbar_max_load"],
            options["num_crossbars"],
        )
        free, seek = options["no_pack_heuristic"], options["find_solution"]
    except (KeyError, TypeError) as error:
        raise BadInput(f"{path}: {error} is missing or not of the expected form") from error
    if not all(type(n) is int for n in numbers) or not all(type(flag) is bool for flag in (free, seek)):
        raise BadInput(
            f"{path}: options and crossbar hold something else than whole numbers and true or false"
        )
    rows, columns, threshold, load, budget = numbers
    return CrossbarSize(rows, columns), rules_of(free, threshold, load), None if seek else budget


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


def _claims(
    result: Any, mappings: Sequence[Mapping], placements: Sequence[Placement], size: CrossbarSize
) -> Iterator[str]:
    """Where result.json says something else than partition and layout."""
    used = len({p.crossbar_idx for p in placements})
    for key, number in {"crossbars_used": used, "boxes": len(placements)}.items():
        if result.get(key) != number:
            yield f"result.json says {key} {result.get(key)}, found {number}"
    cells = {"utilization": sum((p.max_x - p.loc_x) * (p.max_y - p.loc_y) for p in placements)}
    if "weight_utilization" in result:  # runs made before diagonal mappings lack it
        cells["weight_utilization"] = cells_with_weights(mappings)
    for key, count in cells.items() if used else ():
        said, share = result.get(key), count / (used * size.cells)
        if not isinstance(said, int | float) or abs(said - share) > 1e-9:
            yield f"result.json says {key} {said}, found {share}"
