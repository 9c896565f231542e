"""`report`: figures and one page of a run, from its files."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ofa.console import finish_after
from ofa.streams import printable

from ...errors import BadInput
from ...runs.nas.front import FRONT
from ...runs.nas.read import read_search
from ...runs.packing.read import RESULT, read_run
from ...runs.plain_text import plain
from ...runs.publish import require_own, write_report
from ..options.parse import ReportOptions

if TYPE_CHECKING:
    from ...report.report_files import ReportFiles

Kind = Literal["search", "packing"]
KINDS: dict[str, Kind] = {FRONT: "search", RESULT: "packing"}
"""The file that tells a kind of run."""


def run(options: ReportOptions) -> int:
    """Write the report of every run, searches together; the first one that cannot be read ends it.

    Raises BadInput.
    """
    groups = _groups(options.run_dirs)
    targets = _targets(groups, options.out)
    option = "RUN_DIR" if options.out is None else "--out"
    for target in targets:  # before anything is drawn
        require_own(target, option)
    for group, target in zip(groups, targets, strict=True):
        search = kind_of(group[0]) == "search"
        write_report(_together(group, target) if search else made(group[0]), target, option)
        print(f"report: {target / 'report.html'}")
    return 0


def _groups(run_dirs: Sequence[Path]) -> list[tuple[Path, ...]]:
    """Runs that share a page: all searches, each once, and every other run by itself."""
    searches = tuple(dict.fromkeys(run_dir for run_dir in run_dirs if kind_of(run_dir) == "search"))
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
    if kind_of(run_dir) == "search":
        return _together([run_dir], run_dir)  # a page of one search does not name it
    run = read_run(run_dir, name or plain(run_dir.resolve().name))
    from ...report.packing.report import packing_report

    return packing_report(run)


def _together(searches: Sequence[Path], target: Path) -> ReportFiles:
    """One report of all searches, to lie in `target`, from where it names their folders."""
    from ...report.nas.report import search_report

    runs = [read_search(*named) for named in zip(searches, names(searches), strict=True)]
    return search_report(runs, [plain(os.path.relpath(run_dir, target)) for run_dir in searches])


def names(run_dirs: Sequence[Path]) -> list[str]:
    """What runs are called: their folders' names, or whole paths where those are equal."""
    short = [plain(run_dir.resolve().name) for run_dir in run_dirs]
    count = Counter(short)
    return [
        name if count[name] == 1 else plain(str(path)) for name, path in zip(short, run_dirs, strict=True)
    ]


def kind_of(run_dir: Path) -> Kind:
    """The kind of run in a folder. Raises BadInput where the folder holds no run."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    kind = next((kind for file, kind in KINDS.items() if (run_dir / file).exists()), None)
    if kind is None:
        raise BadInput(f"RUN_DIR: {run_dir} is no run: found neither {' nor '.join(KINDS)}")
    return kind


def add_report(folder: Path, name: str) -> None:
    """The report of a run that has just been written; the run stands, whatever happens here."""
    try:
        write_report(made(folder, name), folder)
    except KeyboardInterrupt as interrupt:
        finish_after(interrupt, "the run is written, no report of it")
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        print(printable(f"no report was written: {reason}"), file=sys.stderr)
