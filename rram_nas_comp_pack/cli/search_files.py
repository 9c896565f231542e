"""A search's files: how what it found is written. The format of evolute.csv is fixed: others read it."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..hardware.config.read import SimConfig
from ..nas.evaluate import Finished
from ..nas.generations import Outcome, State, key, ranks
from ..nas.genome import Genes, decoded
from ..nas.search import Search
from ..nas.workers.engine import Failed
from ..runs.nas.read import EVALUATED, VOLUME
from ..runs.nas.run import ELSEWHERE
from ..runs.plain_text import plain
from .options.evolve import EvolveOptions
from .origin import Origin, config_entry, option_entry, origin_lines, write_config
from .output import versions, write_csv, write_json

EVOLUTE = (
    "generation", "individual", "acc", "latency_ratio", "latency_ns",
    "crossbars", "utilization", "rank", "sample",
)  # fmt: skip
FIGURES = {
    "searched": "of the quick layout that the search went by; pack --tune-effort 0 tries others beside it",
    "tuned": "after tuning in full; the quick layout is kept where no faster one is found",
}
"""What the two kinds of figures of a network of the front are."""
FRONT = ("speed", "latency_ns", "baseline_ns", "energy_nj", "crossbars", "utilization")


@dataclass(frozen=True, slots=True)
class Found:
    """A search that ended: its front (subnets, genes), fastest first, and each of them `tuned` in full.

    `tuned` is empty where an interrupt came before.
    """

    state: State
    front: Genes
    tuned: tuple[Finished | Failed, ...]
    search: Search

    def networks(self) -> Iterator[tuple[Genes, Outcome, Finished | Failed | None]]:
        """Genes, what the search saw, and what tuning in full made of it."""
        for i, row in enumerate(self.front):
            yield row, self.state.known[key(row)], self.tuned[i] if self.tuned else None


def write_search(
    folder: Path, found: Found, options: EvolveOptions, origin: Origin, timing_s: Mapping[str, float]
) -> None:
    """Write all files of a search; `timing_s` are seconds by name."""
    write_csv(folder / "evolute.csv", EVOLUTE, evolute_rows(found))
    write_csv(folder / "evaluated.csv", EVALUATED, evaluated_rows(found))
    write_csv(folder / "hypervolume.csv", VOLUME, volume_rows(found.state))
    predicted = found.search.judging.method == "predictor"
    entries = [_network(predicted, *network) for network in found.networks()]
    write_json(folder / "front.json", front_entry(found, entries, options, origin.config))
    write_config(folder, origin.config)
    write_csv(folder / "front.csv", _front_header(), (_front_row(i, e) for i, e in enumerate(entries)))
    lines = log_lines(found, options, origin, timing_s)
    (folder / "logs.log").write_text(plain("\n".join(lines)) + "\n", encoding="utf-8")


def sample(genes: Genes) -> str:
    """A subnet as JSON."""
    return json.dumps(decoded(genes)._asdict())


def evolute_rows(found: Found) -> Iterator[tuple[object, ...]]:
    """A line per survivor of each generation; one that does not fit has no figures."""
    for generation, rows in enumerate(found.state.populations):
        outcomes = [found.state.known[key(row)] for row in rows]
        rank = ranks(outcomes, found.search.options.objectives).tolist()
        for i, (row, own) in enumerate(zip(rows, outcomes, strict=True)):
            figures = (own.accuracy, own.speed, own.latency_ns, own.crossbars, own.utilization)
            yield generation, i, *_if_fits(own, figures), rank[i], sample(row)


def evaluated_rows(found: Found) -> Iterator[tuple[object, ...]]:
    """A line per network that was evaluated, in order; absent blocks have the first choice."""
    for i, (own, o) in enumerate(found.state.known.items()):
        generation = bisect_right(found.state.evaluated, i)
        figures = (o.accuracy, o.speed, o.latency_ns, o.energy_nj, o.crossbars, o.utilization)
        yield generation, *_if_fits(o, figures), o.excess, o.error, sample(np.frombuffer(own, np.int8))


def _if_fits(outcome: Outcome, figures: tuple[object, ...]) -> tuple[object, ...]:
    """The figures, or as many empty fields."""
    return figures if outcome.excess <= 0 else ("",) * len(figures)


def volume_rows(state: State) -> Iterator[tuple[object, ...]]:
    """A line per generation."""
    yield from zip(range(len(state.evaluated)), state.evaluated, state.hypervolumes, strict=True)


def front_entry(
    found: Found, networks: list[dict[str, object]], options: EvolveOptions, config: SimConfig
) -> dict[str, object]:
    """The content of front.json; nothing in it depends on where the search ran, or how fast."""
    judging, settings = found.search.judging, found.search.settings
    return {
        "version": __version__,
        "objectives": list(found.search.options.objectives),
        "dataset": judging.dataset,
        "accuracy": judging.method,
        "num_classes": judging.classes,
        "resolution": judging.resolution,
        "crossbars_budget": settings.crossbars,
        "num_sample": settings.samples,
        "generations": len(found.state.populations),
        "evaluated": len(found.state.known),
        "hypervolume": list(found.state.hypervolumes),
        "simconfig": config_entry(config),
        "options": {n: value for n, value in option_entry(options).items() if n not in ELSEWHERE},
        "figures": FIGURES,
        "networks": networks,
    }


def _network(
    predicted: bool, genes: Genes, seen: Outcome, tuned: Finished | Failed | None
) -> dict[str, object]:
    """A network of the front: `FIGURES` says what `searched` and `tuned` are."""
    entry: dict[str, object] = {
        "sample": decoded(genes)._asdict(),
        "validation_accuracy": seen.accuracy,
        "test_accuracy": None,
        "searched": {name: getattr(seen, name) for name in FRONT},
        "tuned": None,
    }
    if isinstance(tuned, Failed):
        return {**entry, "error": tuned.error}
    if tuned is not None:
        figures = {name: getattr(tuned.compiled, name) for name in FRONT}
        entry |= {"test_accuracy": tuned.test, "tuned": figures}
        if predicted:
            entry |= {"validation_accuracy": tuned.validation, "predicted_accuracy": seen.accuracy}
    return entry


def _front_header() -> tuple[str, ...]:
    return ("index", "validation_accuracy", "test_accuracy", *FRONT, "searched_speed", "sample")


def _front_row(index: int, entry: dict[str, Any]) -> tuple[object, ...]:
    """A line of front.csv: figures after tuning in full where there are some."""
    figures = entry["tuned"] or entry["searched"]
    accuracies = entry["validation_accuracy"], entry["test_accuracy"]
    searched = entry["searched"]["speed"]
    return index, *accuracies, *figures.values(), searched, json.dumps(entry["sample"])


def log_lines(
    found: Found, options: EvolveOptions, origin: Origin, timing_s: Mapping[str, float]
) -> Iterator[str]:
    """The content of logs.log."""
    yield "[options]"
    yield from (f"{name} = {value}" for name, value in option_entry(options).items())
    yield "\n[versions]"
    yield from (f"{name} = {value}" for name, value in versions())
    yield "\n[generations]"
    for generation, evaluated, volume in volume_rows(found.state):
        yield f"generation {generation}: {evaluated} networks evaluated, hypervolume {volume:.4f}"
    yield "\n[networks]"
    yield from (f"{name} = {value}" for name, value in statistics(found))
    yield "\n[front]"
    yield from front_table(found)
    yield "\n[timing, s]"
    yield from (f"{name} = {value:.6f}" for name, value in timing_s.items())
    yield ""
    yield from origin_lines(origin)


def statistics(found: Found) -> Iterator[tuple[str, int]]:
    """How many networks were evaluated, do not fit, and failed."""
    outcomes = found.state.known.values()
    failed = sum(bool(o.error) for o in outcomes)
    yield "evaluated", len(outcomes)
    yield "too large for the crossbars", sum(o.excess > 0 for o in outcomes) - failed
    yield "failed", failed
    yield from Counter(f"failed: {o.error}" for o in outcomes if o.error).items()


def front_table(found: Found) -> Iterator[str]:
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


def summary(found: Found) -> Iterator[str]:
    """The closing table."""
    counts = dict(statistics(found))
    yield (
        f"search       {len(found.state.populations)} generations, {counts['evaluated']} networks: "
        f"{counts['too large for the crossbars']} too large, {counts['failed']} failed"
    )
    yield f"hypervolume  {found.state.hypervolumes[-1]:.4f} (accuracy x speed)"
    samples = found.search.settings.samples
    yield f"front        {len(found.front)} networks; speed is over the baseline's, samples: {samples}"
    yield from front_table(found)
