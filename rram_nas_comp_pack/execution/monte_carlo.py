"""Counts of chips, and what many say together: mean, spread and the worst, and what each layer does."""

from __future__ import annotations

from collections.abc import Sequence
from math import log10, sqrt
from statistics import fmean, stdev
from typing import NamedTuple


class LayerCounts(NamedTuple):
    """Sums of squares of a layer's integers and of their errors; its conversions, and how many saturate."""

    signal: float
    noise: float
    conversions: int
    saturated: int

    def __add__(self, other: object) -> LayerCounts:
        """Counts of both."""
        assert isinstance(other, LayerCounts)
        signal, noise = self.signal + other.signal, self.noise + other.noise
        return LayerCounts(
            signal, noise, self.conversions + other.conversions, self.saturated + other.saturated
        )


class ChipCounts(NamedTuple):
    """How many of its inputs a chip is right about, and what its layers do."""

    right: int
    inputs: int
    layers: tuple[LayerCounts, ...]

    @property
    def share(self) -> float:
        """Of the inputs that the chip is right about, 0 to 1."""
        return self.right / self.inputs


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
