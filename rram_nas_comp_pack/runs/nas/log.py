"""What a search found, in words: the sections of its logs.log and the lines that `evolve` prints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from ...nas.chips import Chips
from ...nas.evaluate import TunedSubnet
from ...nas.generations import State
from ...nas.workers.engine import Failed
from .. import log
from ..origin import Origin
from ..plain_text import counted
from .result import SearchResult, genes_beside

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
    on_chips = found.judging.method == "chip"
    yield from (f"  {name:<8} = speed {what}" for name, what in FIGURES.items())
    if on_chips:
        yield f"  {'chips':<8} = accuracy on {chips_told(found.judging.chips)}"
    columns = "   chips     test" if on_chips else ""
    beside = "".join(f"  {name:>{width}}" for name, width in genes_beside(found.search.space).items())
    yield f"  # accuracy     test{columns}    tuned searched        ms crossbars   used{beside}"
    for i, (row, seen, tuned) in enumerate(found.networks()):
        shown = tuned.compiled if isinstance(tuned, TunedSubnet) else seen
        validation = tuned.validation if isinstance(tuned, TunedSubnet) else seen.accuracy
        test, speed, own_test = None, None, None
        if isinstance(tuned, TunedSubnet):
            test, speed, own_test = tuned.test, shown.speed, tuned.chip_test
        chips = f" {_cell(seen.chip_accuracy, 4)} {_cell(own_test, 4)}" if on_chips else ""
        entry = found.search.space.entry(row)
        own = "".join(f"  {entry[name]!s:>{w}}" for name, w in genes_beside(found.search.space).items())
        failed = f"  {tuned.error}" if isinstance(tuned, Failed) else ""
        yield (
            f"{i:>3} {validation:8.4f} {_cell(test, 4)}{chips} {_cell(speed, 2)} {seen.speed:8.2f} "
            f"{shown.latency_ns / 1e6:9.4f} {shown.crossbars:9d} {shown.utilization:6.1%}{own}{failed}"
        )


def _cell(value: float | None, digits: int) -> str:
    return f"{'-':>8}" if value is None else f"{value:8.{digits}f}"


def chips_told(chips: Chips) -> str:
    """On which chips a search judged its networks, in words."""
    taken = "on average" if chips.robust == "mean" else "at worst"
    many = counted(chips.instances, "chip")
    return (
        f"{many} {taken}, {counted(chips.images, 'image')} at most, {chips.encoding} encoding; those "
        "of the test images are others, with conversions"
    )


def summary(found: SearchResult) -> Iterator[str]:
    """What `evolve` prints when it is done."""
    counts, samples = dict(statistics(found)), found.search.settings.samples
    large = counts["too large for the crossbars"]
    yield (
        f"search: {counted(len(found.state.populations), 'generation')}, "
        f"{counted(counts['evaluated'], 'network')} evaluated, "
        f"of which {large} {'was' if large == 1 else 'were'} too large and {counts['failed']} failed"
    )
    accuracy = "accuracy on chips" if found.judging.method == "chip" else "accuracy"
    yield f"hypervolume: {found.state.hypervolumes[-1]:.4f} ({accuracy} x speed)"
    front = counted(len(found.front), "network")
    yield f"front: {front}; speeds are multiples of the baseline's, for {counted(samples, 'sample')}"
    yield from front_table(found)
