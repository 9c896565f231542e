"""From floats to integers: weights, and the range of each layer's input (spec: from float to integers).

y = s_w * s_x * (sum of q_w * q_x) + bias. Weights are symmetric, -127 to 127; inputs are 0 to 255 where they
are nowhere negative, else two's complement, -128 to 127. Zero is exactly zero, so that padding is.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import BadInput

if TYPE_CHECKING:
    from torch import Tensor  # who only reads images does not wait for torch

Clipping = Literal["max", "percentile"]
Granularity = Literal["channel", "tensor"]

MOST_WEIGHT = 127
CLIPPED = 10_000
"""One in so many magnitudes of a layer's inputs lies above the 99.99th percentile, and is clipped."""

_TOGETHER = 64  # values whose largest magnitude is looked at first
_SMALLEST = float(np.finfo(np.float32).tiny)


class Codes(NamedTuple):
    """A layer's weights as integers."""

    weights: NDArray[np.int8]  # (rows, columns) of the raw matrix
    scales: NDArray[np.float32]  # (columns,), a step of the weights in each


class InputRange(NamedTuple):
    """What the integers of a layer's input stand for: `scale` is a step, `signed` two's complement."""

    scale: float
    signed: bool

    @property
    def least(self) -> int:
        """The smallest code."""
        return -128 if self.signed else 0

    @property
    def most(self) -> int:
        """The largest code."""
        return 127 if self.signed else 255


@dataclass(frozen=True, slots=True, eq=False)
class IntegerNetwork:
    """A network's integers: codes and ranges of every layer, and the tensors that are not on crossbars.

    A layer that runs again has the codes of its first run.
    """

    codes: tuple[Codes, ...]
    ranges: tuple[InputRange, ...]
    digital: dict[str, NDArray[np.generic]]


def quantise_weights(
    raw: NDArray[np.float32], columns_a_channel: int = 1, granularity: Granularity = "channel"
) -> Codes:
    """Round a raw matrix (rows, columns); `columns_a_channel` neighbouring columns share a scale.

    Half goes to even; a channel of zeros has the scale 1. Raises BadInput for what is no finite number.
    """
    if not np.isfinite(raw).all():
        raise BadInput("weights: found some that are no finite numbers, allowed are finite ones")
    width = columns_a_channel if granularity == "channel" else raw.shape[1]
    largest = np.abs(raw).max(axis=0, initial=0.0).reshape(-1, width).max(axis=1, initial=0.0)
    steps = (largest / np.float32(MOST_WEIGHT)).astype(np.float32)
    steps[steps < _SMALLEST] = np.inf  # nothing to tell apart: all codes are 0
    scales = np.repeat(steps, width)
    codes = np.clip(np.rint(raw / scales), -MOST_WEIGHT, MOST_WEIGHT).astype(np.int8)
    scales[np.isinf(scales)] = 1.0
    return Codes(codes, scales)


def quantise_input(x: Tensor, known: InputRange) -> Tensor:
    """Return the integers of an input as float32 of the same shape."""
    return (x.float() / known.scale).round_().clamp_(known.least, known.most)


class RangeFinder:
    """Watches a layer's inputs over all calibration samples, a batch at a time.

    The percentile is a value that occurs, the smallest with at least that share of magnitudes not above it,
    whatever the batches are. For it the few largest magnitudes are kept: `samples` says how many samples
    will come.
    """

    def __init__(self, samples: int, clipping: Clipping = "percentile") -> None:
        """Begin with no input."""
        self._samples, self._clipping = samples, clipping
        self._kept = 0
        self._largest: Tensor | None = None
        self._negative = False

    def see(self, x: Tensor, samples: int) -> None:
        """Take in a batch of `samples`. Raises BadInput for what is no finite number."""
        import torch

        values = x.detach().float().flatten()
        if not len(values):
            return
        # the largest magnitudes of columns tell where the few largest values are
        width = len(values) // _TOGETHER
        columns, rest = values[: width * _TOGETHER].view(_TOGETHER, width), values[width * _TOGETHER :]
        low, high = torch.cat([columns.amin(0), rest]), torch.cat([columns.amax(0), rest])
        least, most = float(low.min()), float(high.max())
        if not (least > -np.inf and most < np.inf):
            raise BadInput("calibration: found inputs of a layer that are no finite numbers")
        self._negative |= least < 0
        count = ceil(len(values) / samples * self._samples)
        self._kept = 1
        if self._clipping == "percentile":
            self._kept += count // CLIPPED
        largest = torch.maximum(high[:width], -low[:width]) if least < 0 else high[:width]
        bound = -1.0
        before = values[:0] if self._largest is None else self._largest
        if 0 < len(before) == self._kept:
            bound = float(before[-1])
        elif width >= self._kept:
            bound = float(largest.topk(self._kept).values[-1])
        kept = columns.index_select(1, (largest >= bound).nonzero().flatten()).flatten()
        found = torch.cat([before, kept.abs(), rest.abs()])
        self._largest = found.topk(min(self._kept, len(found))).values

    def found(self) -> InputRange:
        """Return the range of all that was seen; that of nothing but zeros has the scale 1."""
        kept = self._largest
        largest = 0.0 if kept is None else float(kept[-1] or kept[0])  # most of them may be zeros
        step = np.float32(largest) / np.float32(127 if self._negative else 255)
        return InputRange(float(step) if step >= _SMALLEST else 1.0, self._negative)
