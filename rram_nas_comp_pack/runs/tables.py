"""Runs as pandas tables, with one vocabulary: layer, name, kind, copies, speed, accuracy."""

from __future__ import annotations

import glob
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BadInput
from .kinds import kind_of
from .nas.read import read_search
from .packing.layers import LAYERS, layer_rows
from .packing.read import read_run as read_packing
from .sweep import TABLE as SWEEP_TABLE

if TYPE_CHECKING:
    from pandas import DataFrame

    from .nas.run import SearchRun
    from .packing.run import PackingRun

BOXES = {
    **{"layer_idx": "layer", "crossbar_idx": "crossbar", "replica": "copy", "box": "box"},
    **{"loc_x": "x", "loc_y": "y", "max_x": "x_end", "max_y": "y_end"},
}
"""Columns of pack.csv, and what they are called in `RunTables.boxes`."""


@dataclass(frozen=True, slots=True)
class RunTables:
    """Tables of a run, or of several with a first column `run`; empty where a run has no such table.

    A `layer` is its number (int), its `name` the path of its module. Of packing runs: `layers` has the
    columns of layers.csv; `boxes` where each box of each copy lies, in columns (x) and rows (y) of a
    crossbar, ends exclusive; `schedule` when each layer of the first samples ran, in ns; `latencies` a row
    for each number of samples, with `speed` over the baseline; `accuracy` a row a chip. Of searches: `front`
    and `evaluated`, with accuracies (0 to 1) and speeds of networks. Of a sweep: `sweep`, a row a point.
    """

    layers: DataFrame
    boxes: DataFrame
    schedule: DataFrame
    latencies: DataFrame
    accuracy: DataFrame
    front: DataFrame
    evaluated: DataFrame
    sweep: DataFrame

    def __repr__(self) -> str:
        """The tables that are not empty, with their sizes."""
        told = (f"{f.name} {len(t)} x {t.shape[1]}" for f in fields(self) if len(t := getattr(self, f.name)))
        return f"RunTables({', '.join(told)})"


def read_run(path: Path | str) -> RunTables:
    """Return the tables of a folder of `pack`, `evolve` or `sweep`. Raises BadInput where it is none."""
    folder = Path(path)
    if (folder / SWEEP_TABLE).exists():
        return _tables({"sweep": _csv(folder / SWEEP_TABLE)})
    if kind_of(folder) == "search":
        return _tables(_of_search(folder, read_search(folder, "")))
    return _tables(_of_packing(folder, read_packing(folder, "")))


def read_runs(pattern: Path | str | Iterable[Path | str]) -> RunTables:
    """Return the tables of all folders that a glob pattern, or several paths, name; `run` is their path.

    Folders that match a pattern and are no runs are left out. Raises BadInput where none is one.
    """
    import pandas as pd

    if isinstance(pattern, Path | str):
        paths = [path for path in sorted(glob.glob(str(pattern))) if _is_run(Path(path))]
    else:
        paths = [str(path) for path in pattern]
    found = {path: read_run(path) for path in paths}
    if not found:
        raise BadInput(f"{pattern}: found no run, allowed is a pattern such as log/packing/*")
    tables = {}
    for name in (f.name for f in fields(RunTables)):
        own = [getattr(run, name).assign(run=path) for path, run in found.items() if len(getattr(run, name))]
        table = pd.concat(own, ignore_index=True) if own else pd.DataFrame()
        tables[name] = table[["run", *(c for c in table.columns if c != "run")]] if own else table
    return RunTables(**tables)


def _is_run(folder: Path) -> bool:
    try:
        return (folder / SWEEP_TABLE).exists() or bool(kind_of(folder))
    except BadInput:
        return False


def _tables(known: Mapping[str, DataFrame]) -> RunTables:
    import pandas as pd

    return RunTables(**{f.name: known.get(f.name, pd.DataFrame()) for f in fields(RunTables)})


def _csv(path: Path) -> DataFrame:
    import pandas as pd

    return pd.read_csv(path)


def _of_packing(folder: Path, run: PackingRun) -> dict[str, DataFrame]:
    import pandas as pd

    result, config = run.result, run.result.config
    hardware = None if config is None else config.hardware
    layers = pd.DataFrame(layer_rows(run.mappings, result.contention.layers, hardware), columns=list(LAYERS))
    named = layers.set_index("layer")["name"]
    boxes = _csv(folder / "pack.csv").rename(columns=BOXES)
    boxes.insert(1, "name", boxes["layer"].map(named))
    schedule = _csv(folder / "sim.log")
    schedule["layer"] = schedule["layer"].map({label: i for i, label in enumerate(run.labels)})
    schedule.insert(2, "name", schedule["layer"].map(named))
    latencies = pd.DataFrame(
        [(e.num_sample, e.latency_ns, e.ideal_latency_ns, e.baseline_latency_ns) for e in result.evaluations],
        columns=["samples", "latency_ns", "ideal_latency_ns", "baseline_latency_ns"],
    )
    latencies["speed"] = latencies["baseline_latency_ns"] / latencies["latency_ns"]
    judged = folder / "accuracy.csv"
    chips = {"accuracy": _csv(judged)} if judged.exists() else {}
    return {"layers": layers, "boxes": boxes, "schedule": schedule, "latencies": latencies, **chips}


def _of_search(folder: Path, run: SearchRun) -> dict[str, DataFrame]:
    """The front as it was tuned, or else as searched, and all networks that were evaluated."""
    import pandas as pd

    front = (
        {
            **{"index": n.index, "accuracy": n.validation, "test_accuracy": n.test},
            **{"chip_accuracy": n.chip, "chip_test_accuracy": n.chip_test},
            **n.best._asdict(),
            **{"searched_speed": n.searched.speed, "diagonal_rows": n.diagonal_rows, "hardware": n.hardware},
            **n.network._asdict(),
        }
        for n in run.front.networks
    )
    evaluated = _csv(folder / "evaluated.csv").rename(columns={"acc": "accuracy"})
    return {"front": pd.DataFrame(front), "evaluated": evaluated}
