"""`sweep`: runs of a command at all values of some options, as one table and a page."""

from __future__ import annotations

import io
import shlex
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager, redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path
from threading import RLock

from tqdm import tqdm

from ...errors import CannotBeDone
from ...nas.workers.dask_cluster import cluster
from ...nas.workers.engine import Engine, Failed
from ...nas.workers.local import local
from ...report.compare.run import packing_run, search_run
from ...report.sweep.accuracy import accuracy_values
from ...report.sweep.table import SweepTable, SweepTold, SweptRun, Values, table_of
from ...runs.folders import run_folder
from ...runs.nas.read import read_search
from ...runs.nas.run import local as local_name
from ...runs.packing.accuracy import read_accuracy
from ...runs.packing.read import read_result
from ...runs.plain_text import counted
from ...runs.sweep import (
    RUNS,
    SWEEP,
    drop_others,
    is_begun,
    is_done,
    others,
    point_name,
    run_of,
    take_over,
    write_sweep,
)
from ..options.parse import parse
from ..options.sweep import Point, SweepOptions
from ..shared import again, note, warn

MOST_REASONS = 5
"""So many reasons of failures are printed; sweep.csv has all."""

QUIET = {"pack": (), "evolve": ("--workers", "1"), "accuracy": ()}
"""Options of runs that share the machine with others."""


def run(options: SweepOptions) -> int:
    """Make the runs that are not there yet and write the sweep's folder; 1 where one of them failed."""
    for argv in options.samples:
        parse(argv)  # a wrong option is told before anything runs
    parent = options.log_dir / "sweep"
    commands = [point.argv for point in options.points]
    with run_folder(parent, options.exp_id, RUNS, files=SWEEP) as folder:
        try:
            lost = others(parent / options.exp_id, commands)
            take_over(folder, parent / options.exp_id, commands)
            with _engine(options) as engine:
                failures = _make(folder, options.points, engine)
            if lost and all(failures.get(argv) for argv in commands):
                reason = next(iter(failures.values()))
                raise CannotBeDone(
                    f"sweep: every point failed, and the earlier sweep stays as it was: {reason}"
                )
            drop_others(folder, [argv for argv in commands if is_done(folder, argv)])
        except KeyboardInterrupt:
            kept = f"finished points are kept, and the same command goes on: {again(options.command_line)}"
            raise KeyboardInterrupt(kept) from None
        found = table_of(
            options.command, options.swept, [_values(folder, each, failures) for each in options.points]
        )
        write_sweep(folder, found.header, found.rows, _asked(options))
        if not options.no_report:
            _add_report(folder, options, found)
    failed = sum(bool(reason) for reason in failures.values())
    print(f"sweep: {counted(len(options.points), 'point')}, of which {failed} failed")
    for reason, count in Counter(filter(None, failures.values())).most_common(MOST_REASONS):
        warn(f"{count} of the points: {reason}")
    if lost:
        left = "is not among these and was" if lost == 1 else "are not among these and were"
        note(f"{counted(lost, 'point')} of the earlier sweep {left} removed")
    print(f"files: {parent / options.exp_id}")
    return 1 if failed else 0


def _make(folder: Path, points: Sequence[Point], engine: Engine) -> dict[tuple[str, ...], str]:
    """Make what is not there yet; returns why runs failed, by their command lines."""
    missing = [point.argv for point in points if not is_done(folder, point.argv)]
    with tqdm(desc="sweep", total=len(points), unit="run", file=sys.stderr, disable=None) as bar:
        made = len(points) - len(missing)
        bar.update(made)
        reasons = engine(
            partial(make_run, str(folder.resolve())), missing, lambda done: bar.update(made + done - bar.n)
        )
    told = [each.error if isinstance(each, Failed) else each for each in reasons]
    return dict(zip(missing, told, strict=True))


def make_run(folder: str, argv: tuple[str, ...]) -> str:
    """Make a run in a worker; returns why it failed, "" where it did not."""
    from ..main import main

    tqdm.set_lock(RLock())  # that between processes would be left behind where a worker is ended
    said = io.StringIO()
    going_on = ("--resume",) if is_begun(Path(folder), argv) else ()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        status = main([*argv, *QUIET[argv[0]], *going_on, *_places(Path(folder), argv)])
    if status == 0:
        return ""
    lines = said.getvalue().strip().splitlines()
    return lines[-1].removeprefix("rram_nas_comp_pack: ") if lines else f"exit status {status}"


def _places(folder: Path, argv: Sequence[str]) -> tuple[str, ...]:
    """Options that say where the files of a run go."""
    if argv[0] == "accuracy":
        return "--out", str(run_of(folder, argv))
    return "--exp-id", point_name(argv), "--log-dir", str(folder / RUNS), "--no-report"


def _values(folder: Path, point: Point, failures: dict[tuple[str, ...], str]) -> SweptRun:
    """What the run of a point found, or why there is none."""
    if not is_done(folder, point.argv):
        return SweptRun(point.values, None, failures.get(point.argv, ""))
    return SweptRun(point.values, _found(point.argv[0], run_of(folder, point.argv)), "")


def _found(command: str, place: Path) -> Values:
    """What the run of a command in a folder found, by the names of the table's columns."""
    if command == "accuracy":
        return accuracy_values(read_accuracy(place))
    found = packing_run("", read_result(place)) if command == "pack" else search_run(read_search(place, ""))
    return found.values


def _asked(options: SweepOptions) -> dict[str, object]:
    return {
        "command": options.command,
        "swept": list(options.swept),
        "points": [{"run": point_name(point.argv), "argv": list(point.argv)} for point in options.points],
    }


def _add_report(folder: Path, options: SweepOptions, found: SweepTable) -> None:
    from ...report.sweep.page import sweep_report
    from ...runs.publish import write_report

    try:
        write_report(sweep_report(found, _told(options), options.figures), folder)
    except Exception as error:
        warn(f"no report was written: {' '.join(str(error).split()) or type(error).__name__}")


def _told(options: SweepOptions) -> SweepTold:
    """What the page says of the sweep: its command, with an ellipsis where the points differ."""
    places = zip(*(point.argv for point in options.points), strict=True)
    words = (shlex.quote(local_name(each[0])) if len(set(each)) == 1 else "…" for each in places)
    return SweepTold(options.exp_id, " ".join(words))


def _engine(options: SweepOptions) -> AbstractContextManager[Engine]:
    return local(options.workers) if options.scheduler is None else cluster(options.scheduler)
