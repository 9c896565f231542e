"""Plans of the full path: which columns need conversions at all, and in how few products their sums come.

Without variation the sums of a column are small whole numbers, and a float32 holds those of several read
steps side by side: the steps are driven at once, radix^t apart, and taken apart before they are converted. A
column none of whose sums can saturate, with an ADC step that loses nothing, is left to the linear path.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from .cells import slice_weights
from .conversion import Conversion
from .converters import (
    Adc,
    InputCode,
    InputStep,
    SumRange,
    input_steps,
    is_power_of_two,
    signed_conversions,
    sum_range,
)
from .device import UNITS, DeviceModel
from .program import ProgrammedBox

_LIMITS = {"f4": 2**24, "f8": 2**53}  # integers up to these are exact
# Measured on one core of an x86 machine with AVX2, in multiply-accumulates of float32: what one of each type
# and what one conversion takes.
_PRODUCT_COST = {"f4": 1.0, "f8": 2.4}
_CONVERSION_COST = {"f4": 18, "f8": 46}


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Some read steps of the full path in one product."""

    driven: NDArray[np.floating]  # (256,) what is driven for the 8 bits of an input
    conversion: Conversion


@dataclass(frozen=True, slots=True, eq=False)
class ReadPlan:
    """What the full path of a box with one ADC needs, made once for many reads; the box may be dropped."""

    device: DeviceModel
    adc: Adc
    steps: int  # read steps of an input
    exact: Ints  # numbers of the columns that are exact on the linear path
    matrix: NDArray[np.floating]  # (rows, exact) their weights, as in `ProgrammedBox`
    converted: Ints  # numbers of the other columns
    cells: NDArray[np.floating]  # (rows, parts * converted) in the unit of the sums
    products: tuple[Product, ...]


def plan_read(box: ProgrammedBox, adc: Adc, code: InputCode = "unsigned") -> ReadPlan:
    """The plan of reads of a box."""
    sensed = sensed_cells(box)
    ranges = sum_range(sensed, box.device, code)
    exact = exact_columns(sensed, ranges, adc)
    rest = np.flatnonzero(~exact)
    cells = sensed[:, :, rest]
    unit = 1 if (cells % UNITS).any() else UNITS
    low, high = (sums[:, rest] for sums in ranges)
    bound = max(1, int(max(-low.min(initial=0), high.max(initial=0))) // unit)
    steps = input_steps(box.device, code)
    kinds = ("f4", "f8") if is_power_of_two(adc.step) else ("f8",)  # others are not divided exactly enough
    kind, together = _packed(bound, cells.shape[1], len(steps), kinds)
    scale = _Scale(
        radix=_radix(bound),
        step=adc.step * UNITS / unit,
        adc=adc,
        part_worth=part_worth(box.device),
        kind=np.dtype(kind),
        saturates=bool(can_saturate(SumRange(low, high), adc).any()),
    )
    parts = [steps[first : first + together] for first in range(0, len(steps), together)]
    products = tuple(_product(part, scale) for part in parts)
    matrix = (cells // unit).transpose(1, 0, 2).reshape(cells.shape[1], -1).astype(kind)
    linear = box.matrix if exact.all() else box.matrix[:, exact]
    return ReadPlan(box.device, adc, len(steps), np.flatnonzero(exact), linear, rest, matrix, products)


def parts_of(device: DeviceModel) -> int:
    """Conversions of one column in a read step."""
    return device.slices * (1 if signed_conversions(device) else device.polarity)


def part_worth(device: DeviceModel) -> Ints:
    """What a code of each part is worth in steps of the weight: (parts,)."""
    worth = slice_weights(device)
    return worth if parts_of(device) == device.slices else np.concatenate([worth, -worth])


def sensed_cells(box: ProgrammedBox) -> Ints:
    """What the ADCs see of each cell: (parts, rows, columns), 1/1024 of a level step."""
    cells = box.cells.astype(np.int64)
    seen = cells[:1] - cells[1:] if signed_conversions(box.device) else cells
    return seen.reshape(-1, *cells.shape[2:])


def can_saturate(ranges: SumRange, adc: Adc) -> NDArray[np.bool_]:
    """Whether any sum of a column can lie beyond the codes (columns,), by the ranges of `sum_range`."""
    low, high = (np.rint(sums / (UNITS * adc.step)) for sums in ranges)
    return np.asarray(((low < adc.lowest) | (high > adc.highest)).any(axis=0))


def exact_columns(sensed: Ints, ranges: SumRange, adc: Adc) -> NDArray[np.bool_]:
    """Which columns lose nothing in conversion: all their sums are whole codes within the range."""
    step = UNITS * adc.step
    if step != int(step):
        return np.zeros(sensed.shape[2], np.bool_)
    return ~(sensed % int(step)).any(axis=(0, 1)) & ~can_saturate(ranges, adc)


class _Scale(NamedTuple):
    """What all products of a plan have in common."""

    radix: int
    step: float  # of the ADC, in the unit of the sums
    adc: Adc
    part_worth: Ints
    kind: np.dtype[Any]
    saturates: bool  # whether any sum can


def _product(steps: Sequence[InputStep], scale: _Scale) -> Product:
    number = scale.kind.type
    driven = np.stack([step.driven * scale.radix**t for t, step in enumerate(steps)]).sum(axis=0)
    conversion = Conversion(
        step_worth=np.array([step.worth for step in steps], scale.kind),
        part_worth=scale.part_worth.astype(scale.kind),
        radix=number(scale.radix),
        per_radix=number(1 / scale.radix),
        step=number(scale.step),
        lowest=number(scale.adc.lowest),
        highest=number(scale.adc.highest),
        per_step=number(0 if scale.saturates or not is_power_of_two(scale.step) else 1 / scale.step),
    )
    return Product(driven.astype(scale.kind), conversion)


def _radix(bound: int) -> int:
    """A power of two that keeps sums up to `bound` apart: it is more than twice as large."""
    return 1 << (bound.bit_length() + 1)


def _packed(bound: int, rows: int, steps: int, kinds: Sequence[str]) -> tuple[str, int]:
    """The type of the products and how many read steps each holds, for sums up to `bound`: the cheapest."""
    found = []
    for kind in kinds:
        together, largest = 0, bound
        while together < steps and largest <= _LIMITS[kind]:
            together, largest = together + 1, largest * _radix(bound) + bound
        if together:
            products = -(-steps // together)
            cost = products * rows * _PRODUCT_COST[kind] + steps * _CONVERSION_COST[kind]
            found.append((cost, kind, -(-steps // products)))
    if not found:
        raise OverflowError(f"sums of up to {bound} are not exact in 53 bits")
    _, kind, together = min(found)
    return kind, together
