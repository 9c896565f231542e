"""accuracy.csv: a line for every chip that has been judged; and what its lines share with other tables."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from ...errors import BadInput
from ...execution.monte_carlo import ChipCounts, LayerCounts
from ..checked_csv import TableRow, rows_of
from ..checked_json import HUGE, parse_json, read_text
from ..held_folder import refusal
from ..text_files import whole_output

ACCURACY_CSV = "accuracy.csv"
COLUMNS = (
    *("settings", "encoding", "seed", "chip", "content", "inputs", "right", "accuracy", "agreement"),
    "layers",
)


class ChipName(NamedTuple):
    """Which chip: its seed, or its file and the SHA-256 of what that holds."""

    seed: int | None
    file: str = ""
    content: str = ""

    def __str__(self) -> str:
        """As a figure names it."""
        return self.file if self.seed is None else f"seed {self.seed}"


class ChipLine(NamedTuple):
    """A chip that has been judged; `settings` is the hash of all that decides what is found but encoding."""

    settings: str
    encoding: str
    chip: ChipName
    counts: ChipCounts


def read_lines(run_dir: Path) -> list[ChipLine]:
    """The lines of accuracy.csv, without one that a kill left unfinished; none where there is no file."""
    return [read_line(row) for row in rows_so_far(run_dir / ACCURACY_CSV, COLUMNS)]


def begin_lines(run_dir: Path, lines: Sequence[ChipLine], trained: bool) -> None:
    """Write accuracy.csv with lines that still hold, whole or not at all. Raises BadInput."""
    begin_table(run_dir / ACCURACY_CSV, COLUMNS, [fields_of(line, trained) for line in lines])


def add_line(run_dir: Path, line: ChipLine, trained: bool) -> None:
    """Append a line. Raises BadInput where the file cannot be written."""
    append_row(run_dir / ACCURACY_CSV, fields_of(line, trained))


def rows_so_far(path: Path, columns: Sequence[str]) -> Iterator[TableRow]:
    """The rows of a table that grows, without one that a kill left unfinished; none where there is no file.

    Raises BadInput.
    """
    if not path.exists():
        return
    whole, _, _ = read_text(path).rpartition("\n")
    try:
        yield from rows_of(path, whole.splitlines(keepends=True), columns)
    except csv.Error as error:
        raise BadInput(f"{path}: {error}") from error


def read_line(row: TableRow) -> ChipLine:
    """What the columns of accuracy.csv say in a row. Raises BadInput."""
    counts = ChipCounts(row.count("right", 0), row.count("inputs", 1), _layers(row))
    if counts.right > counts.inputs:
        row.fail("right", row.text("right"), f"up to {counts.inputs}")
    seed = row.count("seed", 0, 2**53) if row.text("seed") else None
    chip = ChipName(seed, row.label("chip"), row.label("content"))
    return ChipLine(row.label("settings"), row.label("encoding"), chip, counts)


def _layers(row: TableRow) -> tuple[LayerCounts, ...]:
    held = parse_json(row.text("layers"), f"{row.path}: line {row.line}: layers")
    if not isinstance(held, list) or not held or not all(map(_is_layer, held)):
        row.fail("layers", row.text("layers"), "lists of signal, noise, conversions and saturated ones")
    return tuple(LayerCounts(float(s), float(n), int(c), int(x)) for s, n, c, x in held)


def _is_layer(held: object) -> bool:
    if not isinstance(held, list) or [type(n) in (int, float) for n in held] != [True] * 4:
        return False
    signal, noise, taken, saturated = held
    whole = taken == int(taken) and saturated == int(saturated)
    return bool(min(held) >= 0 and max(signal, noise) <= HUGE and whole and saturated <= taken >= 1)


def begin_table(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Write a table, whole or not at all. Raises BadInput where it cannot be written."""
    with whole_output(path) as file:
        file.write(_written([columns, *rows]).encode("utf-8", "backslashreplace"))


def append_row(path: Path, row: Sequence[object]) -> None:
    """Append a row. Raises BadInput where the file cannot be written."""
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            file.write(_written([row]))
    except OSError as error:
        raise refusal(f"{path}: cannot be written: {error.strerror or error}", error) from error


def _written(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def fields_of(line: ChipLine, trained: bool) -> list[object]:
    """A line in the order of COLUMNS; shares are accuracies where the weights are `trained`."""
    seed, share = ("" if line.chip.seed is None else line.chip.seed), line.counts.share
    shares = (share, "") if trained else ("", share)
    layers = json.dumps([list(each) for each in line.counts.layers], separators=(",", ":"))
    right = line.counts.inputs, line.counts.right
    return [line.settings, line.encoding, seed, line.chip.file, line.chip.content, *right, *shares, layers]
