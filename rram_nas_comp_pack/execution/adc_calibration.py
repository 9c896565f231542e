"""Finds the step of each layer's ADC: conversions of calibration images on cells without faults.

The step belongs to the design, and so it is the same on all chips: what faults add to the sums of one may
saturate more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor, nn

from .box_reader import read_boxes
from .chip_product import code_of, scalings_of
from .converters import calibrated_exponent, input_steps
from .device import DeviceModel
from .exact import ExactProduct
from .image import ChipImage, PlacedBox, copies_of
from .network import Arguments, Replaced, by_integers, by_reads
from .program import BoxCells, program_box
from .read_plan import parts_of
from .reads import saturated_by_exponent
from .vectors import Convolution


def calibrate_exponents(
    module: nn.Module, image: ChipImage, samples: Sequence[Arguments], device: DeviceModel
) -> tuple[int, ...]:
    """The exponent of each layer's step, found on all conversions of `samples`.

    Raises BadInput where the ADC has no bits.
    """
    reader = _Counting(image, replace(device, variation=0.0, stuck_high=0.0, stuck_low=0.0))
    exact = ExactProduct(image)
    reads = by_reads(reader, image.layers)

    def multiply(layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        reads(layer_index, x.to(torch.int16), how)
        return exact(layer_index, x, how)

    with Replaced(module, image.layers) as network, torch.no_grad():
        for sample in samples:
            network.run(sample, by_integers(multiply, scalings_of(image)))
    return tuple(
        calibrated_exponent(counts, total)
        for counts, total in zip(reader.saturated, reader.conversions, strict=True)
    )


class _Counting:
    """A `network.Reader` that counts what would saturate at each exponent; all copies count as the first."""

    def __init__(self, image: ChipImage, device: DeviceModel) -> None:
        self._image, self._device = image, device
        self._copies = copies_of(image)
        self.saturated: list[list[int]] = [[] for _ in image.layers]
        self.conversions = [0] * len(image.layers)

    def read(self, layer_index: int, x: Tensor) -> Tensor:
        """Count, and return sums of nothing."""
        layer, code = self._image.layers[layer_index], code_of(self._image.ranges[layer_index])

        def count(box: PlacedBox, x: Tensor) -> Tensor:
            cells = program_box(BoxCells(box.weights, box.crossbar, box.row, box.column), self._device)
            self._add(layer_index, saturated_by_exponent(cells, x.numpy(), code))
            columns, steps = box.weights.shape[1], len(input_steps(self._device, code))
            self.conversions[layer_index] += len(x) * columns * steps * parts_of(self._device)
            return torch.zeros((len(x), columns), dtype=torch.float64)

        return read_boxes(layer, self._copies[layer_index][:1], x, count)

    def _add(self, layer_index: int, counts: Sequence[int]) -> None:
        known = self.saturated[layer_index]
        size = max(len(known), len(counts))
        self.saturated[layer_index] = [
            int(n) for n in np.add(*(np.pad(each, (0, size - len(each))) for each in (known, list(counts))))
        ]
