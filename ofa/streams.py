"""The standard streams of a command: whatever becomes of them, they take every text."""

from __future__ import annotations

import io
import os
import sys
from contextlib import suppress
from typing import Any
from unicodedata import category


def printable(text: str) -> str:
    """A text on one line that does nothing to a terminal: what cannot be printed is spelt out."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or category(c) == "Zs" else _spelt(c) for c in text)


def _spelt(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def accept_every_text() -> None:
    """Paths need not be UTF-8, and a terminal need not be able to show them."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            with suppress(ValueError, OSError):
                stream.reconfigure(errors="backslashreplace")


def open_streams() -> None:
    """Where a standard stream is closed, put nothing in its place: the next file would take its number."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        taken = _keep_taken(number)
        if name == "stderr":
            sys.stderr = _unheard(sys.stderr)
        elif name == "stdout" and taken:
            closed = io.BufferedWriter(_Closed(number, "w", closefd=False))
            sys.stdout = io.TextIOWrapper(closed, "utf-8", errors="backslashreplace")
        elif getattr(sys, name) is None:
            mode = "r" if name == "stdin" else "w"
            setattr(sys, name, os.fdopen(number, mode, encoding="utf-8", closefd=False))


def _keep_taken(number: int) -> bool:
    """Open something of this number where nothing is; returns whether nothing was."""
    try:
        os.fstat(number)
        return False
    except OSError:
        opened = os.open(os.devnull, os.O_RDWR)
        if opened == number:
            os.set_inheritable(number, True)
        else:
            os.dup2(opened, number)
            os.close(opened)
        return True


class Unprintable(OSError):
    """Standard output is closed, and there was something to print."""

    exit_status = 1


class _Closed(io.FileIO):
    """Standard output where it is closed."""

    def write(self, data: Any) -> int:
        raise Unprintable("output: standard output is closed")


class _Unheard(io.FileIO):
    """A file to tell of what happens; that nobody listens, or a full disk, does not end the command."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data) or 0
        except OSError:
            return len(data)


def _unheard(stderr: Any) -> io.TextIOWrapper:
    """Standard error, whose failures are not told: nobody would hear of them."""
    encoding = getattr(stderr, "encoding", None) or "utf-8"
    file = io.BufferedWriter(_Unheard(2, "w", closefd=False))
    return io.TextIOWrapper(file, encoding, errors="backslashreplace", line_buffering=True)
