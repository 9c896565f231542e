"""The products of a network as one chip computes them: with its faults, its variation and its conversions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from torch import Tensor

from .converters import Adc, AdcKind, InputCode, calibrated_adc, fixed_adc, input_steps
from .device import DeviceModel
from .image import ChipImage, PlacedBox, copies_of
from .layer_product import CopiedBox, LayerProduct, Reading, ReadingPath, ReadOut, copied_box, weighed_box
from .network import Scaling
from .pieces import Room
from .program import ProgrammedBox
from .quantise import InputRange
from .read_plan import parts_of
from .vectors import Convolution
from .weigh import WeighedBox

BoxKey = tuple[int, int, int]
"""Layer that stores it, copy and number of a box."""


class AdcSettings(NamedTuple):
    """What converts the sums: of a calibrated ADC, with the exponent of each layer's step."""

    kind: AdcKind
    exponents: tuple[int, ...] = ()

    def of_box(self, device: DeviceModel, layer: int, rows: int) -> Adc | None:
        """The ADC of a box of so many rows; None for an ideal one."""
        if self.kind == "ideal":
            return None
        if self.kind == "fixed":
            return fixed_adc(device, rows)
        return calibrated_adc(device, rows, self.exponents[layer])

    def step_of(self, device: DeviceModel, layer: int) -> float:
        """The width of a code of a layer in level steps; 0 for an ideal ADC."""
        adc = self.of_box(device, layer, 1)
        return 0.0 if adc is None else adc.step


def key_of(box: PlacedBox) -> BoxKey:
    """How a box is found among the programmed ones."""
    return box.layer, box.copy, box.box


def code_of(known: InputRange) -> InputCode:
    """How the inputs of a layer are driven."""
    return "twos-complement" if known.signed else "unsigned"


def scalings_of(image: ChipImage) -> list[Scaling]:
    """What the integers of every layer stand for."""
    return [Scaling(*each) for each in zip(image.ranges, image.scales, strict=True)]


class ChipProduct:
    """A `network.Multiply` of one chip, which counts the conversions that saturate."""

    def __init__(
        self,
        image: ChipImage,
        programmed: Iterable[tuple[BoxKey, ProgrammedBox | WeighedBox]],
        adc: AdcSettings,
        innermost: frozenset[int] = frozenset(),
    ) -> None:
        """Take in all boxes, one after the other. How a layer is computed is chosen with its first inputs.

        `innermost` are the layers whose vectors come position by position, as
        `sample_order.innermost_samples` finds them. Boxes that were only weighed have an ideal ADC. Raises
        BadInput where the ADC has no bits.
        """
        copies = copies_of(image)
        uses = _uses(image, copies)
        boxes: list[list[CopiedBox]] = [[] for _ in image.layers]
        for key, box in programmed:
            for index, placed in uses[key]:
                if isinstance(box, WeighedBox):
                    boxes[index].append(weighed_box(placed, box))
                    continue
                rows = len(placed.weights)
                reading = Reading(adc.of_box(box.device, index, rows), code_of(image.ranges[index]))
                boxes[index].append(copied_box(placed.copy, placed, box, reading))
        self._layers, room = [], Room()
        for layer, own in zip(image.layers, boxes, strict=True):
            how = ReadOut(len(copies[layer.index]), layer.index in innermost, room)
            self._layers.append(LayerProduct(layer, own, how))
            own.clear()  # what a layer keeps of its boxes is smaller

    @property
    def paths(self) -> list[ReadingPath]:
        """How each layer is computed."""
        return [product.path for product in self._layers]

    def __call__(self, layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the sums of a layer, float32 or float64."""
        return self._layers[layer_index](x, how)

    def take_saturated(self) -> list[int]:
        """How many conversions of each layer saturated since this was asked last."""
        found = [product.saturated for product in self._layers]
        for product in self._layers:
            product.saturated = 0
        return found


def _uses(
    image: ChipImage, copies: Sequence[Sequence[Sequence[PlacedBox]]]
) -> dict[BoxKey, list[tuple[int, PlacedBox]]]:
    """The layers that read each box: more than one where a layer runs again."""
    found: dict[BoxKey, list[tuple[int, PlacedBox]]] = {}
    for layer, own in zip(image.layers, copies, strict=True):
        for box in (box for boxes in own for box in boxes):
            found.setdefault(key_of(box), []).append((layer.index, box))
    return found


def conversions(image: ChipImage, device: DeviceModel) -> list[int]:
    """How many conversions every layer takes a sample."""
    steps = {known: len(input_steps(device, code_of(known))) for known in set(image.ranges)}
    return [
        sum(
            len(range(copy, layer.positions, len(copies))) * sum(box.weights.shape[1] for box in boxes)
            for copy, boxes in enumerate(copies)
        )
        * steps[known]
        * parts_of(device)
        for layer, copies, known in zip(image.layers, copies_of(image), image.ranges, strict=True)
    ]
