"""A network that is ready to be executed: its weights, and samples of its data."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

import ofa
import ofa.data

from .box_converter.shapes import sizes_by_name
from .box_converter.torch.trace import Recording
from .errors import BadInput
from .execution import CALIBRATION, RANDOM_INPUTS
from .execution.adc_calibration import calibrate_exponents
from .execution.calibration import Batch, quantise_network
from .execution.chip_product import AdcSettings
from .execution.converters import AdcKind
from .execution.device import DeviceModel
from .execution.encoding import Encoding
from .execution.image import ChipImage, Provenance, make_image
from .execution.judging import Judged, Labelled, classes_of
from .execution.network import Arguments, Replaced
from .execution.sample_order import innermost_samples
from .load import Model, load_model
from .nas.accuracy import Split, calibrate_subnet, load_context, load_images
from .nas.chip_accuracy import AT_ONCE, labelled
from .runs.nas.front import read_dataset
from .runs.nas.subnet import chosen_subnet
from .runs.packing.chip_image import NAME
from .runs.packing.read import read_result
from .runs.packing.read_layout import read_mappings, read_placements, segment_crossbars
from .runs.packing.source import Source
from .runs.shipped import SUPERNETS
from .runs.weights_file import is_supernet, load_weights
from .values import DEFAULT_SIZE, CrossbarSize, Layer, Mapping, Placement

JUDGED_AT_ONCE = 32  # images: few enough for the vectors of a layer that is converted to fit the memory
MEASURED = 8
"""Samples on which the errors of each layer are measured."""
ADC_SAMPLES = 8
"""Calibration samples on which the steps of ADCs are found."""


class Executable(NamedTuple):
    """A module with its weights, samples of its training data, and where both come from, in words.

    `images` is the whole data set that `data` names, None where there is none.
    """

    module: nn.Module
    recording: Recording
    samples: tuple[Batch, ...]
    provenance: Provenance
    images: ofa.Images | None = None
    data: str = "random"

    @property
    def one_sample(self) -> Arguments:
        """The first of the samples."""
        args, kwargs = self.samples[0].inputs
        return Arguments([x[:1] for x in args], {name: x[:1] for name, x in kwargs.items()})


def prepare(source: Source, samples: int | None, dataset: str | None = None) -> Executable:
    """Load a network and samples to calibrate it on; None is the usual number of them.

    `dataset` None is that of the search for an `ofa:` model, and none for others, whose samples are random.
    Raises BadInput where the model, its weights or its data cannot be read, or have other classes.
    """
    if source.model.startswith("ofa:"):
        return _subnet(source, samples or CALIBRATION, dataset)
    file = source.weights
    weights = f"random, seed {source.seed}" if file is None else str(file)
    model = load_model(
        source.model,
        source.input_size,
        source.seed,
        lambda module: (_loaded(module, file) if file else module).eval(),
    )
    if dataset is not None:
        images = _images_for(model, source.model, dataset)
        shown = Shown(images, dataset, samples or CALIBRATION)
        return _on_images(model, source.model, weights, shown)
    count = samples or RANDOM_INPUTS
    drawn = tuple(random_inputs(model, count, source.seed))
    told = f"{count} random inputs, seed {source.seed}"
    return Executable(*model, drawn, Provenance(source.model, weights, told))


def _subnet(source: Source, samples: int, dataset: str | None) -> Executable:
    """A subnet, with training images of the data set that its search was for, or of another.

    Its weights are its own where the file holds those of one subnet, as fine-tuning writes them. From a
    supernet it gets norm statistics of its own.
    """
    front, chosen = chosen_subnet(source.model.removeprefix("ofa:"))
    own = read_dataset(front)
    checkpoint = source.weights or SUPERNETS.get(own)
    if checkpoint is None:
        raise BadInput(
            f"{source.model}: found networks for {own}, whose supernet does not come along; allowed is "
            "with --weights SUPERNET"
        )
    data_set, resolution = dataset or own, _resolution(source)
    if is_supernet(checkpoint):
        context = load_context(checkpoint, data_set)
        context = replace(context, images=_resized(context.images, resolution))
        images, kind = context.images, "supernet"
        model = load_model(
            source.model, source.input_size, source.seed, lambda _: calibrate_subnet(context, chosen).eval()
        )
    else:
        images, kind = _resized(load_images(data_set), resolution), "subnet"
        model = load_model(
            source.model, source.input_size, source.seed, lambda module: _loaded(module, checkpoint).eval()
        )
    return _on_images(model, source.model, f"{kind} {checkpoint.name}", Shown(images, data_set, samples))


def _resolution(source: Source) -> int:
    """Pixels along a side of the images that a subnet is for. Raises BadInput where they are not square."""
    return _side("--input-size", source.model, [*sizes_by_name(source.input_size or DEFAULT_SIZE).values()])


def _side(option: str, model: str, sizes: Sequence[tuple[int, ...]]) -> int:
    """Pixels along a side of a model's only input. Raises BadInput where it takes no square images."""
    size = sizes[0] if len(sizes) == 1 else ()
    if len(size) != 3 or size[0] != 3 or size[1] != size[2]:
        found = " and ".join("x".join(map(str, each)) for each in sizes)
        raise BadInput(f"{option}: {model} takes inputs of {found}, allowed is one of 3 x N x N pixels")
    return size[1]


