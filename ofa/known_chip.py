"""One chip whose stuck cells are known, under the weights of a subnet: training for that very chip.

Every copy of a weight lies in cells of its own. A batch meets one copy of each layer, drawn anew for every
product, so that training sees all of them. Codes are chosen around the stuck cells, and each output channel
gets the scale at which all copies of its weights come nearest to what they are to be: of 1 to 4 times the
usual one. Weights beside those of a layer in the same columns (diagonal mapping) are left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ofa.errors import BadInput
from ofa.noise import (
    HEALTHY,
    SLICES,
    STUCK_LOW,
    held_codes,
    products_by,
    quantise_weights,
    straight_through,
)
from ofa.recipe import Noise

EIGHTHS = (8, 9, 10, 12, 14, 16, 20, 24, 32)
"""Scales of a channel to choose from, in eighths of the usual one."""

_ALLOWED = "allowed is what `rnc faults` wrote for this subnet"


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """The states of the cells that hold each weight: int8 (copies, 2, 7, *shape) by its name."""

    cells: dict[str, Tensor]
    digest: str  # SHA-256 of the file


@dataclass(frozen=True, slots=True, eq=False)
class KnownChip:
    """A chip under a subnet with weights of a certain size.

    By the identity of each parameter: the states of its cells, and the scale of each output channel (out, 1,
    ...) in eighths of the usual one.
    """

    cells: dict[int, Tensor]
    eighths: dict[int, Tensor]
    noise: Noise


def read_faults(path: str | Path, subnet: nn.Module) -> Faults:
    """Read what the cells of a chip are under each weight of a subnet. Raises BadInput, in one line."""
    try:
        content = Path(path).read_bytes()
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror or error}; {_ALLOWED}") from error
    except Exception as error:  # a damaged file raises nearly anything
        raise BadInput(f"{path}: found no arrays, or a damaged file; {_ALLOWED}") from error
    wanted = dict(_products(subnet))
    for name in (*wanted, *found):
        if name not in wanted or name not in found:
            what = "unexpected" if name in found else "missing"
            raise BadInput(f"{path}: found {len(found)} weights, {name!a:.100} is {what}; {_ALLOWED}")
        _check(path, name, found[name], tuple(wanted[name].shape))
    cells = {name: torch.from_numpy(states.astype(np.int8)) for name, states in found.items()}
    return Faults(cells, hashlib.sha256(content).hexdigest())


def _check(path: str | Path, name: str, states: np.ndarray[Any, Any], shape: tuple[int, ...]) -> None:
    size = " x ".join(map(str, states.shape))
    if states.ndim < 2 or not len(states) or states.shape[1:] != (2, SLICES, *shape):
        allowed = " x ".join(map(str, ("copies", 2, SLICES, *shape)))
        raise BadInput(f"{path}: {name:.100}: found states {size}, allowed is {allowed}")
    whole = states.dtype.kind in "iu"
    if not whole or not (states.min() >= HEALTHY and states.max() <= STUCK_LOW):
        raise BadInput(f"{path}: {name:.100}: found other states than 0, 1 and 2; {_ALLOWED}")


def _products(subnet: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The weights of all convolutions and linear layers."""
    for name, module in subnet.named_modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            yield f"{name}.weight", module.weight


def chip_under(subnet: nn.Module, faults: Faults, noise: Noise) -> KnownChip:
    """Choose the scales that suit a subnet's present weights; `noise` holds variation and encoding."""
    cells, eighths = {}, {}
    for name, weights in _products(subnet):
        own = cells[id(weights)] = faults.cells[name].to(weights.device)
        codes = quantise_weights(weights).weights
        eighths[id(weights)] = choose_eighths(codes, own, noise)
    return KnownChip(cells, eighths, noise)


def choose_eighths(codes: Tensor, cells: Tensor, noise: Noise) -> Tensor:
    """Choose the scale of each channel (out, 1, ...) with the least squared error of all copies of `codes`.

    `cells` (copies, 2, 7, *shape); plain codes keep the usual scale.
    """
    shape = len(codes), *[1] * (codes.dim() - 1)
    if noise.encoding == "plain":
        return torch.full(shape, float(EIGHTHS[0]), device=codes.device)
    still, generator = replace(noise, variation=0.0), torch.Generator(codes.device)
    errors = torch.zeros(len(EIGHTHS), len(codes), dtype=torch.float64, device=codes.device)
    for number, eighths in enumerate(EIGHTHS):
        rounded = (codes * 8 / eighths).round_()
        for copy in cells:
            off = codes * 8 - eighths * held_codes(rounded, copy, still, generator)
            errors[number] += off.double().square().flatten(1).sum(1)
    return torch.tensor(EIGHTHS, device=codes.device)[errors.argmin(0)].float().view(shape)


def held_weights(weights: Tensor, chip: KnownChip, generator: torch.Generator) -> Tensor:
    """Return weights (out, ...) as one of their copies holds them, with the gradient of the plain ones."""
    cells, eighths = chip.cells[id(weights)], chip.eighths[id(weights)]
    copy = int(torch.randint(len(cells), (), generator=generator, device=generator.device))
    codes, steps = quantise_weights(weights)
    held = held_codes((codes * 8 / eighths).round_(), cells[copy], chip.noise, generator)
    return straight_through(weights, held * (steps * eighths / 8))


@contextmanager
def chip_products(chip: KnownChip, generator: torch.Generator) -> Iterator[None]:
    """Compute every convolution and linear layer of the chip's subnet with rounded inputs and what its cells
    hold; every product draws a copy and variation anew.
    """
    with products_by(lambda weights: held_weights(weights, chip, generator)):
        yield
