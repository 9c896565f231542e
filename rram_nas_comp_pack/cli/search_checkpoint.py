"""Keeps a search under way in its folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ofa.whole import whole_file

from ..runs.nas.checkpoint import NAME, Kept, write_checkpoint


def save_search(folder: Path, kept: Kept, options: Mapping[str, Any]) -> None:
    """Write a search; the file is whole at every moment.

    `options` are JSON values that decide what the search gives.
    """
    with whole_file(folder / NAME) as file:
        write_checkpoint(file, kept, options)
