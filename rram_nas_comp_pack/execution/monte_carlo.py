"""What many chips say together: mean, spread and the worst, and what each layer does on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from .judging import LayerCounts


class Summary(NamedTuple):
    """Of shares of right answers, one a chip; spread and interval are None for a single chip.

    `interval_95` is where the mean over all chips lies, by Student's t; cut off at 0 and 1.
    """

    mean: float
    deviation: float | None
    worst: float
    interval_95: tuple[float, float] | None


def summary(shares: Sequence[float]) -> Summary:
    """Summarise at least one share."""
    mean = fmean(shares)
    if len(shares) == 1:
        return Summary(mean, None, mean, None)
    from scipy.stats import t

    deviation = stdev(shares)
    half = float(t.ppf(0.975, len(shares) - 1)) * deviation / sqrt(len(shares))
    return Summary(mean, deviation, min(shares), (max(0.0, mean - half), min(1.0, mean + half)))


def added(chips: Sequence[Sequence[LayerCounts]]) -> list[LayerCounts]:
    """The counts of every layer over all chips."""
    return [sum(each[1:], each[0]) for each in zip(*chips, strict=True)]


def snr_db(counts: LayerCounts) -> float | None:
    """Signal to noise of a layer's integers in dB; None where there is no error, or no signal."""
    if not counts.noise or not counts.signal:
        return None
    return 10 * log10(counts.signal / counts.noise)
