"""`report`: figures and one page of a run, from its files."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from ofa.console import finish_after

from ..errors import BadInput
from .options import ReportOptions
from .publish import write_report
from .wording import plain

if TYPE_CHECKING:
    from ..report.files import ReportFiles

SEARCH = "evolution_report"
KINDS = {"front.json": SEARCH, "result.json": "packing_report"}
"""The file that tells a kind of run, and the module of its reader: `read(run_dir, name) -> ReportFiles`."""


def run(options: ReportOptions) -> int:
    """Write the report of every run, searches together; the first one that cannot be read ends it.

    Raises BadInput.
    """
    groups = _groups(options.run_dirs)
    for group, target in zip(groups, _targets(groups, options.out), strict=True):
        search = reader_of(group[0]) == SEARCH
        write_report(_together(group, target) if search else made(group[0]), target)
        print(f"report: {target / 'report.html'}")
    return 0


def _groups(run_dirs: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Runs that share a page: all searches, each once, and every other run by itself."""
    searches = tuple(dict.fromkeys(run_dir for run_dir in run_dirs if reader_of(run_dir) == SEARCH))
    others: list[tuple[Path, ...]] = [(run_dir,) for run_dir in run_dirs if run_dir not in searches]
    return [searches, *others] if searches else others


def _targets(groups: Sequence[tuple[Path, ...]], out: Path | None) -> Sequence[Path]:
    """Where each report goes."""
    if out is None:
        return [group[0] for group in groups]
    if len(groups) == 1:
        return [out]
    names = [group[0].resolve().name for group in groups]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise BadInput(f"--out: several runs are called {twice!r}, allowed is one of each name")
    return [out / name for name in names]


def made(run_dir: Path, name: str = "") -> ReportFiles:
    """The report of one run, called `name` or else as its folder is.

    Raises BadInput where a file is missing or not what it must be.
    """
    read: Callable[[Path, str], ReportFiles] = import_module(f"{__package__}.{reader_of(run_dir)}").read
    return read(run_dir, name or plain(run_dir.resolve().name))


def _together(searches: Sequence[Path], target: Path) -> ReportFiles:
    """One report of all searches, to lie in `target`, from where it names their folders."""
    from .evolution_report import read_all

    return read_all(searches, target)


def reader_of(run_dir: Path) -> str:
    """The module that reads a run of this kind. Raises BadInput where the folder holds no run."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    module = next((m for file, m in KINDS.items() if (run_dir / file).exists()), None)
    if module is None:
        raise BadInput(f"RUN_DIR: {run_dir} is no run: found neither {' nor '.join(KINDS)}")
    return module


def add_report(folder: Path, name: str) -> None:
    """The report of a run that has just been written; the run stands, whatever happens here."""
    try:
        write_report(made(folder, name), folder)
    except KeyboardInterrupt as interrupt:
        finish_after(interrupt, "the run is written, no report of it")
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        print(f"no report was written: {reason}", file=sys.stderr)
