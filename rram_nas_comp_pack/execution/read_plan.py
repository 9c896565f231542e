"""Plans of the full path: which columns need conversions at all, and in how few products their sums come.

Without variation the sums of a column are small whole numbers, and a float32 holds those of several read
steps side by side: the steps are driven at once, radix^t apart, and taken apart before they are converted. A
column that loses nothing in conversion is left to the linear path.
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
from .lossless import lossless_columns
from .program import ProgrammedBox, in_steps

_LIMITS = {"f4": 2**24, "f8": 2**53}  # integers up to these are exact
# Measured on one core of an x86 machine with AVX2, in multiply-accumulates of float32: what one of each type
# and what one conversion takes.
_PRODUCT_COST = {"f4": 1.0, "f8": 2.4}
_CONVERSION_COST = {"f4": 18, "f8": 46}


class Converters(NamedTuple):
    """What drives rows and converts the sums of columns."""

    device: DeviceModel
    adc: Adc
    code: InputCode

    @property
    def steps(self) -> list[InputStep]:
        """Read steps of an input."""
        return input_steps(self.device, self.code)


@dataclass(frozen=True, slots=True, eq=False)
class Product:
    """Some read steps of the full path in one product."""

    driven: NDArray[np.floating]  # (256,) what is driven for the 8 bits of an input
    bit: int  # the only bit of an input that is driven; -1 where more are
    conversion: Conversion


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """The read steps of the full path in as few products as hold their sums exactly."""

    unit: int  # 1/1024 of a level step: what cells are counted in
    sums: np.dtype[Any]  # the type of the products
    outputs: np.dtype[Any]  # the type in which shifted and added codes are exact
    each: tuple[Product, ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReadPlan:
    """What the full path of a box with one ADC needs, made once for many reads; the box may be dropped."""

    how: Converters
    exact: Ints  # numbers of the columns that lose nothing
    matrix: NDArray[np.floating]  # (rows, exact) their weights, as in `ProgrammedBox`
    converted: Ints  # numbers of the other columns
    cells: NDArray[np.floating]  # (rows, parts * converted) in the unit of the sums
    products: Products


def plan_read(box: ProgrammedBox, adc: Adc, code: InputCode = "unsigned") -> ReadPlan:
    """The plan of reads of a box."""
    how = Converters(box.device, adc, code)
    lossless = lossless_columns(box, adc, code)
    exact, rest = np.flatnonzero(lossless.columns), np.flatnonzero(~lossless.columns)
    cells = sensed_cells(box)[:, :, rest]
    products = products_of([cells], how)
    matrix = (cells // products.unit).transpose(1, 0, 2).reshape(cells.shape[1], -1).astype(products.sums)
    return ReadPlan(how, exact, in_steps(lossless.units[:, exact]), rest, matrix, products)


def products_of(boxes: Sequence[NDArray[np.integer]], how: Converters) -> Products:
    """The products that suit the sensed cells (parts, rows, columns) of all of some boxes."""
    unit = 1 if any((cells % UNITS).any() for cells in boxes) else UNITS
    ranges = [sum_range(cells, how.device, how.code) for cells in boxes]
    low, high = (np.concatenate(each, axis=1) for each in zip(*ranges, strict=True))
    bound = max(1, int(max(-low.min(initial=0), high.max(initial=0))) // unit)
    steps = how.steps
    kinds = (
        ("f4", "f8") if is_power_of_two(how.adc.step) else ("f8",)
    )  # others are not divided exactly enough
    kind, together = _packed(bound, boxes[0].shape[1], len(steps), kinds)
    scale = _Scale(
        radix=_radix(bound),
        step=how.adc.step * UNITS / unit,
        adc=how.adc,
        part_worth=part_worth(how.device),
        kind=np.dtype(kind),
        saturates=bool(can_saturate(SumRange(low, high), how.adc).any()),
    )
    parts = [steps[first : first + together] for first in range(0, len(steps), together)]
    each = tuple(_product(part, scale) for part in parts)
    return Products(unit, scale.kind, _kind_of_outputs(each, how.adc, scale.kind), each)


def _kind_of_outputs(products: Sequence[Product], adc: Adc, sums: np.dtype[Any]) -> np.dtype[Any]:
    numbers = [p.conversion for p in products]
    worth = sum(np.abs(c.step_worth).sum() * np.abs(c.part_worth).sum(dtype=np.float64) for c in numbers)
    largest = worth * max(-adc.lowest, adc.highest)
    return np.dtype(np.float32 if largest <= 2**24 and sums == np.float32 else np.float64)


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
    """Whether any sum can lie beyond the codes, by the ranges of `sum_range` in 1/1024 of a level step."""
    low, high = (np.rint(sums / (UNITS * adc.step)) for sums in ranges)
    return np.asarray((low < adc.lowest) | (high > adc.highest))


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
    bits = [n for n in range(8) if np.array_equal(driven, (np.arange(256) >> n) & 1)]
    return Product(driven.astype(scale.kind), bits[0] if bits else -1, conversion)


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
