"""Reads sim.log: when each layer of each sample asked for its crossbars, started and finished."""

from __future__ import annotations

from collections.abc import Mapping as Dictionary
from collections.abc import Sequence
from pathlib import Path

from ...values import Mapping
from ..checked_csv import TableRow, read_table
from .run import TRACED, Ran

HEADER = ("sample", "layer", "asked_ns", "start_ns", "finish_ns", "busy_ns", "waited_ns", "crossbars")


def read_sim_log(run_dir: Path, mappings: Sequence[Mapping]) -> tuple[Ran, ...]:
    """The rows of the first samples; all rows are checked. Raises BadInput."""
    numbers = {m.layer.label: m.layer.index for m in mappings}
    rows = (_ran(row, numbers) for row in read_table(run_dir / "sim.log", HEADER))
    return tuple(ran for ran in rows if ran.sample < TRACED)


def _ran(row: TableRow, numbers: Dictionary[str, int]) -> Ran:
    label = row.text("layer")
    if label not in numbers:
        row.fail("layer", label, f"a layer of the partition, such as {next(iter(numbers))}")
    asked = row.number("asked_ns")
    started = row.number("start_ns", asked)
    finished = row.number("finish_ns", started)
    return Ran(row.count("sample"), numbers[label], asked, started, finished)
