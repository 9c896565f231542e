"""`accuracy`: what the chips of a run get right."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch

from ofa.streams import printable

from ... import __version__
from ...errors import BadInput
from ...executable import (
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
from ...execution.calibration import load_digital
from ...execution.chip import ChipInstance, chip_of
from ...execution.device import DeviceModel, device_of
from ...execution.exact import ExactProduct
from ...execution.image import ChipImage
from ...execution.judging import Judged, count_right, judge_chip
from ...execution.monte_carlo import ChipCounts
from ...hardware.config.change import changed
from ...runs.chip_file import digest_of_chip, read_chip
from ...runs.packing.accuracy import (
    Accuracy,
    ChipLine,
    ChipName,
    LayerAccuracy,
    LayerPlace,
    Reference,
    accuracy_of,
    add_line,
    begin_lines,
    hardware_digest,
    read_lines,
    save_accuracy,
)
from ...runs.packing.chip_image import NAME, digest_of, read_own_image
from ...runs.packing.read import read_result
from ...runs.packing.source import Source, read_source
from ...runs.plain_text import plain
from ...runs.simconfig import config_of_run
from ..options.execution import AccuracyOptions
from ..shared import Advance, step_bar, telling_of_compiling, warn


class _Case(NamedTuple):
    """All that is known before the first chip is judged."""

    judged: Judged
    question: Question
    reference: Reference
    settings: str


def run(options: AccuracyOptions) -> int:
    """Judge the chips that have not been judged yet, and print what all of them say.

    Raises BadInput for a run that cannot be executed, and for options that do not suit it.
    """
    with telling_of_compiling(), _one_thread():
        case = _prepared(options)
        chips = dict(_chips(options, case.judged))
        lines = _judge_all(options.run_dir, case, chips)
    found = accuracy_of(case.reference, lines, _places(case.judged))
    path = save_accuracy(options.run_dir, found, lines)
    print(*map(printable, (*told(found), f"file: {path}")), sep="\n")
    return 0


@contextmanager
def _one_thread() -> Iterator[None]:
    """Products of boxes are small: threads would spend their time on waiting for one another."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _prepared(options: AccuracyOptions) -> _Case:
    source = read_source(options.run_dir, options.weights)
    network, image = _loaded(options, source)
    device = _device(options, image)
    question = asked(network, options.split, options.images, source.seed)
    at_hand = network.provenance.weights == image.provenance.weights
    trained = not image.provenance.weights.startswith("random") and network.images is not None
    _require_weights(options, at_hand, trained)
    if not trained:
        question = with_float_classes(network, question)
    judged = judged_of(network, image, device, Programming(options.encoding, options.adc, options.assign))
    right, images = count_right(
        network.module, image, ExactProduct(image), question.inputs(), lambda _count: None
    )
    reference = Reference(
        trained=trained,
        float_share=float_share(network, question) if at_hand else None,
        integer_share=right / images,
        images=images,
        split=options.split,
        encoding=options.encoding,
        adc=options.adc,
        hardware=hardware_digest(device),
        version=__version__,
    )
    return _Case(judged, question, reference, _settings(network, judged, reference))


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


def _device(options: AccuracyOptions, image: ChipImage) -> DeviceModel:
    """What programming and reading need to know of the hardware."""
    before = config_of_run(options.run_dir, read_result(options.run_dir).config, options.config)
    config = changed(before, options.settings, "--set")
    if config.hardware.size != image.size:
        wanted, found = (" x ".join(map(str, size)) for size in (image.size, config.hardware.size))
        raise BadInput(f"Xbar_Size: found crossbars of {found}, the layout is for {wanted}")
    known = {text.partition(": ")[2] for text in before.hardware.warnings}
    warn(*(text for text in config.hardware.warnings if text.partition(": ")[2] not in known))
    return device_of(config.hardware)


