"""What writing weights costs: time and energy, and how long the cells last.

An array is written row by row, all columns of a row at once (hardware-model section 3). Cells that go to a
lower resistance (SET) and those that go to a higher one (RESET) need voltages of opposite sign, so that every
row is written twice. What a row held before and what it is to hold depends on the weights: every cell under a
box is taken to change, and gets the pulses of one of the two phases.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ..values import CrossbarSize, Placement
from .chip_costs import WEIGHT_BITS
from .config.read import Hardware, mean_resistance_ohm
from .pe import crossbars_per_weight

PHASES = 2
"""SET and RESET."""

SECONDS_PER_YEAR = 365.25 * 86_400


@dataclass(frozen=True, slots=True)
class WriteSettings:
    """How crossbars are written: so many `parallel` at a time (None: all), with so many `pulses` a phase.

    Several pulses stand for write and verify. A logical crossbar counts once: its slices are written at once.
    """

    parallel: int | None = None
    pulses: int = 1


@dataclass(frozen=True, slots=True)
class Wear:
    """How long cells last that are written anew in every pass of `batch` samples.

    `writes` are those of the cell that is written most often in a pass, `endurance` is how many it survives,
    `rate` the inferences a second.
    """

    writes: int
    batch: int
    endurance: float
    rate: float

    @property
    def years(self) -> float:
        """Years until the first cell is worn."""
        return self.endurance * self.batch / (self.writes * self.rate * SECONDS_PER_YEAR)

    def batch_for(self, years: float) -> int:
        """Smallest batch with which all cells last so many years; the same writes in each pass."""
        return max(1, ceil(years * SECONDS_PER_YEAR * self.rate * self.writes / self.endurance * (1 - 1e-12)))


def written_rows(placements: Iterable[Placement]) -> dict[int, int]:
    """Rows that boxes cover, by crossbar: rows side by side are written at once, and count once."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for p in placements:
        spans.setdefault(p.crossbar_idx, []).append((p.loc_y, p.max_y))
    return {crossbar: _covered(sorted(own)) for crossbar, own in spans.items()}


def _covered(spans: Sequence[tuple[int, int]]) -> int:
    """Length of the union of intervals, which are in order of their starts."""
    length, end = 0, 0
    for first, last in spans:
        length += max(0, last - max(first, end))
        end = max(end, last)
    return length


def write_times(
    hardware: Hardware, rows: Mapping[int, int], settings: WriteSettings
) -> dict[int, tuple[float, float]]:
    """From when to when each crossbar is written, in ns; `rows` are those of each that change.

    With fewer writers than crossbars, a writer that is free takes the crossbar of most rows that is left.
    """
    order = sorted(rows, key=lambda crossbar: (-rows[crossbar], crossbar))
    free = [0] * min(settings.parallel or len(order), len(order))
    row, found = row_ns(hardware, settings), {}
    for crossbar in order:
        start = heapq.heappop(free)
        heapq.heappush(free, start + rows[crossbar])
        found[crossbar] = start * row, (start + rows[crossbar]) * row
    return found


def write_ns(hardware: Hardware, rows: Mapping[int, int], settings: WriteSettings) -> float:
    """Time until the last crossbar is written; `rows` are those of each that change."""
    return max((end for _, end in write_times(hardware, rows, settings).values()), default=0.0)


def row_ns(hardware: Hardware, settings: WriteSettings) -> float:
    """Time to write one row, both phases."""
    return PHASES * settings.pulses * hardware.write_latency_ns


def cell_write_nj(hardware: Hardware, settings: WriteSettings) -> float:
    """Energy to write one cell of one array, in the phase that it needs.

    Of RRAM V^2 / R for as long as the pulses last, with the highest voltage of Write_Voltage and the
    geometric mean of the extreme resistances, between which the cell moves; of SRAM the file's Write_Energy.
    """
    if hardware.device_type == "SRAM":
        return hardware.write_energy_j * 1e9 * settings.pulses
    volt = max(hardware.write_voltages_v, key=abs)
    watt = volt**2 / mean_resistance_ohm(hardware.resistances_ohm)
    return watt * hardware.write_latency_ns * settings.pulses


def write_nj(hardware: Hardware, cells: int, settings: WriteSettings) -> float:
    """Energy to write so many cells of logical crossbars, which have several arrays each."""
    arrays = crossbars_per_weight(hardware, WEIGHT_BITS).crossbars
    return cells * arrays * cell_write_nj(hardware, settings)


def most_writes(segments: Iterable[Iterable[Placement]], size: CrossbarSize) -> int:
    """How often the cell is written that most segments cover; `size` is rows and columns of a crossbar."""
    counts: dict[int, NDArray[np.int32]] = {}
    for placements in segments:
        for p in placements:
            cells = counts.setdefault(p.crossbar_idx, np.zeros(size, np.int32))
            cells[p.loc_y : p.max_y, p.loc_x : p.max_x] += 1
    return max((int(cells.max()) for cells in counts.values()), default=0)
