"""What result.json and pack.csv say about a run in segments, and the segments as they lie on the chip."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isclose
from typing import TYPE_CHECKING, NamedTuple

from ..checked_json import MOST_COUNT, JsonObject

if TYPE_CHECKING:
    from ...reload.result import ReloadCosts, ReloadResult


class SegmentFigures(NamedTuple):
    """A segment: the layers that run in it, rows and time of writing it, and the time of the batch."""

    layers: tuple[int, ...]
    rows: int
    write_ns: float
    write_nj: float
    latency_ns: float


@dataclass(frozen=True, slots=True)
class ReloadFigures:
    """What a pass of `batch` samples takes, and how long the cells last at `rate` inferences a second.

    `writes` are those of the cell that is written most often in a pass. `naive_ns` is the time of the cut
    that fills segment after segment. `residents` are the layers that stay on the chip.
    """

    batch: int
    write_parallel: int | None
    write_pulses: int
    endurance: float
    rate: float
    segments: tuple[SegmentFigures, ...]
    compute_nj: float
    writes: int
    years: float
    batch_for_ten_years: int | None
    naive_ns: float
    residents: tuple[int, ...] = ()

    @property
    def write_ns(self) -> float:
        """Time of writing, in a pass."""
        return sum(s.write_ns for s in self.segments)

    @property
    def compute_ns(self) -> float:
        """Time of running, in a pass."""
        return sum(s.latency_ns for s in self.segments)

    @property
    def write_nj(self) -> float:
        """Energy of writing, in a pass."""
        return sum(s.write_nj for s in self.segments)

    @property
    def rate_most(self) -> float:
        """Inferences a second that passes one after another reach."""
        return self.batch * 1e9 / (self.write_ns + self.compute_ns)


def reload_entry(report: ReloadResult) -> dict[str, object]:
    """The key `reload` of result.json."""
    plan = report.plan
    layers = [[unit.layer.index for unit in each.units] for each in report.loaded]
    writing = report.settings.writing
    return {
        "batch": report.settings.batch,
        "write_parallel": writing.parallel,
        "write_pulses": writing.pulses,
        "endurance": report.settings.endurance,
        "rate": report.settings.rate,
        **costs_entry(report.costs, layers),
        "naive_ns": plan.full_ns,
        "planned_ns": plan.planned_ns,
        "segments_compared": plan.compared,
        "residents": sorted(plan.residents.mappings),
        "resident_crossbars": plan.residents.crossbars,
    }


def costs_entry(costs: ReloadCosts, layers: Sequence[Sequence[int]]) -> dict[str, object]:
    """The part of it that follows from the layout."""
    segments = [
        {
            "layers": list(own),
            "rows": s.rows,
            "cells": s.cells,
            "write_ns": s.write_ns,
            "write_nj": s.write_nj,
            "latency_ns": s.latency_ns,
        }
        for own, s in zip(layers, costs.segments, strict=True)
    ]
    return {
        "segments": segments,
        "write_ns": costs.write_ns,
        "compute_ns": costs.compute_ns,
        "write_nj": costs.write_nj,
        "compute_nj": costs.compute_nj,
        "inferences_per_s": costs.rate_most,
        "writes": costs.wear.writes,
        "years": costs.wear.years,
        "batch_for_ten_years": batch_for_ten_years(costs),
    }


def batch_for_ten_years(costs: ReloadCosts) -> int | None:
    """The smallest batch with which the cells last ten years; None where it is too large to be written."""
    batch = costs.wear.batch_for(10)
    return batch if batch <= MOST_COUNT else None


def read_reload(result: JsonObject, layers: int) -> ReloadFigures | None:
    """The figures; None for a run of one segment. Raises BadInput."""
    if not result.has("reload"):
        return None
    own = result.within("reload")
    segments = tuple(_segment(place, layers) for place in own.objects("segments"))
    if not segments:
        own.fail("segments", [], "at least one segment")
    _require_order(own, segments, layers)
    found = ReloadFigures(
        batch=own.count("batch"),
        write_parallel=own.maybe(own.count, "write_parallel"),
        write_pulses=own.count("write_pulses"),
        endurance=own.positive("endurance"),
        rate=own.positive("rate"),
        segments=segments,
        compute_nj=own.positive("compute_nj"),
        writes=own.count("writes"),
        years=own.positive("years"),
        batch_for_ten_years=own.maybe(own.count, "batch_for_ten_years"),
        naive_ns=own.positive("naive_ns"),
        residents=own.counts("residents", 0),
    )
    for key in ("write_ns", "compute_ns", "write_nj"):
        if not isclose(own.number(key), getattr(found, key), rel_tol=1e-9):
            own.fail(key, own.number(key), f"the sum of those of the segments, {getattr(found, key)}")
    return found


def _segment(place: JsonObject, layers: int) -> SegmentFigures:
    numbers = place.counts("layers", 0)
    if not numbers or max(numbers) >= layers or list(numbers) != sorted(set(numbers)):
        place.fail("layers", list(numbers), f"rising numbers from 0 to {layers - 1}")
    times = place.number("write_ns"), place.number("write_nj"), place.positive("latency_ns")
    return SegmentFigures(numbers, place.count("rows", 0), *times)


def _require_order(own: JsonObject, segments: Sequence[SegmentFigures], layers: int) -> None:
    """Layers run in order, and all of them; one that is divided runs in segments that follow one another."""
    order = [layer for s in segments for layer in s.layers]
    if [*dict.fromkeys(order)] != list(range(layers)) or order != sorted(order):
        own.fail("segments", order, f"layers 0 to {layers - 1} in order")
