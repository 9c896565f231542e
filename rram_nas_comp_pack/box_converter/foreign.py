"""Running code that is not the toolkit's own: what a user's network may do to the process, and raise.

Its errors become one line. What it prints goes to standard error, since standard output carries results only.
Streams, paths, working directory, locale, warnings and the recursion limit are as before when it is done.
"""

from __future__ import annotations

import io
import locale
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

from ..errors import BadInput, ToolkitError

_LONGEST = 400
"""Characters of a foreign message that are shown."""


def kind_of_value(value: object) -> str:
    """Return the name of a value's class, whatever the class says of itself."""
    return printable(type.__dict__["__name__"].__get__(type(value)))


def printable(text: str) -> str:
    """Return text on one line that can be written to any file: what has no glyph is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def reason(error: BaseException) -> str:
    """Return an error's class and the first line of its text, of which anything may be wrong."""
    try:
        lines = str(error).strip().splitlines()
        text = printable(lines[0][:_LONGEST]) if lines else "no message"
    except BaseException:  # a `__str__` that raises
        text = "no message"
    return f"{kind_of_value(error)}: {text}"


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """Turn whatever is raised into BadInput "{what} ({reason})".

    KeyboardInterrupt is passed on, since Ctrl-C raises the same in the middle of foreign code.
    """
    try:
        yield
    except KeyboardInterrupt as interrupt:
        if all(type(each) is str for each in interrupt.args):
            raise
        raise KeyboardInterrupt from None  # foreign code's own, which may not be printable
    except ToolkitError:
        raise
    except BaseException as error:
        raise BadInput(f"{what} ({reason(error)})") from error


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let foreign code run and leave the process as it was; entries it adds to sys.path stay."""
    limit, entries = sys.getrecursionlimit(), list(sys.path)
    directory, language = _working_directory(), locale.setlocale(locale.LC_ALL)
    with warnings.catch_warnings(), _prints_to_standard_error():
        try:
            yield
        finally:
            sys.setrecursionlimit(limit)  # first: what follows needs some depth
            _put_back(entries)
            with suppress(OSError, TypeError):
                os.chdir(cast(str, directory))
            with suppress(locale.Error):
                locale.setlocale(locale.LC_ALL, language)


def _working_directory() -> str | None:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return None


def _put_back(entries: list[str]) -> None:
    """Make sys.path hold `entries` again, after whatever was added."""
    found = sys.path if isinstance(sys.path, list) else []
    sys.path = [*(entry for entry in found if entry not in entries), *entries]


class _StandardError:
    """A standard output that writes to standard error, and that nothing closes."""

    def close(self) -> None:
        """Do nothing."""

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stderr or io.StringIO(), name)


@contextmanager
def _prints_to_standard_error() -> Iterator[None]:
    """Send standard output to standard error, also that of programs and libraries in C."""
    out, err = sys.stdout, sys.stderr
    _flush(out)
    try:
        kept = os.dup(1)
        os.dup2(2, 1)
    except OSError:  # one of them is closed
        kept = None
    sys.stdout = cast(TextIO, _StandardError())
    try:
        yield
    finally:
        _flush(out)
        if kept is not None:
            os.dup2(kept, 1)
            os.close(kept)
        sys.stdout, sys.stderr = _open_again(out, 1), _open_again(err, 2)


def _flush(stream: TextIO | None) -> None:
    with suppress(OSError, ValueError, AttributeError):
        cast(TextIO, stream).flush()


def _open_again(stream: TextIO, number: int) -> TextIO:
    """Return a stream, or where the foreign code closed it another of the same file descriptor."""
    if stream is None or not stream.closed:
        return stream
    return os.fdopen(number, "w", encoding=stream.encoding, errors="backslashreplace", closefd=False)
