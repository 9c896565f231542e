"""Which kind of run a folder holds, and what several runs are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..errors import BadInput
from .nas.front import FRONT
from .packing.read import RESULT
from .plain_text import plain

Kind = Literal["search", "packing"]
KINDS: dict[str, Kind] = {FRONT: "search", RESULT: "packing"}
"""The file that tells a kind of run."""


def kind_of(run_dir: Path) -> Kind:
    """The kind of run in a folder. Raises BadInput where the folder holds no run."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    kind = next((kind for file, kind in KINDS.items() if (run_dir / file).exists()), None)
    if kind is None:
        raise BadInput(f"RUN_DIR: {run_dir} is no run: found neither {' nor '.join(KINDS)}")
    return kind


def names(run_dirs: Sequence[Path]) -> list[str]:
    """What runs are called: their folders' names, or whole paths where those are equal."""
    short = [plain(run_dir.resolve().name) for run_dir in run_dirs]
    count = Counter(short)
    return [
        name if count[name] == 1 else plain(str(path)) for name, path in zip(short, run_dirs, strict=True)
    ]
