"""Writes the files of a search. The format of evolute.csv is fixed, other programs read it."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ... import __version__
from ...nas.compile_gene import HARDWARE
from ...nas.evaluate import TunedSubnet
from ...nas.generations import State, SubnetResult, ranks
from ...nas.genes import key, row_of
from ...nas.space import Genes
from ...nas.workers.engine import Failed
from ..origin import OfferedConfig, Origin, config_entry, write_configs
from ..text_files import write_csv, write_json, write_lines
from .front import FRONT
from .log import FIGURES, log_lines
from .read import EVALUATED, VOLUME
from .result import SearchResult, genes_beside
from .run import ELSEWHERE

EVOLUTE = (
    "generation", "individual", "acc", "latency_ratio", "latency_ns",
    "crossbars", "utilization", "rank", "sample",
)  # fmt: skip
COSTS = ("speed", "latency_ns", "baseline_ns", "energy_nj", "crossbars", "utilization", "area_mm2")
EVALUATED_TABLE = (*EVALUATED[:7], "area_mm2", *EVALUATED[7:])
FRONT_TABLE = ("index", "validation_accuracy", "test_accuracy", *COSTS, "searched_speed", "sample")


def write_search(
    folder: Path,
    found: SearchResult,
    options: Mapping[str, object],
    origin: Origin,
    timing_s: Mapping[str, float],
) -> None:
    """Write all files of a search; `options` are JSON values, by the names of the command line."""
    write_csv(folder / "evolute.csv", _header(EVOLUTE, found), evolute_rows(found))
    write_csv(folder / "evaluated.csv", _header(EVALUATED_TABLE, found), evaluated_rows(found))
    write_csv(folder / "hypervolume.csv", VOLUME, volume_rows(found.state))
    entries = [_network(found, *network) for network in found.networks()]
    write_json(folder / FRONT, front_entry(found, entries, options, origin))
    write_configs(folder, origin)
    header = _header(FRONT_TABLE, found)
    write_csv(folder / "front.csv", header, (_front_row(i, e, found) for i, e in enumerate(entries)))
    write_lines(folder / "logs.log", log_lines(found, options, origin, timing_s))


def _header(columns: tuple[str, ...], found: SearchResult) -> tuple[str, ...]:
    """Columns, and those of chips' accuracies and of genes beside the network's, where there are some."""
    behind = {"acc": ("chip_accuracy",), "test_accuracy": ("chip_accuracy", "chip_test_accuracy")}
    added = behind if found.judging.method == "chip" else {}
    header = [name for column in columns for name in (column, *added.get(column, ()))]
    header[-1:] = [*genes_beside(found.search.space), "sample"]
    return tuple(header)


def _choices(found: SearchResult, row: Genes) -> tuple[object, ...]:
    """What the genes of a row choose, the network itself last, as JSON."""
    entry = {**found.search.space.entry(row)}
    sample = json.dumps(entry.pop("sample"))
    return (*entry.values(), sample)


def _accuracies(found: SearchResult, outcome: SubnetResult) -> tuple[float | None, ...]:
    """Of the float network, and of the chips where a search asks them."""
    on_chips = (outcome.chip_accuracy,) if found.judging.method == "chip" else ()
    return (outcome.accuracy, *on_chips)


def evolute_rows(found: SearchResult) -> Iterator[tuple[object, ...]]:
    """A line per survivor of each generation; one that does not fit has no figures."""
    for generation, rows in enumerate(found.state.populations):
        outcomes = [found.state.known[key(found.search.space, row)] for row in rows]
        rank = ranks(outcomes, found.search.options.objectives).tolist()
        for i, (row, own) in enumerate(zip(rows, outcomes, strict=True)):
            figures = (*_accuracies(found, own), own.speed, own.latency_ns, own.crossbars, own.utilization)
            yield generation, i, *_if_fits(own, figures), rank[i], *_choices(found, row)


def evaluated_rows(found: SearchResult) -> Iterator[tuple[object, ...]]:
    """A line per network that was evaluated, in order; absent blocks have the first choice."""
    for i, (own, o) in enumerate(found.state.known.items()):
        generation = bisect_right(found.state.evaluated, i)
        figures = (*_accuracies(found, o), o.speed, o.latency_ns, o.energy_nj)
        figures = (*figures, o.crossbars, o.utilization, o.area_mm2)
        fitted = _if_fits(o, figures)
        yield generation, *fitted, o.excess, o.error, *_choices(found, row_of(own))


def _if_fits(outcome: SubnetResult, figures: tuple[object, ...]) -> tuple[object, ...]:
    """The figures, or as many empty fields."""
    return figures if outcome.excess <= 0 else ("",) * len(figures)


def volume_rows(state: State) -> Iterator[tuple[object, ...]]:
    """A line per generation."""
    yield from zip(range(len(state.evaluated)), state.evaluated, state.hypervolumes, strict=True)


def front_entry(
    found: SearchResult, networks: list[dict[str, object]], options: Mapping[str, object], origin: Origin
) -> dict[str, object]:
    """The content of front.json; nothing in it depends on where the search ran, or how fast."""
    judging, settings = found.judging, found.search.settings
    budget = options.get("area_budget")
    return {
        "version": __version__,
        "objectives": list(found.search.options.objectives),
        "dataset": judging.dataset,
        "accuracy": judging.method,
        "num_classes": judging.classes,
        "resolution": judging.resolution,
        "crossbars_budget": settings.crossbars,
        **({} if budget is None else {"area_budget_mm2": budget}),
        "num_sample": settings.samples,
        "generations": len(found.state.populations),
        "evaluated": len(found.state.known),
        "hypervolume": list(found.state.hypervolumes),
        "simconfig": config_entry(origin.config),
        **({HARDWARE: list(map(_offered, origin.offered))} if origin.offered else {}),
        "options": {n: value for n, value in options.items() if n not in ELSEWHERE},
        "figures": FIGURES,
        "networks": networks,
    }


def _offered(own: OfferedConfig) -> dict[str, object]:
    return {"name": own.name, "crossbars": own.crossbars, "simconfig": config_entry(own.config)}


def _network(
    found: SearchResult, genes: Genes, seen: SubnetResult, tuned: TunedSubnet | Failed | None
) -> dict[str, object]:
    """A network of the front: `FIGURES` says what `searched` and `tuned` are."""
    entry: dict[str, object] = {
        **found.search.space.entry(genes),
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
        if found.judging.method == "predictor":
            entry |= {"validation_accuracy": tuned.validation, "predicted_accuracy": seen.accuracy}
    return entry


def _front_row(index: int, entry: dict[str, Any], found: SearchResult) -> tuple[object, ...]:
    """A line of front.csv: figures after tuning in full where there are some."""
    figures = entry["tuned"] or entry["searched"]
    accuracies = [entry["validation_accuracy"], entry["test_accuracy"]]
    if "chip_accuracy" in entry:
        accuracies += [entry["chip_accuracy"], entry["chip_test_accuracy"]]
    searched = entry["searched"]["speed"]
    beside = [entry[name] for name in genes_beside(found.search.space)]
    return index, *accuracies, *figures.values(), searched, *beside, json.dumps(entry["sample"])
