"""A network to integers: the codes of its weights, the ranges of its inputs, and what stays in floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..box_converter.torch.recorder import Met
from ..box_converter.torch.trace import Recording
from ..errors import BadInput
from ..values import Layer
from .network import Arguments, Replaced, observing
from .quantise import Clipping, Codes, Granularity, InputRange, IntegerNetwork, RangeFinder, quantise_weights
from .vectors import raw_matrix


class Batch(NamedTuple):
    """Inputs of several samples at once."""

    inputs: Arguments
    samples: int


class Quantisation(NamedTuple):
    """How numbers are rounded: where inputs are clipped, and which weights share a scale."""

    clipping: Clipping = "percentile"
    granularity: Granularity = "channel"


def quantise_network(
    module: nn.Module, recording: Recording, samples: Sequence[Batch], settings: Quantisation | None = None
) -> IntegerNetwork:
    """Round a recorded network; `samples` are of its training data. Raises BadInput where there is none."""
    settings = settings or Quantisation()
    codes = weight_codes(recording, settings.granularity)
    ranges = input_ranges(module, recording.network.layers, samples, settings.clipping)
    return IntegerNetwork(codes, ranges, digital_tensors(module, recording))


def weight_codes(recording: Recording, granularity: Granularity = "channel") -> tuple[Codes, ...]:
    """Round the weights of every layer."""
    layers = recording.network.layers
    found: dict[int, Codes] = {}
    for met in recording.recorder.met:
        for index, raw in zip(met.layers, _raw_matrices(met, layers), strict=True):
            layer = layers[index]
            taps = met.weight[0, 0].numel() if layer.kind.startswith("ConvTranspose") else 1
            try:
                found[index] = (
                    found[layer.stored_in]
                    if layer.stored_in < index
                    else quantise_weights(raw, taps, granularity)
                )
            except BadInput as error:
                raise BadInput(f"layer {layer.label} ({layer.name}): {error}") from error
    return tuple(found[index] for index in range(len(layers)))


def _raw_matrices(met: Met, layers: Sequence[Layer]) -> list[NDArray[np.float32]]:
    """Return the raw matrices (rows, columns) of the layers that a product computes."""
    first = layers[met.layers[0]]
    matrix = raw_matrix(met.weight.detach().to(torch.float32), first.kind, first.groups)
    parts = matrix.chunk(len(met.layers), dim=1)
    return [np.ascontiguousarray(part.cpu().numpy()) for part in parts]


def input_ranges(
    module: nn.Module, layers: Sequence[Layer], samples: Sequence[Batch], clipping: Clipping = "percentile"
) -> tuple[InputRange, ...]:
    """Find the range of every layer's input on calibration samples. Raises BadInput where there is none."""
    total = sum(batch.samples for batch in samples)
    if not total:
        raise BadInput("calibration: found no sample, allowed is at least one")
    finders = [RangeFinder(total, clipping) for _ in layers]
    with Replaced(module, layers) as network:
        for batch in samples:

            def see(met: Met, x: Tensor, count: int = batch.samples) -> None:
                for index in met.layers:
                    finders[index].see(x, count)

            network.run(batch.inputs, observing(see))
    return tuple(finder.found() for finder in finders)


def digital_tensors(module: nn.Module, recording: Recording) -> dict[str, NDArray[np.generic]]:
    """Return parameters and buffers that are used beside the crossbars; bfloat16 as float32."""
    mapped = recording.recorder.on_crossbars_alone()
    kept = {name: x for name, x in module.state_dict().items() if name not in mapped}
    return {name: _array(x) for name, x in kept.items() if isinstance(x, Tensor)}


def _array(x: Tensor) -> NDArray[np.generic]:
    found: NDArray[np.generic] = (x.float() if x.dtype == torch.bfloat16 else x).detach().cpu().numpy()
    return found.copy()


def load_digital(module: nn.Module, digital: Mapping[str, NDArray[np.generic]]) -> None:
    """Give a module the tensors that an image holds. Raises BadInput where it has others."""
    own = module.state_dict()
    for name, values in digital.items():
        found = tuple(own[name].shape) if name in own else None
        if found != values.shape:
            what = "nothing of that name" if found is None else f"one of {found}"
            raise BadInput(f"image: tensor {name:.100} of {values.shape}: the network has {what}")
    module.load_state_dict({name: torch.from_numpy(x) for name, x in digital.items()}, strict=False)
