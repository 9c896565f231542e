"""Runs side by side: what is compared, and the table as Markdown or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal, NamedTuple

from ..runs.nas.run import SearchRun, local
from ..runs.packing.run import Copies, PackingResult
from ..values import Evaluation

Kind = Literal["packing", "search"]
Value = float | int | str | None


@dataclass(frozen=True, slots=True)
class Compared:
    """A run to compare: values by the keys of FIELDS, and the options it was made with."""

    name: str
    kind: Kind
    values: Mapping[str, Value]
    options: Mapping[str, object]


class Field(NamedTuple):
    """A quantity: its column in a CSV file with the unit, and how people read it. `better` marks the best."""

    key: str
    label: str
    show: Callable[[Any], str] = str
    better: Literal["low", "high", ""] = ""
    of_search: str = ""
    """The label where only searches are compared, if it is another one."""


class Row(NamedTuple):
    """A quantity of all runs; None where a run has none. `best` are the places of the best runs."""

    field: Field
    values: tuple[Value, ...]
    best: frozenset[int]

    def shown(self, place: int) -> str:
        """The value of one run, as people read it."""
        value = self.values[place]
        return "-" if value is None else self.field.show(value)


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _scaled(scale: float, digits: int) -> Callable[[float], str]:
    return lambda value: f"{value * scale:.{digits}f}"


def _latencies(samples: Sequence[int]) -> Iterator[Field]:
    for n in samples:
        many = f"{n} sample{'s' * (n > 1)}"
        yield Field(f"latency_{n}_ns", f"latency of {many}, ms", _scaled(1e-6, 4), "low")
        yield Field(f"speed_{n}", f"speed of {many}", _scaled(1, 2), "high")


SAMPLES = (1, 8, 512)
"""The numbers of samples whose latencies are compared."""

FIELDS = (
    Field("kind", "kind"),
    Field("model", "model"),
    Field("method", "method"),
    Field("dataset", "images"),
    Field("budget", "budget, crossbars"),
    Field("crossbars", "crossbars used", of_search="crossbars of the fastest network"),
    Field("lower_bound", "lower bound"),
    Field("gap", "gap"),
    Field("utilization", "utilization", _percent, "high", "utilization of the fastest network"),
    Field("weight_utilization", "cells with weights", _percent, "high"),
    Field("duplication", "duplication"),
    Field("copies", "copies"),
    *_latencies(SAMPLES),
    Field("speed", "speed of --num-sample samples", _scaled(1, 2), "high", "best speed"),
    Field(
        "energy_nj",
        "energy of an inference, mJ",
        _scaled(1e-6, 4),
        "low",
        "energy of the fastest network, mJ",
    ),
    Field("area_um2", "area, mm²", _scaled(1e-6, 1), "low"),
    Field("time_s", "time to compile, s", _scaled(1, 2)),
    Field("generations", "generations"),
    Field("evaluated", "networks evaluated"),
    Field("hypervolume", "hypervolume", _scaled(1, 4), "high"),
    Field("front", "networks of the front"),
    Field("best_validation", "best accuracy, validation", _scaled(1, 4), "high"),
    Field("best_test", "test accuracy of that network", _scaled(1, 4), "high"),
    Field("median_speed", "median speed of all", _scaled(1, 2), "high"),
    Field("median_accuracy", "median accuracy of all", _scaled(1, 4), "high"),
    Field("seed", "seed"),
)

OWN = {"exp_id", "log_dir", "verbose", "workers", "scheduler", "resume", "no_report", "seed", "num_crossbars"}
"""Options that say where and how fast a run went, and those with a row of their own."""


def packing_run(name: str, result: PackingResult) -> Compared:
    """A packing run by its result.json."""
    ran = {e.num_sample: e for e in result.evaluations}
    counted = ran.get(result.samples)
    values: dict[str, Value] = {
        "kind": "packing",
        "model": result.model,
        "budget": result.budget,
        "crossbars": result.crossbars,
        "lower_bound": result.lower_bound,
        "gap": result.crossbars - result.lower_bound,
        "utilization": result.utilization,
        "weight_utilization": result.weight_utilization,
        "duplication": _duplication(result.copies),
        "copies": sum(result.copies.per_layer),
        "speed": None if counted is None else _speed(counted),
        "energy_nj": result.costs.energy_nj,
        "area_um2": result.costs.area_um2,
        "time_s": result.seconds,
        "seed": _whole(result.options.get("seed")),
    }
    for n in SAMPLES:
        if n in ran:
            values |= {f"latency_{n}_ns": ran[n].latency_ns, f"speed_{n}": _speed(ran[n])}
    return Compared(name, "packing", values, result.options)


def _speed(evaluation: Evaluation) -> float:
    return evaluation.baseline_latency_ns / evaluation.latency_ns


def _duplication(copies: Copies) -> str:
    if copies.margin is None:
        return copies.method
    return f"margin {copies.margin:.2f} (our version of the paper's tuner)"


def _whole(value: object) -> int | None:
    """The whole number that an option holds, as a number or as text of at most ten digits."""
    text = str(value)
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= 10 else None


def search_run(run: SearchRun) -> Compared:
    """A search; crossbars, utilization, speed and energy are those of its fastest network."""
    fastest = max(run.front.networks, key=lambda n: n.best.speed, default=None)
    most = max(run.front.networks, key=lambda n: (n.validation, n.best.speed), default=None)
    values: dict[str, Value] = {
        "kind": "search",
        "method": run.options.get("method"),
        "dataset": local(run.front.dataset),
        "budget": run.front.budget,
        "generations": len(run.hypervolumes),
        "evaluated": run.evaluated.total,
        "hypervolume": run.hypervolumes[-1] if run.hypervolumes else None,
        "front": len(run.front.networks),
        "seed": _whole(run.options.get("seed")),
    }
    if fastest is not None and most is not None:
        figures = fastest.best
        values |= {"crossbars": figures.crossbars, "utilization": figures.utilization}
        values |= {"speed": figures.speed, "energy_nj": figures.energy_nj}
        values |= {"best_validation": most.validation, "best_test": most.test}
    if len(run.evaluated.speed):
        values |= {"median_speed": median(run.evaluated.speed.tolist())}
        values |= {"median_accuracy": median(run.evaluated.accuracy.tolist())}
    return Compared(run.name, "search", values, {**run.options, "num_sample": run.front.samples})


def rows(runs: Sequence[Compared]) -> list[Row]:
    """What the runs have in common: all that is known of their kind, then the options that differ."""
    kinds = {kind: [run for run in runs if run.kind == kind] for kind in ("packing", "search")}
    known = [{key for run in own for key in run.values} for own in kinds.values() if own]
    shared = set.intersection(*known)
    fields = [field for field in FIELDS if field.key in shared]
    if not kinds["packing"]:
        fields = [field._replace(label=field.of_search or field.label) for field in fields]
    quantities = [_row(field, [run.values.get(field.key) for run in runs]) for field in fields]
    return quantities + list(_options(runs, kinds))


def _options(runs: Sequence[Compared], kinds: Mapping[str, Sequence[Compared]]) -> Iterator[Row]:
    known = [{key for run in own for key in run.options} for own in kinds.values() if own]
    for name in sorted(set.intersection(*known) - OWN):
        found = [_text(run.options.get(name)) for run in runs]
        if len(set(found)) > 1 and name != "model":
            yield _row(Field(f"option_{name}", f"--{name.replace('_', '-')}"), found)


def _text(value: object) -> str | None:
    return None if value is None or value == "None" else str(value)


def _row(field: Field, values: Sequence[Value]) -> Row:
    numbers = [v for v in values if isinstance(v, int | float)]
    if not field.better or len(set(numbers)) < 2:
        return Row(field, tuple(values), frozenset())
    best = min(numbers) if field.better == "low" else max(numbers)
    return Row(field, tuple(values), frozenset(i for i, v in enumerate(values) if v == best))


def markdown(runs: Sequence[Compared]) -> str:
    """A column a run, the best values bold; columns are padded, so that it reads as plain text too."""
    cells = [["", *(run.name for run in runs)]]
    for row in rows(runs):
        shown = (row.shown(i) for i in range(len(runs)))
        cells.append([row.field.label, *(f"**{t}**" if i in row.best else t for i, t in enumerate(shown))])
    cells = [[" ".join(text.replace("|", "\\|").split()) for text in line] for line in cells]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [cells[0], rule, *cells[1:]]
    return "".join(f"| {' | '.join(_padded(line, widths))} |\n" for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    yield line[0].ljust(widths[0])
    yield from (text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))


def as_csv(runs: Sequence[Compared]) -> str:
    """A line a run, numbers in full and without unit; empty where a run has none."""
    found, text = rows(runs), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *(row.field.key for row in found)])
    for i, run in enumerate(runs):
        writer.writerow([run.name, *("" if row.values[i] is None else row.values[i] for row in found)])
    return text.getvalue()
