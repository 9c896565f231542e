"""Writes the files of a search. The format of evolute.csv is fixed, other programs read it."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ... import __version__
from ...hardware.config.read import SimConfig
from ...nas.evaluate import TunedSubnet
from ...nas.generations import State, SubnetResult, key, ranks
from ...nas.genome import Genes, decode
from ...nas.workers.engine import Failed
from ..origin import Origin, config_entry, write_config
from ..text_files import write_csv, write_json, write_lines
from .front import FRONT
from .log import FIGURES, log_lines
from .read import EVALUATED, VOLUME
from .result import SearchResult
from .run import ELSEWHERE

EVOLUTE = (
    "generation", "individual", "acc", "latency_ratio", "latency_ns",
    "crossbars", "utilization", "rank", "sample",
)  # fmt: skip
COSTS = ("speed", "latency_ns", "baseline_ns", "energy_nj", "crossbars", "utilization")

FRONT_TABLE = ("index", "validation_accuracy", "test_accuracy", *COSTS, "searched_speed", "sample")


def write_search(
    folder: Path,
    found: SearchResult,
    options: Mapping[str, object],
    origin: Origin,
    timing_s: Mapping[str, float],
) -> None:
    """Write all files of a search; `options` are JSON values, by the names of the command line."""
    on_chips = found.search.judging.method == "chip"
    write_csv(folder / "evolute.csv", _with_chips(EVOLUTE, on_chips), evolute_rows(found))
    write_csv(folder / "evaluated.csv", _with_chips(EVALUATED, on_chips), evaluated_rows(found))
    write_csv(folder / "hypervolume.csv", VOLUME, volume_rows(found.state))
    predicted = found.search.judging.method == "predictor"
    entries = [_network(predicted, *network) for network in found.networks()]
    write_json(folder / FRONT, front_entry(found, entries, options, origin.config))
    write_config(folder, origin.config)
    header = _with_chips(FRONT_TABLE, on_chips)
    write_csv(folder / "front.csv", header, (_front_row(i, e) for i, e in enumerate(entries)))
    write_lines(folder / "logs.log", log_lines(found, options, origin, timing_s))


def _with_chips(header: tuple[str, ...], on_chips: bool) -> tuple[str, ...]:
    """A header, with the accuracies of chips behind those of the float network."""
    if not on_chips:
        return header
    behind = {"acc": ("chip_accuracy",), "test_accuracy": ("chip_accuracy", "chip_test_accuracy")}
    return tuple(name for column in header for name in (column, *behind.get(column, ())))


def _accuracies(outcome: SubnetResult) -> tuple[float, ...]:
    """Of the float network, and of the chips where they were asked."""
    own = outcome.chip_accuracy
    return (outcome.accuracy,) if own is None else (outcome.accuracy, own)


def sample(genes: Genes) -> str:
    """A subnet as JSON."""
    return json.dumps(decode(genes)._asdict())


def evolute_rows(found: SearchResult) -> Iterator[tuple[object, ...]]:
    """A line per survivor of each generation; one that does not fit has no figures."""
    for generation, rows in enumerate(found.state.populations):
        outcomes = [found.state.known[key(row)] for row in rows]
        rank = ranks(outcomes, found.search.options.objectives).tolist()
        for i, (row, own) in enumerate(zip(rows, outcomes, strict=True)):
            figures = (*_accuracies(own), own.speed, own.latency_ns, own.crossbars, own.utilization)
            yield generation, i, *_if_fits(found, own, figures), rank[i], sample(row)


def evaluated_rows(found: SearchResult) -> Iterator[tuple[object, ...]]:
    """A line per network that was evaluated, in order; absent blocks have the first choice."""
    for i, (own, o) in enumerate(found.state.known.items()):
        generation = bisect_right(found.state.evaluated, i)
        figures = (*_accuracies(o), o.speed, o.latency_ns, o.energy_nj, o.crossbars, o.utilization)
        fitted = _if_fits(found, o, figures)
        yield generation, *fitted, o.excess, o.error, sample(np.frombuffer(own, np.int8))


def _if_fits(found: SearchResult, outcome: SubnetResult, figures: tuple[object, ...]) -> tuple[object, ...]:
    """The figures, or as many empty fields as those of one that fits."""
    if outcome.excess <= 0:
        return figures
    asked = found.search.judging.method == "chip" and outcome.chip_accuracy is None
    return ("",) * (len(figures) + asked)


def volume_rows(state: State) -> Iterator[tuple[object, ...]]:
    """A line per generation."""
    yield from zip(range(len(state.evaluated)), state.evaluated, state.hypervolumes, strict=True)


def front_entry(
    found: SearchResult, networks: list[dict[str, object]], options: Mapping[str, object], config: SimConfig
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
        "options": {n: value for n, value in options.items() if n not in ELSEWHERE},
        "figures": FIGURES,
        "networks": networks,
    }


def _network(
    predicted: bool, genes: Genes, seen: SubnetResult, tuned: TunedSubnet | Failed | None
) -> dict[str, object]:
    """A network of the front: `FIGURES` says what `searched` and `tuned` are."""
    entry: dict[str, object] = {
        "sample": decode(genes)._asdict(),
        "validation_accuracy": seen.accuracy,
        "test_accuracy": None,
        "searched": {name: getattr(seen, name) for name in COSTS},
        "tuned": None,
    }
    if seen.chip_accuracy is not None:
        entry |= {"chip_accuracy": seen.chip_accuracy, "chip_test_accuracy": None}
    if isinstance(tuned, Failed):
        return {**entry, "error": tuned.error}
    if tuned is not None:
        figures = {name: getattr(tuned.compiled, name) for name in COSTS}
        entry |= {"test_accuracy": tuned.test, "tuned": figures}
        if seen.chip_accuracy is not None:
            entry |= {"chip_test_accuracy": tuned.chip_test}
        if predicted:
            entry |= {"validation_accuracy": tuned.validation, "predicted_accuracy": seen.accuracy}
    return entry


def _front_row(index: int, entry: dict[str, Any]) -> tuple[object, ...]:
    """A line of front.csv: figures after tuning in full where there are some."""
    figures = entry["tuned"] or entry["searched"]
    accuracies = [entry["validation_accuracy"], entry["test_accuracy"]]
    if "chip_accuracy" in entry:
        accuracies += [entry["chip_accuracy"], entry["chip_test_accuracy"]]
    searched = entry["searched"]["speed"]
    return index, *accuracies, *figures.values(), searched, json.dumps(entry["sample"])
