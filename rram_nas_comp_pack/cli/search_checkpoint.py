"""A search under way in a file: arrays and JSON, nothing that could run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ofa.whole import whole_file

from ..errors import BadInput
from ..evolution.evolve import Outcome, State, genes_of, key
from ..evolution.genome import CHOICES, LENGTH, Genes

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
    with whole_file(folder / NAME) as file:
        np.savez(file, allow_pickle=False, **_arrays(kept, options))


def _arrays(kept: Kept, options: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    state, outcomes = kept.state, list(kept.state.known.values())
    return {
        "meta": np.array(json.dumps({"version": VERSION, "options": options})),
        "populations": np.concatenate([np.zeros((0, LENGTH), np.int8), *state.populations]),
        "survivors": np.array([len(rows) for rows in state.populations], np.int64),
        "hypervolumes": np.array(state.hypervolumes, np.float64),
        "evaluated": np.array(state.evaluated, np.int64),
        "known": genes_of(state.known),
        "outcomes": np.array([_numbers(o) for o in outcomes], np.float64).reshape(-1, len(_NUMBERS)),
        "errors": np.array(json.dumps([o.error for o in outcomes])),
        "taught": kept.genes,
        "accuracies": kept.accuracies,
    }


def load_search(folder: Path, options: Mapping[str, Any]) -> Kept:
    """Read a search to go on with. Raises BadInput where it is damaged or was begun with other options."""
    path = folder / NAME
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        meta = json.loads(str(held["meta"]))
        version, begun = meta["version"], dict(meta["options"])
        found = Kept(_state(held), _rows(held["taught"]), _column(held["accuracies"], len(held["taught"])))
    except Exception as error:  # a damaged file raises nearly anything
        why = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise BadInput(f"{path}: found no search to go on with ({why})") from error
    if version != VERSION:
        raise BadInput(f"{path}: found version {version}, allowed is {VERSION}")
    _require_same(path, begun, options)
    return found


def _state(held: Mapping[str, NDArray[Any]]) -> State:
    """Raises whatever comes to it where arrays are not those of `save_search`, or contradict each other."""
    survivors, known_rows = held["survivors"].tolist(), _rows(held["known"])
    populations = np.split(_rows(held["populations"]), np.cumsum(survivors)[:-1]) if survivors else []
    volumes, evaluated = (_column(held[name], len(survivors)) for name in ("hypervolumes", "evaluated"))
    errors = json.loads(str(held["errors"]))
    outcomes = [_outcome(row, error) for row, error in zip(held["outcomes"].tolist(), errors, strict=True)]
    known = dict(zip((row.tobytes() for row in known_rows), outcomes, strict=True))
    alive = {key(row) for rows in populations for row in rows}
    if [len(rows) for rows in populations] != survivors or not alive <= {*known}:
        raise ValueError("survivors that were never evaluated")
    return State(tuple(populations), tuple(volumes.tolist()), tuple(evaluated.tolist()), known)


def _rows(found: NDArray[Any]) -> Genes:
    if found.dtype != np.int8 or found.shape[1:] != (LENGTH,) or not np.isin(found, range(CHOICES)).all():
        raise ValueError(f"genes of shape {found.shape} and type {found.dtype}")
    return found


def _column(found: NDArray[Any], length: int) -> NDArray[Any]:
    if found.shape != (length,):
        raise ValueError(f"{found.shape} numbers where there should be {length}")
    return found


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