def _loaded(module: nn.Module, weights: Path) -> nn.Module:
    load_weights(module, weights)
    return module


class Shown(NamedTuple):
    """The images of a data set, and how many of the training images calibrate."""

    images: ofa.Images
    dataset: str
    samples: int


def _on_images(model: Model, name: str, weights: str, shown: Shown) -> Executable:
    """A network of a data set, with some of its training images."""
    training = shown.images.train.first(shown.samples)
    batches = tuple(Batch(each.inputs, len(each.labels)) for each in labelled(training, AT_ONCE))
    told = f"{len(training)} training images of {shown.dataset}"
    return Executable(*model, batches, Provenance(name, weights, told), shown.images, shown.dataset)


def _images_for(model: Model, name: str, dataset: str) -> ofa.Images:
    """Images of the size that a network takes. Raises BadInput where it takes none, or has other classes."""
    try:
        images = ofa.load_images(dataset)
    except ofa.BadInput as error:
        raise BadInput(str(error)) from error
    sizes = [size[1:] for _, size in model.recording.inputs.sizes]
    images = _resized(images, _side("--dataset", name, sizes))
    x, _ = next(ofa.batches(images.train.first(1), 1))
    with torch.no_grad():
        found = model.module(x)
    classes = found.shape[1:] if isinstance(found, Tensor) else ()
    if classes != (images.classes,):
        what = "x".join(map(str, classes)) or "no"
        raise BadInput(
            f"--dataset: {dataset} has {images.classes} classes, {name} has {what} outputs; allowed are "
            "equal numbers"
        )
    return images


def _resized(images: ofa.Images, resolution: int) -> ofa.Images:
    """The same images, shown to networks in another resolution."""

    def split(part: ofa.data.Split) -> ofa.data.Split:
        return replace(part, data_set=replace(part.data_set, resolution=resolution))

    return ofa.Images(split(images.train), split(images.validation), split(images.test), images.classes)


def random_inputs(model: Model, count: int, seed: int) -> Iterator[Batch]:
    """One sample at a time, which every network can take: normal numbers, or zeros and ones."""
    generator = torch.Generator().manual_seed(seed)
    inputs, kinds = model.recording.inputs, model.recording.kinds

    def drawn(size: tuple[int, ...], kind: torch.dtype) -> Tensor:
        x = torch.randn(size, generator=generator)
        return x.to(kind) if kind.is_floating_point or kind.is_complex else (x > 0).to(kind)

    for _ in range(count):
        made = [(name, drawn(size, kind)) for (name, size), kind in zip(inputs.sizes, kinds, strict=True)]
        named = islice(made, inputs.positional, None)
        yield Batch(Arguments([x for _, x in made[: inputs.positional]], dict(named)), 1)


def image_of(
    network: Executable,
    mappings: tuple[Mapping, ...],
    placements: tuple[Placement, ...],
    size: CrossbarSize,
    chip_crossbars: int | None = None,
) -> ChipImage:
    """Load a layout with a network's integers. Raises BadInput where the layout is of other layers.

    Of a chip that is loaded segment by segment, `chip_crossbars` are those of each segment.
    """
    own = layout_of(network, mappings)
    integers = quantise_network(network.module, network.recording, network.samples)
    image = make_image(own, placements, size, integers, network.provenance)
    return replace(image, chip_crossbars=chip_crossbars)


def image_of_run(run_dir: Path, network: Executable, own: ChipImage | None) -> ChipImage:
    """The image that lies in a run's folder, `own`, or one of its layout where there is none.

    Raises BadInput where the run's layout is another than that of the image or of the network.
    """
    mappings, placements = read_mappings(run_dir), read_placements(run_dir)
    if own is None:
        size = read_result(run_dir).size
        return image_of(network, mappings, placements, size, segment_crossbars(run_dir))
    if own.mappings != layout_of(network, mappings) or own.placements != placements:
        raise BadInput(
            f"{run_dir / NAME}: it is the image of another layout; `image {run_dir}` makes it anew"
        )
    return own


