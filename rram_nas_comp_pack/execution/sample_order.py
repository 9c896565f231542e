"""Where the samples of a batch are among a layer's vectors: which copy reads a position depends on it.

Most networks keep the samples of a batch apart, one after the other. Attention often runs on the tokens
first: then the vectors of a layer come token by token, those of all samples side by side. Nothing in an
operator tells, so a batch is compared with its first sample alone.
"""

from __future__ import annotations

from math import inf

from torch import Tensor

from ..box_converter.torch.operators import aten
from ..box_converter.torch.recorder import Met
from .network import Arguments, Replaced, observing


def innermost_samples(network: Replaced, inputs: Arguments) -> frozenset[int]:
    """Return the layers whose vectors come position by position in a batch of such inputs."""
    first = Arguments([x[:1] for x in inputs.args], {name: x[:1] for name, x in inputs.kwargs.items()})
    alone: dict[int, Tensor] = {}
    found: set[int] = set()

    def keep(met: Met, x: Tensor) -> None:
        alone[met.layers[0]] = _rows(met, x).clone()

    def compare(met: Met, x: Tensor) -> None:
        rows, own = _rows(met, x), alone[met.layers[0]]
        apart, beside = rows[: len(own)], rows[:: max(1, len(rows) // len(own))]
        if _distance(beside, own) < _distance(apart, own):
            found.update(met.layers)

    network.run(first, observing(keep))
    network.run(inputs, observing(compare))
    return frozenset(found)


def _rows(met: Met, x: Tensor) -> Tensor:
    """What a product multiplies, in order: images of a convolution, or vectors."""
    is_matrix = met.func.overloadpacket is not aten.convolution
    return x.detach().reshape(-1, x.shape[-1]) if is_matrix else x.detach().flatten(1)


def _distance(rows: Tensor, others: Tensor) -> float:
    return float((rows - others).abs().sum()) if rows.shape == others.shape else inf
