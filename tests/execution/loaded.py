"""Networks on small crossbars: laid out, quantised and loaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.torch.trace import Recording, record
from rram_nas_comp_pack.execution.calibration import Batch, load_digital, quantise_network
from rram_nas_comp_pack.execution.exact import ExactProduct, exact_reader
from rram_nas_comp_pack.execution.image import ChipImage, Provenance, make_image
from rram_nas_comp_pack.execution.network import (
    Arguments,
    Replaced,
    Scaling,
    by_integers,
    by_reads,
    operand,
)
from rram_nas_comp_pack.execution.quantise import Codes, IntegerNetwork, quantise_input
from rram_nas_comp_pack.execution.vectors import unfold
from rram_nas_comp_pack.packing.pack import PackingSettings
from rram_nas_comp_pack.packing.place import pack_mappings
from rram_nas_comp_pack.values import NO_RULES, CrossbarSize, Mapping


class Cut(NamedTuple):
    """How layers are cut and copied: layer i has copies[i mod len] copies, where it stores its weights."""

    size: tuple[int, int] = (32, 16)
    split: int = 1
    diagonal: bool = False
    copies: tuple[int, ...] = (1,)


class Loaded(NamedTuple):
    module: nn.Module
    recording: Recording
    network: IntegerNetwork
    image: ChipImage
    x: Arguments

    @property
    def layers(self):
        return self.image.layers

    @property
    def scalings(self):
        return [Scaling(*each) for each in zip(self.image.ranges, self.image.scales, strict=True)]

    def run(self, instead) -> Tensor:
        with Replaced(self.module, self.layers) as network:
            return network.run(self.x, instead)

    def executed(self, multiply) -> Tensor:
        return self.run(by_integers(multiply, self.scalings))


def samples_of(recording: Recording, count: int, seed: int = 0) -> Arguments:
    """Random inputs of the sizes and types that the network was traced on."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(size, kind):
        x = torch.randn((count, *size[1:]), generator=generator)
        return x.to(kind) if kind.is_floating_point else (x.abs() * 2).to(kind)

    made = [
        drawn(size, kind) for (_, size), kind in zip(recording.inputs.sizes, recording.kinds, strict=True)
    ]
    names = [name for name, _ in recording.inputs.sizes]
    first = recording.inputs.positional
    return Arguments(made[:first], dict(zip(names[first:], made[first:], strict=True)))


def mapped(layers, cut: Cut) -> tuple[Mapping, ...]:
    plain = partition(layers, CrossbarSize(*cut.size), cut.split, cut.diagonal)
    copies = [cut.copies[m.layer.stored_in % len(cut.copies)] for m in plain]
    return tuple(replace(m, copies=n) for m, n in zip(plain, copies, strict=True))


def load(module: nn.Module, size: Any, cut: Cut | None = None, count: int = 3) -> Loaded:
    """Lay a network out and load it with integers found on its own inputs."""
    cut = cut or Cut()
    recording = record(module, size, "net")
    x = samples_of(recording, count)
    network = quantise_network(module, recording, [Batch(x, count)])
    mappings = mapped(recording.network.layers, cut)
    crossbar = CrossbarSize(*cut.size)
    placements = pack_mappings(mappings, crossbar, NO_RULES, PackingSettings("fast", seed=0)).placements
    image = make_image(mappings, placements, crossbar, network, Provenance("net", "random", "noise"))
    return Loaded(module, recording, network, image, x)


def by_matrices(loaded: Loaded):
    """The slow way: every vector times the raw matrix of integers, in int64."""
    codes: tuple[Codes, ...] = loaded.network.codes

    def read(layer_index: int, x: Tensor) -> Tensor:
        layer = loaded.layers[layer_index]
        matrix = torch.from_numpy(codes[layer_index].weights).to(torch.int64)
        groups = matrix.reshape(layer.raw.h, layer.groups, -1)
        return torch.einsum("npgh,hgc->npgc", x.to(torch.int64), groups)

    return read


def compare(loaded: Loaded) -> Tensor:
    """Execute, every integer computed in three ways that must agree; return the output."""
    at_once, apart, slow = ExactProduct(loaded.image), exact_reader(loaded.image), by_matrices(loaded)
    read = by_reads(apart, loaded.layers)
    met = []

    def multiply(layer: int, x: Tensor, how: Any) -> Tensor:
        layer_positions = loaded.layers[layer].positions
        vectors = unfold(x, how)
        split = vectors.reshape(-1, layer_positions, *vectors.shape[2:])
        assert torch.equal(apart.read(layer, split).to(torch.int64), slow(layer, split)), layer
        sums = at_once(layer, x, how)
        assert torch.equal(sums.to(torch.int64), read(layer, x, how).to(torch.int64)), layer
        met.append(layer)
        return sums

    y = loaded.executed(multiply)
    assert met == list(range(len(loaded.layers)))
    return y


def rounded_in_place(loaded: Loaded) -> Tensor:
    """The output of torch's own float operators on rounded weights and inputs."""

    def instead(met, args, kwargs):
        x = operand(met, args)
        known = loaded.image.ranges[met.layers[0]]
        scales = torch.cat([torch.from_numpy(loaded.image.scales[i]) for i in met.layers])
        codes = torch.cat([torch.from_numpy(loaded.network.codes[i].weights) for i in met.layers], 1)
        raw = codes * scales

        def swapped(tensor):
            if tensor.data_ptr() == x.data_ptr():
                return (quantise_input(tensor, known) * known.scale).to(tensor.dtype)
            if tensor.data_ptr() == met.weight.data_ptr():
                return as_weight(raw, tensor, met, args).to(tensor.dtype)
            return tensor

        return met.func(*tree_map_only(Tensor, swapped, args), **kwargs)

    return loaded.run(instead)


def as_weight(raw: Tensor, weight: Tensor, met, args) -> Tensor:
    """A raw matrix in the shape of the tensor that torch multiplies with."""
    name = met.func.overloadpacket.__name__
    if name != "convolution":
        matrix = raw.T if met.mirrored or name == "linear" else raw
        return matrix.expand(weight.shape) if weight.dim() == 3 else matrix.reshape(weight.shape)
    if args[6]:  # transposed
        groups = args[8]
        return raw.reshape(raw.shape[0], groups, -1).permute(1, 0, 2).reshape(weight.shape)
    return raw.T.reshape(weight.shape)


def reloaded(image: ChipImage, module: nn.Module) -> nn.Module:
    """A network of other weights, with the image's tensors beside the crossbars."""
    load_digital(module, image.digital)
    return module
