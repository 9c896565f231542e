"""Folders that appear whole or not at all; earlier ones stay until the new ones are whole.

Links in the way are never followed, and nothing is removed but what lies in these folders.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ofa.console import undisturbed

from ..errors import BadInput, CannotBeDone, ToolkitError

try:
    import fcntl
except ImportError:  # not a POSIX system: two runs of one ID at once go unnoticed, the later one stays
    fcntl = None  # type: ignore[assignment]


@contextmanager
def run_folder(
    parent: Path, exp_id: str, kept: str | None = None, options: tuple[str, str] = ("--exp-id", "--log-dir")
) -> Iterator[Path]:
    """A folder to write a run's files into; it becomes `parent`/`exp_id` when the block ends without error.

    A subfolder `kept` outlives a run that was killed or failed, and is there when the next one of this ID
    begins. `options` are those that name the folder and its parent. Raises BadInput where the folder cannot
    be written, another run of this ID is under way or something else is in its place, CannotBeDone on a full
    disk.
    """
    with _home(parent, options[1]) as home:
        run = _Run(home, exp_id, *options)
        run.require_free_names()
        lock, done = None, False
        try:
            with undisturbed():
                lock = run.begin(kept)
            yield home.path / run.scratch
            with undisturbed():
                if home.kind(run.name):
                    home.rename(run.name, run.earlier)
                home.rename(run.scratch, run.name)
                done = True
                home.remove(run.earlier, ignore_errors=True)
        except KeyboardInterrupt as interrupt:
            if not done and not interrupt.args:
                interrupt.args = ("nothing was written",)
            raise
        finally:
            if lock is not None:
                with undisturbed():
                    run.end(lock, kept)


@contextmanager
def scratch_folder(folder: Path, name: str, option: str) -> Iterator[Path]:
    """A hidden folder within one that is there, empty, and gone with all in it when the block ends.

    What a killed command left in it is cleared first. Raises BadInput where that cannot be done or another
    command has it, CannotBeDone on a full disk.
    """
    with _home(folder, option) as home:
        lock = home.take(name, f"{option}: {folder} is being written by another command; wait for its end")
        try:
            _clear(lock, home.path / name, None, option)
            yield home.path / name
        finally:
            with undisturbed():
                if home.is_at(lock, name):
                    home.remove(name, ignore_errors=True)
                os.close(lock)


def refusal(text: str, error: OSError) -> ToolkitError:
    """What to raise, with this text, where something could not be written for `error`."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return CannotBeDone(text) if full else BadInput(text)


