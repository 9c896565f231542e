"""Reads of boxes as the definitions say them: one conversion at a time, in exact fractions."""

from fractions import Fraction

import numpy as np

from rram_nas_comp_pack.execution.cells import offset_units, slice_weights
from rram_nas_comp_pack.execution.converters import signed_conversions
from rram_nas_comp_pack.execution.device import UNITS


def bits_of(x, d, code):
    """The numbers that are driven for an input, and what each is worth."""
    if code == "signed-digits":
        sign, x = (-1 if x < 0 else 1), abs(x)
        return [(sign * bit, worth) for bit, worth in bits_of(x, d, "unsigned")]
    bits = 8 if code == "unsigned" else 7
    low = x % 2**bits
    steps = []
    for shift in range(0, bits, d.dac_bits):
        width = min(d.dac_bits, bits - shift)
        steps.append(((low >> shift) % 2**width, 2**shift))
    return steps if code == "unsigned" else [*steps, (int(x < 0), -128)]


def convert(sum_units, adc):
    """The code of a sum in 1/1024 of a level step, and whether it saturates."""
    code = round(Fraction(int(sum_units), UNITS) / Fraction(adc.step))
    kept = min(max(code, adc.lowest), adc.highest)
    return kept, kept != code


def read_column(cells, d, x, adc, code):
    """One input (rows,) of one column: cells (arrays, slices, rows); its output and saturated conversions."""
    driven = [bits_of(int(v), d, code) for v in x]
    total, saturated = Fraction(0), 0
    for step in range(len(driven[0])):
        worth = driven[0][step][1]
        drive = np.array([bits[step][0] for bits in driven], np.int64)
        sums = (cells.astype(np.int64) * drive).sum(axis=2)
        seen = [(sums[0] - sums[1], 1)] if signed_conversions(d) else list(zip(sums, (1, -1), strict=False))
        for array, sign in seen:
            for part, slice_worth in zip(array, slice_weights(d), strict=True):
                kept, beyond = convert(part, adc)
                total += sign * worth * int(slice_worth) * kept * Fraction(adc.step)
                saturated += beyond
    return total - Fraction(offset_units(d), UNITS) * int(x.sum()), saturated


def read(box, x, adc, code="unsigned"):
    """All inputs (n, rows) or (n, columns, rows) of a programmed box: outputs, saturated conversions."""
    columns = box.matrix.shape[1]
    outputs = np.zeros((len(x), columns))
    saturated = 0
    for n, c in np.ndindex(outputs.shape):
        found, beyond = read_column(
            box.cells[..., c], box.device, x[n, c] if x.ndim == 3 else x[n], adc, code
        )
        outputs[n, c] = float(found)
        assert Fraction(outputs[n, c]) == found, "not exact in float64"
        saturated += beyond
    return outputs, saturated
