"""What is told on standard error while something takes long."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from tqdm import tqdm

from ..kernels.jit import compiling_s, on_compiling


class Stopwatch:
    """Time since it was made."""

    def __init__(self) -> None:
        """Start it."""
        self._started, self._compiled = perf_counter(), compiling_s()

    def seconds(self) -> dict[str, float]:
        """All of it, and what went into compiling kernels in this process."""
        return {"compiling": compiling_s() - self._compiled, "total": perf_counter() - self._started}


@contextmanager
def telling_of_compiling() -> Iterator[None]:
    """Say once that kernels are being compiled, if they are: most runs load them from disk."""
    told = False

    def tell() -> None:
        nonlocal told
        if not told:
            told = True
            tqdm.write("compiling kernels (once)", file=sys.stderr)

    with on_compiling(tell):
        yield
