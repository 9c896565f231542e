"""`reproduce`: the paper's claims beside what this machine finds, as tables and a figure."""

from __future__ import annotations

import functools
import io
import os
import platform
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from time import perf_counter
from typing import NamedTuple

from tqdm import tqdm

from ofa.console import INTERRUPTED, TERMINATED

from ... import __version__
from ...errors import BadInput, CannotBeDone
from ...hardware.config.read import load_hardware
from ...runs.file_names import REPRODUCTION
from ...runs.folders import run_folder
from ...runs.nas.front import FRONT, read_front
from ...runs.origin import cores, versions
from ...runs.packing.read import read_result
from ...runs.text_files import write_content, write_csv, write_json, write_lines
from ..environment.paper_data import missing
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


def run(quick: bool, out: Path, config: Path) -> int:
    """Measure everything and write the folder; returns 1 where a command failed that should have run."""
    if not out.name or out.name.startswith("."):
        raise BadInput(f"--out: found {str(out)!r}, allowed is a folder whose name has no leading dot")
    load_hardware(config)  # what is wrong with it is told before anything is measured
    places = ("--out", "--out")
    with run_folder(out.parent, out.name, options=places, files=REPRODUCTION) as folder:
        rows = list(_measured(runs(quick, missing()), folder / "runs", config))
        _write(folder, rows)
    print(*_markdown(rows), f"files: {out}", sep="\n")
    return 1 if any(row.verdict.startswith("failed") for row in rows) else 0


def _measured(todo: Sequence[Run], logs: Path, config: Path) -> Iterator[Row]:
    """Run after run; what fails or cannot run here says so, and the others go on."""
    with tqdm(desc="reproduce", total=len(todo), unit="run", file=sys.stderr, disable=None) as bar:
        for number, each in enumerate(todo):
            bar.set_postfix_str(each.name)
            begun, found, fault = perf_counter(), Figures(), f"not checked: {each.needs}"
            if not each.needs:
                try:
                    taught = (i for i, run in enumerate(todo) if run.name == each.learns_from)
                    found = _figures(each, number, next(taught, None), logs, config)
                except CannotBeDone as error:
                    fault = f"failed: {error}"
            seconds = perf_counter() - begun
            for claim in each.claims:
                values = found.get(claim.figure, ())
                yield Row(each, claim, values, verdict(claim, values) if found else fault, seconds)
            bar.update()


def _figures(each: Run, number: int, taught: int | None, logs: Path, config: Path) -> Figures:
    """Run a command as the command line would, and read its files. Raises CannotBeDone where it fails.

    `taught` is the number of a search to learn from; without it the run would judge the same networks anew.
    """
    from ..main import main

    said, exp_id = io.StringIO(), f"{number:02}"
    begun, before = perf_counter(), os.times()
    places = ("--exp-id", exp_id, "--log-dir", str(logs), "--config", str(config), "--no-report")
    learns = () if taught is None else ("--predictor-from", str(logs / "evolution" / f"{taught:02}"))
    with redirect_stdout(io.StringIO()), redirect_stderr(said):
        status = main([*each.argv, *learns, *places])
    if status in (INTERRUPTED, TERMINATED):
        raise KeyboardInterrupt
    if status != 0:
        raise CannotBeDone((said.getvalue().strip().splitlines() or [f"exit status {status}"])[-1])
    seconds, after = perf_counter() - begun, os.times()
    if each.argv[0] == "pack":
        return pack_figures(read_result(logs / "packing" / exp_id), seconds)
    cpu = sum(after[:4]) - sum(before[:4])  # of this process and of its workers, which have ended
    return search_figures(read_front(logs / "evolution" / exp_id / FRONT), seconds, cpu)


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
