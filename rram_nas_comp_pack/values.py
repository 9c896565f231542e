"""The vocabulary: the values that flow from stage to stage. Nothing here is ever updated in place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["mapped", "digital", "unsupported"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of weights on a crossbar: `h` rows (inputs) by `w` columns (outputs), in cells.

    `cycles` is the number of crossbar reads that one input sample needs.
    """

    h: int
    w: int
    cycles: int


@dataclass(frozen=True, slots=True)
class Layer:
    """One execution of a Conv or Linear module (RNC section 3; layers are numbered in execution order).

    `index` counts executions from 0. `kind` is the module's class ("Conv2d", "Linear"), `name` its path
    in the network. `raw` is the weight matrix before it is cut. `positions` is the number of input
    vectors per sample: H_out * W_out of a convolution, H_in * W_in of a transposed one, the product of
    the leading dimensions without the batch of a Linear. `stored_in` is the index of the layer whose
    boxes hold the weights; it differs from `index` where a module is called again.
    """

    index: int
    kind: str
    name: str
    raw: Box
    positions: int
    groups: int
    stored_in: int

    @property
    def label(self) -> str:
        """Kind and index, as the run's files name a layer: `Conv2d_0`."""
        return f"{self.kind}_{self.index}"

    @property
    def weights(self) -> int:
        """Weights of the layer, in cells."""
        return self.raw.h * self.raw.w

    @property
    def macs(self) -> int:
        """Multiply-accumulate operations per sample."""
        return self.positions * self.raw.h * self.raw.w

    @property
    def columns_per_read(self) -> int:
        """Columns that one read serves: 1 for a depthwise layer, those of one group for a grouped one."""
        return self.raw.w * self.positions // self.raw.cycles

    @property
    def depthwise(self) -> bool:
        """Whether one read serves one column only (groups = input channels)."""
        return self.groups > 1 and self.columns_per_read == 1


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one module that holds parameters.

    `status`: "mapped" onto crossbars, "digital" (computed beside them: norms, embeddings, activations),
    or "unsupported" (it holds weight matrices that the toolkit cannot map). `parameters` counts those the
    module owns itself (shared ones where they are met first), `macs` its multiply-accumulates per sample.
    """

    name: str
    kind: str
    status: Status
    parameters: int
    macs: int


@dataclass(frozen=True, slots=True)
class Network:
    """A traced network: its layers in execution order and the account of all its parameters."""

    name: str
    layers: tuple[Layer, ...]
    coverage: tuple[Coverage, ...]
