"""Which kind of run a folder holds, and what several runs are called."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from ..errors import BadInput
from .file_names import PAGE
from .nas.front import FRONT
from .packing.read import RESULT
from .plain_text import plain
from .reproduction import CLAIMS
from .sweep import RUNS
from .sweep import TABLE as SWEEP_TABLE

Kind = Literal["search", "packing"]
KINDS: dict[str, Kind] = {FRONT: "search", RESULT: "packing"}
"""The file that tells a kind of run."""
PARTITION = "partition.json"
"""Of every packing run, also of those that other programs wrote."""


def kind_of(run_dir: Path) -> Kind:
    """The kind of run in a folder. Raises BadInput where the folder holds no run."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    kind = next((kind for file, kind in KINDS.items() if (run_dir / file).exists()), None)
    if kind is None:
        several = _several(run_dir)
        raise BadInput(
            several
            or f"RUN_DIR: {run_dir} is no run: found neither {' nor '.join(KINDS)}, allowed is a folder that "
            "pack or evolve wrote, such as log/packing/dev"
        )
    return kind


def require_packing(run_dir: Path) -> None:
    """Raise BadInput where a folder is known to hold something else than a packing run."""
    if (run_dir / RESULT).exists():
        return
    if (run_dir / FRONT).exists():
        raise BadInput(
            f"RUN_DIR: {run_dir} is a search, allowed is a packing run; pack --model "
            f"ofa:{run_dir / FRONT}#0 makes one of its first network"
        )
    several = _several(run_dir)
    if several:
        raise BadInput(several)
    if run_dir.is_dir() and not (run_dir / PARTITION).exists():
        raise BadInput(
            f"RUN_DIR: {run_dir} is no run: found no {PARTITION}, allowed is a folder that pack wrote, such "
            "as log/packing/dev"
        )


def _several(run_dir: Path) -> str:
    """What to say of the folder of a sweep or of `reproduce`, which holds runs but is none; "" for others."""
    what = {SWEEP_TABLE: "sweep", f"{CLAIMS}.json": "folder of reproduce"}
    mark = next((name for name in what if (run_dir / name).exists()), None)
    if mark is None:
        return ""
    homes = [run_dir / RUNS / kind for kind in ("packing", "evolution")]
    own = " and ".join(str(home) for home in homes if home.is_dir())
    told = f"RUN_DIR: {run_dir} is a {what[mark]}, whose results are in {run_dir / mark}"
    page = run_dir / PAGE
    told += f" and on its page, {page}" if page.exists() else ""
    return f"{told}; allowed is one of the runs in {own}" if own else told


def names(run_dirs: Sequence[Path]) -> list[str]:
    """What runs are called: their folders' names, or whole paths where those are equal."""
    short = [plain(run_dir.resolve().name) for run_dir in run_dirs]
    count = Counter(short)
    return [
        name if count[name] == 1 else plain(str(path)) for name, path in zip(short, run_dirs, strict=True)
    ]
