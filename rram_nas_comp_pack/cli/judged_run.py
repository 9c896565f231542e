"""A run whose chips are to be judged: what `accuracy` needs to know before the first of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch

from ofa.streams import printable

from .. import __version__
from ..errors import BadInput
from ..executable import (
    ADC_SAMPLES,
    Executable,
    Programming,
    Question,
    asked,
    float_share,
    image_of_run,
    judged_of,
    prepare,
    with_float_classes,
)
from ..execution.calibration import load_digital
from ..execution.chip import ChipInstance, chip_of
from ..execution.device import DeviceModel
from ..execution.exact import ExactProduct
from ..execution.image import ChipImage
from ..execution.judging import Judged, count_right, judge_chip
from ..execution.monte_carlo import ChipCounts
from ..execution.network import Replaced
from ..hardware.config.change import changed
from ..hardware.config.read import SimConfig
from ..runs.checked_json import MOST_LABEL
from ..runs.chip_file import digest_of_chip, read_chip
from ..runs.packing.accuracy import LayerPlace, Reference, hardware_digest, mapping_names
from ..runs.packing.accuracy_lines import ChipName
from ..runs.packing.chip_image import NAME, digest_of, read_own_image
from ..runs.packing.read import read_result
from ..runs.packing.source import Source, read_source
from ..runs.plain_text import plain
from ..runs.simconfig import config_of_run
from ..values import CrossbarSize
from .options.execution import AccuracyOptions, FaultsOptions
from .shared import Advance, warn


class JudgedRun(NamedTuple):
    """A run's network and image, what its chips are asked, and what the integer network makes of it."""

    options: AccuracyOptions
    network: Executable
    image: ChipImage
    config: SimConfig
    question: Question
    trained: bool
    float_share: float | None
    integer_share: float

    def reference(self, device: DeviceModel) -> Reference:
        """What chips of a device are held against."""
        how = self.options
        return Reference(
            trained=self.trained,
            float_share=self.float_share,
            integer_share=self.integer_share,
            images=self.question.images,
            split=how.split,
            encoding=how.encoding,
            adc=how.adc,
            hardware=hardware_digest(device),
            version=__version__,
            image=digest_of(self.image),
            data=self.question.digest,
        )

    def judged(self, device: DeviceModel) -> Judged:
        """The network on chips of a device, whose ADCs are calibrated."""
        how = Programming(self.options.encoding, self.options.adc, self.options.assign)
        return judged_of(self.network, self.image, device, how)


@contextmanager
def one_thread() -> Iterator[None]:
    """Products of boxes are small: threads would spend their time on waiting for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def judged_run(options: AccuracyOptions, config: SimConfig) -> JudgedRun:
    """Load all that the chips of a run need. Raises BadInput for a run that cannot be executed."""
    source = read_source(options.run_dir, options.weights)
    network, image = _loaded(options, source)
    _require_size(config, image.size)
    question = asked(network, options.split, options.images, source.seed)
    at_hand = network.provenance.weights == image.provenance.weights
    trained = not image.provenance.weights.startswith("random") and network.images is not None
    _require_weights(options, at_hand, trained)
    if not trained:
        question = with_float_classes(network, question)
    executed = Replaced(network.module, image.layers)
    right, images = count_right(executed, image, ExactProduct(image), question.inputs(), lambda _count: None)
    in_floats = float_share(network, question) if at_hand else None
    return JudgedRun(options, network, image, config, question, trained, in_floats, right / images)


def config_asked(options: AccuracyOptions | FaultsOptions) -> SimConfig:
    """The hardware of the run or of --config, with the values of --set. Raises BadInput."""
    read_source(options.run_dir, options.weights)  # a folder that is no run is told as such
    result = read_result(options.run_dir)
    before = config_of_run(options.run_dir, result.config, options.config)
    config = changed(before, options.settings)
    _require_size(config, result.size)
    warn_of_new(before, config)
    return config


def warn_of_new(before: SimConfig, config: SimConfig) -> None:
    """Warn of what another configuration says without effect or against good sense."""
    known = {text.partition(": ")[2] for text in before.hardware.warnings}
    warn(*(text for text in config.hardware.warnings if text.partition(": ")[2] not in known))


def _require_size(config: SimConfig, size: CrossbarSize) -> None:
    """Raise BadInput where the crossbars are not those of the layout."""
    if config.hardware.size != size:
        wanted, found = (" x ".join(map(str, each)) for each in (size, config.hardware.size))
        raise BadInput(f"Xbar_Size: found crossbars of {found}, the layout is for {wanted}")


def _loaded(options: AccuracyOptions, source: Source) -> tuple[Executable, ChipImage]:
    """The network of a run and its image, which is made where there is none."""
    own = read_own_image(options.run_dir)
    if own is not None and options.calibration is not None:
        place = options.run_dir / NAME
        raise BadInput(f"--calibration: found with {place}, whose ranges are known; remove one")
    network = prepare(source, options.calibration if own is None else ADC_SAMPLES, options.dataset)
    image = image_of_run(options.run_dir, network, own)
    load_digital(network.module, image.digital)
    return network, image


def _require_weights(options: AccuracyOptions, at_hand: bool, trained: bool) -> None:
    """Raise BadInput where the image holds other weights than those that are asked for or needed."""
    place = options.run_dir / NAME
    if not at_hand and options.weights is not None:
        raise BadInput(
            f"--weights: {place} holds other weights than {options.weights}; `image {options.run_dir} "
            "--weights` makes it anew"
        )
    if not at_hand and not trained:
        raise BadInput(
            f"{place}: it holds weights that are not at hand; allowed is with --weights or --dataset"
        )


def chips_asked(
    options: AccuracyOptions, device: DeviceModel, crossbars: int
) -> dict[ChipName, ChipInstance]:
    """The chips by their names, in order; those of files have at least so many crossbars. Raises BadInput."""
    if not options.chip:
        return {ChipName(seed): chip_of(seed, device) for seed in range(options.instances)}
    found = {}
    for path in options.chip:
        chip = read_chip(path, device, crossbars)
        label = printable(plain(str(path)))[-MOST_LABEL:]
        found[ChipName(None, label, digest_of_chip(chip))] = chip
    return found


class Progress:
    """How many inputs of how many have been judged, on a bar."""

    def __init__(self, advance: Advance, total: int) -> None:
        """`total` inputs are to be judged."""
        self.advance, self.total, self.done, self.note = advance, total, 0, ""

    def seen(self, count: int) -> None:
        """So many more."""
        self.done += count
        self.advance(self.done, self.total, self.note)


def judge(run: JudgedRun, judged: Judged, chip: ChipInstance, progress: Progress) -> ChipCounts:
    """Put the question to a chip."""
    return judge_chip(judged, chip, run.question.inputs(), run.question.first, progress.seen)


def layer_places(judged: Judged) -> list[LayerPlace]:
    """Every layer's name, mapping and ADC step."""
    pairs = zip(judged.image.mappings, mapping_names(judged.image.mappings), strict=True)
    return [
        LayerPlace(m.layer.name, mapping, judged.adc.step_of(judged.device, m.layer.index) or None)
        for m, mapping in pairs
    ]
