"""`reproduce`: the paper's claims beside what this machine finds, as tables and a figure."""

from __future__ import annotations

import functools
import hashlib
import io
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from tqdm import tqdm

from ofa.console import INTERRUPTED, TERMINATED

from ... import __version__
from ...errors import CannotBeDone
from ...hardware.config.change import CONSISTENT, OPTION, load_changed
from ...runs.file_names import REPRODUCTION
from ...runs.folders import run_folder
from ...runs.nas.front import FRONT, read_front
from ...runs.origin import cores, versions
from ...runs.packing.read import read_result
from ...runs.reproduction import (
    RUNS,
    Times,
    any_measured,
    begin_runs,
    clear_run,
    forget_runs,
    read_times,
    write_times,
)
from ...runs.text_files import write_content, write_csv, write_json, write_lines
from ..environment.paper_data import missing
from ..options.reproduce import ReproduceOptions
from ..reproduction.claims import (
    Cited,
    Claim,
    Figures,
    Run,
    pack_figures,
    runs,
    search_figures,
    verdict,
)
from ..reproduction.figure import draw
from ..shared import again, telling_of_replacing

TABLE = "claims"
"""Name of the tables, without suffix."""

HEADER = (
    "run", "claim", "paper", "program", "source", "ours", "verdict", "seed", "seconds", "command", "machine",
)  # fmt: skip


class Row(NamedTuple):
    """A claim answered; figures as texts, and `values` as numbers. `verdict` may say why there are none."""

    run: Run
    claim: Claim
    values: tuple[float, ...]
    verdict: str
    seconds: float


class Bench(NamedTuple):
    """The folder of the results, and the hardware: its options, and a digest of its values."""

    folder: Path
    hardware: tuple[str, ...]
    digest: str


def run(options: ReproduceOptions) -> int:
    """Measure everything and write the folder; returns 1 where a command failed that should have run."""
    # what is wrong with the hardware is told before anything is measured
    config, out = load_changed(options.config, options.settings), options.out
    words = [word for text in options.settings.texts for word in (OPTION, text)]
    words += [CONSISTENT] * options.settings.consistent
    places = ("--out", "--out")
    with (
        telling_of_replacing(out),
        run_folder(out.parent, out.name, RUNS, options=places, files=REPRODUCTION) as folder,
    ):
        begin_runs(folder, options.resume)
        todo = [each._replace(argv=(*each.argv, *words)) for each in runs(options.quick, missing())]
        with _kept_if_interrupted(folder, options.command_line):
            rows = list(_measured(todo, Bench(folder, ("--config", str(options.config)), config.digest)))
        _write(folder, rows)
    print(*_markdown(rows), f"files: {out}", sep="\n")
    return 1 if any(row.verdict.startswith("failed") for row in rows) else 0


@contextmanager
def _kept_if_interrupted(folder: Path, command_line: str) -> Iterator[None]:
    """What has been measured stays where the rest is interrupted."""
    try:
        yield
    except BaseException as error:
        if not any_measured(folder):
            forget_runs(folder)
        elif isinstance(error, KeyboardInterrupt):
            kept = f"what was measured is kept, and --resume goes on: {again(command_line, '--resume')}"
            raise KeyboardInterrupt(kept) from None
        raise


def _measured(todo: Sequence[Run], bench: Bench) -> Iterator[Row]:
    """Run after run; what fails or cannot run here says so, and the others go on."""
    with tqdm(desc="reproduce", total=len(todo), unit="run", file=sys.stderr, disable=None) as bar:
        for number, each in enumerate(todo):
            bar.set_postfix_str(each.name)
            begun, seconds, found, fault = perf_counter(), 0.0, Figures(), f"not checked: {each.needs}"
            if not each.needs:
                try:
                    taught = (i for i, run in enumerate(todo) if run.name == each.learns_from)
                    found, seconds = _figures(each, number, next(taught, None), bench)
                except CannotBeDone as error:
                    fault, seconds = f"failed: {error}", perf_counter() - begun
            for claim in each.claims:
                values = found.get(claim.figure, ())
                yield Row(each, claim, values, verdict(claim, values) if found else fault, seconds)
            bar.update()


def _figures(each: Run, number: int, taught: int | None, bench: Bench) -> tuple[Figures, float]:
    """Figures of a run, which is made where that has not been done, and the seconds that it took.

    `taught` is the number of a search to learn from; without it the run would judge the same networks anew.
    Raises CannotBeDone where the run fails.
    """
    exp_id, logs = f"{number:02}", bench.folder / RUNS
    learns = () if taught is None else ("--predictor-from", str(logs / "evolution" / f"{taught:02}"))
    known = json.dumps([__version__, bench.digest, taught, *each.argv])
    made_by = hashlib.sha256(known.encode()).hexdigest()
    times = read_times(bench.folder, exp_id, made_by)
    if times is None:
        clear_run(bench.folder, exp_id)
        places = ("--exp-id", exp_id, "--log-dir", str(logs), *bench.hardware, "--no-report")
        times = _made((*each.argv, *learns, *places))
        write_times(bench.folder, exp_id, made_by, times)
    if each.argv[0] == "pack":
        return pack_figures(read_result(logs / "packing" / exp_id), times.seconds), times.seconds
    found = search_figures(read_front(logs / "evolution" / exp_id / FRONT), *times)
    return found, times.seconds


