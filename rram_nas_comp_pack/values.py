"""The vocabulary: the values that flow from stage to stage. Nothing here is ever updated in place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Status = Literal["mapped", "digital", "unsupported"]

InputSize = tuple[int, ...] | dict[str, tuple[int, ...]]
"""Sizes of one sample without the batch: of the only input, or of several inputs by name.

The name "" stands for every input that is not named.
"""

DEFAULT_SIZE = (3, 64, 64)
"""Of one sample, where a network needs a size and none was given."""

SEED = 123
"""Of all random numbers, where none was given."""


class CrossbarSize(NamedTuple):
    """Cells of a crossbar: `rows` are inputs (word lines), `columns` outputs (bit lines)."""

    rows: int
    columns: int

    @property
    def cells(self) -> int:
        """Rows times columns."""
        return self.rows * self.columns


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
    """One execution of a Conv or Linear layer (RNC section 3; layers are numbered in execution order).

    `index` counts executions from 0. `kind` is the class of torch's layer that computes the same ("Conv2d",
    "Linear"), `name` the path of its module in the network, or of its weight. `raw` is the weight matrix
    before it is cut. `positions` is the number of input vectors per sample: H_out * W_out of a convolution,
    H_in * W_in of a transposed one, the product of the leading dimensions without the batch of a Linear.
    `stored_in` is the index of the layer whose
    boxes hold the weights; it differs from `index` where a module is called again. `depthwise`: every input
    channel is a group of its own, so that the kernel is cut along columns only.
    """

    index: int
    kind: str
    name: str
    raw: Box
    positions: int
    groups: int
    stored_in: int
    depthwise: bool = False

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

    def lies_diagonally(self, box: Box) -> bool:
        """Whether a box of this layer has its channels side by side along its diagonal.

        Only a depthwise layer has such boxes, of raw.h rows a channel. A box of a single channel is the same
        diagonal or dense, and counts as dense.
        """
        return self.depthwise and box.h > self.raw.h


ReadTime = Callable[[Layer, Box], float]
"""Time in ns of one read of a box of a layer."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What became of one module's parameters, or of the work it does without any.

    `status`: "mapped" onto crossbars, "digital" (computed beside them: norms, embeddings, products of
    activations), or "unsupported" (weight matrices that the toolkit cannot map, or that never ran: 0 MACs). A
    module has a row per status. `parameters` counts those the module owns itself (shared ones where they are
    met first), `macs` its multiply-accumulates per sample. `at_least`: there are more of these that cannot be
    counted (operators that the toolkit does not know, loops whose end depends on values).
    """

    name: str
    kind: str
    status: Status
    parameters: int
    macs: int
    at_least: bool = False


@dataclass(frozen=True, slots=True)
class RowRead:
    """What the rows of one layer need of another one, `layer`, directly or through digital operators.

    `last` (rows of the reader,) is the last row of `layer` that each needs, by rising number; -1: none of it.
    `first` likewise is the first row that it or any row behind it needs; empty: all rows from 0 on are kept.
    """

    layer: int
    last: tuple[int, ...]
    first: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class LayerRows:
    """The rows that a layer computes one after another, and what they read.

    A row is a line of a map, or a token; of a transposed convolution, a line of its input.
    """

    rows: int
    reads: tuple[RowRead, ...] = ()


RowGraph = tuple[LayerRows, ...]
"""The rows of all layers (executions) in order. Layers without reads take what the network is given."""


class Barrier(NamedTuple):
    """Where rows end because nothing is known of an operator: what follows waits for all that it takes.

    `module` is the path of the module, or the name of the node; `operator` the name of the operator.
    """

    module: str
    operator: str


@dataclass(frozen=True, slots=True)
class Network:
    """A traced network: its layers in execution order and the account of all its parameters.

    `inputs` are the names and sizes, with the batch of 1, of the inputs that it was traced on. `graph` says
    which rows of other layers each row needs; it is empty where the network was not traced. `barriers` are
    the unknown operators behind which it is coarser than the network itself.
    """

    name: str
    layers: tuple[Layer, ...]
    coverage: tuple[Coverage, ...]
    inputs: tuple[tuple[str, tuple[int, ...]], ...] = ()
    graph: RowGraph = ()
    barriers: tuple[Barrier, ...] = ()


@dataclass(frozen=True, slots=True)
class Mapping:
    """How one layer lies on crossbars: the boxes of one replica, in order, and the number of replicas."""

    layer: Layer
    boxes: tuple[Box, ...]
    copies: int = 1

    @property
    def stored(self) -> bool:
        """Whether this layer brings boxes of its own; a module called again reads those of its first call."""
        return self.layer.stored_in == self.layer.index

    @property
    def diagonal(self) -> bool:
        """Whether a depthwise layer is read several channels at a time, each with rows of its own."""
        return any(self.layer.lies_diagonally(box) for box in self.boxes)

    def weight_cells(self, box: Box) -> int:
        """Cells of one of the boxes that hold weights: all, or raw.h a channel of a diagonal box."""
        return box.h if self.layer.lies_diagonally(box) else box.h * box.w


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may share a crossbar (RNC section 3).

    Two boxes in one crossbar have layer indices more than `threshold` apart, and a crossbar holds at most
    `max_load` boxes. A threshold of -1 and a load of 0 switch the rule off.
    """

    threshold: int = 1
    max_load: int = 6


NO_RULES = Rules(threshold=-1, max_load=0)


def rules_of(no_pack_heuristic: bool, layer_threshold: int, xbar_max_load: int) -> Rules:
    """Who may share a crossbar, by the options of that name."""
    return NO_RULES if no_pack_heuristic else Rules(layer_threshold, xbar_max_load)


