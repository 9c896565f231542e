"""A search under way in a file: arrays and JSON, nothing that could run."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..evolution.evolve import Outcome, State, genes_of
from ..evolution.genome import LENGTH, Genes

VERSION = 1
NAME = "search.npz"

_NUMBERS = tuple(f.name for f in fields(Outcome) if f.name != "error")
_numbers = attrgetter(*_NUMBERS)


@dataclass(frozen=True, slots=True)
class Kept:
    """A search between two generations, and what its predictor learnt from, if it has one.

    That are rows of genes (subnets, genes) and accuracies (subnets,), 0 to 1.
    """

    state: State = field(default_factory=State)
    genes: Genes = field(default_factory=lambda: np.zeros((0, LENGTH), np.int8))
    accuracies: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def save_search(folder: Path, kept: Kept, options: Mapping[str, Any]) -> None:
    """Write a search; the file is whole at every moment.

    `options` are JSON values that decide what the search gives.
    """
    state, outcomes = kept.state, list(kept.state.known.values())
    partial = folder / f".{NAME}.partial"
    with partial.open("wb") as file:
        np.savez(
            file,
            meta=np.array(json.dumps({"version": VERSION, "options": options})),
            populations=np.concatenate([np.zeros((0, LENGTH), np.int8), *state.populations]),
            survivors=np.array([len(rows) for rows in state.populations], np.int64),
            hypervolumes=np.array(state.hypervolumes, np.float64),
            evaluated=np.array(state.evaluated, np.int64),
            known=genes_of(state.known),
            outcomes=np.array([_numbers(o) for o in outcomes], np.float64).reshape(-1, len(_NUMBERS)),
            errors=np.array(json.dumps([o.error for o in outcomes])),
            taught=kept.genes,
            accuracies=kept.accuracies,
        )
        file.flush()
        os.fsync(file.fileno())
    partial.replace(folder / NAME)


def load_search(folder: Path, options: Mapping[str, Any]) -> Kept:
    """Read a search to go on with. Raises BadInput where it is damaged or was begun with other options."""
    path = folder / NAME
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        meta = json.loads(str(held["meta"]))
        if meta["version"] != VERSION:
            raise BadInput(f"{path}: found version {meta['version']}, allowed is {VERSION}")
        found = Kept(_state(held), held["taught"], held["accuracies"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        why = str(error).partition("\n")[0]
        raise BadInput(f"{path}: found no search to go on with ({type(error).__name__}: {why})") from error
    _require_same(path, meta["options"], options)
    return found


def _state(held: Mapping[str, NDArray[Any]]) -> State:
    ends = np.cumsum(held["survivors"])[:-1]
    populations = np.split(held["populations"], ends) if len(held["survivors"]) else []
    errors = json.loads(str(held["errors"]))
    outcomes = [_outcome(row, error) for row, error in zip(held["outcomes"].tolist(), errors, strict=True)]
    known = dict(zip((row.tobytes() for row in held["known"]), outcomes, strict=True))
    return State(
        tuple(populations), tuple(held["hypervolumes"].tolist()), tuple(held["evaluated"].tolist()), known
    )


def _outcome(row: list[float], error: str) -> Outcome:
    values: dict[str, Any] = dict(zip(_NUMBERS, row, strict=True))
    values["crossbars"] = int(values["crossbars"])
    return Outcome(**values, error=error)


def _require_same(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    if names:
        own = ", ".join(f"--{name.replace('_', '-')} {_text(found.get(name))}" for name in names)
        raise BadInput(f"{path}: found a search with {own}; allowed to go on is with the same options")


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
