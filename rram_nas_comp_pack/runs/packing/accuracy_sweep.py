"""accuracy_sweep.csv: chips judged at several values of a key of SimConfig.ini, a line a value and chip.

Sweeps of several keys share the file; the lines of one key have the same settings.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

from ...errors import BadInput
from ...execution.monte_carlo import LayerCounts, Summary, added, summary
from ...hardware.config.several import spelled, value_of
from ..checked_csv import TableRow
from .accuracy_lines import COLUMNS, ChipLine, append_row, begin_table, fields_of, read_line, rows_so_far

ACCURACY_SWEEP = "accuracy_sweep.csv"


class SweepAsked(NamedTuple):
    """What is the same for every line of a key: what chips are held against, and how they are read.

    `trained`: shares are accuracies, else agreements with the float network. `image` and `data` are as in
    accuracy.json.
    """

    trained: bool
    integer: float
    split: str
    adc: str
    image: str
    data: str
    version: str


class SweepLine(NamedTuple):
    """A chip that has been judged at a value of a key; `hardware` is as in accuracy.json.

    The settings of `judged` are a hash of all that decides what is found but encoding, key and value.
    """

    key: str
    value: str
    hardware: str
    asked: SweepAsked
    judged: ChipLine


SWEEP_COLUMNS = (
    *("key", "value", "encoding", "seed", "chip", "content", "inputs", "right", "accuracy", "agreement"),
    *("integer", "split", "adc", "hardware", "image", "data", "version", "settings", "layers"),
)
"""Those of accuracy.csv among them; what is for people comes first."""


class SweepPoint(NamedTuple):
    """The chips of one encoding at one value, and the counts of every layer over all of them."""

    value: str
    hardware: str
    encoding: str
    chips: tuple[tuple[str, float], ...]
    layers: tuple[LayerCounts, ...]

    @property
    def chip(self) -> Summary:
        """All chips together."""
        return summary([share for _, share in self.chips])


@dataclass(frozen=True, slots=True)
class Sweep:
    """All that accuracy_sweep.csv says of one key, by rising values.

    `own_hardware`: but for the key, the chips are of the hardware that the run holds, so far as that is
    known; likewise `own_image`: they hold the image that lies beside them.
    """

    key: str
    asked: SweepAsked
    images: int
    points: tuple[SweepPoint, ...]
    own_hardware: bool = True
    own_image: bool = True

    @property
    def values(self) -> tuple[str, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys(point.value for point in self.points))

    @property
    def encodings(self) -> tuple[str, ...]:
        """Each of them once."""
        return tuple(dict.fromkeys(point.encoding for point in self.points))


def read_sweep_lines(run_dir: Path) -> list[SweepLine]:
    """The lines of accuracy_sweep.csv, without one that a kill left unfinished; none where there is no file.

    Raises BadInput, also where lines of one key are of different settings or of the same chip.
    """
    path = run_dir / ACCURACY_SWEEP
    rows = list(rows_so_far(path, SWEEP_COLUMNS))
    lines = [_line(row) for row in rows]
    first: dict[object, SweepLine] = {}
    for row, line in zip(rows, lines, strict=True):
        if _alike(first.setdefault(line.key, line)) != _alike(line):
            row.fail("settings", line.judged.settings, f"those of the other lines of {line.key}")
        if first.setdefault((line.key, line.value), line).hardware != line.hardware:
            row.fail("hardware", line.hardware, f"that of the other lines of {line.key} = {line.value}")
        if first.setdefault(chip_of(line), line) is not line:
            row.fail("value", line.value, "a line for each value, encoding and chip")
    return lines


def chip_of(line: SweepLine) -> tuple[object, ...]:
    """What no two lines have in common."""
    return line.key, line.value, line.judged.encoding, line.judged.chip


def _alike(line: SweepLine) -> tuple[object, ...]:
    counts = line.judged.counts
    return line.judged.settings, line.asked, counts.inputs, len(counts.layers)


def _line(row: TableRow) -> SweepLine:
    key = row.label("key")
    try:
        value = spelled(value_of(key, row.text("value")))
    except BadInput as error:
        raise BadInput(f"{row.path}: line {row.line}: {error}") from None
    labels = (row.label(name) for name in SweepAsked._fields[2:])
    asked = SweepAsked(row.text("accuracy") != "", row.number("integer", 0.0, 1.0), *labels)
    return SweepLine(key, value, row.label("hardware"), asked, read_line(row))


def begin_sweep(run_dir: Path, lines: Iterable[SweepLine]) -> Path:
    """Write accuracy_sweep.csv with lines that still hold, whole or not at all. Raises BadInput."""
    path = run_dir / ACCURACY_SWEEP
    begin_table(path, SWEEP_COLUMNS, map(_fields, lines))
    return path


def add_sweep_line(run_dir: Path, line: SweepLine) -> None:
    """Append a line. Raises BadInput where the file cannot be written."""
    append_row(run_dir / ACCURACY_SWEEP, _fields(line))


def _fields(line: SweepLine) -> list[object]:
    found: dict[str, object] = {"key": line.key, "value": line.value, "hardware": line.hardware}
    found |= line.asked._asdict()
    found |= zip(COLUMNS, fields_of(line.judged, line.asked.trained), strict=True)
    return [found[name] for name in SWEEP_COLUMNS]


def sweeps_of(lines: Sequence[SweepLine]) -> tuple[Sweep, ...]:
    """What the lines of every key say together, keys in the order of their first lines."""
    keys = dict.fromkeys(line.key for line in lines)
    return tuple(_sweep([line for line in lines if line.key == key]) for key in keys)


def _sweep(lines: Sequence[SweepLine]) -> Sweep:
    first = lines[0]
    ordered = sorted(lines, key=_place)
    points = tuple(_point(list(group)) for _, group in groupby(ordered, _place))
    return Sweep(first.key, first.asked, first.judged.counts.inputs, points)


def _place(line: SweepLine) -> tuple[Any, ...]:
    return value_of(line.key, line.value), line.judged.encoding


def _point(lines: Sequence[SweepLine]) -> SweepPoint:
    first = lines[0]
    chips = tuple((str(line.judged.chip), line.judged.counts.share) for line in lines)
    layers = added([line.judged.counts.layers for line in lines])
    return SweepPoint(first.value, first.hardware, first.judged.encoding, chips, tuple(layers))
