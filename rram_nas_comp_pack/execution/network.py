"""Runs a network with other products by weights: those of integers, read from crossbars.

The operators of a run are met one by one, as the recorder meets them when it numbers the layers. Where it
entered a layer, the product is computed by a `Multiply`; everything else is torch's own float arithmetic.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..box_converter.torch.operators import aten, factors
from ..box_converter.torch.recorder import Met, Recorder
from ..box_converter.torch.stepwise import Stepwise
from ..box_converter.torch.trace import as_traced, record_run
from ..errors import CannotBeDone
from ..values import Layer
from .quantise import InputRange, quantise_input
from .vectors import Convolution, convolution_of, fold, unfold


class Reader(Protocol):
    """The crossbars of one chip, read as the layers ask."""

    def read(self, layer_index: int, x: Tensor) -> Tensor:
        """Multiply integers (n, positions, groups, rows) to sums (n, positions, groups, columns of a group).

        Position p of a sample is read by copy p mod n of the layer's n copies.
        """
        ...


class Multiply(Protocol):
    """One way to compute the product of a layer."""

    def __call__(self, layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        """Return the integer sums of a layer, in the shape of its output, from its integer input.

        `how` is None for a matrix product: `x` is (…, rows), the sums are (…, columns). The sums are the
        caller's, who may write into them.
        """
        ...


class Arguments(NamedTuple):
    """Inputs of a network: by position, and by name."""

    args: Sequence[Tensor]
    kwargs: dict[str, Tensor]

    @property
    def sizes(self) -> tuple[Any, ...]:
        """What decides which operators run: sizes and types."""
        tensors = [*self.args, *(self.kwargs[name] for name in sorted(self.kwargs))]
        return tuple((tuple(x.shape), x.dtype) for x in tensors)


Instead = Callable[[Met, tuple[Any, ...], dict[str, Any]], Any]
"""What is done in place of a product by weights: from its operator's arguments to its result."""


class Replaced:
    """A network whose products by weights are computed in another way, within `with` blocks.

    `layers` are those that the network must have. Plans of runs are kept by the sizes of their inputs.
    Raises CannotBeDone where a run has other layers.
    """

    def __init__(self, module: nn.Module, layers: Sequence[Layer]) -> None:
        """Nothing is run yet."""
        self._module, self._layers = module, layers
        self._plans: dict[tuple[Any, ...], _Plan] = {}
        self._entered = ExitStack()

    def __enter__(self) -> Replaced:
        """Make the module run the operators that the recorder sees."""
        self._entered.enter_context(as_traced(self._module))
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the module as it was."""
        self._entered.close()

    def run(self, inputs: Arguments, instead: Instead) -> Any:
        """Return what the network makes of its inputs."""
        plan = self._plans.get(inputs.sizes)
        if plan is None:
            plan = self._plans[inputs.sizes] = _plan(record_run(self._module, *inputs), self._layers)
        mode = _Replacing(plan, instead)
        with mode:
            result = self._module(*inputs.args, **inputs.kwargs)
        mode.require_end()
        return result


class _Plan(NamedTuple):
    """Products by weights by the number of their step, and the number of all steps."""

    products: dict[int, Met]
    steps: int


def _plan(recorder: Recorder, layers: Sequence[Layer]) -> _Plan:
    found = recorder.layers
    if len(found) != len(layers):
        raise CannotBeDone(f"the network ran {len(found)} layers on this input, its layout has {len(layers)}")
    for layer, wanted in zip(found, layers, strict=True):
        sizes, allowed = ((each.kind, each.raw.h, each.raw.w) for each in (layer, wanted))
        # a layer that is called again may have its weights once more, in a segment of its own
        stored = wanted.stored_in in (layer.stored_in, wanted.index)
        if sizes != allowed or not stored or layer.positions % wanted.positions:
            raise CannotBeDone(
                f"layer {layer.label} ({layer.name}) has {layer.raw.h} rows, {layer.raw.w} columns and "
                f"{layer.positions} positions on this input, the layout's {wanted.label} has {wanted.raw.h}, "
                f"{wanted.raw.w} and {wanted.positions} a sample"
            )
    return _Plan({met.step: met for met in recorder.met}, recorder.steps)


class _Replacing(Stepwise):  # type: ignore[no-untyped-call]
    """Puts other results in place of the products of a plan."""

    def __init__(self, plan: _Plan, instead: Instead) -> None:
        super().__init__()
        self._plan, self._instead = plan, instead

    def step(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        met = self._plan.products.get(self.steps)
        if met is None:
            return func(*args, **kwargs)
        if met.func is not func:
            raise self._astray()
        return self._instead(met, args, kwargs)

    def require_end(self) -> None:
        if self.steps != self._plan.steps:
            raise self._astray()

    def _astray(self) -> CannotBeDone:
        return CannotBeDone("the network runs other operators on this input than on the one it was traced on")


def observing(see: Callable[[Met, Tensor], None]) -> Instead:
    """Show the inputs of every product to `see`, and leave the products as they are."""

    def instead(met: Met, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        see(met, operand(met, args))
        return met.func(*args, **kwargs)

    return instead


class Scaling(NamedTuple):
    """What the integers of a layer stand for."""

    input: InputRange
    weights: NDArray[np.float32]  # (columns of the raw matrix,)


def by_integers(multiply: Multiply, scalings: Sequence[Scaling]) -> Instead:
    """Compute every product by integers; `scalings` has an entry for every layer."""
    moves: dict[int, Convolution | None] = {}
    scales: dict[int, Tensor] = {}

    def product(layer: int, x: Tensor, how: Convolution | None) -> Tensor:
        known = scalings[layer]
        sums = multiply(layer, quantise_input(x, known.input), how)
        if layer not in scales:
            scales[layer] = _scales(known, how).to(x.device)
        return sums.to(torch.float32, memory_format=torch.contiguous_format).mul_(scales[layer])

    def instead(met: Met, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        first = met.layers[0]
        if first not in moves:
            moves[first] = movement(met, args)
        x, how = operand(met, args), moves[first]
        parts = [product(layer, x, how) for layer in met.layers]
        return finished(met, args, kwargs, parts[0] if len(parts) == 1 else torch.cat(parts, -1))

    return instead


def _scales(known: Scaling, how: Convolution | None) -> Tensor:
    """Return what one in the sums of each output channel is worth, float32 in a shape to multiply with."""
    return by_channel(torch.from_numpy(known.weights) * known.input.scale, how)


def by_channel(columns: Tensor, how: Convolution | None) -> Tensor:
    """Return factors of the columns of a raw matrix, equal within a channel, as a layer's sums take them."""
    if how is None:
        return columns
    channels = columns[:: how.taps] if how.transposed else columns
    return channels.view(-1, *[1] * len(how.kernel))


