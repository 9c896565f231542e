"""Whether a run's crossbars compute what its network does: one sample, integer by integer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..executable import Executable, image_of_run, prepare
from ..execution.calibration import load_digital, weight_codes
from ..execution.check import first_difference
from ..execution.image import ChipImage, copies_of, matrix_of
from ..execution.quantise import Codes
from ..runs.packing.chip_image import read_own_image
from ..runs.packing.source import read_source
from .shared import warn


def differences(run_dir: Path, weights: Path | None) -> Iterator[str]:
    """The first integer that differs, in words. A run without an image is loaded as `image` does.

    Raises BadInput where a run does not say which network it is of, or its image is of another layout.
    """
    source, image = read_source(run_dir, weights), read_own_image(run_dir)
    network = prepare(source, samples=None if image is None else 1)
    image = image_of_run(run_dir, network, image)
    codes = _codes(network, image)
    load_digital(network.module, image.digital)
    found = first_difference(network.module, image, codes, network.one_sample)
    if found is not None:
        yield str(found)


def _codes(network: Executable, image: ChipImage) -> Sequence[Codes]:
    """The integers of the network's weights; those of the first copies where its weights are not at hand."""
    if network.provenance.weights == image.provenance.weights:
        return weight_codes(network.recording)
    warn(
        f"the image holds the weights {image.provenance.weights}, which are not at hand: its copies are "
        "compared with one another; --weights compares them with the weights"
    )
    copies = copies_of(image)
    return [
        Codes(matrix_of(layer, boxes[0]), scales)
        for layer, boxes, scales in zip(image.layers, copies, image.scales, strict=True)
    ]
