"""Cells that vary by one of 2^16 quantiles of the normal distribution, up to 4.3 standard deviations."""

from __future__ import annotations

from functools import lru_cache
from math import log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Deviation = NDArray[np.float32]  # ln(R / R_nominal) of cells

COUNT = 2**16


class Quantiles(NamedTuple):
    """Which quantile each cell has, and the standard deviation of resistances as a share of their mean."""

    numbers: NDArray[np.uint16]
    variation: float

    def deviation(self) -> Deviation:
        """ln(R / R_nominal) of each cell."""
        return scaled_deviation(normal_quantiles()[self.numbers], self.variation)


@lru_cache(maxsize=1)
def normal_quantiles() -> NDArray[np.float32]:
    """The quantiles (65536,) in standard deviations."""
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(COUNT) + 0.5) / COUNT), np.float32)


def scaled_deviation(normal: NDArray[np.float32], variation: float) -> Deviation:
    """ln(R / R_nominal) of log-normal resistances whose standard deviation is `variation` of their mean."""
    return np.asarray(normal * np.float32(sqrt(log(1 + variation**2))))
