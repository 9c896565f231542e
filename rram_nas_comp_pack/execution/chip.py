"""One chip: which of its cells are stuck, and how far the resistance of each is off.

Draws are counter-based: those of an array follow from (seed, crossbar, array, slice) alone, whatever else is
drawn, in whatever order. Each non-ideality is a pair of pure functions, draw(key, shape) -> state and
apply(state, x) -> x. The raw words of Philox (J. K. Salmon et al., "Parallel Random Numbers: As Easy as 1, 2,
3", SC 2011) are the same on every machine and, by its policy, in every version of numpy.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput, CannotBeDone
from ..values import CrossbarSize
from .cell_patterns import Patterns, add_drawn, no_patterns, patterns_of
from .cells import Levels
from .device import DeviceModel
from .kept_arrays import KeptArrays
from .quantiles import Deviation, Quantiles

HEALTHY: Final = 0
STUCK_HIGH: Final = 1  # at the highest resistance: level 0
STUCK_LOW: Final = 2  # at the lowest resistance: the top level

Stuck = NDArray[np.int8]  # (..., rows, columns) of HEALTHY, STUCK_HIGH and STUCK_LOW

_STUCK_STREAM, _DEVIATION_STREAM = 0, 1


class ArrayKey(NamedTuple):
    """Which physical array: `array` is 0 or 1 of a pair, `slice` counts from the least significant."""

    seed: int
    crossbar: int
    array: int
    slice: int


class StuckRates(NamedTuple):
    """Shares of the cells that are stuck at the highest and at the lowest resistance, 0 to 1."""

    high: float
    low: float


class CellState(NamedTuple):
    """What is particular about the cells of one crossbar; both of shape (arrays, slices, rows, columns).

    `varied` says how far resistances are off: as quantiles where that is drawn, or as ln(R / R_nominal).
    None: every cell has its nominal resistance.
    """

    stuck: Stuck
    varied: Deviation | Quantiles | None

    @property
    def deviation(self) -> Deviation | None:
        """ln(R / R_nominal) of every cell, None where none varies."""
        return self.varied.deviation() if isinstance(self.varied, Quantiles) else self.varied


@dataclass(frozen=True, slots=True, eq=False)
class ChipInstance:
    """A chip by its seed, or by the maps of a file.

    A map that is None follows from the seed and the device; `shape` is (arrays, slices, rows, columns) of a
    crossbar, `crossbars` None where a chip has as many as are asked for. What is drawn is drawn again each
    time, except what is `kept` (`keeping_draws`).
    """

    seed: int
    shape: tuple[int, int, int, int]
    crossbars: int | None = None
    stuck: Stuck | None = None  # (crossbars, arrays, slices, rows, columns)
    deviation: Deviation | None = None  # of the same shape, ln(R / R_nominal)
    kept: KeptArrays | None = None


def cell_shape(device: DeviceModel) -> tuple[int, int, int, int]:
    """Shape of the cells of one logical crossbar: (arrays, slices, rows, columns)."""
    return device.polarity, device.slices, device.size.rows, device.size.columns


def chip_of(seed: int, device: DeviceModel) -> ChipInstance:
    """The chip that a seed stands for: as many crossbars as are asked for."""
    return ChipInstance(seed, cell_shape(device))


def keeping_draws(chip: ChipInstance, most_bytes: int) -> ChipInstance:
    """The same chip, which keeps what is drawn of it in memory, for a caller that programs many networks.

    Nothing else changes: draws depend on the seed and the crossbar alone. A crossbar of 128 x 128 weights in
    14 arrays takes 64 kB for its stuck cells, and 448 kB more where cells vary. What does not fit in
    `most_bytes` is drawn each time.
    """
    return replace(chip, kept=KeptArrays(most_bytes))


def chip_with_maps(seed: int, crossbars: int, device: DeviceModel) -> ChipInstance:
    """The first crossbars of that chip with its map of stuck cells drawn."""
    chip = chip_of(seed, device)
    stuck = np.empty((crossbars, *chip.shape), np.int8)
    for crossbar in range(crossbars):
        stuck[crossbar] = _drawn_stuck(chip, device, crossbar)
    return ChipInstance(seed, chip.shape, crossbars, stuck)


def require_crossbars(chip: ChipInstance, needed: int) -> None:
    """Raise CannotBeDone where the chip has too few crossbars for a layout."""
    if chip.crossbars is not None and chip.crossbars < needed:
        raise CannotBeDone(f"chip: found {chip.crossbars} crossbars, the layout needs {needed}")


def crossbar_state(chip: ChipInstance, device: DeviceModel, crossbar: int) -> CellState:
    """The state of all cells of one logical crossbar. Raises `BadInput` where the chip has no such cells."""
    stuck = stuck_cells(chip, device, crossbar)
    if chip.deviation is not None:
        return CellState(stuck, chip.deviation[crossbar])
    if not device.variation:
        return CellState(stuck, None)
    return CellState(stuck, Quantiles(quantile_numbers(chip, device, crossbar), device.variation))


def stuck_cells(chip: ChipInstance, device: DeviceModel, crossbar: int) -> Stuck:
    """The stuck cells of one logical crossbar. Raises `BadInput` where the chip has no such cells."""
    _require_cells(chip, device, crossbar)
    return _drawn_stuck(chip, device, crossbar) if chip.stuck is None else chip.stuck[crossbar]


def stuck_patterns(chip: ChipInstance, device: DeviceModel, crossbar: int) -> Patterns:
    """`stuck_cells` as a number for each weight: (rows, columns). Nobody may write to it."""
    _require_cells(chip, device, crossbar)
    own = chip.stuck

    def make() -> Patterns:
        return _drawn_patterns(chip, device, crossbar) if own is None else patterns_of(own[crossbar])

    if chip.kept is None:
        return make()
    return chip.kept.get(("stuck", crossbar, device.stuck_high, device.stuck_low), make)


def quantile_numbers(chip: ChipInstance, device: DeviceModel, crossbar: int) -> NDArray[np.uint16]:
    """Which quantile each cell of a crossbar has: (arrays, slices, rows, columns). Nobody may write to it."""

    def make() -> NDArray[np.uint16]:
        numbers = np.empty(chip.shape, np.uint16)
        for key in _keys(chip, crossbar):
            numbers[key.array, key.slice] = draw_quantiles(key, device.size)
        return numbers

    return make() if chip.kept is None else chip.kept.get(("quantiles", crossbar), make)


def _require_cells(chip: ChipInstance, device: DeviceModel, crossbar: int) -> None:
    if chip.shape != cell_shape(device):
        found, allowed = ("x".join(map(str, shape)) for shape in (chip.shape, cell_shape(device)))
        raise BadInput(f"chip: found cells {found} a crossbar, allowed is {allowed} (arrays, slices, size)")
    if chip.crossbars is not None and not 0 <= crossbar < chip.crossbars:
        raise BadInput(f"chip: found {chip.crossbars} crossbars, needed is crossbar {crossbar}")


def draw_stuck(key: ArrayKey, size: CrossbarSize, rates: StuckRates) -> Stuck:
    """Stuck cells (rows, columns) of one array; at a lower rate, some of those at a higher one."""
    found, (high, low) = _stuck_words(key, size), _thresholds(rates)
    stuck = (found < high).astype(np.int8)
    stuck[found >= low] = STUCK_LOW
    return stuck.reshape(size)


def _stuck_words(key: ArrayKey, size: CrossbarSize) -> NDArray[np.uint32]:
    return _words(key, _STUCK_STREAM, size.cells // 2 + 1).view("<u4")[: size.cells]


def _thresholds(rates: StuckRates) -> tuple[int, int]:
    """Words below the first stand for STUCK_HIGH, those from the second on for STUCK_LOW."""
    return round(rates.high * 2**32), 2**32 - round(rates.low * 2**32)


def apply_stuck(stuck: Stuck, levels: Levels, top: int) -> Levels:
    """Levels that cells have which were to have `levels`."""
    return np.where(stuck == HEALTHY, levels, np.where(stuck == STUCK_LOW, np.int8(top), np.int8(0)))


def draw_quantiles(key: ArrayKey, size: CrossbarSize) -> NDArray[np.uint16]:
    """Which quantile each cell of one array has: (rows, columns)."""
    return _words(key, _DEVIATION_STREAM, size.cells // 4 + 1).view("<u2")[: size.cells].reshape(size)


def _drawn_stuck(chip: ChipInstance, device: DeviceModel, crossbar: int) -> Stuck:
    stuck = np.zeros(chip.shape, np.int8)
    rates = StuckRates(device.stuck_high, device.stuck_low)
    if any(rates):
        for key in _keys(chip, crossbar):
            stuck[key.array, key.slice] = draw_stuck(key, device.size, rates)
    return stuck


def _drawn_patterns(chip: ChipInstance, device: DeviceModel, crossbar: int) -> Patterns:
    """The patterns of `_drawn_stuck`, without its arrays."""
    arrays, slices, rows, columns = chip.shape
    patterns = no_patterns(arrays * slices, rows, columns)
    rates = StuckRates(device.stuck_high, device.stuck_low)
    if any(rates):
        high, low = _thresholds(rates)
        for key in _keys(chip, crossbar):
            add_drawn(_stuck_words(key, device.size), high, low, patterns.reshape(-1))
    return patterns


def _keys(chip: ChipInstance, crossbar: int) -> list[ArrayKey]:
    arrays, slices, _, _ = chip.shape
    return [ArrayKey(chip.seed, crossbar, a, s) for a in range(arrays) for s in range(slices)]


def _words(key: ArrayKey, stream: int, count: int) -> NDArray[np.uint64]:
    """Random words of one array; the low word of the counter counts them."""
    counter = np.array([0, stream, key.slice, key.array], np.uint64)
    generator = np.random.Philox(key=np.array([key.seed, key.crossbar], np.uint64), counter=counter)
    return generator.random_raw(count).astype("<u8", copy=False)
