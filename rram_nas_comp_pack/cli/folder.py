"""Folders and files that appear whole or not at all; earlier ones stay until the new ones are whole."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from ..errors import BadInput

try:
    import fcntl
except ImportError:  # not a POSIX system: two runs of one ID at once go unnoticed, the later one stays
    fcntl = None  # type: ignore[assignment]


@contextmanager
def run_folder(parent: Path, exp_id: str, kept: str | None = None) -> Iterator[Path]:
    """A folder to write a run's files into; it becomes `parent`/`exp_id` when the block ends without error.

    A subfolder `kept` outlives a run that was killed or failed, and is there when the next one of this ID
    begins. Raises BadInput where the folder cannot be written, another run of this ID is under way or a link
    is in its place.
    """
    target, scratch, earlier = parent / exp_id, parent / f".{exp_id}.partial", parent / f".{exp_id}.earlier"
    if target.is_symlink():
        raise BadInput(f"--exp-id: {target} is a symbolic link, allowed is a folder or nothing")
    if target.exists() and not target.is_dir():
        raise BadInput(f"--exp-id: {target} is a file, allowed is a folder or nothing")
    lock = _make(scratch, target, exp_id, kept)
    try:
        _recover(target, earlier)
        yield scratch
        if target.exists():
            target.rename(earlier)
        scratch.rename(target)
        shutil.rmtree(earlier, ignore_errors=True)
    finally:
        # the lock goes with the folder, so that it keeps other runs off `earlier` when it has become `target`
        with suppress(OSError):
            _recover(target, earlier)
        # by then another run may have come to a `scratch` of its own
        if _is_at(lock, scratch) and (kept is None or not _holds_files(scratch / kept)):
            shutil.rmtree(scratch, ignore_errors=True)
        os.close(lock)


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write into; it becomes `path` when the block ends without error. Raises OSError."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _holds_files(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _is_at(lock: int, folder: Path) -> bool:
    with suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(lock), folder.stat())
    return False


def _make(scratch: Path, target: Path, exp_id: str, kept: str | None) -> int:
    """Create the scratch folder, empty but for `kept`, and locked; returns the lock's file descriptor."""
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        lock = os.open(scratch, os.O_RDONLY)
    except OSError as error:
        raise BadInput(f"--log-dir: {scratch.parent} cannot be written: {error.strerror}") from error
    try:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_at(lock, scratch):
            raise FileNotFoundError
        _require_free(target, scratch)
        _empty(scratch, kept)
    except OSError as error:
        os.close(lock)
        if isinstance(error, BlockingIOError | FileNotFoundError):
            raise BadInput(
                f"--exp-id: a run of {exp_id!r} is under way; choose another ID or wait"
            ) from error
        raise BadInput(f"--log-dir: {scratch.parent} cannot be written: {error.strerror}") from error
    return lock


def _require_free(target: Path, scratch: Path) -> None:
    """Raise BlockingIOError while the run that has just become `target` still clears away the earlier one."""
    if not fcntl or not target.exists():
        return
    there = os.open(target, os.O_RDONLY)
    try:
        fcntl.flock(there, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        # with what a killed run left in it, it stays
        with suppress(OSError):
            scratch.rmdir()
        raise
    finally:
        os.close(there)


def _empty(scratch: Path, kept: str | None) -> None:
    """Clear what a killed run left behind, and see whether the folder can be written."""
    for left in scratch.iterdir():
        if left.is_dir() and left.name != kept:
            shutil.rmtree(left)
        elif not left.is_dir():
            left.unlink()
    probe = scratch / "probe"
    probe.touch()
    probe.unlink()


def _recover(target: Path, earlier: Path) -> None:
    """Put the earlier run back where a kill struck between the two renames."""
    if not earlier.exists():
        return
    if target.exists():
        shutil.rmtree(earlier)
    else:
        earlier.rename(target)
