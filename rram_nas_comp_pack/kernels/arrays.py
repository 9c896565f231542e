"""Types of arrays, and where parts of an array start."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def offsets(sizes: Sequence[int] | Ints) -> Ints:
    """Where parts of these sizes start in one row, and last where the row ends: shape (parts + 1,)."""
    starts = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=starts[1:])
    return starts
