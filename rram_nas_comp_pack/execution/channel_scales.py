"""Which scale each channel has on one chip: where its faults are known, that is chosen.

At the usual scale a channel's largest weight is 127, and weights above 63 need the highest slice: where a
cell of it is stuck, nothing makes up for that. At a larger scale weights are smaller numbers, and more of
them have a code around their faults, while all are rounded more coarsely. The scale with the least squared
error is taken. It is a digital factor and costs nothing on the chip; all copies of a layer share it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..kernels.arrays import Ints
from .cell_patterns import Patterns, patterns_of
from .chip import ChipInstance, Stuck, stuck_patterns
from .code_table import BOUND, Kind, Rescaling, squared_errors
from .device import DeviceModel
from .image import ChipImage, PlacedBox, copies_of
from .network import Multiply, by_channel
from .vectors import Convolution

EIGHTHS: Final = (8, 9, 10, 12, 14, 16, 20, 24, 32)
"""Scales to choose from, in eighths of the usual one: sums of errors are then whole numbers, and exact."""

USUAL: Final = EIGHTHS[0]


class Suited(NamedTuple):
    """An image whose codes and scales suit one chip.

    `eighths` (columns of the raw matrix,) of every layer: how many eighths of the usual scales its own are.
    """

    image: ChipImage
    eighths: tuple[Ints, ...]


def suit_scales(image: ChipImage, device: DeviceModel, chip: ChipInstance, physical: Sequence[int]) -> Suited:
    """Choose the scale of every channel; `physical[c]` is the crossbar of the chip where crossbar c lies.

    Codes of the image are rounded anew. Columns that share a scale keep sharing one. Raises `BadInput` where
    the chip does not fit the device.
    """
    boxes, kind, choices = _boxes(image), _kind(device), _rescaling(device)
    errors = [np.zeros((len(EIGHTHS), len(scales)), np.int64) for scales in image.scales]
    for crossbar, group in groupby(boxes, key=lambda box: box.crossbar):
        patterns = stuck_patterns(chip, device, physical[crossbar])
        for box in group:
            own = squared_errors(box.weights, choices, _under(patterns, box), kind)
            errors[box.layer][:, _columns(box)] += own
    stored = [layer.stored_in for layer in image.layers]
    eighths = tuple(_least(errors[i], scales) for i, scales in zip(stored, image.scales, strict=True))
    weights = image.weights.copy()
    for box in boxes:
        h, w = box.weights.shape
        place = box.crossbar, slice(box.row, box.row + h), slice(box.column, box.column + w)
        weights[place] = rescaled(box.weights, eighths[box.layer][_columns(box)])
    scales = tuple(
        (own.astype(np.float64) * part / USUAL).astype(np.float32)
        for own, part in zip(image.scales, eighths, strict=True)
    )
    return Suited(replace(image, weights=weights, scales=scales), eighths)


def scale_errors(weights: NDArray[np.integer], device: DeviceModel, stuck: Stuck) -> Ints:
    """Squared errors of the columns of a box (rows, columns) at each scale, summed: (scales, columns).

    In 64ths of the square of a usual step; `stuck` has the shape (arrays, slices, rows, columns).
    """
    return squared_errors(weights, _rescaling(device), patterns_of(stuck), _kind(device))


def _kind(device: DeviceModel) -> Kind:
    return Kind(device.polarity, device.slices, device.top)


def _rescaling(device: DeviceModel) -> Rescaling:
    return Rescaling(_codes_of_all() + device.offset, np.array(EIGHTHS), USUAL, device.offset)


def _codes_of_all() -> Ints:
    """What the weights from -BOUND to BOUND become at each scale: (scales, weights)."""
    weights = np.arange(-BOUND, BOUND + 1)
    return np.stack([rescaled(weights, eighths) for eighths in EIGHTHS])


def rescaled(weights: NDArray[np.integer], eighths: int | Ints) -> Ints:
    """Codes in steps that are so many eighths of theirs, half to even."""
    return np.rint(weights.astype(np.float64) * USUAL / eighths).astype(np.int64)


def in_usual_scales(multiply: Multiply, eighths: Sequence[Ints]) -> Multiply:
    """The sums of a suited image as those of the image it was made of: exact, in float64."""
    factors = [None if (own == USUAL).all() else torch.from_numpy(own / np.float64(USUAL)) for own in eighths]

    def in_usual(layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        sums, factor = multiply(layer_index, x, how), factors[layer_index]
        return sums if factor is None else sums.double().mul_(by_channel(factor, how))

    return in_usual


def _boxes(image: ChipImage) -> list[PlacedBox]:
    """All boxes of an image, crossbar by crossbar."""
    own = enumerate(copies_of(image))
    found = [box for i, copies in own for boxes in copies for box in boxes if box.layer == i]
    return sorted(found, key=lambda box: box.crossbar)


def _columns(box: PlacedBox) -> slice:
    """The columns of the raw matrix that a box holds."""
    return slice(box.raw_column, box.raw_column + box.weights.shape[1])


def _under(patterns: Patterns, box: PlacedBox) -> Patterns:
    """The patterns of a crossbar under a box."""
    h, w = box.weights.shape
    return patterns[box.row : box.row + h, box.column : box.column + w]


def _least(errors: Ints, scales: NDArray[np.float32]) -> Ints:
    """The scale of least error for each column, in eighths; neighbours of equal scales are taken together."""
    first = np.flatnonzero(np.diff(scales, prepend=np.nan))
    together = np.add.reduceat(errors, first, axis=1)
    chosen = np.array(EIGHTHS)[together.argmin(axis=0)]
    return np.repeat(chosen, np.diff(first, append=len(scales)))