def layout_of(network: Executable, mappings: Sequence[Mapping]) -> tuple[Mapping, ...]:
    """The mappings with the network's own layers: a run's files do not tell which of them are depthwise.

    Raises BadInput where they are of other layers.
    """
    layers = network.recording.network.layers
    alike = [_shape(m.layer) for m in mappings] == [_shape(layer) for layer in layers]
    # in another segment, a layer that runs again has boxes of its own
    if not alike or any(
        layers[m.layer.stored_in].stored_in != layer.stored_in
        for m, layer in zip(mappings, layers, strict=True)
    ):
        raise BadInput(f"{network.provenance.model}: the layout is of other layers than the network has")
    return tuple(
        Mapping(replace(layer, stored_in=m.layer.stored_in), m.boxes, m.copies)
        for layer, m in zip(layers, mappings, strict=True)
    )


def _shape(layer: Layer) -> tuple[object, ...]:
    return layer.kind, layer.raw.h, layer.raw.w, layer.positions, layer.groups


class Programming(NamedTuple):
    """How chips are programmed and read."""

    encoding: Encoding
    adc: AdcKind
    assign: bool


class Question(NamedTuple):
    """Samples that a network is judged by, as many as `images`; `inputs` gives them in batches.

    Labels are classes, or what the network says in floats where these are not known. `digest` is a SHA-256 of
    what the samples are made from: pixels and labels, or the seed of random inputs.
    """

    images: int
    first: Arguments  # the first few of them
    inputs: Callable[[], Iterator[Labelled]]
    digest: str


def asked(network: Executable, split: Split, images: int | None, seed: int) -> Question:
    """The first `images` of a split, None being all; of a network without data, random inputs.

    Raises BadInput for a network whose output has no classes.
    """
    if network.images is None:
        count = images or RANDOM_INPUTS
        drawn = list(random_inputs(Model(network.module, network.recording), count, seed + 1))
        known = [Labelled(x.inputs, _classes(network.module, x.inputs)) for x in drawn]
        made_from = f"{count} random inputs, seed {seed + 1}, {network.recording.inputs.sizes}"
        digest = hashlib.sha256(made_from.encode()).hexdigest()
        return Question(count, drawn[0].inputs, lambda: iter(known), digest)
    part = network.images.test if split == "test" else network.images.validation
    part = part if images is None else part.first(images)

    first = next(labelled(part, MEASURED)).inputs
    return Question(len(part), first, lambda: labelled(part, JUDGED_AT_ONCE), _digest(part))


def _digest(part: ofa.Split) -> str:
    """SHA-256 of images and labels, and of how they are shown."""
    found = hashlib.sha256(repr(part.data_set).encode())
    for values in (part.pixels, part.labels):
        found.update(np.ascontiguousarray(values.numpy()).data)
    return found.hexdigest()


def with_float_classes(network: Executable, question: Question) -> Question:
    """The same samples, labelled with what the network says in floats."""
    own = [_classes(network.module, each.inputs) for each in question.inputs()]

    def inputs() -> Iterator[Labelled]:
        return (each._replace(labels=y) for each, y in zip(question.inputs(), own, strict=True))

    return question._replace(inputs=inputs)


def float_share(network: Executable, question: Question) -> float:
    """Share of the samples that the network is right about in floats."""
    right = sum(int((_classes(network.module, x.inputs) == x.labels).sum()) for x in question.inputs())
    return right / question.images


def _classes(module: nn.Module, inputs: Arguments) -> Tensor:
    with torch.no_grad():
        return classes_of(module(*inputs.args, **inputs.kwargs))


def calibration_samples(network: Executable) -> list[Arguments]:
    """The first of the samples, on which ADCs are calibrated."""
    found, left = [], ADC_SAMPLES
    for batch in network.samples:
        args, kwargs = batch.inputs
        kept = Arguments([x[:left] for x in args], {name: x[:left] for name, x in kwargs.items()})
        found.append(kept)
        left -= min(left, batch.samples)
        if not left:
            break
    return found


def calibration_digest(network: Executable) -> str:
    """SHA-256 of the samples on which ADCs are calibrated."""
    found = hashlib.sha256()
    for args, kwargs in calibration_samples(network):
        for x in (*args, *kwargs.values()):
            found.update(np.ascontiguousarray(x.numpy()).data)
    return found.hexdigest()


def judged_of(network: Executable, image: ChipImage, device: DeviceModel, how: Programming) -> Judged:
    """A network on its layout, with its ADCs calibrated."""
    exponents: tuple[int, ...] = ()
    if how.adc == "calibrated":
        exponents = calibrate_exponents(network.module, image, calibration_samples(network), device)
    innermost: frozenset[int] = frozenset()
    if network.images is not None and any(m.copies > 1 for m in image.mappings):
        two = next(labelled(network.images.train.first(2), 2)).inputs
        with Replaced(network.module, image.layers) as replaced, torch.no_grad():
            innermost = innermost_samples(replaced, two)
    adc = AdcSettings(how.adc, exponents)
    return Judged(network.module, image, device, how.encoding, adc, innermost, how.assign)
