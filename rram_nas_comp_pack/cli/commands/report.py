"""`report`: figures and one page of a run, from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput
from ...report.figure_options import FigureOptions
from ...runs.kinds import kind_of
from ...runs.publish import require_own, write_report
from ..shared import report_of


def run(run_dirs: Sequence[Path], out: Path | None, figures: FigureOptions) -> int:
    """Write the report of every run, searches together; the first one that cannot be read ends it.

    Raises BadInput.
    """
    groups = _groups(run_dirs)
    targets = _targets(groups, out)
    option = "RUN_DIR" if out is None else "--out"
    for target in targets:  # before anything is drawn
        require_own(target, option)
    for group, target in zip(groups, targets, strict=True):
        write_report(report_of(group, target, figures), target, option)
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