def _settings(network: Executable, judged: Judged, reference: Reference) -> str:
    """SHA-256 of all that decides what a chip gets right, but the encoding."""
    known = {
        "image": digest_of(judged.image),
        "data": network.provenance.calibrated_on if network.images is None else network.data,
        "adc": judged.adc,
        "assign": judged.assign,
        **reference._replace(encoding="", float_share=None)._asdict(),
    }
    return hashlib.sha256(json.dumps(known, sort_keys=True).encode()).hexdigest()


def _chips(options: AccuracyOptions, judged: Judged) -> Iterator[tuple[ChipName, ChipInstance]]:
    if not options.chip:
        for seed in range(options.instances):
            yield ChipName(seed), chip_of(seed, judged.device)
    for path in options.chip:
        chip = read_chip(path, judged.device, len(judged.image.weights))
        yield ChipName(None, plain(str(path)), digest_of_chip(chip)), chip


def _judge_all(run_dir: Path, case: _Case, chips: dict[ChipName, ChipInstance]) -> list[ChipLine]:
    """A line for every chip: those of accuracy.csv that still hold, and new ones, appended when done."""
    trained, encoding = case.reference.trained, case.reference.encoding
    held = [line for line in read_lines(run_dir) if line.settings == case.settings]
    begin_lines(run_dir, held, trained)
    known = {line.chip: line for line in held if line.encoding == encoding}
    total, done = len(chips.keys() - known.keys()) * case.question.images, 0
    with step_bar("accuracy", "image") as advance:
        for name, chip in chips.items():
            if name in known:
                continue
            counts = _judge(case, chip, advance, (done, total))
            done += case.question.images
            known[name] = ChipLine(case.settings, encoding, name, counts)
            add_line(run_dir, known[name], trained)
    return [known[name] for name in chips]


def _judge(case: _Case, chip: ChipInstance, advance: Advance, place: tuple[int, int]) -> ChipCounts:
    done, total = place

    def seen(count: int) -> None:
        nonlocal done
        done += count
        advance(done, total, "")

    return judge_chip(case.judged, chip, case.question.inputs(), case.question.first, seen)


def _places(judged: Judged) -> list[LayerPlace]:
    """Every layer's name, mapping and ADC step."""
    device = judged.device
    return [
        LayerPlace(
            m.layer.name,
            "diagonal" if m.diagonal else "dense",
            judged.adc.step_of(device, m.layer.index) or None,
        )
        for m in judged.image.mappings
    ]


def told(found: Accuracy) -> Iterator[str]:
    """The closing lines."""
    reference, chip = found.reference, found.chip
    what = "accuracy" if reference.trained else "agreement with the float network"
    yield f"{what}, measured on {reference.images} {'images' if reference.trained else 'inputs'}"
    if reference.float_share is not None and reference.trained:
        yield f"float network: {reference.float_share:.2%}"
    yield f"integer network: {reference.integer_share:.2%}"
    spread = ""
    if chip.interval_95 is not None:
        low, high = chip.interval_95
        spread = f"; deviation {chip.deviation:.2%}, 95 % interval of the mean {low:.2%} to {high:.2%}"
    many = f"{len(found.chips)} chip{'s' * (len(found.chips) > 1)}, {reference.encoding} encoding"
    yield f"{many}: {chip.mean:.2%} on average, {chip.worst:.2%} at worst{spread}"
    for mapping in ("dense", "diagonal"):
        own = [layer for layer in found.layers if layer.mapping == mapping]
        if own:
            yield f"{mapping} mapping, {_layers_told(own)}"


def _layers_told(layers: Sequence[LayerAccuracy]) -> str:
    """The errors and saturated conversions of layers of one mapping."""
    ratios = sorted(layer.snr_db for layer in layers if layer.snr_db is not None)
    saturated = max(layer.saturated for layer in layers)
    noise = (
        f"the signal-to-noise ratio is {ratios[0]:.1f} dB at worst and {median(ratios):.1f} dB in the median"
        if ratios
        else "no error"
    )
    many = f"{len(layers)} layer{'s' * (len(layers) > 1)}"
    return f"{many}: {noise}; at worst {saturated:.2%} of the conversions of a layer saturate"
