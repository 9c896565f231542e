"""What a search found, in words: the sections of its logs.log and the lines that `evolve` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ...nas.evaluate import Finished
from ...nas.generations import State
from ...nas.workers.engine import Failed
from .. import log
from ..origin import Origin
from .result import SearchResult

FIGURES = {
    "searched": "of the quick layout that the search went by; pack --tune-effort 0 tries others beside it",
    "tuned": "after tuning in full; the quick layout is kept where no faster one is found",
}
"""What the two kinds of figures of a network of the front are."""


def log_lines(
    found: SearchResult, options: Mapping[str, object], origin: Origin, timing_s: Mapping[str, float]
) -> Iterator[str]:
    """The content of logs.log; `options` are those of the command line, `timing_s` seconds, both by name."""
    sections = (
        ("generations", _generations(found.state)),
        ("networks", log.pairs(dict(statistics(found)))),
        ("front", front_table(found)),
    )
    return log.log_lines(options, sections, timing_s, origin)


def _generations(state: State) -> Iterator[str]:
    for i, (evaluated, volume) in enumerate(zip(state.evaluated, state.hypervolumes, strict=True)):
        yield f"generation {i}: {evaluated} networks evaluated, hypervolume {volume:.4f}"


def statistics(found: SearchResult) -> Iterator[tuple[str, int]]:
    """How many networks were evaluated, do not fit, and failed."""
    outcomes = found.state.known.values()
    failed = sum(bool(o.error) for o in outcomes)
    yield "evaluated", len(outcomes)
    yield "too large for the crossbars", sum(o.excess > 0 for o in outcomes) - failed
    yield "failed", failed
    yield from Counter(f"failed: {o.error}" for o in outcomes if o.error).items()


def front_table(found: SearchResult) -> Iterator[str]:
    """The front, a line a network; what is not tuned has its other figures as searched."""
    yield from (f"  {name:<8} = speed {what}" for name, what in FIGURES.items())
    yield "  # accuracy     test    tuned searched        ms crossbars   used"
    for i, (_, seen, tuned) in enumerate(found.networks()):
        shown = tuned.compiled if isinstance(tuned, Finished) else seen
        validation = tuned.validation if isinstance(tuned, Finished) else seen.accuracy
        test, speed = f"{'-':>8}", f"{'-':>8}"
        if isinstance(tuned, Finished):
            test, speed = f"{tuned.test:8.4f}", f"{shown.speed:8.2f}"
        failed = f"  {tuned.error}" if isinstance(tuned, Failed) else ""
        yield (
            f"{i:>3} {validation:8.4f} {test} {speed} {seen.speed:8.2f} "
            f"{shown.latency_ns / 1e6:9.4f} {shown.crossbars:9d} {shown.utilization:6.1%}{failed}"
        )


def summary(found: SearchResult) -> Iterator[str]:
    """What `evolve` prints when it is done."""
    counts, samples = dict(statistics(found)), found.search.settings.samples
    yield (
        f"search: {len(found.state.populations)} generations, {counts['evaluated']} networks evaluated, "
        f"of which {counts['too large for the crossbars']} were too large and {counts['failed']} failed"
    )
    yield f"hypervolume: {found.state.hypervolumes[-1]:.4f} (accuracy x speed)"
    many = f"{samples} sample{'s' * (samples != 1)}"
    yield f"front: {len(found.front)} networks; speeds are multiples of the baseline's, for {many}"
    yield from front_table(found)
