"""Products by noisy weights: what the cells of a chip make of them, in training.

Weights are rounded to 8 bits, symmetric in each output channel, and stored as 7 binary slices in pairs of
cells, one array for positive and one for negative parts; layer inputs are rounded to 8 bits. Cells are stuck
at the highest or the lowest resistance, and their conductances vary. Each non-ideality is a pair of pure
functions: draw(..., generator) -> state, and apply(state, x) -> x. Gradients pass straight through all of it
(Bengio et al., "Estimating or Propagating Gradients Through Stochastic Neurons", arXiv:1308.3432).

The state of every cell is drawn, so that what is stuck has the distribution that a chip has. Variation is
drawn once a weight, with the mean and the variance of the sum over its cells. What cells at the highest
resistance let through is left out: a pair cancels it in the mean.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.overrides import TorchFunctionMode

from ofa.recipe import Encoding, Noise

SLICES = 7
LARGEST = 2**SLICES - 1
"""The largest weight in steps."""

HEALTHY, STUCK_HIGH, STUCK_LOW = 0, 1, 2
"""States of a cell: stuck at the highest resistance it conducts nothing, at the lowest a full step."""


class Codes(NamedTuple):
    """Weights in steps: `weights` (out, ...) whole numbers from -127 to 127, `steps` (out, 1, ...)."""

    weights: Tensor
    steps: Tensor


def quantise_weights(weights: Tensor) -> Codes:
    """Round weights (out, ...), half to even; a step is 1/127 of a channel's largest, 1 where all are 0."""
    largest = weights.detach().abs().amax(tuple(range(1, weights.dim())), keepdim=True)
    steps = largest / LARGEST
    steps = torch.where(steps < torch.finfo(steps.dtype).tiny, torch.ones_like(steps), steps)
    return Codes((weights.detach() / steps).round_().clamp_(-LARGEST, LARGEST), steps)


def quantise_inputs(x: Tensor) -> Tensor:
    """Round a layer's inputs to 256 values up to the largest; where none is negative, from 0 on."""
    values = x.detach().float()
    least, largest = values.aminmax()
    signed = bool(least < 0)
    step = torch.maximum(largest, -least) / (127 if signed else 255)
    step = torch.where(step > 0, step, torch.ones_like(step))
    return straight_through(x, (values / step).round_().clamp_(-128 if signed else 0, 255).mul_(step))


def straight_through(x: Tensor, value: Tensor) -> Tensor:
    """Return `value`, with the gradient of `x`."""
    return x + (value - x).detach() if x.requires_grad else value


def draw_stuck(shape: tuple[int, ...], noise: Noise, generator: torch.Generator) -> Tensor:
    """Draw the states int8 (2, 7, *shape) of the cells that hold weights of `shape`.

    Every cell is stuck by itself. Rates are small: what is drawn are the gaps between stuck cells.
    """
    rate = noise.stuck_high + noise.stuck_low
    cells = torch.zeros(2 * SLICES * math.prod(shape), dtype=torch.int8, device=generator.device)
    if rate > 0:
        places = _drawn_places(len(cells), rate, generator)
        low = torch.rand(len(places), generator=generator, device=generator.device) * rate < noise.stuck_low
        cells[places] = low.to(torch.int8) + 1
    return cells.view(2, SLICES, *shape)


def _drawn_places(count: int, rate: float, generator: torch.Generator) -> Tensor:
    """Choose each of `count` places with probability `rate`; in ascending order."""
    if rate >= 1:
        return torch.arange(count, device=generator.device)
    expected = count * rate
    places = torch.zeros(0, dtype=torch.int64, device=generator.device)
    drawn = int(expected + 6 * math.sqrt(expected)) + 8
    while not len(places) or places[-1] < count:
        gaps = torch.empty(drawn, dtype=torch.float64, device=generator.device)
        last = places[-1:] if len(places) else -1
        further = gaps.geometric_(rate, generator=generator).clamp_(max=count + 1).long().cumsum(0) + last
        places = torch.cat([places, further])
    return places[places < count]


def apply_stuck(stuck: Tensor, codes: Tensor, encoding: Encoding = "plain") -> Tensor:
    """Return the levels int8 (2, 7, *shape), 0 and 1, of cells that are to hold codes of that shape."""
    if encoding == "plain":
        wanted = plain_levels(codes)
    else:
        digits = nearest_digits(codes, stuck)
        # where a cell is stuck low and the digit is 0, its partner makes up for it
        both = (digits == 0) & (stuck == STUCK_LOW).any(0)
        wanted = torch.stack([(digits > 0) | both, (digits < 0) | both]).to(torch.int8)
    return torch.where(stuck == HEALTHY, wanted, stuck == STUCK_LOW)


def plain_levels(codes: Tensor) -> Tensor:
    """Return the binary digits of codes (*shape), the lowest first, in the array of their sign.

    int8 (2, 7, *shape).
    """
    places = torch.arange(SLICES, device=codes.device).view(-1, *[1] * codes.dim())
    parts = torch.stack([codes.clamp(min=0), codes.clamp(max=0).neg()]).to(torch.int32)
    return (parts.unsqueeze(1) >> places & 1).to(torch.int8)


