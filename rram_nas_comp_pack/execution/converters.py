"""DACs and ADCs: the steps in which an input is driven, and the codes that the sums of a column become.

A code is rnd(sum / step), halves to even, cut off at the ends of the range. Where the ADC sees the difference
of a pair of arrays the codes are signed and symmetric; where each array has conversions of its own, and for
an offset code, they are unsigned.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, frexp, log2
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput
from ..hardware.chip_costs import INPUT_BITS
from ..kernels.arrays import Ints
from .device import DeviceModel

AdcKind = Literal["ideal", "fixed", "calibrated"]
ADC_KINDS: Final[tuple[AdcKind, ...]] = get_args(AdcKind)

InputCode = Literal["unsigned", "twos-complement", "signed-digits"]
"""How inputs of 8 bits are driven: 0 to 255; -128 to 127 with a sign bit worth -128; or, as in MNSIM, -127 to
127 with a sign for every digit, which takes DACs of both signs and analog subtraction.
"""

MOST_SATURATED: Final = 1e-4
"""Share of the conversions of the calibration images that may saturate in a calibrated ADC."""


class Adc(NamedTuple):
    """`step` is the width of a code in level steps of a cell; codes go from `lowest` to `highest`."""

    step: float
    lowest: int
    highest: int


class InputStep(NamedTuple):
    """One read step: the bits of an input that it drives, and what its sums are worth.

    `driven[x]` is the number that is driven for the input whose 8 bits are x.
    """

    driven: Ints  # (256,)
    worth: int


def signed_conversions(device: DeviceModel) -> bool:
    """Whether an ADC sees differences of a pair of arrays, and not single arrays."""
    return device.polarity == 2 and not device.digital_subtraction


def adc_bits(device: DeviceModel, rows: int) -> int:
    """Bits of a conversion of a box of so many rows: more where its rows are read in groups (F45)."""
    return device.adc_bits + max(0, ceil(log2(rows / device.driven_rows)))


def fixed_adc(device: DeviceModel, rows: int) -> Adc:
    """The ADC of MNSIM for a box of so many rows: its full scale is the largest sum of a whole crossbar."""
    lowest, highest = _range(device, rows)
    full_scale = largest_digit(device) * device.top * device.size.rows
    return Adc(full_scale / (highest + 1), lowest, highest)


def calibrated_adc(device: DeviceModel, rows: int, exponent: int) -> Adc:
    """The ADC whose step is 2^exponent level steps, for a box of so many rows."""
    return Adc(float(1 << exponent), *_range(device, rows))


def lossless_adc(device: DeviceModel) -> Adc:
    """An ADC with a step of one level step that no sum of any crossbar saturates."""
    most = largest_digit(device) * (device.top + 1) * device.size.rows
    return Adc(1.0, -most if signed_conversions(device) else 0, most)


def calibrated_exponent(saturated: Sequence[int] | Ints, conversions: int) -> int:
    """The smallest exponent at which at most 1e-4 of the conversions saturate.

    `saturated[k]` of the `conversions` saturate at a step of 2^k; none does at the steps beyond the last.
    """
    for exponent, count in enumerate(saturated):
        if count <= MOST_SATURATED * conversions:
            return exponent
    return len(saturated)


def convert(adc: Adc, sums: NDArray[np.floating]) -> NDArray[np.float64]:
    """Codes of sums in level steps."""
    return np.asarray(np.clip(np.rint(sums / adc.step), adc.lowest, adc.highest), np.float64)


def input_steps(device: DeviceModel, code: InputCode) -> list[InputStep]:
    """Read steps of an input of 8 bits, `dac_bits` at a time, least significant first.

    The sign bit of two's complement is read in a step of its own, which is worth -128: DACs drive no negative
    voltages. With DACs of several bits that is one step more than for unsigned inputs.
    """
    if code == "signed-digits" and not signed_conversions(device):
        raise BadInput("inputs: found signed digits, allowed only with analog subtraction of pairs")
    bits = INPUT_BITS - (code == "twos-complement")
    patterns = np.arange(1 << INPUT_BITS)
    sign = np.ones_like(patterns)
    if code == "signed-digits":
        sign[patterns >= 128] = -1
        patterns = np.where(sign < 0, 256 - patterns, patterns)
    steps = []
    for shift in range(0, bits, device.dac_bits):
        mask = (1 << min(device.dac_bits, bits - shift)) - 1
        steps.append(InputStep(sign * ((patterns >> shift) & mask), 1 << shift))
    if code == "twos-complement":
        steps.append(InputStep(patterns >> bits, -(1 << bits)))
    return steps


class SumRange(NamedTuple):
    """The lowest and the highest sums of columns, both (parts, columns)."""

    low: Ints
    high: Ints


def sum_range(cells: NDArray[np.integer], device: DeviceModel, code: InputCode) -> SumRange:
    """The lowest and the highest sums over rows that inputs can bring about.

    Cells of the shape (parts, rows, columns) give sums of (parts, columns), in the unit of the cells.
    """
    digit = largest_digit(device)
    low, high = np.minimum(cells, 0).sum(axis=1), np.maximum(cells, 0).sum(axis=1)
    if code == "signed-digits":
        low, high = low - high, high - low
    return SumRange(digit * low, digit * high)


def largest_digit(device: DeviceModel) -> int:
    """The largest number that one read step drives."""
    return (1 << min(device.dac_bits, INPUT_BITS)) - 1


def is_power_of_two(step: float) -> bool:
    """Whether division by a step loses nothing."""
    return frexp(step)[0] == 0.5


def _range(device: DeviceModel, rows: int) -> tuple[int, int]:
    bits = adc_bits(device, rows)
    if bits < 1:
        raise BadInput(f"ADC: found {bits} bits, allowed is at least 1")
    if signed_conversions(device):
        return -(1 << (bits - 1)) + 1, (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1
