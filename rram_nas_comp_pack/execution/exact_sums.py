"""How large sums of whole numbers can become, and which type holds them exactly in any order."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

EXACT_FLOAT32: Final = 2**24
"""Whole numbers up to this are exact in float32."""

_LARGEST_INPUT = 256  # what inputs of 8 bits span: 0 to 255, or -128 to 127


def largest_sum(weights: NDArray[np.integer]) -> int:
    """The largest magnitude of a sum over rows (…, rows, columns) of products with inputs of 8 bits.

    It bounds sums of some of the rows too, so that the order in which rows are added does not matter.
    """
    parts = (np.maximum(sign * weights.astype(np.int64), 0).sum(axis=-2) for sign in (1, -1))
    return _LARGEST_INPUT * max(int(part.max(initial=0)) for part in parts)
