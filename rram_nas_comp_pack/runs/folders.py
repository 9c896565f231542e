"""Folders that appear whole or not at all; earlier ones stay until the new ones are whole.

Links in the way are never followed, and nothing is removed but what lies in these folders.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ofa.console import undisturbed

from ..errors import BadInput
from .file_names import RunFiles
from .held_folder import Home, clear, locked, open_home, stuck
from .mounts import mount_in

LOG = logging.getLogger(__name__)


@contextmanager
def run_folder(
    parent: Path,
    exp_id: str,
    kept: str | None = None,
    options: tuple[str, str] = ("--exp-id", "--log-dir"),
    files: RunFiles | None = None,
) -> Iterator[Path]:
    """A folder to write a run's files into; it becomes `parent`/`exp_id` when the block ends without error.

    A subfolder `kept` outlives a run that was killed or failed, and is there when the next one of this ID
    begins. `options` are those that name the folder and its parent; `files` are what such a run writes.
    Raises BadInput where the folder cannot be written, another run of this ID is under way, or something of
    somebody else's is in its place or in it; CannotBeDone on a full disk.
    """
    with open_home(parent, options[1]) as home:
        run = _Run(home, exp_id, options, files)
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
                run.drop_earlier()
        except KeyboardInterrupt as interrupt:
            if not done and not interrupt.args:
                interrupt.args = ("nothing was written",)
            raise
        finally:
            if lock is not None:
                with undisturbed():
                    run.end(lock, kept)


def is_written(run_dir: Path) -> bool:
    """Whether a run of this ID has come into place."""
    return run_dir.exists()


def holds_files(run_dir: Path) -> bool:
    """Whether there is a folder with something in it, which the next run of this ID replaces."""
    with suppress(OSError):
        return bool(os.listdir(run_dir))
    return False


@contextmanager
def scratch_folder(folder: Path, name: str, option: str) -> Iterator[Path]:
    """A hidden folder within one that is there, empty, and gone with all in it when the block ends.

    What a killed command left in it is cleared first. Raises BadInput where that cannot be done or another
    command has it, CannotBeDone on a full disk.
    """
    with open_home(folder, option) as home:
        lock = home.take(name, f"{option}: {folder} is being written by another command; wait for its end")
        try:
            clear(lock, home.path / name, None, option)
            yield home.path / name
        finally:
            with undisturbed():
                if home.is_at(lock, name):
                    home.remove(name, ignore_errors=True)
                os.close(lock)


class _Run:
    """The names of a run's folder: in the making, in place, and of the earlier run while it is replaced."""

    def __init__(self, home: Home, exp_id: str, options: tuple[str, str], files: RunFiles | None) -> None:
        self.home, self.name, self.options, self.files = home, exp_id, options, files
        self.option = options[0]
        self.scratch, self.earlier = f".{exp_id}.partial", f".{exp_id}.earlier"
        self.clearing = "remove it, or choose another name"

    def require_free_names(self) -> None:
        """Raise BadInput where something else than a run's own folder has one of the names."""
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

        for name in (self.name, self.scratch, self.earlier):
            self.home.require_no_mount(name)
        for foreign in (self._other_run(), self._foreign(self.name), self._foreign(self.earlier)):
            if foreign:
                others = " or ".join(dict.fromkeys(self.options))
                raise BadInput(f"{self.option}: {foreign}; allowed is another {others}, or to move it")

    def _other_run(self) -> str:
        """That something else than a run is in place, in words; of an earlier one a kill may leave a part."""
        with suppress(FileNotFoundError):
            return self.files.other_run(self.home.path / self.name) if self.files else ""
        return ""

    def _foreign(self, name: str) -> str:
        """Which file in a folder is somebody else's, in words; "" for none."""
        return self.files.foreign(self.home.path / name) if self.files else ""

    def begin(self, kept: str | None) -> int:
        """The folder in the making, empty but for `kept`, and locked; returns the lock's descriptor."""
        under_way = (
            f"{self.option}: a run of {self.name!r} is under way; choose another {self.option} or wait"
        )
        lock = self.home.take(self.scratch, under_way)
        try:
            self._require_ended(under_way)
            clear(lock, self.home.path / self.scratch, kept, self.option)
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
            if not locked(there):
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
            raise stuck(self.option, self.home.path / self.earlier, error) from error

    def drop_earlier(self) -> None:
        """Remove the earlier run, but for one into which somebody has put files while this one ran."""
        if not self.home.kind(self.earlier):
            return
        if self._holds_others():
            kept = self.home.path / self.earlier
            LOG.warning("%s: the earlier run is kept, it holds what is not its own", kept)
        else:
            self.home.remove(self.earlier, ignore_errors=True)

    def _holds_others(self) -> bool:
        return bool(self._foreign(self.earlier) or mount_in(self.home.fd, self.earlier))

    def _recover(self) -> None:
        """Put the earlier run back where a kill struck between the two renames."""
        if self.home.kind(self.earlier) != "folder":
            return
        if self.home.kind(self.name):
            if not self._holds_others():
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


def _holds_files(folder: int, name: str) -> bool:
    with suppress(OSError):
        inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
        try:
            return bool(os.listdir(inner))
        finally:
            os.close(inner)
    return False
