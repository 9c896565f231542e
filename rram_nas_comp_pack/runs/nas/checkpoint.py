"""A search under way in a file: arrays and JSON, nothing that could run."""

from __future__ import annotations

import hashlib
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ofa.whole import whole_file

from ...errors import BadInput
from ...nas.generations import State, SubnetResult
from ...nas.genes import genes_of, key
from ...nas.space import Genes, Genome
from ..checked_json import HUGE, MOST_COUNT, parse_json, require_file
from .front import ACCURACY

VERSION = 3
FOLDER, NAME = "checkpoint", "search.npz"

_DAMAGED = "found no search to go on with: not a checkpoint (or damaged)"

Labels = tuple[Genes, NDArray[np.float64]]
"""Rows of genes (subnets, genes), and their accuracies (subnets,), 0 to 1."""

_NUMBERS = tuple(f.name for f in fields(SubnetResult) if f.name not in ("error", "chip_accuracy"))
_figures = attrgetter(*_NUMBERS)


@dataclass(frozen=True, slots=True)
class Kept:
    """A search between two generations, and what its predictor learnt from, if it has one.

    That are rows of genes (subnets, genes) and accuracies (subnets,), 0 to 1.
    """

    state: State = field(default_factory=State)
    genes: Genes = field(default_factory=lambda: np.zeros((0, 0), np.int8))
    accuracies: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))


def save_search(folder: Path, genome: Genome, kept: Kept, options: Mapping[str, Any]) -> None:
    """Keep a search in a folder of its own, FOLDER in that of its run; the file is whole at every moment.

    `options` are JSON values that decide what the search gives.
    """
    with whole_file(folder / NAME) as file:
        np.savez(file, allow_pickle=False, **_arrays(len(genome.choices), kept, options))


def is_kept(run_dir: Path) -> bool:
    """Whether a run's folder holds a search to go on with."""
    return (run_dir / FOLDER / NAME).exists()


def begin_search(run_dir: Path) -> Kept:
    """Make room for a search that begins. Raises BadInput where that would lose one that did not end."""
    if is_kept(run_dir):
        name = run_dir.name.removeprefix(".").removesuffix(".partial")
        raise BadInput(
            f"--exp-id: found a search of {name!r} that did not end; allowed is --resume, another ID, or to "
            f"remove {run_dir}"
        )
    (run_dir / FOLDER).mkdir(exist_ok=True)
    return Kept()


def resume_search(run_dir: Path, earlier: Path, genome: Genome, options: Mapping[str, Any]) -> Kept:
    """The search in the run's folder, or else a copy of that of the `earlier` run. Raises BadInput."""
    home = run_dir if is_kept(run_dir) else earlier
    if not is_kept(home):
        raise BadInput(
            f"--resume: found no search in {home / FOLDER}, allowed is the ID of one that was begun"
        )
    found = load_search(home / FOLDER, genome, options)
    if home is earlier:
        (run_dir / FOLDER).mkdir(exist_ok=True)
        save_search(run_dir / FOLDER, genome, found, options)
    return found


def forget_search(run_dir: Path) -> None:
    """Remove what is kept of a search."""
    shutil.rmtree(run_dir / FOLDER)


def content_digest(content: bytes | Path) -> str:
    """What names a content, or that of a file, among the options that decide what a search gives."""
    found = content.read_bytes() if isinstance(content, Path) else content
    return hashlib.sha256(found).hexdigest()[:16]


