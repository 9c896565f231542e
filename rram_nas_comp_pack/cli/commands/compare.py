"""`compare`: runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ofa.whole import is_special, whole_file

from ...report.compare.run import Compared, packing_run, search_run
from ...report.compare.table import as_csv, markdown
from ...runs.held_folder import refusal
from ...runs.nas.read import read_search
from ...runs.packing.read import read_result
from ..options.parse import CompareOptions
from ..run_hardware import copy_note, say
from .report import kind_of, names

BY_SUFFIX = {".csv": "csv", ".html": "html", ".htm": "html"}


def run(options: CompareOptions) -> int:
    """Print the table, or write it to --out."""
    runs = [read_run(*named) for named in zip(options.run_dirs, names(options.run_dirs), strict=True)]
    suffix = options.out.suffix.lower() if options.out else ""
    text = _table(runs, options.format or BY_SUFFIX.get(suffix, "markdown"))
    if options.out is None:
        print(text, end="")
    else:
        _write(options.out, text)
        print(f"files: {options.out}")
    return 0


def read_run(run_dir: Path, name: str) -> Compared:
    """The run in this folder."""
    if kind_of(run_dir) == "search":
        search = read_search(run_dir, name)
        say(copy_note(run_dir, search.front.config))
        return search_run(search)
    result = read_result(run_dir)
    say(copy_note(run_dir, result.config))
    return packing_run(name, result)


def _table(runs: Sequence[Compared], wanted: str) -> str:
    if wanted == "html":
        from ...report.compare.page import comparison_page

        return comparison_page(runs)
    return as_csv(runs) if wanted == "csv" else markdown(runs)


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all, or to a device or pipe, which stays what it is."""
    content = text.encode("utf-8", "backslashreplace")
    try:
        with path.open("wb") if is_special(path) else whole_file(path) as file:
            file.write(content)
    except OSError as error:
        raise refusal(f"--out: {path} cannot be written: {error.strerror or error}", error) from error
