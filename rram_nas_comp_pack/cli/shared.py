"""What several commands do: warnings, progress on standard error, and the report of a run."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tqdm import tqdm

from ofa.console import INTERRUPTED, finish_after
from ofa.streams import printable

if TYPE_CHECKING:
    from ..report.figure_options import FigureOptions
    from ..report.report_files import ReportFiles

__all__ = [
    "INTERRUPTED",
    "Advance",
    "add_report",
    "again",
    "note",
    "report_of",
    "step_bar",
    "telling_how_to_go_on",
    "telling_of_compiling",
    "telling_of_replacing",
    "warn",
]

Advance = Callable[[int, int, str], None]
"""Called with steps done, steps in all, and a note."""


def warn(*texts: str) -> None:
    """Print warnings on standard error, a line each; an empty text is none."""
    for text in filter(None, texts):
        print(printable(f"warning: {text}"), file=sys.stderr)


def again(command_line: str, *more: str) -> str:
    """A command to be called again, with `more` options; the first word of its line is the program's."""
    words = shlex.split(command_line)[1:]
    resumed = {"--resume", "-r"} & {*words}
    own = [each for each in more if not (each == "--resume" and resumed)]
    return f"{_program()} {shlex.join([*words, *own])}"


def note(text: str) -> None:
    """Print on standard error what is neither a result nor a warning."""
    print(printable(f"note: {text}"), file=sys.stderr)


def _program() -> str:
    """What the toolkit can be called by."""
    if Path(sys.argv[0]).name == "rnc":
        return "rnc"
    python, here = Path(sys.executable), Path.cwd()
    shown = python.relative_to(here) if python.is_relative_to(here) else python
    return f"{shlex.quote(str(shown))} -m rram_nas_comp_pack"


@contextmanager
def telling_how_to_go_on(kept: str, command_line: str, *more: str) -> Iterator[None]:
    """Where an interrupt strikes, say what is `kept`, and which command goes on."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"{kept}: {again(command_line, *more)}") from None


@contextmanager
def telling_of_replacing(place: Path) -> Iterator[None]:
    """Say that a run has replaced an earlier one, as soon as it has."""
    from ..runs.folders import holds_files

    is_there = holds_files(place)
    yield
    if is_there:
        note(f"the earlier run in {place} was replaced")


@contextmanager
def telling_of_compiling() -> Iterator[None]:
    """Say once that kernels are being compiled, if they are: most runs load them from disk."""
    from ..kernels.jit import on_compiling

    told: list[bool] = []

    def tell() -> None:
        if not told:
            told.append(True)
            tqdm.write("compiling kernels (once)", file=sys.stderr)

    with on_compiling(tell):
        yield


@contextmanager
def step_bar(name: str, unit: str = "it") -> Iterator[Advance]:
    """A bar over steps on standard error, as soon as they take long."""
    bars: list[tqdm] = []

    def advance(done: int, total: int, note: str = "") -> None:
        if not bars:
            bars.append(tqdm(desc=name, unit=unit, leave=False, delay=0.5, disable=None))
        bar = bars[0]
        bar.total = total
        bar.set_postfix_str(note, refresh=False)
        bar.update(done - bar.n)

    try:
        yield advance
    finally:
        for bar in bars:
            bar.close()


def report_of(run_dirs: Sequence[Path], target: Path, figures: FigureOptions, name: str = "") -> ReportFiles:
    """The report of a packing run, or one of all these searches, to lie in `target`.

    `name` is what a packing run is called, else as its folder is. Raises BadInput where a file is missing or
    not what it must be.
    """
    from ..report.nas.report import search_report
    from ..report.packing.report import packing_report
    from ..runs.kinds import kind_of, names
    from ..runs.nas.read import read_search
    from ..runs.packing.read import read_run
    from ..runs.plain_text import plain

    if kind_of(run_dirs[0]) == "packing":
        (run_dir,) = run_dirs
        return packing_report(read_run(run_dir, name or plain(run_dir.resolve().name)), figures)
    searches = [read_search(*named) for named in zip(run_dirs, names(run_dirs), strict=True)]
    folders = [plain(os.path.relpath(run_dir, target)) for run_dir in run_dirs]
    return search_report(searches, folders, figures)


def add_report(folder: Path, name: str, figures: FigureOptions) -> None:
    """The report of a run that has just been written; the run stands, whatever happens here."""
    from ..runs.publish import write_report

    try:
        write_report(report_of([folder], folder, figures, name), folder)
    except KeyboardInterrupt as interrupt:
        finish_after(interrupt, "the run is written, no report of it")
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        warn(f"no report was written: {reason}")
