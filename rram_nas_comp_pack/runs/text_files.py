"""Writes JSON documents, tables, texts and pictures: one way for every file of a run; reads texts given."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ofa.whole import is_special, whole_file

from ..errors import BadInput
from .held_folder import refusal
from .plain_text import plain, plain_texts


def write_json(path: Path, value: object, indent: int | None = 1) -> None:
    """One JSON document; not-a-number is never written."""
    text = json.dumps(value, indent=indent, allow_nan=False)
    if "\\ud" in text:  # perhaps half a character, as paths in other bytes than UTF-8 hold them
        text = json.dumps(plain_texts(value), indent=indent, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A header and rows, separated by commas."""
    with path.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Lines of text."""
    path.write_text(plain("\n".join(lines)) + "\n", encoding="utf-8")


def write_content(path: Path, content: bytes) -> None:
    """A picture, for one."""
    path.write_bytes(content)


MOST_BYTES = 2**20
"""Of a text that an option names."""


def read_given(path: Path, option: str) -> str:
    """The text of a file that an `option` names. Raises BadInput where it is none."""
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadInput(f"{option}: {path} cannot be read: {error.strerror or error}") from None
    if len(content) > MOST_BYTES:
        raise BadInput(f"{option}: {path}: found more than {MOST_BYTES} bytes, allowed is a short text")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{option}: {path}: byte {error.start} is not UTF-8, allowed is text") from None


@contextmanager
def whole_output(path: Path, option: str = "") -> Iterator[IO[bytes]]:
    """A file to write, which appears whole or not at all; a device or pipe that an `option` names stays one.

    Raises BadInput where it cannot be written, CannotBeDone on a full disk.
    """
    try:
        with path.open("wb") if option and is_special(path) else whole_file(path) as file:
            yield file
    except OSError as error:
        where = f"{option}: {path}" if option else f"{path}:"
        raise refusal(f"{where} cannot be written: {error.strerror or error}", error) from error


def write_output(path: Path, text: str) -> None:
    """What `--out` asks for: a file whole or not at all, or a device or pipe, which stays what it is.

    Raises BadInput where it cannot be written, CannotBeDone on a full disk.
    """
    with whole_output(path, "--out") as file:
        file.write(text.encode("utf-8", "backslashreplace"))
