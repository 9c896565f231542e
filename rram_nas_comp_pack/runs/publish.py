"""A report comes into place in one step: its page and its figures belong together at every moment.

Two names in a folder cannot be replaced at once. So the page is, for a moment, a link to a copy of it that
lies among the figures; then a single rename exchanges both, and the new page becomes a file again.
"""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from ofa.console import undisturbed
from ofa.whole import kind_of

from ..errors import BadInput
from .file_names import FIGURE, FIGURES, LEFT_OF_REPORT, PAGE, first_stranger
from .folders import scratch_folder
from .held_folder import no_folder, refusal

if TYPE_CHECKING:
    from ..report.report_files import ReportFiles

AMONG = f"{FIGURES}/{PAGE}"
SCRATCH, EARLIER = ".report.partial", ".report.earlier"
OLD_SCRATCH, OLD_FILES = re.compile(r"\.report\.[a-z0-9_]{8}"), {PAGE, FIGURES, "earlier"}
"""What version 0.1.0 left behind where it was killed."""
MARKS = (
    b'<meta name="generator" content="rram_nas_comp_pack">',
    b'<a class="skip" href="#main">Skip to the report</a>',  # of version 0.1.0, which has no such line
)
EXCHANGE, HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux


def write_report(report: ReportFiles, folder: Path, option: str = "RUN_DIR") -> None:
    """Write report.html and figures/ into a folder; an earlier report stays until the new one is whole.

    `option` names the folder. Raises BadInput where the folder cannot be written or something else has one of
    the names, CannotBeDone on a full disk.
    """
    try:
        with scratch_folder(folder, SCRATCH, option) as scratch:
            require_own(folder, option)
            _clear_leftovers(folder)
            _fill(scratch, report)
            with undisturbed():
                _publish(scratch, folder)
    except OSError as error:
        raise refusal(f"{option}: {folder} cannot be written: {error.strerror or error}", error) from error


def require_own(folder: Path, option: str = "RUN_DIR") -> None:
    """Raise BadInput where a report would replace what is no report's, or where no folder can be."""
    wrong = no_folder(folder, option)
    if wrong:
        raise wrong
    allowed = (
        f"allowed is {'another --out' if option == '--out' else 'another place by --out'}, or to move it"
    )
    for name, kind in {PAGE: "file", FIGURES: "folder", EARLIER: "folder"}.items():
        found = kind_of(folder / name)
        if found not in ("", kind) and not (name == PAGE and _is_link(folder / name)):
            raise BadInput(f"{option}: {folder / name} is a {found}, allowed is a {kind} or nothing")
    if kind_of(folder / PAGE) == "file" and not _is_page(folder / PAGE):
        raise BadInput(f"{option}: {folder / PAGE} is no page of this program; {allowed}")
    for place in (folder / FIGURES, folder / EARLIER):
        stranger = next((each for each in _sorted(place) if not _is_drawn(each)), None)
        if stranger:
            raise BadInput(f"{option}: {stranger} is no figure of a report and would be lost; {allowed}")


def _sorted(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if kind_of(folder) else []


def _is_drawn(path: Path) -> bool:
    """Whether it is a file that a report puts among its figures."""
    if kind_of(path) != "file":
        return False
    return _is_page(path) if path.name == PAGE else bool(FIGURE.fullmatch(path.name))


def _is_page(path: Path) -> bool:
    """Whether a file is a page that this program made."""
    with path.open("rb") as file:
        head = file.read(2**18)
    return any(mark in head for mark in MARKS)


def _clear_leftovers(folder: Path) -> None:
    """Put figures back that a kill left aside, and remove what it left half done."""
    aside = folder / EARLIER
    if kind_of(aside) == "folder":
        if kind_of(folder / FIGURES):
            shutil.rmtree(aside)
        else:
            aside.rename(folder / FIGURES)
    for each in folder.iterdir():
        old = OLD_SCRATCH.fullmatch(each.name) and kind_of(each) == "folder"
        if old and set(os.listdir(each)) <= OLD_FILES and not first_stranger(each, LEFT_OF_REPORT):
            shutil.rmtree(each)


def _is_link(page: Path) -> bool:
    """Whether it is the link that a killed command left."""
    return page.is_symlink() and os.readlink(page) == AMONG


def _fill(scratch: Path, report: ReportFiles) -> None:
    """The new figures with the page among them, and the page by itself."""
    page = report.html.encode("utf-8", "backslashreplace")
    (scratch / FIGURES).mkdir()
    for name, content in {**report.figures, PAGE: page}.items():
        (scratch / FIGURES / name).write_bytes(content)
    (scratch / PAGE).write_bytes(page)


def _publish(scratch: Path, folder: Path) -> None:
    with suppress(PermissionError):  # a file system without links
        (scratch / "link").symlink_to(AMONG)
        _link_page(scratch, folder)
    _exchange(scratch / FIGURES, folder / FIGURES, folder / EARLIER)
    os.replace(scratch / PAGE, folder / PAGE)
    (folder / AMONG).unlink()


def _link_page(scratch: Path, folder: Path) -> None:
    """Make the page a link to where it lies among the figures, the old ones as well as the new."""
    page, copy = folder / PAGE, scratch / "copy"
    if page.is_symlink():
        return
    if page.exists():
        shutil.copy2(page, copy)
        (folder / FIGURES).mkdir(exist_ok=True)
        os.replace(copy, folder / AMONG)
    os.replace(scratch / "link", page)


def _exchange(new: Path, place: Path, aside: Path) -> None:
    """Put a folder where another one may be: in one step, or on other systems than Linux in two."""
    if not place.exists():
        os.rename(new, place)
    elif not _exchanged(new, place):
        os.rename(place, aside)
        try:
            os.rename(new, place)
        except OSError:
            os.rename(aside, place)
            raise
        shutil.rmtree(aside, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange two names in one step; False where the system cannot."""
    import ctypes

    try:
        rename = ctypes.CDLL(None).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(rename(HERE, os.fsencode(one), HERE, os.fsencode(other), EXCHANGE) == 0)
