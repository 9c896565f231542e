"""A network that is ready to be executed: its weights, and samples of its data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

import ofa

from .box_converter.torch.trace import Recording
from .errors import BadInput
from .execution import CALIBRATION, RANDOM_INPUTS
from .execution.calibration import Batch, quantise_network
from .execution.image import ChipImage, Provenance, make_image
from .execution.network import Arguments
from .load import Model, load_model
from .nas.accuracy import calibrate_subnet, load_context, load_images
from .runs.nas.front import read_dataset
from .runs.nas.subnet import chosen_subnet
from .runs.packing.source import Source
from .runs.shipped import SUPERNET
from .runs.weights_file import is_supernet, load_weights
from .values import CrossbarSize, Layer, Mapping, Placement

BATCH = 80


class Executable(NamedTuple):
    """A module with its weights, samples of its training data, and where both come from, in words."""

    module: nn.Module
    recording: Recording
    samples: tuple[Batch, ...]
    provenance: Provenance

    @property
    def one_sample(self) -> Arguments:
        """The first of the samples."""
        args, kwargs = self.samples[0].inputs
        return Arguments([x[:1] for x in args], {name: x[:1] for name, x in kwargs.items()})


def prepare(source: Source, samples: int | None) -> Executable:
    """Load a network and samples to calibrate it on; None is the usual number of them.

    Raises BadInput where the model, its weights or its data cannot be read.
    """
    if source.model.startswith("ofa:"):
        return _subnet(source, samples or CALIBRATION)
    file = source.weights
    weights = f"random, seed {source.seed}" if file is None else str(file)
    model = load_model(
        source.model, source.input_size, source.seed, lambda module: _loaded(module, file) if file else module
    )
    count = samples or RANDOM_INPUTS
    drawn = tuple(_random_inputs(model, count, source.seed))
    told = f"{count} random inputs, seed {source.seed}"
    return Executable(*model, drawn, Provenance(source.model, weights, told))


def _subnet(source: Source, samples: int) -> Executable:
    """A subnet of the data set that its search was for, with training images.

    Its weights are its own where the file holds those of one subnet, as fine-tuning writes them. From a
    supernet it gets norm statistics of its own.
    """
    file, chosen = chosen_subnet(source.model.removeprefix("ofa:"))
    dataset = read_dataset(file)
    if dataset != "digits" and source.weights is None:
        raise BadInput(
            f"{source.model}: found networks for {dataset}, whose supernet does not come along; allowed is "
            "with --weights SUPERNET"
        )
    checkpoint = source.weights or SUPERNET
    if is_supernet(checkpoint):
        context = load_context(checkpoint, dataset)
        images, kind = context.images, "supernet"
        model = load_model(
            source.model, source.input_size, source.seed, lambda _: calibrate_subnet(context, chosen).eval()
        )
    else:
        images, kind = load_images(dataset), "subnet"
        model = load_model(
            source.model, source.input_size, source.seed, lambda module: _loaded(module, checkpoint).eval()
        )
    first = images.train.first(samples)
    batches = tuple(Batch(Arguments([x], {}), len(x)) for x, _ in ofa.batches(first, BATCH))
    told = f"{len(first)} training images of {dataset}"
    return Executable(*model, batches, Provenance(source.model, f"{kind} {checkpoint.name}", told))


def _loaded(module: nn.Module, weights: Path) -> nn.Module:
    load_weights(module, weights)
    return module


def _random_inputs(model: Model, count: int, seed: int) -> Iterator[Batch]:
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
    network: Executable, mappings: tuple[Mapping, ...], placements: tuple[Placement, ...], size: CrossbarSize
) -> ChipImage:
    """Load a layout with a network's integers. Raises BadInput where the layout is of other layers."""
    own = layout_of(network, mappings)
    integers = quantise_network(network.module, network.recording, network.samples)
    return make_image(own, placements, size, integers, network.provenance)


def layout_of(network: Executable, mappings: Sequence[Mapping]) -> tuple[Mapping, ...]:
    """The mappings with the network's own layers: a run's files do not tell which of them are depthwise.

    Raises BadInput where they are of other layers.
    """
    layers = network.recording.network.layers
    if [_shape(m.layer) for m in mappings] != [_shape(layer) for layer in layers]:
        raise BadInput(f"{network.provenance.model}: the layout is of other layers than the network has")
    return tuple(Mapping(layer, m.boxes, m.copies) for layer, m in zip(layers, mappings, strict=True))


def _shape(layer: Layer) -> tuple[object, ...]:
    return layer.kind, layer.raw.h, layer.raw.w, layer.positions, layer.groups, layer.stored_in
