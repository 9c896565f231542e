"""Runs side by side: what is compared, and the table as Markdown or CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from ofa.streams import printable

from .run import SAMPLES, Compared, Value

LONGEST = 42
"""The most characters of a value in a table for people; a CSV file has them all."""


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
        """The value of one run, as people read it; a long text without its middle."""
        value = self.values[place]
        text = "-" if value is None else self.field.show(value)
        return text if len(text) <= LONGEST else f"{text[: LONGEST // 2]} … {text[-LONGEST // 3 :]}"


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _scaled(scale: float, digits: int) -> Callable[[float], str]:
    return lambda value: f"{value * scale:.{digits}f}"


def _significant(value: float) -> str:
    return f"{value:.4g}"


def _latencies(samples: Sequence[int]) -> Iterator[Field]:
    for n in samples:
        many = f"{n} sample{'s' * (n > 1)}"
        yield Field(f"latency_{n}_ns", f"latency of {many}, ms", _scaled(1e-6, 4), "low")
        yield Field(f"speed_{n}", f"speed of {many}", _scaled(1, 2), "high")
        yield Field(f"baseline_{n}_ns", f"baseline of {many}, ms", _scaled(1e-6, 4))


OWN_SPEED = "speed of the run's own number of samples (--num-sample)"

FIELDS = (
    Field("kind", "kind"),
    Field("model", "model"),
    Field("hardware", "hardware (hash of SimConfig.ini's values)"),
    Field("crossbar_size", "crossbar size"),
    Field("input_size", "input size"),
    Field("method", "method"),
    Field("dataset", "images"),
    Field("hardware_of_front", "networks of the front by hardware"),
    Field("budget", "budget, crossbars"),
    Field("area_budget", "budget, mm²", "{:g}".format),
    Field("crossbars", "crossbars used", of_search="crossbars of the fastest network"),
    Field("lower_bound", "lower bound"),
    Field("gap", "gap"),
    Field("utilization", "utilization", _percent, "high", "utilization of the fastest network"),
    Field("weight_utilization", "cells with weights", _percent, "high"),
    Field("duplication", "duplication"),
    Field("copies", "copies"),
    *_latencies(SAMPLES),
    Field("speed", OWN_SPEED, _scaled(1, 2), "high", "speed of the fastest network"),
    Field("baseline_ns", "baseline of the run's own number of samples (--num-sample), ms", _scaled(1e-6, 4)),
    Field(
        "energy_nj",
        "energy of an inference, mJ",
        _scaled(1e-6, 4),
        "low",
        "energy of the fastest network, mJ",
    ),
    Field("segments", "segments that are written one after another"),
    Field("batch", "samples of a pass through the segments"),
    Field("write_time_share", "share of writing in the time", _percent, "low"),
    Field("write_energy_share", "share of writing in the energy", _percent, "low"),
    Field("years", "years until the first cell is worn", _significant, "high"),
    Field("rate_most", "inferences a second at most", _significant, "high"),
    Field("area_um2", "area, mm²", _scaled(1e-6, 1), "low", "area of the fastest network, mm²"),
    Field("time_s", "time without compiling kernels, s", _scaled(1, 2)),
    Field("generations", "generations"),
    Field("evaluated", "networks evaluated"),
    Field("hypervolume", "hypervolume", _scaled(1, 4), "high"),
    Field("front", "networks of the front"),
    Field("best_validation", "best accuracy, validation", _scaled(1, 4), "high"),
    Field("best_test", "test accuracy of that network", _scaled(1, 4), "high"),
    Field("best_chip", "its accuracy on chips, validation", _scaled(1, 4), "high"),
    Field("best_chip_test", "its accuracy on chips, test", _scaled(1, 4), "high"),
    Field("median_speed", "median speed of all", _scaled(1, 2), "high"),
    Field("median_accuracy", "median accuracy of all", _scaled(1, 4), "high"),
    Field("seed", "seed"),
)

OWN = {
    "input_size",
    "exp_id",
    "log_dir",
    "verbose",
    "workers",
    "scheduler",
    "resume",
    "no_report",
    "seed",
    "num_crossbars",
    "find_solution",
    "batch",
    "area_budget",
}
"""Options that say where and how fast a run went, and those with a row of their own."""


def rows(runs: Sequence[Compared], repeat: bool = False) -> list[Row]:
    """All that is known of any of the runs, then the options that differ.

    With `repeat` the speed of a run's own number of samples is there even where it repeats another row.
    """
    known = {key for run in runs for key in run.values}
    fields = [field for field in FIELDS if field.key in known]
    if not repeat and any(_repeats(runs, n) for n in SAMPLES):
        fields = [field for field in fields if field.key not in ("speed", "baseline_ns")]
    if not _of_one_network(runs):
        fields = [f._replace(better="") if "utilization" in f.key else f for f in fields]
    if any(run.kind == "search" for run in runs):
        every = all(run.kind == "search" for run in runs)
        fields = [field._replace(label=_label(field, every)) for field in fields]
    return [*_quantities(runs, fields), *_options(runs)]


def _repeats(runs: Sequence[Compared], samples: int) -> bool:
    """Whether the speeds of the runs' own numbers of samples are those of so many."""
    key = f"speed_{samples}"
    return all(run.values.get(key) is not None and run.values.get("speed") == run.values[key] for run in runs)