def _made(argv: Sequence[str]) -> Times:
    """Run a command as the command line would. Raises CannotBeDone where it fails."""
    from ..main import main

    said = io.StringIO()
    begun, before = perf_counter(), os.times()
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        status = main(argv)
    if status in (INTERRUPTED, TERMINATED):
        raise KeyboardInterrupt
    if status != 0:
        raise CannotBeDone((said.getvalue().strip().splitlines() or [f"exit status {status}"])[-1])
    seconds, after = perf_counter() - begun, os.times()
    cpu = sum(after[:4]) - sum(before[:4])  # of this process and of its workers, which have ended
    return Times(seconds, cpu)


def _write(folder: Path, rows: Sequence[Row]) -> None:
    write_json(folder / f"{TABLE}.json", {"machine": machine(), "rows": [_entry(row) for row in rows]})
    write_csv(folder / f"{TABLE}.csv", HEADER, ([_entry(row)[name] for name in HEADER] for row in rows))
    text = ("# The paper's claims, measured", "", *_about(rows), "", *_markdown(rows))
    write_lines(folder / f"{TABLE}.md", text)
    found = [(row.run, row.claim, row.values) for row in rows if row.values]
    for kind, content in draw(found).items():
        write_content(folder / f"{TABLE}.{kind}", content)


@functools.cache
def machine() -> str:
    """Processor, cores, system and versions, in one line."""
    packages = ", ".join(f"{name} {version}" for name, version in versions())
    return f"{platform.machine()}, {cores()} cores, {platform.system()}; {packages}"


def _entry(row: Row) -> dict[str, object]:
    """A row as JSON values; `figures` are numbers, in ns, seconds or shares."""
    seed = row.run.argv[row.run.argv.index("--seed") + 1]
    command = f"python -m rram_nas_comp_pack {shlex.join(row.run.argv)}"
    return {
        "run": row.run.name,
        "claim": row.claim.name,
        "paper": _cited(row.claim.paper, row.claim.unit),
        "program": _cited(row.claim.program, row.claim.unit),
        "source": row.claim.cited.source if row.claim.cited else "",
        "ours": _span(row.values, row.claim.unit),
        "verdict": row.verdict,
        "seed": int(seed),
        "seconds": round(row.seconds, 3),
        "command": command,
        "machine": machine(),
        "figures": list(row.values),
    }


def _cited(cited: Cited | None, unit: str) -> str:
    return "" if cited is None else _span(cited[:2], unit)


def _span(values: Sequence[float], unit: str) -> str:
    """Least and largest, or the only figure."""
    texts = [_text(each, unit) for each in sorted({min(values), max(values)})] if values else []
    return " to ".join(dict.fromkeys(texts))


def _text(value: float, unit: str) -> str:
    if unit == "%":
        return f"{value:.1%}"
    digits = {"x": ".2f", "s": ".2f", "ns": ",.0f"}.get(unit, ".4g")
    return f"{value:{digits}}{f' {unit}' if unit else ''}"


def _about(rows: Sequence[Row]) -> Iterator[str]:
    yield f"Measured with rram_nas_comp_pack {__version__} on: {machine()}."
    yield "Times depend on this machine and on what else ran on it meanwhile."
    yield "The column paper holds figures of arXiv 2409.18841, the column program those of the published"
    yield "program, which rounds the reads of a copy down and so leaves work undone; ours rounds up,"
    yield "which makes it up to 4 % slower. A verdict compares our figure with the other one in its row."
    yield "Clutter is digits among fragments of others: its accuracies are not those of CIFAR-10."
    open_ = dict.fromkeys(row.verdict for row in rows if row.verdict.startswith("not checked"))
    yield from (f"Searches on CIFAR-10: {verdict}." for verdict in open_)


def _markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The table, and below it the commands."""
    shown = HEADER[:-4]
    yield f"| {' | '.join(shown)} |"
    yield f"|{'---|' * len(shown)}"
    entries = [_entry(row) for row in rows]
    yield from (f"| {' | '.join(str(entry[name]) for name in shown)} |" for entry in entries)
    yield ""
    commands = {f"- {e['run']}: `{e['command']}` ({e['seconds']} s)": None for e in entries}
    yield from commands