def nearest_digits(codes: Tensor, stuck: Tensor) -> Tensor:
    """Return digits -1, 0, 1 that the pairs can hold and that come near the codes: int8 (7, *shape).

    The highest slice first; each leaves what the lower ones reach best, or failing that the least.
    """
    most = (stuck[0] != STUCK_HIGH).to(torch.int8) - (stuck[1] == STUCK_LOW).to(torch.int8)
    least = (stuck[0] == STUCK_LOW).to(torch.int8) - (stuck[1] != STUCK_HIGH).to(torch.int8)
    rest = codes.to(torch.int32)
    worth = _powers(2, most).to(torch.int32)
    highest, lowest = ((worth * each).cumsum(0, dtype=torch.int32) for each in (most, least))
    digits = torch.empty_like(most)
    for j in reversed(range(SLICES)):
        best: Tensor | None = None
        for digit in (0, 1, -1):
            left = rest - digit * 2**j
            beyond = left.abs()
            if j:
                beyond = beyond + 256 * torch.relu(torch.maximum(left - highest[j - 1], lowest[j - 1] - left))
            cost = torch.where((digit <= most[j]) & (digit >= least[j]), beyond, 2**30)
            if best is None:
                best, digits[j] = cost, digit
            else:
                digits[j][cost < best] = digit
                best = torch.minimum(best, cost)
        rest = rest - digits[j].to(torch.int32) * 2**j
    return digits


def sum_slices(levels: Tensor) -> Tensor:
    """Return the codes float32 (*shape) that levels (2, 7, *shape) amount to."""
    return (_powers(2, levels[0]).float() * (levels[0] - levels[1])).sum(0)


def sum_squares(levels: Tensor) -> Tensor:
    """Return the squares of what conducting cells are worth, summed: float32 (*shape)."""
    return (_powers(4, levels[0]).float() * (levels[0] + levels[1])).sum(0)


def _powers(base: int, slices: Tensor) -> Tensor:
    """Return base^0 to base^6 in a shape to multiply (7, *shape) with."""
    return (base ** torch.arange(SLICES, device=slices.device)).view(-1, *[1] * (slices.dim() - 1))


def draw_variation(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """Draw a standard normal number (*shape) for every weight."""
    return torch.randn(shape, generator=generator, device=generator.device)


def apply_variation(drawn: Tensor, codes: Tensor, squares: Tensor, variation: float) -> Tensor:
    """Return what codes (*shape) become whose cells vary; `squares` are theirs, as `sum_squares` has them.

    With R = R_nominal exp(s N) and v² = exp(s²) - 1, a conductance has the mean sqrt(1 + v²) and the
    variance v² (1 + v²) of its nominal one; those of the cells of a weight add up.
    """
    return math.sqrt(1 + variation**2) * (codes + variation * squares.sqrt() * drawn)


def noisy_codes(codes: Tensor, noise: Noise, generator: torch.Generator) -> Tensor:
    """Return what codes (*shape) become in freshly drawn cells, float32."""
    flat = codes.flatten()
    stuck = draw_stuck((len(flat),), noise, generator)
    # most weights have no stuck cell
    hit = stuck.view(2 * SLICES, -1).amax(0).nonzero().squeeze(1)
    levels = apply_stuck(stuck[:, :, hit], flat[hit], noise.encoding)
    held = flat.index_copy(0, hit, sum_slices(levels))
    if noise.variation:
        table = sum_squares(plain_levels(torch.arange(LARGEST + 1.0, device=codes.device)))
        squares = table[flat.abs().long()].index_copy(0, hit, sum_squares(levels))
        held = apply_variation(draw_variation(tuple(flat.shape), generator), held, squares, noise.variation)
    return held.view_as(codes)


def noisy_weights(weights: Tensor, noise: Noise, generator: torch.Generator) -> Tensor:
    """Return weights (out, ...) as freshly drawn cells hold them, with the gradient of the plain ones."""
    codes, steps = quantise_weights(weights)
    return straight_through(weights, noisy_codes(codes, noise, generator) * steps)


@contextmanager
def noisy_products(noise: Noise | None, generator: torch.Generator) -> Iterator[None]:
    """Compute every convolution and linear layer with rounded inputs and freshly drawn noisy weights.

    Whatever runs within the block, supernet or subnet; every product draws anew. None: nothing changes.
    """
    if noise is None:
        yield
    else:
        with products_by(lambda weights: noisy_weights(weights, noise, generator)):
            yield


@contextmanager
def products_by(held: Callable[[Tensor], Tensor]) -> Iterator[None]:
    """Compute every convolution and linear layer with rounded inputs and what `held` makes of its weights."""
    with _Products(held):
        yield


class _Products(TorchFunctionMode):
    """Changes the arguments of the products by weights."""

    def __init__(self, held: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self._held = held

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in (functional.conv2d, functional.linear):
            x, weights, *rest = args
            args = quantise_inputs(x), self._held(weights), *rest
        return func(*args, **(kwargs or {}))
