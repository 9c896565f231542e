"""`compare`: runs side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ofa.whole import is_special, whole_file

from ..errors import BadInput
from ..report.comparison import Compared, as_csv, markdown, packing_run, search_run
from .evolution_report import names
from .files import read_json
from .folder import refusal
from .options import CompareOptions
from .report import SEARCH, reader_of
from .search_reading import read_search

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
    if reader_of(run_dir) == SEARCH:
        return search_run(read_search(run_dir, name))
    path = run_dir / "result.json"
    try:
        found = packing_run(name, read_json(path))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise BadInput(f"{path}: found no result of a packing run ({what})") from error
    texts = {"kind", "model", "duplication"}
    for key, value in found.values.items():
        if key not in texts and value is not None and type(value) not in (int, float):
            raise BadInput(f"{path}: {key}: found {value!r:.60}, allowed is a number")
    return found


def _table(runs: Sequence[Compared], wanted: str) -> str:
    if wanted == "html":
        from ..report.comparison_page import comparison_page

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