@dataclass(frozen=True, slots=True, eq=False)
class ChargedTime:
    """A `ReadTime` where layers also take time for moving results and for digital operators.

    `moves_ns` and `digital_ns` are those of a layer for a whole sample.
    """

    read_ns: ReadTime
    moves_ns: Callable[[Mapping], float]
    digital_ns: Callable[[Mapping], float]

    def __call__(self, layer: Layer, box: Box) -> float:
        """Time in ns of one read of a box."""
        return self.read_ns(layer, box)


def beside_reads_ns(mapping: Mapping, time: ReadTime) -> float:
    """What a layer takes for a sample beside its reads, in ns: 0 where nothing is charged."""
    if not isinstance(time, ChargedTime):
        return 0.0
    return time.moves_ns(mapping) + time.digital_ns(mapping)


@dataclass(frozen=True, slots=True)
class Placement:
    """One box of one replica on a crossbar; x counts columns, y rows, maxima are exclusive.

    The fields are the columns of pack.csv: `replica` and `box` index into the layer's replicas and boxes.
    """

    layer_idx: int
    crossbar_idx: int
    loc_x: int
    loc_y: int
    max_x: int
    max_y: int
    replica: int
    box: int


@dataclass(frozen=True, slots=True)
class Packing:
    """Every box of every replica in its place, on `crossbars` crossbars of `size`.

    `lower_bound`: no packing under the same rules uses fewer crossbars. `stopped` says what ended the
    search: "bound", "budget", "effort" (its iterations were used up), "time" or "interrupt" (cut short).
    """

    placements: tuple[Placement, ...]
    size: CrossbarSize
    crossbars: int
    lower_bound: int
    packer: str
    stopped: str

    @property
    def proved_optimal(self) -> bool:
        """Whether fewer crossbars are known to be impossible."""
        return self.crossbars == self.lower_bound

    @property
    def gap(self) -> int:
        """Crossbars above the lower bound."""
        return self.crossbars - self.lower_bound

    @property
    def cells(self) -> int:
        """Cells of the used crossbars."""
        return self.crossbars * self.size.cells


def cells_with_weights(mappings: Iterable[Mapping]) -> int:
    """Cells that hold weights in all copies; a layer without boxes of its own adds none."""
    return sum(m.copies * sum(m.weight_cells(box) for box in m.boxes) for m in mappings if m.stored)


class Layout(NamedTuple):
    """What packing and tuning produce: how every layer is cut and copied, and where each box lies."""

    mappings: tuple[Mapping, ...]
    packing: Packing

    @property
    def utilization(self) -> float:
        """Share of the cells of the used crossbars that hold boxes, 0 to 1."""
        cells = sum(m.copies * box.h * box.w for m in self.mappings if m.stored for box in m.boxes)
        return cells / self.packing.cells

    @property
    def weight_utilization(self) -> float:
        """Share of the cells of the used crossbars that hold weights; `utilization` counts zeros too."""
        return cells_with_weights(self.mappings) / self.packing.cells


@dataclass(frozen=True, slots=True)
class NoFit:
    """The boxes do not fit the budget: at least `lower_bound` crossbars are needed, `found` were reached."""

    budget: int
    lower_bound: int
    found: int


@dataclass(frozen=True, slots=True)
class MarginTrial:
    """One try of our version of the paper's tuner: share of the area it may fill, boxes, what came of it.

    `boxes` is 0 where not even one copy of each layer has room. `latency_ns` is None where they did not pack.
    A margin of None is the end of the line, no duplication.
    """

    margin: float | None
    boxes: int
    packed: bool
    latency_ns: float | None


@dataclass(frozen=True, slots=True)
class Duplication:
    """How copies were chosen, for the latency of `samples` samples.

    `method`: "joint", "margin" (our version of the paper's tuner, with the `margin` that packed) or "none":
    whichever is fastest, `latency_ns`; `plain_ns` is the latency without duplication, `baseline_ns` that of
    the baseline with a crossbar for every box. `trials` are those of the margin tuner whichever is used. The
    joint tuner stopped after `steps` steps: "effort", "time", "interrupt", or "no start" where nothing could
    be begun with. All latencies are simulated.
    """

    method: str
    samples: int
    margin: float | None
    trials: tuple[MarginTrial, ...]
    baseline_ns: float
    plain_ns: float
    latency_ns: float
    stopped: str = "effort"
    steps: int = 0

    @property
    def margin_tuner_ns(self) -> float:
        """Latency that our version of the paper's tuner reaches."""
        return next(t.latency_ns for t in reversed(self.trials) if t.latency_ns is not None)


@dataclass(frozen=True, slots=True)
class Schedule:
    """When every layer of every sample ran; arrays of shape (samples, layers), in ns.

    A layer asks (the one before it is finished), starts (its first round holds its crossbars) and finishes;
    `busy_ns` is the time its rounds ran, `waited_ns` the rest: waiting for replicas and crossbars.
    """

    asked_ns: NDArray[np.float64]
    started_ns: NDArray[np.float64]
    finished_ns: NDArray[np.float64]
    busy_ns: NDArray[np.float64]
    waited_ns: NDArray[np.float64]

    @property
    def latency_ns(self) -> float:
        """Time from the first read to the last."""
        return float(self.finished_ns.max())


@dataclass(frozen=True, slots=True)
class LatencyComparison:
    """Latencies of `num_sample` samples: as packed, without waiting for crossbars, and of the baseline."""

    num_sample: int
    latency_ns: float
    ideal_latency_ns: float
    baseline_latency_ns: float
