"""Files that appear whole or not at all; what is no file, or a link in the way, is never replaced."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import BufferedRandom
from pathlib import Path

from ofa.console import undisturbed


def kind_of(path: Path) -> str:
    """What lies at a path itself: "" for nothing, "file", "folder", "symbolic link" or "special file"."""
    try:
        return kind_of_mode(path.lstat().st_mode)
    except FileNotFoundError:
        return ""


def kind_of_mode(mode: int) -> str:
    """What something of this mode is called."""
    kinds = ((stat.S_ISREG, "file"), (stat.S_ISDIR, "folder"), (stat.S_ISLNK, "symbolic link"))
    return next((name for holds, name in kinds if holds(mode)), "special file")


def is_special(path: Path) -> bool:
    """Whether a device or pipe lies at a path, or at the end of its links: what can only be written to."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def real(path: Path) -> Path:
    """Where a file is written: where the links lead to, so that they stay. Raises OSError for a circle."""
    with suppress(FileNotFoundError):
        path.stat()
    return Path(os.path.realpath(path))


def partial_of(path: Path) -> Path:
    """Where a file is written until it is whole: always the same, so that kills leave one at most."""
    return path.with_name(f".{path.name}.partial")


@contextmanager
def whole_file(path: Path) -> Iterator[BufferedRandom]:
    """A file to write into; it becomes `path` when the block ends without error.

    At the end of links it is their target that is replaced. Raises OSError, also where `path` is no regular
    file.
    """
    path = real(path)
    found = kind_of(path)
    if found not in ("", "file"):
        raise OSError(0, f"found a {found}, allowed is a file or nothing", str(path))
    with scratch_file(path) as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
        with undisturbed():
            if not _is_at(file, partial_of(path)):
                raise OSError(0, "another process is writing it", str(path))
            partial_of(path).replace(path)


@contextmanager
def scratch_file(path: Path) -> Iterator[BufferedRandom]:
    """A file beside `path`, to write and to read, that is gone when the block ends. Raises OSError."""
    partial = partial_of(path)
    with create(partial) as file:
        try:
            yield file
        finally:
            with undisturbed(), suppress(OSError):
                if _is_at(file, partial):
                    partial.unlink()


def _is_at(file: BufferedRandom, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def create(partial: Path) -> BufferedRandom:
    """A new file in place of one that a kill left; nothing else is touched there. Raises OSError."""
    found = kind_of(partial)
    if found == "file":
        partial.unlink()
    elif found:
        raise OSError(0, f"{partial} is in the way, a {found}; remove it", str(partial))
    return open(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o666), "w+b")
