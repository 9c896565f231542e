"""Reads sim.log: when each layer of each sample asked for its crossbars, started and finished."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput
from ...values import Mapping
from ..checked_csv import TableRow, read_table
from .reload import ReloadFigures
from .run import TRACED, Ran

HEADER = ("sample", "layer", "asked_ns", "start_ns", "finish_ns", "busy_ns", "waited_ns", "crossbars")
SEGMENTED = (*HEADER, "segment")


def read_sim_log(
    run_dir: Path, mappings: Sequence[Mapping], samples: int | None, reload: ReloadFigures | None = None
) -> tuple[Ran, ...]:
    """The rows of the first samples; all rows are checked. Raises BadInput.

    Each of the `samples` has a row for every layer, in order; None where their number is not known. In a run
    in segments, they have so segment by segment.
    """
    if reload is not None:
        return _read_segments(run_dir / "sim.log", mappings, samples or 1, reload)
    numbers = {m.layer.label: m.layer.index for m in mappings}
    path, found, kept = run_dir / "sim.log", 0, []
    for row in read_table(path, HEADER):
        ran = _ran(row, numbers)
        sample, layer = divmod(found, len(mappings))
        row.count("sample", sample, sample)
        if ran.layer != layer:
            row.fail("layer", row.text("layer"), mappings[layer].layer.label)
        found += 1
        if sample < TRACED:
            kept.append(ran)
    wanted = len(mappings) * (samples or max(1, -(-found // len(mappings))))
    if found != wanted:
        raise BadInput(
            f"{path}: found {found} rows, allowed are {wanted}: "
            f"{wanted // len(mappings)} samples of {len(mappings)} layers"
        )
    return tuple(kept)


def _ran(row: TableRow, numbers: Dictionary[str, int]) -> Ran:
    label = row.text("layer")
    if label not in numbers:
        row.fail("layer", label, f"a layer of the partition, such as {next(iter(numbers))}")
    asked = row.number("asked_ns")
    started = row.number("start_ns", asked)
    finished = row.number("finish_ns", started)
    return Ran(row.count("sample"), numbers[label], asked, started, finished)


def _read_segments(
    path: Path, mappings: Sequence[Mapping], samples: int, reload: ReloadFigures
) -> tuple[Ran, ...]:
    wanted = [
        (number, sample, layer)
        for number, segment in enumerate(reload.segments)
        for sample in range(samples)
        for layer in segment.layers
    ]
    numbers = {m.layer.label: m.layer.index for m in mappings}
    kept, found = [], 0
    for row, (segment, sample, layer) in zip(read_table(path, SEGMENTED), wanted, strict=False):
        ran = _ran(row, numbers)
        row.count("segment", segment, segment)
        row.count("sample", sample, sample)
        if ran.layer != layer:
            row.fail("layer", row.text("layer"), mappings[layer].layer.label)
        found += 1
        if sample < TRACED:
            kept.append(ran)
    rows = sum(1 for _ in read_table(path, SEGMENTED))
    if not found == rows == len(wanted):
        raise BadInput(f"{path}: found {rows} rows, allowed are {len(wanted)}")
    return tuple(kept)