def _arrays(length: int, kept: Kept, options: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    state, outcomes = kept.state, list(kept.state.known.values())
    return {
        "meta": np.array(json.dumps({"version": VERSION, "options": options})),
        "populations": np.concatenate([np.zeros((0, length), np.int8), *state.populations]),
        "survivors": np.array([len(rows) for rows in state.populations], np.int64),
        "hypervolumes": np.array(state.hypervolumes, np.float64),
        "evaluated": np.array(state.evaluated, np.int64),
        "known": genes_of(state.known).reshape(-1, length),
        "outcomes": np.array([_figures(o) for o in outcomes], np.float64).reshape(-1, len(_NUMBERS)),
        "errors": np.array(json.dumps([o.error for o in outcomes])),
        "chips": np.array(json.dumps([o.chip_accuracy for o in outcomes])),
        "taught": kept.genes.reshape(-1, length),
        "accuracies": kept.accuracies,
    }


def load_search(folder: Path, genome: Genome, options: Mapping[str, Any]) -> Kept:
    """Read a search to go on with. Raises BadInput where it is damaged or was begun with other options."""
    path = folder / NAME
    held, begun = _read(path)
    _require_same(path, begun, options)
    try:
        return Kept(_state(genome, held), *_labels(genome, held))
    except Exception as error:  # a damaged array raises nearly anything
        raise BadInput(f"{path}: {_DAMAGED}") from error


LABELLED = ("checkpoint", "dataset", "images", "device", "predictor_subnets")
"""Options on which the accuracies depend that a predictor learns from."""


def load_labels(run_dir: Path, genome: Genome, options: Mapping[str, Any]) -> Labels:
    """What the predictor of another search learnt from.

    Raises BadInput where that search is damaged, has no predictor, or judged networks otherwise.
    """
    path = run_dir / FOLDER / NAME
    held, begun = _read(path)
    _require_same(path, *({name: each.get(name) for name in LABELLED} for each in (begun, options)))
    try:
        found = _labels(genome, held)
    except Exception as error:  # a damaged array raises nearly anything
        raise BadInput(f"{path}: found networks of another search space, or a damaged file") from error
    if not len(found[0]):
        raise BadInput(f"{path}: found no networks that a predictor learnt from, allowed are some")
    return found


def _labels(genome: Genome, held: Mapping[str, NDArray[Any]]) -> Labels:
    taught = _genes(genome, held["taught"])
    return taught, _numbers(held["accuracies"], (len(taught),), 0.0, 1.0)


def _read(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, Any]]:
    """The arrays of a search that is kept, and the options that decided where it went."""
    _require_checkpoint(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            held = {name: file[name] for name in file.files}
        meta = _json(held["meta"])
        version, begun = meta["version"], dict(meta["options"])
    except Exception as error:  # a damaged file raises nearly anything
        raise BadInput(f"{path}: {_DAMAGED}") from error
    if version != VERSION:
        raise BadInput(f"{path}: found version {version!r:.60}, allowed is {VERSION}")
    return held, begun


def _require_checkpoint(path: Path) -> None:
    """Raise BadInput where there is no regular file, or a link to one."""
    if path.is_symlink():
        raise BadInput(f"{path}: found no search to go on with: it is a link, allowed is a checkpoint itself")
    try:
        require_file(path)
    except BadInput as error:
        why = str(error).removeprefix(f"{path}: ")
        raise BadInput(f"{path}: found no search to go on with: {why}") from error


def _state(genome: Genome, held: Mapping[str, NDArray[Any]]) -> State:
    """Raises whatever comes to it where arrays are not those of a checkpoint, or contradict each other."""
    rows, known_rows = _genes(genome, held["populations"]), _genes(genome, held["known"])
    sizes = held["survivors"]
    survivors = _counts(sizes, sizes.shape[:1], len(rows)).tolist()
    if sum(survivors) != len(rows):
        raise ValueError(f"{len(rows)} survivors where there should be {sum(survivors)}")
    populations = np.split(rows, np.cumsum(survivors)[:-1]) if survivors else []
    evaluated = _counts(held["evaluated"], (len(survivors),), len(known_rows)).tolist()
    known = dict(zip((row.tobytes() for row in known_rows), _outcomes(held, len(known_rows)), strict=True))
    alive = {key(genome, row) for rows in populations for row in rows}
    if not alive <= {*known} or len(known) < len(known_rows) or sorted(evaluated) != evaluated:
        raise ValueError("survivors that were never evaluated")
    volumes = _numbers(held["hypervolumes"], (len(survivors),), 0.0, HUGE).tolist()
    return State(tuple(populations), tuple(volumes), tuple(evaluated), known)


def _json(found: NDArray[Any]) -> Any:
    """The JSON document in an array of one text."""
    if found.shape != () or found.dtype.kind != "U":
        raise ValueError(f"a text of shape {found.shape} and type {found.dtype}")
    return parse_json(str(found), "text")


def _genes(genome: Genome, found: NDArray[Any]) -> Genes:
    choices = np.array(genome.choices)
    shaped = found.dtype == np.int8 and found.ndim == 2 and found.shape[1:] == choices.shape
    if not shaped or not ((found >= 0) & (found < choices)).all():
        raise ValueError(f"genes of shape {found.shape} and type {found.dtype}")
    return found


def _counts(found: NDArray[Any], shape: tuple[int, ...], most: int) -> NDArray[np.int64]:
    if found.dtype != np.int64 or found.shape != shape or not ((found >= 1) & (found <= most)).all():
        raise ValueError(f"counts of shape {found.shape} and type {found.dtype}, or beyond 1 to {most}")
    return found


def _numbers(found: NDArray[Any], shape: tuple[int, ...], least: float, most: float) -> NDArray[np.float64]:
    if found.dtype != np.float64 or found.shape != shape or not ((found >= least) & (found <= most)).all():
        raise ValueError(
            f"numbers of shape {found.shape} and type {found.dtype}, or beyond {least} to {most}"
        )
    return found


RANGES = {
    "accuracy": ACCURACY,
    "crossbars": (0.0, MOST_COUNT),
    "utilization": (0.0, 1.0),
    "excess": (-HUGE, math.inf),
}
"""Of the figures of an outcome; the others are from 0 to HUGE."""


def _outcomes(held: Mapping[str, NDArray[Any]], count: int) -> Iterator[SubnetResult]:
    """What became of each network; one that failed has an error, and infinite excess."""
    errors, chips, rows = _json(held["errors"]), _json(held["chips"]), held["outcomes"]
    if rows.shape != (count, len(_NUMBERS)):
        raise ValueError(f"outcomes of shape {rows.shape}")
    for name, column in zip(_NUMBERS, rows.T, strict=True):
        _numbers(column, (count,), *RANGES.get(name, (0.0, HUGE)))
    for row, error, on_chip in zip(rows.tolist(), errors, chips, strict=True):
        values: dict[str, Any] = dict(zip(_NUMBERS, row, strict=True))
        lost = values["excess"] == math.inf and not error
        if not isinstance(error, str) or values["crossbars"] % 1 or lost or not _is_share(on_chip):
            raise ValueError("an outcome that is none")
        own = {**values, "crossbars": int(values["crossbars"])}
        yield SubnetResult(**own, error=error, chip_accuracy=on_chip)


def _is_share(value: object) -> bool:
    """Whether a value is an accuracy that was measured, or none."""
    return value is None or (isinstance(value, float) and 0 <= value <= 1)


def _require_same(path: Path, found: Mapping[str, Any], wanted: Mapping[str, Any]) -> None:
    names = sorted(name for name in {*found, *wanted} if found.get(name) != wanted.get(name))
    if names:
        own = ", ".join(
            f"--{name.replace('_', '-'):.40} {_text(found.get(name)):.100}" for name in names[:10]
        )
        own = " ".join(own.split())
        raise BadInput(f"{path}: found a search with {own}; allowed to go on is with the same options")


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
