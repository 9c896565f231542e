"""How accurate a subnet is on chips: its layout is executed, copies and faults included.

While searching, sums are not converted (the linear path), which says nearly the same and is much faster;
what the search finds is judged with conversions, on chips and images that it has not seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

import ofa

from ..box_converter.torch.trace import record
from ..execution import CALIBRATION
from ..execution.adc_calibration import calibrate_exponents
from ..execution.calibration import Batch, quantise_network
from ..execution.chip import ChipInstance, chip_of, keeping_draws
from ..execution.chip_product import AdcSettings
from ..execution.device import DeviceModel, device_of
from ..execution.image import ChipImage, Provenance, make_image
from ..execution.judging import Judged, Labelled, chip_products, count_right
from ..execution.network import Arguments, Replaced
from .chips import OnChips

if TYPE_CHECKING:
    from ofa import Images, Subnet
    from ofa.data import Split as Images_

    from .accuracy import Split

AT_ONCE = 80
"""Images of a batch that calibrates."""
JUDGED_AT_ONCE = 64
"""Images of a batch that is judged: few enough for the inputs of a layer to fit the cache."""
KEPT_BYTES = 100 << 20
"""Memory for what is drawn of each chip: enough for 200 crossbars of the usual cells."""
ADC_IMAGES = 8
"""Images on which the steps of ADCs are found."""


def chip_accuracy(subnet: Subnet, images: Images, on: OnChips, split: Split) -> float:
    """Return the accuracy (0 to 1) of a subnet's chips, on the first images of a split.

    On validation images without conversions, on test images with them and on other chips. Raises BadInput
    where the hardware cannot execute it.
    """
    subnet, device = subnet.cpu().eval(), device_of(on.hardware)
    image = _image(subnet, images, on, device)
    own, first = (images.validation, 0) if split == "validation" else (images.test, on.chips.instances)
    adc = AdcSettings("ideal") if split == "validation" else _calibrated(subnet, images, image, device)
    judged = Judged(subnet, image, device, on.chips.encoding, adc)
    shown, network = own.first(on.chips.images), Replaced(subnet, image.layers)
    found = []
    for seed in range(first, first + on.chips.instances):
        _, multiply = chip_products(judged, _chip(seed, device))
        right, count = count_right(network, image, multiply, labelled(shown, JUDGED_AT_ONCE), _unwatched)
        found.append(right / count)
    return on.chips.counted(found)


@lru_cache(maxsize=8)
def _chip(seed: int, device: DeviceModel) -> ChipInstance:
    """A chip that is the same for all subnets, and drawn once."""
    return keeping_draws(chip_of(seed, device), KEPT_BYTES)


def _image(subnet: Subnet, images: Images, on: OnChips, device: DeviceModel) -> ChipImage:
    """The subnet's integers in the cells of its layout."""
    resolution = images.train.data_set.resolution
    recording = record(subnet, (3, resolution, resolution), "subnet")
    training = labelled(images.train.first(CALIBRATION), AT_ONCE)
    samples = [Batch(each.inputs, len(each.labels)) for each in training]
    integers = quantise_network(subnet, recording, samples)
    mappings, packing = on.layout
    return make_image(mappings, packing.placements, device.size, integers, Provenance("subnet", "", ""))


def _calibrated(subnet: Subnet, images: Images, image: ChipImage, device: DeviceModel) -> AdcSettings:
    samples = [each.inputs for each in labelled(images.train.first(ADC_IMAGES), ADC_IMAGES)]
    return AdcSettings("calibrated", calibrate_exponents(subnet, image, samples, device))


def labelled(split: Images_, size: int) -> Iterator[Labelled]:
    """Images in the memory layout that products of integers come in: another takes other operators."""
    for x, labels in ofa.batches(split, size):
        yield Labelled(Arguments([x.contiguous()], {}), labels)


def _unwatched(_: int) -> None:
    """Nobody is told of single images."""
