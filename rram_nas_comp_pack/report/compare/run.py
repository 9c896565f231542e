"""A run to compare: the values of a packing run, or of a search, by the names of their columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Literal

from ...hardware.config.read import SimConfig
from ...runs.nas.run import SearchRun, local
from ...runs.packing.run import Copies, PackingResult
from ...values import LatencyComparison

Kind = Literal["packing", "search"]
Value = float | int | str | None

SAMPLES = (1, 8, 512)
"""The numbers of samples whose latencies are compared."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A run to compare: values by the keys of FIELDS, and the options it was made with.

    `baselines` say, by the same keys, what a speed is over: speeds compare where these are equal.
    """

    name: str
    kind: Kind
    values: Mapping[str, Value]
    options: Mapping[str, object]
    baselines: Mapping[str, object] = field(default_factory=dict)


def packing_run(name: str, result: PackingResult) -> Compared:
    """A packing run by its result.json."""
    ran = {e.num_sample: e for e in result.evaluations}
    counted = ran.get(result.samples)
    values: dict[str, Value] = {
        "kind": "packing",
        "model": result.model,
        "hardware": _short(result.config),
        "crossbar_size": f"{result.size.rows} x {result.size.columns}",
        "input_size": _input_size(result),
        "budget": result.budget,
        "crossbars": result.crossbars,
        "lower_bound": result.lower_bound,
        "gap": result.crossbars - result.lower_bound if result.reload is None else None,
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
    values |= _reloading(result)
    baselines = {"speed": None if counted is None else counted.baseline_latency_ns}
    for n in SAMPLES:
        if n in ran:
            values |= {f"latency_{n}_ns": ran[n].latency_ns, f"speed_{n}": _speed(ran[n])}
            baselines[f"speed_{n}"] = ran[n].baseline_latency_ns
    values |= {key.replace("speed", "baseline") + "_ns": ns for key, ns in baselines.items()}
    return Compared(name, "packing", values, result.options, baselines)


def _reloading(result: PackingResult) -> dict[str, Value]:
    """What only a run in segments has."""
    found = result.reload
    if found is None:
        return {}
    return {
        "segments": len(found.segments),
        "batch": found.batch,
        "write_time_share": found.write_ns / (found.write_ns + found.compute_ns),
        "write_energy_share": found.write_nj / (found.write_nj + found.compute_nj),
        "years": found.years,
        "rate_most": found.rate_most,
    }


def _short(config: SimConfig | None) -> str | None:
    return None if config is None else config.digest[:12]


def _input_size(result: PackingResult) -> str | None:
    """Sizes without the batch, with names where there are several inputs.

    A run of version 0.1.0 tells only what was asked for, which an ONNX file may have overruled.
    """
    if result.inputs:
        sizes = {name: _size(size[1:]) for name, size in result.inputs}
        return next(iter(sizes.values())) if len(sizes) == 1 else ", ".join(map(" ".join, sizes.items()))
    asked = result.options.get("input_size")
    if isinstance(asked, list) and not str(result.options.get("model")).endswith(".onnx"):
        return _size(asked)
    return None


def _size(size: Sequence[object]) -> str:
    return " x ".join(map(str, size)) or "1"


def _speed(evaluation: LatencyComparison) -> float:
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
    most = max(run.front.networks, key=lambda n: (n.judged, n.best.speed), default=None)
    config, size = run.front.config, run.front.resolution
    terms = (config and config.digest, run.front.samples, size)
    values: dict[str, Value] = {
        "kind": "search",
        **_hardware(run),
        "input_size": f"3 x {size} x {size}",
        "method": run.options.get("method"),
        "dataset": local(run.front.dataset),
        **_budget(run),
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
        if figures.area_mm2 is not None:
            values |= {"area_um2": figures.area_mm2 * 1e6}
        values |= {"baseline_ns": figures.speed * figures.latency_ns}
        values |= {"best_validation": most.validation, "best_test": most.test}
        if most.chip is not None:
            values |= {"best_chip": most.chip, "best_chip_test": most.chip_test}
    if len(run.evaluated.speed):
        values |= {"median_speed": median(run.evaluated.speed.tolist())}
        values |= {"median_accuracy": median(run.evaluated.accuracy.tolist())}
    options = {**run.options, "num_sample": run.front.samples}
    return Compared(run.name, "search", values, options, dict.fromkeys(("speed", "median_speed"), terms))


def _hardware(run: SearchRun) -> dict[str, Value]:
    """What networks lie on, or could choose, and what those of the front chose."""
    offered, config = run.front.offered, run.front.config
    configs = [own.config for own in offered] or ([] if config is None else [config])
    sizes = dict.fromkeys(f"{own.hardware.rows} x {own.hardware.columns}" for own in configs)
    chosen = Counter(network.hardware for network in run.front.networks)
    counts = (f"{own.name} {chosen[own.name]}" for own in offered)
    return {
        "hardware": ", ".join(own.digest[:12] for own in configs) or None,
        "crossbar_size": ", ".join(sizes) or None,
        **({"hardware_of_front": ", ".join(counts)} if offered else {}),
    }


def _budget(run: SearchRun) -> dict[str, Value]:
    area = run.front.area_budget
    return {"budget": run.front.budget} if area is None else {"area_budget": area}
