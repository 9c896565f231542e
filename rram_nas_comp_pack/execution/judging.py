"""How right one chip is: inputs of known classes, and each layer's error against the integer network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from .assignment import assign_crossbars, assignment_costs
from .channel_scales import in_usual_scales, suit_scales
from .chip import ChipInstance, require_crossbars
from .chip_product import AdcSettings, BoxKey, ChipProduct, conversions, key_of, scalings_of
from .device import DeviceModel
from .encoding import Encoding
from .exact import ExactProduct
from .image import ChipImage, copies_of
from .monte_carlo import ChipCounts, LayerCounts
from .network import Arguments, Multiply, Replaced, by_integers
from .program import BoxCells, ProgrammedBox, program_boxes
from .vectors import Convolution
from .weigh import WeighedBox, can_weigh, weigh_boxes


class Labelled(NamedTuple):
    """Inputs of some samples and the class of each, int64 (n,)."""

    inputs: Arguments
    labels: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A network on its layout, and how its chips are programmed and read.

    `innermost` is as for `network.by_reads`. With `assign`, logical crossbars go to the physical ones that
    suit them best, else to those of their numbers.
    """

    module: nn.Module
    image: ChipImage
    device: DeviceModel
    encoding: Encoding
    adc: AdcSettings
    innermost: frozenset[int] = frozenset()
    assign: bool = False


Seen = Callable[[int], None]
"""Told how many inputs have just been judged."""


def judge_chip(
    judged: Judged, chip: ChipInstance, inputs: Iterable[Labelled], sample: Arguments, seen: Seen
) -> ChipCounts:
    """Count what a chip is right about; errors of its layers are measured on `sample`.

    Raises BadInput where chip or ADC do not fit, CannotBeDone where the chip has too few crossbars.
    """
    product, multiply = chip_products(judged, chip)
    # the inputs come first: how a layer is computed is chosen for batches of their size
    network = Replaced(judged.module, judged.image.layers)
    right, count = count_right(network, judged.image, multiply, inputs, seen)
    saturated = product.take_saturated()
    errors = layer_errors(judged, multiply, sample)
    each = conversions(judged.image, judged.device)
    layers = tuple(
        LayerCounts(*error, taken * count, beyond)
        for error, taken, beyond in zip(errors, each, saturated, strict=True)
    )
    return ChipCounts(right, count, layers)


def chip_products(judged: Judged, chip: ChipInstance) -> tuple[ChipProduct, Multiply]:
    """What a chip computes in its own scales, and the same in those of the image."""
    physical, image = _physical(judged, chip), judged.image
    if judged.encoding != "fault-aware":
        product = ChipProduct(image, _reduced(judged, chip, physical), judged.adc, judged.innermost)
        return product, product
    suited = suit_scales(image, judged.device, chip, physical)
    own = replace(judged, image=suited.image)
    product = ChipProduct(suited.image, _reduced(own, chip, physical), judged.adc, judged.innermost)
    return product, in_usual_scales(product, suited.eighths)


def program_chip(judged: Judged, chip: ChipInstance) -> Iterator[tuple[BoxKey, ProgrammedBox]]:
    """Program all boxes of an image, one after the other, in its scales."""
    return _programmed(judged, chip, _physical(judged, chip))


def _reduced(
    judged: Judged, chip: ChipInstance, physical: Sequence[int]
) -> Iterator[tuple[BoxKey, ProgrammedBox | WeighedBox]]:
    """All boxes of an image, as little of each as its ADC can tell."""
    device = judged.device
    if judged.adc.kind != "ideal" or not can_weigh(device, chip):
        return _programmed(judged, chip, physical)
    keys, cells = _boxes(judged, physical)
    return zip(keys, weigh_boxes(cells, device, chip, judged.encoding), strict=True)


def _programmed(
    judged: Judged, chip: ChipInstance, physical: Sequence[int]
) -> Iterator[tuple[BoxKey, ProgrammedBox]]:
    keys, cells = _boxes(judged, physical)
    return zip(keys, program_boxes(cells, judged.device, chip, judged.encoding), strict=True)


def _boxes(judged: Judged, physical: Sequence[int]) -> tuple[list[BoxKey], list[BoxCells]]:
    """All boxes of an image in their places, crossbar by crossbar, with their keys."""
    boxes = {key_of(b): b for copies in copies_of(judged.image) for boxes in copies for b in boxes}
    ordered = sorted(boxes.values(), key=lambda box: box.crossbar)
    cells = [BoxCells(b.weights, physical[b.crossbar], b.row, b.column) for b in ordered]
    return [key_of(b) for b in ordered], cells


def _physical(judged: Judged, chip: ChipInstance) -> list[int]:
    """The physical crossbar of each logical one."""
    image = judged.image
    slots, count = len(image.weights), image.crossbars
    require_crossbars(chip, count)
    if not judged.assign:
        return [slot % count for slot in range(slots)]
    at_hand = count if chip.crossbars is None else chip.crossbars
    each = assignment_costs(image.weights, image.occupied, judged.device, chip, at_hand)
    costs = np.zeros((count, at_hand))
    np.add.at(costs, np.arange(slots) % count, each)
    chosen = [int(n) for n in assign_crossbars(costs)]
    return [chosen[slot % count] for slot in range(slots)]


def layer_errors(judged: Judged, product: Multiply, sample: Arguments) -> list[tuple[float, float]]:
    """Sums of squares of each layer's integers and of the chip's errors.

    Every layer gets the inputs of the integer network, so that an error counts where it arises.
    """
    exact = ExactProduct(judged.image)
    found = [(0.0, 0.0)] * len(judged.image.layers)

    def multiply(layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        wanted = exact(layer_index, x, how)
        own, true = (
            sums.double().cpu().contiguous().numpy() for sums in (product(layer_index, x, how), wanted)
        )
        # numpy adds in one order, whatever the number of threads
        found[layer_index] = float(np.square(true).sum()), float(np.square(own - true).sum())
        return wanted

    with Replaced(judged.module, judged.image.layers) as network, torch.no_grad():
        network.run(sample, by_integers(multiply, scalings_of(judged.image)))
    return found


def count_right(
    network: Replaced, image: ChipImage, multiply: Multiply, inputs: Iterable[Labelled], seen: Seen
) -> tuple[int, int]:
    """How many inputs a network is right about whose products are `multiply`, and how many there are.

    Chips that are judged on batches of the same sizes can share `network`, which keeps the plans of its runs.
    """
    right = count = 0
    instead = by_integers(multiply, scalings_of(image))
    with network as running, torch.no_grad():
        for batch in inputs:
            found = classes_of(running.run(batch.inputs, instead))
            right += int((found == batch.labels).sum())
            count += len(found)
            seen(len(found))
    return right, count


def classes_of(output: Any) -> Tensor:
    """The class of each sample, int64 (n,): where the first tensor of an output is largest."""
    first = output if isinstance(output, Tensor) else next(filter(_is_tensor, _leaves(output)))
    return first.detach().float().flatten(1).argmax(1)


def _is_tensor(value: Any) -> bool:
    return isinstance(value, Tensor)


def _leaves(output: Any) -> list[Any]:
    if isinstance(output, Mapping):
        output = dict(output)
    return tree_leaves(output)
