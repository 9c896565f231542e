"""Reads the files of a search. Whatever is unsound raises BadInput, with file and place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import isclose
from pathlib import Path

import numpy as np

from ...errors import BadInput
from ...nas.compile_gene import DIAGONAL_ROWS, HARDWARE
from ..checked_csv import TableRow, read_table
from ..checked_json import HUGE, TINY
from ..log import read_pairs
from .front import ACCURACY, FRONT, option_texts, read_front, read_subnet_text
from .run import Evaluated, Front, SearchRun

EVALUATED = (
    "generation", "acc", "speed", "latency_ns", "energy_nj", "crossbars",
    "utilization", "excess", "error", "sample",
)  # fmt: skip
VOLUME = ("generation", "evaluated", "hypervolume")


def read_search(run_dir: Path, name: str) -> SearchRun:
    """The search in this folder. `name` is what it is to be called."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    front = read_front(run_dir / FRONT)
    volumes, counts = _read_volumes(run_dir / "hypervolume.csv")
    evaluated = read_evaluated(run_dir / "evaluated.csv")
    _require_all(run_dir, front, volumes, evaluated.total)
    _require_offered(run_dir, front, evaluated)
    return SearchRun(
        name=name,
        front=front,
        hypervolumes=volumes,
        counts=counts,
        evaluated=evaluated,
        options=_logged_options(run_dir / "logs.log") if front.options is None else front.options,
    )


def _require_all(run_dir: Path, front: Front, volumes: Sequence[float], evaluated: int) -> None:
    """Raise BadInput where a table has other rows than front.json, which the search wrote with it, says."""
    generations = None if front.hypervolumes is None else len(front.hypervolumes)
    for key, said, name, found in (
        ("generations", front.generations, "hypervolume.csv", len(volumes)),
        ("evaluated", front.evaluated, "evaluated.csv", evaluated),
        ("hypervolume", generations, "hypervolume.csv", len(volumes)),
    ):
        if said is not None and said != found:
            what = "networks" if name == "evaluated.csv" else "generations"
            raise BadInput(f"{run_dir / name}: found {found} {what}, {run_dir / FRONT} ({key}) has {said}")
    for generation, pair in enumerate(zip(volumes, front.hypervolumes or (), strict=False)):
        if not isclose(*pair, rel_tol=1e-9):
            raise BadInput(
                f"{run_dir / 'hypervolume.csv'}: generation {generation}: found hypervolume {pair[0]}, "
                f"{run_dir / FRONT} has {pair[1]}"
            )


def _require_offered(run_dir: Path, front: Front, evaluated: Evaluated) -> None:
    """Raise BadInput where networks lie on other hardware than front.json offers."""
    offered, found = {each.name for each in front.offered}, {*(evaluated.hardware or ())}
    untold = bool(offered and len(evaluated.speed) and not found)
    if untold or not found <= offered:
        told = [", ".join(sorted(names)) or "none" for names in (found, offered)]
        raise BadInput(
            f"{run_dir / 'evaluated.csv'}: found hardware {told[0]}, {run_dir / FRONT} has {told[1]}"
        )


def _read_volumes(path: Path) -> tuple[tuple[float, ...], tuple[int, ...]]:
    """Hypervolumes, and networks evaluated by then, by generation."""
    volumes, counts = [], [0]
    for generation, row in enumerate(read_table(path, VOLUME)):
        row.count("generation", generation, generation)
        volumes.append(row.number("hypervolume"))
        counts.append(row.count("evaluated", counts[-1]))
    return tuple(volumes), tuple(counts[1:])


def read_evaluated(path: Path) -> Evaluated:
    """The networks of evaluated.csv, each of which is there once."""
    lines: dict[tuple[int | str | None, ...], int] = {}
    figures: list[tuple[float, float]] = []
    chips: list[float] = []
    genes: list[tuple[int, ...]] = []
    too_large = failed = 0
    numbers: list[int] = []
    hardware: list[str | None] = []
    for number, row in enumerate(read_table(path, EVALUATED)):
        sample = read_subnet_text(f"{row.path}: line {row.line}", row.text("sample"))
        rows = (row.count(DIAGONAL_ROWS),) if DIAGONAL_ROWS in row.fields else ()
        own = row.label(HARDWARE) if HARDWARE in row.fields else None
        network = (*sample.ks, *sample.e, *sample.d, *rows)
        if lines.setdefault((*network, own), row.line) != row.line:
            former = lines[*network, own]
            row.fail("sample", row.text("sample"), f"another network than that of line {former}")
        if row.text("error"):
            failed += 1
        elif row.number("excess", -HUGE) > 0:
            too_large += 1
        else:
            figures.append(_accuracy_and_speed(row))
            if "chip_accuracy" in row.fields:
                chips.append(row.number("chip_accuracy", 0, 1))
            genes.append(network)
            hardware.append(own)
            numbers.append(number)
    accuracy, speed = np.array(figures, np.float64).reshape(-1, 2).T
    fit, found = np.array(numbers, np.int64), np.array(genes or np.empty((0, 36)), np.int64)
    ks, e, d, rows_of_boxes = np.split(found, (16, 32, 36), axis=1)
    mapped = rows_of_boxes[:, 0] if rows_of_boxes.size else None
    chip = np.array(chips) if chips else None
    chosen = tuple(name for name in hardware if name is not None) or None
    return Evaluated(fit, accuracy, speed, ks, e, d, too_large, failed, chip, mapped, chosen)


def _accuracy_and_speed(row: TableRow) -> tuple[float, float]:
    return row.number("acc", *ACCURACY), row.number("speed", TINY)


def _logged_options(path: Path) -> Mapping[str, str]:
    """The options of an older search, which only its log tells; none where it has no log."""
    found = read_pairs(path, "options")
    if "objectives" in found:  # logged as a tuple
        found["objectives"] = ",".join(re.findall(r"\w+", found["objectives"]))
    return option_texts(found)
