"""The runs of `reproduce`, which outlive an interrupt, with how long each of them took."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from ..errors import BadInput
from .checked_json import JsonObject, parse_json, read_text
from .text_files import write_json

RUNS = "runs"


class Times(NamedTuple):
    """How long a run took, and for how long processors worked."""

    seconds: float
    cpu_seconds: float


def begin_runs(folder: Path, resume: bool) -> None:
    """Let measurements begin, or go on. Raises BadInput where that would lose some, or there are none."""
    kept = any_measured(folder)
    if kept and not resume:
        raise BadInput(
            f"--out: found measurements that were interrupted; allowed is --resume, another folder, or to "
            f"remove {folder}"
        )
    if resume and not kept:
        raise BadInput("--resume: found no measurements that were interrupted, allowed is without it")


def any_measured(folder: Path) -> bool:
    """Whether a folder in the making holds a run that has ended."""
    return any((folder / RUNS).glob("*.json"))


def forget_runs(folder: Path) -> None:
    """Remove what is there of runs."""
    shutil.rmtree(folder / RUNS, ignore_errors=True)


def read_times(folder: Path, name: str, made_by: str) -> Times | None:
    """How long a run took that was `made_by` the same command; None where it has not been made yet."""
    path = folder / RUNS / f"{name}.json"
    if not path.exists():
        return None
    held = JsonObject(path, "run", parse_json(read_text(path), str(path)))
    if held.text("made_by") != made_by:
        return None
    return Times(held.number("seconds", 0.0, 1e9), held.number("cpu_seconds", 0.0, 1e12))


def write_times(folder: Path, name: str, made_by: str, times: Times) -> None:
    """Write that a run has ended."""
    write_json(folder / RUNS / f"{name}.json", {"made_by": made_by, **times._asdict()})


def clear_run(folder: Path, name: str) -> None:
    """Remove what an interrupt left of a run."""
    for kind in ("packing", "evolution"):
        for each in (name, f".{name}.partial", f".{name}.earlier"):
            shutil.rmtree(folder / RUNS / kind / each, ignore_errors=True)
