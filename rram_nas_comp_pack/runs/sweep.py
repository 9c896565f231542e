"""The folder of a sweep: a table of its points, and their runs, which outlive an interrupt."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from itertools import takewhile
from pathlib import Path

from .file_names import EVOLUTION, PACKING, REPORT, RunFiles
from .nas.checkpoint import is_kept
from .nas.front import FRONT
from .packing.accuracy import ACCURACY_JSON
from .packing.accuracy_lines import ACCURACY_CSV
from .packing.chip_image import NAME as IMAGE
from .packing.read import RESULT
from .simconfig import default_config
from .text_files import write_csv, write_json

RUNS, TABLE, ASKED = "runs", "sweep.csv", "sweep.json"

_NAME = r"\.?[0-9a-f]{12}(?:\.partial|\.earlier)?"
SWEEP = RunFiles(
    "sweep",
    (TABLE, RUNS),
    re.compile(
        rf"sweep\.(?:csv|json)|{REPORT}"
        rf"|runs/packing/{_NAME}/{PACKING.names.pattern}|runs/evolution/{_NAME}/{EVOLUTION.names.pattern}"
        rf"|runs/accuracy/{_NAME}/\.?(?:{re.escape(ACCURACY_JSON)}|{re.escape(ACCURACY_CSV)})(?:\.partial)?"
    ),
)
"""What a sweep writes."""

KINDS = {"pack": "packing", "evolve": "evolution", "accuracy": "accuracy"}
_MARKS = {"pack": RESULT, "evolve": FRONT, "accuracy": ACCURACY_JSON}
_JUDGED = (RESULT, "pack.csv", "partition.json", "partition_optimized.json", IMAGE)
"""Files of a run that decide what its chips get right."""


def point_name(argv: Sequence[str]) -> str:
    """The ID of the run that a command line makes: the same for the same command line and hardware.

    Where chips of a run are judged, it is also the same run, and the same files of chips and weights.
    """
    found = hashlib.sha256(json.dumps(list(argv)).encode())
    for config in _configs(argv):
        with suppress(OSError):  # the run itself tells what is wrong with it
            found.update(config.read_bytes())
    for file in _judged_files(argv) if argv[0] == "accuracy" else ():
        with suppress(OSError):
            state = os.stat(file)
            found.update(_digest(file, state.st_mtime_ns, state.st_size, state.st_ino))
    return found.hexdigest()[:12]


def _configs(argv: Sequence[str]) -> Iterator[Path]:
    """The configuration files of a command line, or the usual one; a run that is judged has its own."""
    given = list(_files_of("--config", argv))
    yield from given
    if not given and argv[0] != "accuracy":
        yield default_config()


def _judged_files(argv: Sequence[str]) -> Iterator[Path]:
    yield from (Path(argv[1]) / name for name in _JUDGED)
    yield from _files_of("--chip", argv)
    yield from _files_of("--weights", argv)


def _files_of(option: str, argv: Sequence[str]) -> Iterator[Path]:
    """The files that an option names, in all places where it stands."""
    for i, text in enumerate(argv):
        name, equals, value = text.partition("=")
        if name == option:
            words = takewhile(lambda text: not text.startswith("-"), argv[i + 1 :])
            yield from map(Path, (value,) if equals else words)


@functools.lru_cache(maxsize=1024)
def _digest(file: Path, _changed_ns: int, _size: int, _inode: int) -> bytes:
    """SHA-256 of a file as it is at present; images of chips are large, and every point asks."""
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").digest()


def run_of(folder: Path, argv: Sequence[str]) -> Path:
    """Where the run of a command line lies in a sweep's folder."""
    return folder / RUNS / KINDS[argv[0]] / point_name(argv)


def is_done(folder: Path, argv: Sequence[str]) -> bool:
    """Whether it has been made."""
    return (run_of(folder, argv) / _MARKS[argv[0]]).exists()


def is_begun(folder: Path, argv: Sequence[str]) -> bool:
    """Whether a search by a command line was interrupted and can go on."""
    run = run_of(folder, argv)
    return argv[0] == "evolve" and is_kept(run.with_name(f".{run.name}.partial"))


def take_over(folder: Path, earlier: Path, commands: Collection[Sequence[str]]) -> None:
    """Copy the runs of these command lines from an earlier sweep that a sweep in the making lacks."""
    for argv in commands:
        if is_done(earlier, argv) and not is_done(folder, argv):
            target = run_of(folder, argv)
            shutil.rmtree(target, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copytree(run_of(earlier, argv), target, symlinks=True)


def others(folder: Path, commands: Collection[Sequence[str]]) -> int:
    """How many runs of other command lines than these a sweep's folder holds."""
    own = {run_of(folder, argv) for argv in commands}
    return sum(run not in own for run in (folder / RUNS).glob("*/[!.]*"))


def drop_others(folder: Path, commands: Collection[Sequence[str]]) -> None:
    """Remove runs of other command lines than these, and what was left of runs that did not end."""
    kept = {run_of(folder, argv) for argv in commands}
    for run in (folder / RUNS).glob("*/*"):
        if run not in kept:
            shutil.rmtree(run)


def write_sweep(
    folder: Path, header: Sequence[str], rows: Sequence[Sequence[object]], asked: dict[str, object]
) -> None:
    """Write the table, a line a point, and what was asked for as JSON."""
    write_csv(folder / TABLE, header, rows)
    write_json(folder / ASKED, asked)
