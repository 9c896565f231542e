"""`compare`: runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...report.compare.run import Compared, packing_run, search_run
from ...report.compare.table import as_csv, markdown
from ...runs.kinds import kind_of, names
from ...runs.nas.read import read_search
from ...runs.packing.read import read_result
from ...runs.simconfig import copy_note
from ...runs.text_files import write_output
from ..shared import warn

BY_SUFFIX = {".csv": "csv", ".html": "html", ".htm": "html"}


def run(run_dirs: Sequence[Path], format: str | None, out: Path | None) -> int:
    """Print the table, or write it to --out, in this format or in that of the name of `out`."""
    runs = [read_run(*named) for named in zip(run_dirs, names(run_dirs), strict=True)]
    suffix = out.suffix.lower() if out else ""
    text = _table(runs, format or BY_SUFFIX.get(suffix, "markdown"))
    if out is None:
        print(text, end="")
    else:
        write_output(out, text)
        print(f"files: {out}")
    return 0


def read_run(run_dir: Path, name: str) -> Compared:
    """The run in this folder."""
    if kind_of(run_dir) == "search":
        search = read_search(run_dir, name)
        warn(copy_note(run_dir, search.front.config))
        return search_run(search)
    result = read_result(run_dir)
    warn(copy_note(run_dir, result.config))
    return packing_run(name, result)


def _table(runs: Sequence[Compared], wanted: str) -> str:
    if wanted == "html":
        from ...report.compare.page import comparison_page

        return comparison_page(runs)
    return as_csv(runs) if wanted == "csv" else markdown(runs)
