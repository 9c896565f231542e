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
    LARGEST,
    SLICES,
    STUCK_HIGH,
    STUCK_LOW,
    apply_stuck,
    apply_variation,
    draw_variation,
    products_by,
    quantise_weights,
    straight_through,
    sum_slices,
    sum_squares,
)
from ofa.recipe import Encoding

EIGHTHS = (8, 9, 10, 12, 14, 16, 20, 24, 32)
"""Scales of a channel to choose from, in eighths of the usual one."""

_CELLS, _CODES = 2 * SLICES, 2 * LARGEST + 1
_AT_ONCE = 4000  # patterns: what is tabulated at once takes some 100 MB

_ALLOWED = "allowed is what `rnc faults` wrote for this subnet"


@dataclass(frozen=True, slots=True, eq=False)
class Faults:
    """The cells of a chip under the weights of a subnet.

    Cells that are stuck alike hold the same: `patterns` says which pattern of stuck cells each weight meets,
    int32 (copies, *shape) by its name, and `held` what codes -127 to 127 become in it, int8 (patterns, 255);
    `squares`, int16 of that shape, as `noise.sum_squares` has them.
    """

    patterns: dict[str, Tensor]
    held: Tensor
    squares: Tensor
    digest: str  # SHA-256 of the file
    encoding: Encoding


@dataclass(frozen=True, slots=True, eq=False)
class KnownChip:
    """A chip under a subnet with weights of a certain size.

    By the identity of each parameter: which patterns it meets, and the scale of each output channel (out, 1,
    ...) in eighths of the usual one.
    """

    faults: Faults
    patterns: dict[int, Tensor]
    eighths: dict[int, Tensor]
    variation: float


def read_faults(path: str | Path, subnet: nn.Module, encoding: Encoding = "fault-aware") -> Faults:
    """Read what the cells of a chip are under each weight of a subnet, and what they hold.

    `path` is an .npz file with int8 (copies, 2, 7, *shape) by the name of each weight: the states of the
    cells of each copy. Raises BadInput, in one line.
    """
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
    return faults_of(found, hashlib.sha256(content).hexdigest(), encoding)


def faults_of(cells: dict[str, np.ndarray[Any, Any]], digest: str, encoding: Encoding) -> Faults:
    """Tabulate what the cells (copies, 2, 7, *shape) of each weight hold."""
    worth = 3 ** np.arange(_CELLS).reshape(-1, 1)
    alike = {name: own if encoding == "plain" else _alike(own) for name, own in cells.items()}
    numbers = {name: (own.reshape(len(own), _CELLS, -1) * worth).sum(axis=1) for name, own in alike.items()}
    met = np.unique(np.concatenate([own.ravel() for own in numbers.values()]))
    states = torch.from_numpy((met // worth % 3).astype(np.int8)).view(2, SLICES, -1)
    parts = [_hold(part, encoding) for part in torch.split(states, _AT_ONCE, dim=2)]
    held, squares = (torch.cat(each) for each in zip(*parts, strict=True))
    patterns = {
        name: torch.from_numpy(np.searchsorted(met, own).astype(np.int32)).view(
            len(own), *cells[name].shape[3:]
        )
        for name, own in numbers.items()
    }
    return Faults(patterns, held, squares, digest, encoding)


def _alike(cells: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Cells (copies, 2, ...) whose pairs hold the same digits, with as few patterns as there are.

    Six of nine states of a pair are told apart. What differs is how many of its cells conduct, and so a part
    of the variation: that of the pairs of which both are on.
    """
    most = (cells[:, 0] != STUCK_HIGH).astype(np.int8) - (cells[:, 1] == STUCK_LOW)
    least = (cells[:, 0] == STUCK_LOW).astype(np.int8) - (cells[:, 1] != STUCK_HIGH)
    upper = np.where(most < 1, STUCK_HIGH, np.where(least == 1, STUCK_LOW, HEALTHY))
    lower = np.where(least > -1, STUCK_HIGH, np.where(most == -1, STUCK_LOW, HEALTHY))
    return np.stack([upper, lower], axis=1)


def _hold(states: Tensor, encoding: Encoding) -> tuple[Tensor, Tensor]:
    """What all codes become in cells (2, 7, patterns), and the squares of what conducts then."""
    codes = torch.arange(-LARGEST, LARGEST + 1.0).expand(states.shape[2], -1)
    levels = apply_stuck(states.unsqueeze(3).expand(-1, -1, -1, _CODES), codes, encoding)
    return sum_slices(levels).to(torch.int8), sum_squares(levels).to(torch.int16)


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


def chip_under(subnet: nn.Module, faults: Faults, variation: float) -> KnownChip:
    """Choose the scales that suit a subnet's present weights; tables come to where these are."""
    device = next(subnet.parameters()).device
    faults = replace(faults, held=faults.held.to(device), squares=faults.squares.to(device))
    patterns, eighths = {}, {}
    for name, weights in _products(subnet):
        own = patterns[id(weights)] = faults.patterns[name].to(device)
        eighths[id(weights)] = choose_eighths(quantise_weights(weights).weights, own, faults)
    return KnownChip(faults, patterns, eighths, variation)


def choose_eighths(codes: Tensor, patterns: Tensor, faults: Faults) -> Tensor:
    """Choose the scale of each channel (out, 1, ...) with the least squared error of all copies of `codes`.

    Plain codes keep the usual scale.
    """
    shape = len(codes), *[1] * (codes.dim() - 1)
    if faults.encoding == "plain":
        return torch.full(shape, float(EIGHTHS[0]), device=codes.device)
    errors = torch.zeros(len(EIGHTHS), len(codes), dtype=torch.float64, device=codes.device)
    for number, eighths in enumerate(EIGHTHS):
        rounded = (codes * 8 / eighths).round_()
        for copy in patterns:
            off = codes * 8 - eighths * _looked_up(faults.held, copy, rounded)
            errors[number] += off.double().square().flatten(1).sum(1)
    return torch.tensor(EIGHTHS, device=codes.device)[errors.argmin(0)].float().view(shape)


def _looked_up(table: Tensor, patterns: Tensor, codes: Tensor) -> Tensor:
    """What a table (patterns, 255) says of codes (*shape), float32."""
    return table.view(-1)[patterns.long() * _CODES + codes.long() + LARGEST].float()


def held_weights(weights: Tensor, chip: KnownChip, generator: torch.Generator) -> Tensor:
    """Return weights (out, ...) as one of their copies holds them, with the gradient of the plain ones."""
    patterns, eighths = chip.patterns[id(weights)], chip.eighths[id(weights)]
    copy = patterns[int(torch.randint(len(patterns), (), generator=generator, device=generator.device))]
    codes, steps = quantise_weights(weights)
    codes = (codes * 8 / eighths).round_()
    held = _looked_up(chip.faults.held, copy, codes)
    if chip.variation:
        squares = _looked_up(chip.faults.squares, copy, codes)
        drawn = draw_variation(tuple(held.shape), generator)
        held = apply_variation(drawn, held, squares, chip.variation)
    return straight_through(weights, held * (steps * eighths / 8))


@contextmanager
def chip_products(chip: KnownChip, generator: torch.Generator) -> Iterator[None]:
    """Compute every convolution and linear layer of the chip's subnet with rounded inputs and what its cells
    hold; every product draws a copy and variation anew.
    """
    with products_by(lambda weights: held_weights(weights, chip, generator)):
        yield
