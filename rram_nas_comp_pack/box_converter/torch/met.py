"""A product by weights, as the recorder meets it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Met:
    """A product by weights in the run: operator number `step`, whose product is that of `layers`.

    `weight` is a kernel, or a matrix of (inputs, outputs) that holds the layers side by side. `mirrored`: of
    two matrices, the first is the weight.
    """

    step: int
    func: Any
    weight: Tensor
    mirrored: bool
    layers: tuple[int, ...]
