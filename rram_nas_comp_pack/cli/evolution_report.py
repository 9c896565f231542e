"""Reads searches and makes their report."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from ..report.evolution import search_report
from ..report.files import ReportFiles
from .search_reading import read_search
from .wording import plain


def read(run_dir: Path, _name: str) -> ReportFiles:
    """The report of one search, to lie in its folder; it does not name the search."""
    return read_all([run_dir], run_dir)


def read_all(run_dirs: Sequence[Path], folder: Path) -> ReportFiles:
    """One report of several searches, to lie in `folder`. Raises BadInput."""
    runs = [read_search(*named) for named in zip(run_dirs, names(run_dirs), strict=True)]
    return search_report(runs, [plain(os.path.relpath(run_dir, folder)) for run_dir in run_dirs])


def names(run_dirs: Sequence[Path]) -> list[str]:
    """What runs are called: their folders' names, or whole paths where those are equal."""
    short = [plain(run_dir.resolve().name) for run_dir in run_dirs]
    count = Counter(short)
    return [
        name if count[name] == 1 else plain(str(path)) for name, path in zip(short, run_dirs, strict=True)
    ]
