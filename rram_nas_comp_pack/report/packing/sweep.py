"""What chips get right at several values of a key of SimConfig.ini, as a chart, words and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...hardware.config.several import label_of, number_of, title_of
from ...runs.packing.accuracy import share_name
from ...runs.packing.accuracy_sweep import Sweep, SweepPoint
from ...runs.packing.mapping_errors import MAPPINGS, worst_db
from ..chart_values import Axis, Lines, Series
from ..page import Cell, CellValue, table
from ..palette import BLUE, GREY, ORANGE, PURPLE, SKY

LOOKS = {"plain": ORANGE, "fault-aware": BLUE, "fault-aware-codes": SKY}
"""Colours of encodings."""


def sweep_chart(sweep: Sweep) -> Lines:
    """Mean and worst chip by the value of the key, for each encoding, beside the integer network."""
    places = _places(sweep)
    ends = min(places.values()), max(places.values())
    integer = Series("integer network", ends, (sweep.asked.integer,) * 2, GREY, "dash")
    chips = [series for encoding in sweep.encodings for series in _chips(sweep, encoding, places)]
    title = f"Chips by {sweep.key}"
    return Lines(title, _axis(sweep), Axis(share_name(sweep.asked.trained), percent=True), (integer, *chips))


def _places(sweep: Sweep) -> dict[str, float]:
    """Where each value stands on the axis: at its number, or where it has none at that of its turn."""
    numbers = {value: number_of(sweep.key, value) for value in sweep.values}
    found = {value: number for value, number in numbers.items() if number is not None}
    return found if len(found) == len(numbers) else {v: float(i) for i, v in enumerate(numbers)}


def _axis(sweep: Sweep) -> Axis:
    if all(number_of(sweep.key, value) is not None for value in sweep.values):
        return Axis(title_of(sweep.key))
    ticks = tuple(map(float, range(len(sweep.values))))
    return Axis(title_of(sweep.key), ticks=ticks, names=tuple(_label(sweep, v) for v in sweep.values))


def _chips(sweep: Sweep, encoding: str, places: dict[str, float]) -> Iterator[Series]:
    """The mean of the chips of an encoding, and the worst of them."""
    points = [point for point in sweep.points if point.encoding == encoding]
    x = tuple(places[point.value] for point in points)
    notes = tuple(_note(sweep, point) for point in points)
    before, colour = f"{encoding}, " if len(sweep.encodings) > 1 else "", LOOKS.get(encoding, PURPLE)
    means, worst = tuple(p.chip.mean for p in points), tuple(p.chip.worst for p in points)
    yield Series(f"{before}mean", x, means, colour, notes=notes)
    yield Series(f"{before}worst chip", x, worst, colour, "dot", notes, "triangle-down")


def _note(sweep: Sweep, point: SweepPoint) -> str:
    chip = point.chip
    spread = ""
    if chip.interval_95 is not None:
        spread = f" ({' to '.join(f'{end:.2%}' for end in chip.interval_95)}, 95 %)"
    many = f"{len(point.chips)} chip{'s' * (len(point.chips) > 1)}"
    value = f"{sweep.key} {_label(sweep, point.value)}, {point.encoding}"
    return f"{value}, {many}: mean {chip.mean:.2%}{spread}, worst {chip.worst:.2%}"


def _label(sweep: Sweep, value: str) -> str:
    return label_of(sweep.key, value)


def sweep_words(sweep: Sweep) -> str:
    """The chart in words."""
    asked, worst = sweep.asked, min(sweep.points, key=lambda point: point.chip.mean)
    other = f" But for {sweep.key}, these chips are of other hardware than that of the run."
    return (
        f"{share_name(asked.trained).capitalize()} by {title_of(sweep.key)} on {sweep.images} samples of the "
        f"{asked.split} split, {asked.adc} ADC; the integer network {asked.integer:.2%}. Lowest mean: "
        f"{worst.chip.mean:.2%} at {_label(sweep, worst.value)}, {worst.encoding} encoding. The table below "
        f"has all figures.{'' if sweep.own_hardware else other}"
    )


def sweep_table(sweep: Sweep, mappings: Sequence[str]) -> str:
    """A row a value and encoding; `mappings` are those of the layers."""
    own = [mapping for mapping in MAPPINGS if mapping in mappings]
    header = (
        *(title_of(sweep.key), "encoding", "chips", "mean", "worst", "95 % interval"),
        *(f"{mapping} (dB)" for mapping in own),
    )
    caption = (
        f"Chips by {sweep.key}: shares of right answers, and signal to noise of each mapping's worst layer"
    )
    rows = (_row(sweep, i, mappings, own) for i in range(len(sweep.points)))
    return table(header, rows, caption, sortable=True)


def _row(sweep: Sweep, index: int, mappings: Sequence[str], own: Sequence[str]) -> list[CellValue]:
    point = sweep.points[index]
    chip = point.chip
    spread: CellValue = "one chip"
    if chip.interval_95 is not None:
        spread = Cell(" to ".join(f"{end:.2%}" for end in chip.interval_95), chip.interval_95[0])
    shares = (Cell(f"{share:.2%}", share) for share in (chip.mean, chip.worst))
    errors = (worst_db(point.layers, mappings, mapping) for mapping in own)
    value = Cell(_label(sweep, point.value), sweep.values.index(point.value))
    return [value, point.encoding, len(point.chips), *shares, spread, *map(decibels, errors)]


def decibels(ratio: float | None) -> Cell:
    """A ratio as a cell; None, which is no error, sorts above all others."""
    return Cell("no error", _HIGHEST) if ratio is None else Cell(f"{ratio:.1f}", ratio)


_HIGHEST = 1e6