class _Home:
    """A folder held open, so that whatever takes the place of its path meanwhile is not touched."""

    def __init__(self, path: Path, option: str) -> None:
        self.path, self.option = path, option
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def kind(self, name: str) -> str:
        """What lies here: "" for nothing, "folder", "symbolic link" or "file"."""
        try:
            mode = os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return ""
        return "folder" if stat.S_ISDIR(mode) else "symbolic link" if stat.S_ISLNK(mode) else "file"

    def rename(self, name: str, other: str) -> None:
        os.rename(name, other, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def remove(self, name: str, ignore_errors: bool = False) -> None:
        """Remove a folder and all in it; links are removed, not what they lead to."""
        shutil.rmtree(name, dir_fd=self.fd, ignore_errors=ignore_errors)

    def take(self, name: str, taken: str) -> int:
        """Make a folder, if there is none, and lock it; returns the lock's file descriptor.

        Raises BadInput, with the text `taken` where another process has it.
        """
        try:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.fd)
            lock = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self.fd)
        except OSError as error:
            raise self.unwritable(error, name) from error
        try:
            if _locked(lock) and self.is_at(lock, name):
                return lock
        except OSError as error:  # a file system without locks
            os.close(lock)
            raise self.unwritable(error, name) from error
        os.close(lock)
        raise BadInput(taken)

    def unwritable(self, error: OSError, name: str) -> ToolkitError:
        """What to raise where `name` cannot be made."""
        found = self.kind(name)
        if found in ("", "folder"):
            return refusal(f"{self.option}: {self.path} cannot be written: {error.strerror}", error)
        return BadInput(f"{self.option}: {self.path / name} is in the way, a {found}; remove it")

    def is_at(self, lock: int, name: str) -> bool:
        """Whether the locked folder is still the one of this name."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(lock), os.stat(name, dir_fd=self.fd, follow_symlinks=False))
        return False


@contextmanager
def _home(path: Path, option: str) -> Iterator[_Home]:
    try:
        path.mkdir(parents=True, exist_ok=True)
        # where it is now, whatever the working folder or a link on the way there becomes
        home = _Home(Path(os.path.realpath(path)), option)
    except OSError as error:
        raise refusal(f"{option}: {path} cannot be written: {error.strerror}", error) from error
    try:
        yield home
    finally:
        os.close(home.fd)


class _Run:
    """The names of a run's folder: in the making, in place, and of the earlier run while it is replaced."""

    def __init__(self, home: _Home, exp_id: str, option: str, parent_option: str) -> None:
        self.home, self.name, self.option, self.parent_option = home, exp_id, option, parent_option
        self.scratch, self.earlier = f".{exp_id}.partial", f".{exp_id}.earlier"
        self.clearing = "remove it, or choose another name"

    def require_free_names(self) -> None:
        """Raise BadInput where something else than a folder has one of the names."""
        found = self.home.kind(self.name)
        if found not in ("", "folder"):
            raise BadInput(
                f"{self.option}: {self.home.path / self.name} is a {found}, allowed is a folder or nothing"
            )
        for name in (self.scratch, self.earlier):
            found = self.home.kind(name)
            if found not in ("", "folder"):
                raise BadInput(
                    f"{self.option}: {self.home.path / name} is in the way, a {found}; {self.clearing}"
                )

    def begin(self, kept: str | None) -> int:
        """The folder in the making, empty but for `kept`, and locked; returns the lock's descriptor."""
        under_way = (
            f"{self.option}: a run of {self.name!r} is under way; choose another {self.option} or wait"
        )
        lock = self.home.take(self.scratch, under_way)
        try:
            self._require_ended(under_way)
            _clear(lock, self.home.path / self.scratch, kept, self.option)
            self._probe(lock)
            self._clear_earlier()
        except BaseException:
            with suppress(OSError):  # with what a killed run left in it, it stays
                os.rmdir(self.scratch, dir_fd=self.home.fd)
            os.close(lock)
            raise
        return lock

    def _require_ended(self, under_way: str) -> None:
        """Raise BadInput while the run that has just come into place still clears away the earlier one."""
        if not self.home.kind(self.name):
            return
        there = os.open(self.name, os.O_RDONLY | os.O_NOFOLLOW, dir_fd=self.home.fd)
        try:
            if not _locked(there):
                raise BadInput(under_way)
        finally:
            os.close(there)

    def _probe(self, lock: int) -> None:
        """Find out now, not after the work, that the folder cannot be written."""
        try:
            os.close(os.open("probe", os.O_CREAT | os.O_EXCL | os.O_WRONLY, dir_fd=lock))
            os.unlink("probe", dir_fd=lock)
        except OSError as error:
            raise self.home.unwritable(error, self.scratch) from error

    def _clear_earlier(self) -> None:
        try:
            self._recover()
        except OSError as error:
            raise _stuck(self.option, self.home.path / self.earlier, error) from error

    def _recover(self) -> None:
        """Put the earlier run back where a kill struck between the two renames."""
        if self.home.kind(self.earlier) != "folder":
            return
        if self.home.kind(self.name):
            self.home.remove(self.earlier)
        else:
            self.home.rename(self.earlier, self.name)

    def end(self, lock: int, kept: str | None) -> None:
        """Leave nothing behind but the run, or the earlier one, and what is kept."""
        # the lock goes with the folder, so that it keeps other runs off `earlier` when it is in place
        with suppress(OSError):
            self._recover()
        # by then another run may have come to a folder in the making of its own
        if self.home.is_at(lock, self.scratch) and not (kept and _holds_files(lock, kept)):
            self.home.remove(self.scratch, ignore_errors=True)
        os.close(lock)


def _locked(folder: int) -> bool:
    """Lock an open folder; False where another process has it."""
    if not fcntl:
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _clear(folder: int, path: Path, kept: str | None, option: str) -> None:
    """Empty an open folder but for its subfolder `kept`. Raises BadInput."""
    try:
        with os.scandir(folder) as found:
            left = [(each.name, each.is_dir(follow_symlinks=False)) for each in found]
        for name, is_folder in left:
            if not is_folder:
                os.unlink(name, dir_fd=folder)
            elif name != kept:
                shutil.rmtree(name, dir_fd=folder)
    except OSError as error:
        raise _stuck(option, path, error) from error


def _holds_files(folder: int, name: str) -> bool:
    with suppress(OSError):
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            return bool(os.listdir(inner))
        finally:
            os.close(inner)
    return False


def _stuck(option: str, path: Path, error: OSError) -> BadInput:
    """What to raise where that which a killed command left cannot be removed."""
    why = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return BadInput(
        f"{option}: {path} is left of an earlier run and cannot be cleared ({why}); remove it, or choose "
        "another name"
    )
