"""Which hardware the networks of a search chose."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...hardware.chip_costs import area_per_crossbar_um2
from ...hardware.components import adc
from ...runs.nas.run import SearchRun
from ...runs.origin import OfferedConfig
from ..page import Cell, CellValue, table


def budget_told(run: SearchRun) -> str:
    """The budget of a search in words."""
    area = run.front.area_budget
    return f"{run.front.budget} crossbars" if area is None else f"{area:g} mm²"


def hardware_table(runs: Sequence[SearchRun]) -> str:
    """A row for each hardware that networks could choose, and how many chose it."""
    mixed = [run for run in runs if run.front.offered]
    many = len(runs) > 1
    header = (
        *(("run",) if many else ()), "hardware", "crossbar", "cell bits", "ADC bits", "area, mm²",
        "crossbars", "fit", "of the front", "best accuracy", "best speed",
    )  # fmt: skip
    rows = [[*((run.name,) if many else ()), *_cells(run, own)] for run in mixed for own in run.front.offered]
    caption = (
        "Hardware that networks could choose: area of a crossbar with all that belongs to it, crossbars that "
        "the budget holds, networks on it that fit, and those of the front. Accuracy and speed are the best "
        "of the front on this hardware; speeds are over the baseline of the first hardware."
    )
    return f'<div class="hardware">{table(header, rows, caption, True)}</div>\n'


def _cells(run: SearchRun, own: OfferedConfig) -> Iterator[CellValue]:
    hardware = own.config.hardware
    chosen = [n for n in run.front.networks if n.hardware == own.name]
    yield own.name
    yield f"{hardware.rows} x {hardware.columns}"
    yield hardware.bits_per_cell
    yield adc(hardware).bits
    share = area_per_crossbar_um2(hardware) / 1e6
    yield Cell(f"{share:.3g}", share)
    yield own.crossbars
    yield (run.evaluated.hardware or ()).count(own.name)
    yield len(chosen)
    yield _best([network.judged for network in chosen], 4)
    yield _best([network.best.speed for network in chosen], 2)


def _best(values: Sequence[float], digits: int) -> Cell:
    return Cell(f"{max(values):.{digits}f}", max(values)) if values else Cell("-", -1)
