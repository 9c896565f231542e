"""From the shape of a weight to its raw box: functions of integers (RNC section 3).

`positions` is the number of input vectors of a sample. The sample is a batch of one, so a network that folds
windows or frames into the batch dimension has its batch counted into `positions`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import prod
from numbers import Integral
from typing import Any

from ..errors import BadInput
from ..values import Box, InputSize


@dataclass(frozen=True, slots=True)
class Shape:
    """The raw box of one layer, its input vectors per sample and its groups; fields as in `values.Layer`."""

    raw: Box
    positions: int
    groups: int = 1
    depthwise: bool = False

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations per sample."""
        return self.positions * self.raw.h * self.raw.w


def linear(inputs: int, outputs: int, positions: int) -> Shape:
    """Return the shape of a matrix of `inputs` x `outputs`, read once for every position."""
    return Shape(Box(inputs, outputs, positions), positions)


def convolution(weight: Sequence[int], groups: int, positions: int) -> Shape:
    """Return the shape of a convolution.

    `weight` is (C_out, C_in / groups, *kernel), `positions` the product of the output's spatial sizes. A
    read serves all columns if there is one group, the columns of one group if there are several, and one
    column if every input channel is a group of its own (depthwise, dense mapping).
    """
    columns = weight[0]
    depthwise = groups > 1 and weight[1] == 1
    reads = columns if depthwise else groups
    return Shape(Box(prod(weight[1:]), columns, reads * positions), positions, groups, depthwise)


def transposed_convolution(weight: Sequence[int], groups: int, positions: int) -> Shape:
    """Return the shape of a transposed convolution.

    `weight` is (C_in, C_out / groups, *kernel), `positions` the product of the input's spatial sizes: every
    input vector is multiplied once and its products are added where the outputs overlap.
    """
    columns = prod(weight[1:]) * groups
    return Shape(Box(weight[0] // groups, columns, groups * positions), positions, groups)


def sizes_by_name(input_size: InputSize | None) -> dict[str, tuple[int, ...]]:
    """Return the sizes that were given by the name of their input; "" stands for all others.

    Raises BadInput for what is no whole number of at least 1.
    """
    given: dict[str, Any] = dict(input_size) if isinstance(input_size, dict) else {"": input_size}
    return {name: _checked(name, size) for name, size in given.items() if size is not None}


def _checked(name: str, size: Any) -> tuple[int, ...]:
    parts = tuple(size) if isinstance(size, Iterable) else (size,)
    named = isinstance(name, str)
    if not named or not parts or not isinstance(size, Iterable) or not all(_is_size(part) for part in parts):
        label = f"{name}=" if name else ""
        found = "x".join(map(str, parts))
        raise BadInput(f"input size {label}{found!r}: one or more sizes of at least 1 expected")
    return tuple(map(int, parts))


def _is_size(value: Any) -> bool:
    return type(value) is not bool and isinstance(value, Integral) and int(value) >= 1
