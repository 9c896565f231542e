"""Reads the files of a search back. What does not hold what it must raises BadInput, with file and place."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ofa.architecture import Configuration, configuration
from ofa.errors import BadInput as BadSubnet

from ..errors import BadInput
from ..report.search_run import Evaluated, Figures, FrontNetwork, SearchRun
from .evolve_options import ELSEWHERE
from .files import read_json

UNSOUND = (KeyError, TypeError, ValueError, AttributeError, IndexError, BadSubnet)


def read_search(run_dir: Path, name: str) -> SearchRun:
    """The search in this folder. `name` is what it is to be called."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    path = run_dir / "front.json"
    entry = read_json(path)
    volumes = list(_rows(run_dir / "hypervolume.csv"))
    evaluated, options = read_evaluated(run_dir / "evaluated.csv"), read_options(run_dir / "logs.log")
    try:
        return SearchRun(
            name=name,
            version=str(entry["version"]),
            dataset=str(entry["dataset"]),
            accuracy=str(entry["accuracy"]),
            resolution=_count(entry["resolution"]),
            budget=_count(entry["crossbars_budget"]),
            samples=_count(entry["num_sample"]),
            objectives=tuple(str(o) for o in entry["objectives"]),
            hypervolumes=tuple(_number(row["hypervolume"]) for _, row in volumes),
            counts=tuple(_count(row["evaluated"]) for _, row in volumes),
            front=tuple(_network(i, network) for i, network in enumerate(entry["networks"])),
            evaluated=evaluated,
            options=options,
        )
    except UNSOUND as error:
        raise BadInput(f"{path}: found no search's front ({_said(error)})") from error


def read_options(path: Path) -> dict[str, str]:
    """The options of a search by its log, none where it has no log; those of ELSEWHERE are left out.

    Reports of equal searches must be equal.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{path}: cannot be read ({_said(error)})") from error
    section = lines[1:] if lines[:1] == ["[options]"] else []
    pairs = (line.partition(" = ") for line in section[: section.index("") if "" in section else None])
    return {name: value for name, mark, value in pairs if mark and name not in ELSEWHERE}


def read_evaluated(path: Path) -> Evaluated:
    """The networks of evaluated.csv."""
    figures: list[tuple[float, float]] = []
    genes: list[tuple[int, ...]] = []
    too_large = failed = 0
    for line, row in _rows(path):
        try:
            sample = _subnet(json.loads(row["sample"]))
            if row["error"]:
                failed += 1
            elif _number(row["excess"]) > 0:
                too_large += 1
            else:
                figures.append((_number(row["acc"]), _number(row["speed"])))
                genes.append((*sample.ks, *sample.e, *sample.d))
        except UNSOUND as error:
            raise BadInput(f"{path}: line {line}: found no network ({_said(error)})") from error
    accuracy, speed = np.array(figures, np.float64).reshape(-1, 2).T
    rows = np.array(genes, np.int64).reshape(-1, 36)
    return Evaluated(accuracy, speed, rows[:, :16], rows[:, 16:32], rows[:, 32:], too_large, failed)


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Line numbers and rows of a CSV file."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else _said(error)
        raise BadInput(f"{path}: cannot be read: {reason}") from error


def _network(index: int, entry: Any) -> FrontNetwork:
    test, tuned = entry["test_accuracy"], entry["tuned"]
    return FrontNetwork(
        index,
        _subnet(entry["sample"]),
        _number(entry["validation_accuracy"]),
        None if test is None else _number(test),
        _figures(entry["searched"]),
        None if tuned is None else _figures(tuned),
    )


def _subnet(sample: Any) -> Configuration:
    return configuration(sample["ks"], sample["e"], sample["d"])


def _figures(entry: Any) -> Figures:
    numbers = {name: _number(entry[name]) for name in ("speed", "latency_ns", "energy_nj", "utilization")}
    return Figures(crossbars=_count(entry["crossbars"]), **numbers)


def _number(value: Any) -> float:
    """A finite number. Raises ValueError or TypeError."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"{value} is no number")
    return found


def _count(value: Any) -> int:
    found = int(value)
    if found < 0:
        raise ValueError(f"{value} is below 0")
    return found


def _said(error: Exception) -> str:
    text = str(error).partition("\n")[0]
    return f"{text} is missing" if isinstance(error, KeyError) else text
