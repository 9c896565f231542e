"""Tables with a header, read row by row. Whatever is unsound raises BadInput, with file and line."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NoReturn

from ..errors import BadInput
from .checked_json import HUGE, MOST_COUNT, MOST_LABEL, require_file

_WHOLE = re.compile(r"-?[0-9]{1,16}")
_DECIMAL = re.compile(r"-?[0-9]{1,310}(\.[0-9]{0,310})?([eE][-+]?[0-9]{1,3})?")


class TableRow:
    """A row of a table: texts by column, and how messages call it."""

    def __init__(self, path: Path, line: int, fields: dict[str, str]) -> None:
        """`line` is the row's last line in the file."""
        self.path, self.line, self.fields = path, line, fields

    def text(self, column: str) -> str:
        """The text in a column."""
        return self.fields[column]

    def label(self, column: str) -> str:
        """The text in a column, as long as a name in a figure may be."""
        text = self.fields[column]
        if len(text) > MOST_LABEL or not text.isprintable():
            self.fail(column, text, f"a name on one line of up to {MOST_LABEL} characters")
        return text

    def number(self, column: str, least: float = 0.0, most: float = HUGE) -> float:
        """The number in a column, of ASCII digits."""
        text = self.fields[column]
        number = float(text) if _DECIMAL.fullmatch(text) else -HUGE
        if not least <= number <= most:
            self.fail(column, text, f"a number from {least:g} to {most:g}")
        return number

    def count(self, column: str, least: int = 0, most: int = MOST_COUNT) -> int:
        """The whole number in a column, of ASCII digits."""
        text = self.fields[column]
        number = int(text) if _WHOLE.fullmatch(text) else least - 1
        if not least <= number <= most:
            self.fail(column, text, f"a whole number from {least} to {most}")
        return number

    def fail(self, column: str, found: str, allowed: str) -> NoReturn:
        """Raise BadInput: what was found in a column, and what is allowed."""
        raise BadInput(f"{self.path}: line {self.line}: {column}: found {found!r:.60}, allowed is {allowed}")


def read_table(path: Path, columns: Sequence[str]) -> Iterator[TableRow]:
    """The rows of a table that has at least these columns. Raises BadInput."""
    require_file(path)
    try:
        with path.open(newline="", encoding="utf-8") as file:
            yield from rows_of(path, file, columns)
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 text") from error
    except csv.Error as error:
        raise BadInput(f"{path}: {error}") from error


def rows_of(path: Path, lines: Iterable[str], columns: Sequence[str]) -> Iterator[TableRow]:
    """The rows of the lines of a table, which `path` names in errors. Raises BadInput."""
    reader = csv.reader(lines)
    header: list[str] = next(reader, [])
    if not set(columns) <= set(header) or len(set(header)) < len(header):
        raise BadInput(f"{path}: line 1: found {','.join(header)!r:.60}, allowed is {','.join(columns)}")
    for row in reader:
        if not row:
            continue
        line = reader.line_num
        if len(row) != len(header):
            raise BadInput(f"{path}: line {line}: found {len(row)} fields, allowed are {len(header)}")
        yield TableRow(path, line, dict(zip(header, row, strict=True)))
