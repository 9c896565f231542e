"""Where other file systems are mounted: what is in them is never removed."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path


def mount_in(parent: int, name: str) -> str:
    """The first mount point at or below a folder within an open one, as a path from there; "" for none."""
    own = _mount_of(parent)
    with suppress(OSError):  # nothing there, or nothing that could be read and thus removed
        for path, _, _, folder in os.fwalk(name, dir_fd=parent, follow_symlinks=False):
            if _mount_of(folder) != own:
                return path
    return ""


def _mount_of(folder: int) -> tuple[int, str]:
    """What tells one mount from another; the device alone does not tell a folder that is bound elsewhere."""
    with suppress(OSError):  # Linux only
        found = re.search(r"^mnt_id:\s*(\d+)", Path(f"/proc/self/fdinfo/{folder}").read_text("ascii"), re.M)
        return os.fstat(folder).st_dev, found[1] if found else ""
    return os.fstat(folder).st_dev, ""
