"""A folder held open, in which names are taken, cleared and removed without following a link."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ofa.whole import kind_of, kind_of_mode

from ..errors import BadInput, CannotBeDone, ToolkitError
from .mounts import mount_in

try:
    import fcntl
except ImportError:  # not a POSIX system: two runs of one ID at once go unnoticed, the later one stays
    fcntl = None  # type: ignore[assignment]


def refusal(text: str, error: OSError) -> ToolkitError:
    """What to raise, with this text, where something could not be written for `error`."""
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    return CannotBeDone(text) if full else BadInput(text)


def no_folder(path: Path, option: str) -> BadInput | None:
    """What to raise where something else than a folder lies at a path, or on the way there."""
    for place in (path, *path.parents):
        with suppress(OSError):
            found = kind_of(place)
            if found and not place.is_dir():
                leads = " that leads to no folder" if found == "symbolic link" else ""
                return BadInput(f"{option}: {place} is a {found}{leads}, allowed is a folder")
    return None


class Home:
    """A folder held open, so that whatever takes the place of its path meanwhile is not touched."""

    def __init__(self, path: Path, option: str) -> None:
        """Open the folder, which `option` names. Raises OSError."""
        self.path, self.option = path, option
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def kind(self, name: str) -> str:
        """What lies here, as `ofa.whole.kind_of` has it."""
        try:
            mode = os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return ""
        return kind_of_mode(mode)

    def rename(self, name: str, other: str) -> None:
        """Give what lies here another name."""
        os.rename(name, other, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def remove(self, name: str, ignore_errors: bool = False) -> None:
        """Remove a folder and all in it; links are removed, not what they lead to."""
        shutil.rmtree(name, dir_fd=self.fd, ignore_errors=ignore_errors)

    def take(self, name: str, taken: str) -> int:
        """Make a folder, if there is none, and lock it; returns the lock's file descriptor.

        Raises BadInput, with the text `taken` where another process has it.
        """
        self.require_no_mount(name)
        try:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=self.fd)
            lock = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=self.fd)
        except OSError as error:
            raise self.unwritable(error, name) from error
        try:
            if locked(lock) and self.is_at(lock, name):
                return lock
        except OSError as error:  # a file system without locks
            os.close(lock)
            raise self.unwritable(error, name) from error
        os.close(lock)
        raise BadInput(taken)

    def require_no_mount(self, name: str) -> None:
        """Raise BadInput where what is in a folder may be another file system's."""
        # opening a pipe would wait for a writer
        mount = mount_in(self.fd, name) if self.kind(name) == "folder" else ""
        if mount:
            raise BadInput(
                f"{self.option}: {self.path / mount} is a mount point, and what is mounted there would be "
                "lost; unmount it, or choose another name"
            )

    def unwritable(self, error: OSError, name: str) -> ToolkitError:
        """What to raise where `name` cannot be made."""
        found = self.kind(name)
        if found == "folder" and isinstance(error, PermissionError):
            return stuck(self.option, self.path / name, error)
        if found in ("", "folder"):
            return refusal(f"{self.option}: {self.path} cannot be written: {error.strerror}", error)
        return BadInput(f"{self.option}: {self.path / name} is in the way, a {found}; remove it")

    def is_at(self, lock: int, name: str) -> bool:
        """Whether the locked folder is still the one of this name."""
        with suppress(FileNotFoundError):
            return os.path.samestat(os.fstat(lock), os.stat(name, dir_fd=self.fd, follow_symlinks=False))
        return False


@contextmanager
def open_home(path: Path, option: str) -> Iterator[Home]:
    """A folder, made where there is none. Raises BadInput, CannotBeDone on a full disk."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        # where it is now, whatever the working folder or a link on the way there becomes
        home = Home(Path(os.path.realpath(path)), option)
    except OSError as error:
        raise no_folder(path, option) or refusal(
            f"{option}: {path} cannot be written: {error.strerror}", error
        ) from error
    try:
        yield home
    finally:
        os.close(home.fd)


def make_folder(path: Path, option: str) -> None:
    """Make a folder where there is none. Raises BadInput, CannotBeDone on a full disk."""
    with open_home(path, option):
        pass


def locked(folder: int) -> bool:
    """Lock an open folder; False where another process has it."""
    if not fcntl:
        return True
    try:
        fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def clear(folder: int, path: Path, kept: str | None, option: str) -> None:
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
        raise stuck(option, path, error) from error


def stuck(option: str, path: Path, error: OSError) -> BadInput:
    """What to raise where that which a killed command left cannot be removed."""
    why = f"{error.filename}: {error.strerror}" if error.filename else str(error.strerror)
    return BadInput(
        f"{option}: {path} is left of an earlier run and cannot be cleared ({why}); remove it, or choose "
        "another name"
    )