def _of_one_network(runs: Sequence[Compared]) -> bool:
    """Whether all runs are known to pack the same network."""
    searches = sum(run.kind == "search" for run in runs)
    return not searches and len({run.values.get("model") for run in runs}) == 1


def _label(field: Field, every: bool) -> str:
    """The label of a quantity where some runs are searches, or every one of them is."""
    if not field.of_search:
        return field.label
    return field.of_search if every else f"{field.label} (of a search: of its fastest network)"


def _quantities(runs: Sequence[Compared], fields: Sequence[Field]) -> Iterator[Row]:
    """A row a field. Speeds over different baselines are marked, none is best, and the baselines follow."""
    unequal = {field.key for field in fields if _differ(runs, field.key)}
    for field in fields:
        shown, of_speed = field, field.key.replace("baseline", "speed").removesuffix("_ns")
        if field.key in unequal:
            shown = field._replace(label=f"{field.label} (over different baselines)", better="")
        elif field.key.startswith("baseline") and of_speed not in unequal:
            continue
        yield _row(shown, [run.values.get(field.key) for run in runs])


def _differ(runs: Sequence[Compared], key: str) -> bool:
    """Whether runs that have this speed have it over different baselines."""
    return len({run.baselines.get(key) for run in runs if run.values.get(key) is not None}) > 1


def _options(runs: Sequence[Compared]) -> Iterator[Row]:
    """Options whose values differ among the runs of a kind that has them."""
    kinds = [[run for run in runs if run.kind == kind] for kind in ("packing", "search")]
    known = [{key for run in own for key in run.options} for own in kinds]
    for name in sorted(set().union(*known) - OWN):
        key, label = printable(name), printable(name.replace("_", "-"))
        having = [run for own, keys in zip(kinds, known, strict=True) if name in keys for run in own]
        if len({_text(run.options.get(name)) for run in having}) > 1 and name != "model":
            found = [_text(run.options.get(name)) for run in runs]
            yield _row(Field(f"option_{key}", f"--{label}"), found)


def _text(value: object) -> str | None:
    return None if value is None or value == "None" else str(value)


def _row(field: Field, values: Sequence[Value]) -> Row:
    values = [printable(v) if isinstance(v, str) else v for v in values]
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
    cells = [[" ".join(printable(text).replace("|", "\\|").split()) for text in line] for line in cells]
    widths = [max(3, *map(len, column)) for column in zip(*cells, strict=True)]
    rule = [":" + "-" * (widths[0] - 1), *("-" * (width - 1) + ":" for width in widths[1:])]
    lines = [cells[0], rule, *cells[1:]]
    return "".join(f"| {' | '.join(_padded(line, widths))} |\n" for line in lines)


def _padded(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    yield line[0].ljust(widths[0])
    yield from (text.rjust(width) for text, width in zip(line[1:], widths[1:], strict=True))


def as_csv(runs: Sequence[Compared]) -> str:
    """A line a run, numbers in full and without unit; empty where a run has none."""
    found, text = rows(runs, repeat=True), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["run", *(row.field.key for row in found)])
    for i, run in enumerate(runs):
        writer.writerow(
            [printable(run.name), *("" if row.values[i] is None else row.values[i] for row in found)]
        )
    return text.getvalue()
