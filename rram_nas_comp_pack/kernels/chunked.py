"""Compiled steps in chunks, so that Ctrl-C, the clock and the progress bar get a turn between them."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

CHUNK_SECONDS = 0.05
"""About how long a chunk runs."""


def chunk_sizes(first: int) -> Iterator[int]:
    """How many steps to run next, for ever: `first`, then as many as take about CHUNK_SECONDS.

    A chunk is at most four times the one before, which is judged by the time until the next one is asked for.
    """
    steps = first
    while True:
        begun = monotonic()
        yield steps
        steps = 1 + int(steps * min(CHUNK_SECONDS / (monotonic() - begun + 1e-6), 4))