def by_reads(reader: Reader, layers: Sequence[Layer], innermost: Container[int] = ()) -> Multiply:
    """Read the vectors of a layer from crossbars.

    `innermost` are the layers whose vectors come position by position, the samples of each side by side, as
    `sample_order.innermost_samples` finds them; those of the others come sample by sample.
    """

    def multiply(layer_index: int, x: Tensor, how: Convolution | None) -> Tensor:
        vectors = unfold(x, how)
        positions, rest = layers[layer_index].positions, vectors.shape[2:]
        if layer_index in innermost:
            samples = vectors.reshape(positions, -1, *rest).transpose(0, 1)
            sums = reader.read(layer_index, samples).transpose(0, 1)
        else:
            sums = reader.read(layer_index, vectors.reshape(-1, positions, *rest))
        return fold(sums, x, how)

    return multiply


def operand(met: Met, args: tuple[Any, ...]) -> Tensor:
    """Return the input of a product: (samples, channels, *size), or vectors (…, rows)."""
    if met.func.overloadpacket in (aten.convolution, aten.linear):
        x: Tensor = args[0]
        return x
    a, b = factors(met.func, args)
    return b.mT if met.mirrored else a


def movement(met: Met, args: tuple[Any, ...]) -> Convolution | None:
    """Return how a product moves its kernel over its input; None for a matrix product."""
    return convolution_of(args) if met.func.overloadpacket is aten.convolution else None


def finished(met: Met, args: tuple[Any, ...], kwargs: dict[str, Any], y: Tensor) -> Tensor:
    """Return the result of an operator from its product `y` in float32: bias, factors and type as torch's."""
    packet = met.func.overloadpacket
    if packet is aten.convolution:
        bias = args[2]
        y = y if bias is None else y + bias.view(-1, *[1] * (y.dim() - 2))
        return y.to(args[0].dtype)
    if packet is aten.linear:
        bias = args[2] if len(args) > 2 else kwargs.get("bias")
        return (y if bias is None else y + bias).to(args[0].dtype)
    y = y.mT if met.mirrored else y
    if packet in (aten.mv, aten.addmv):
        y = y.squeeze(-1)
    elif packet in (aten.dot, aten.vdot):
        y = y.reshape(())
    return _added(packet, args[0], y, kwargs).to(args[0].dtype)


def _added(packet: Any, addend: Tensor, y: Tensor, kwargs: dict[str, Any]) -> Tensor:
    """Return what operators like `addmm` make of a product."""
    if packet in (aten.mm, aten.mv, aten.dot, aten.vdot, aten.bmm):
        return y
    if packet is aten.addbmm:
        y = y.sum(0)
    alpha, beta = kwargs.get("alpha", 1), kwargs.get("beta", 1)
    y = y if alpha == 1 else y * alpha
    if beta != 0:
        y = y + (addend if beta == 1 else addend * beta)
    if packet is aten._addmm_activation:
        return functional.gelu(y) if kwargs.get("use_gelu") else functional.relu(y)
    return y
