"""The graph of rows of a subnet, by arithmetic: what tracing it finds, without building it."""

from __future__ import annotations

from functools import lru_cache
from itertools import groupby

import numpy as np

from ofa.architecture import BLOCKS, Configuration, LayerShape, layer_shapes

from ..box_converter.row_flow import (
    NOTHING,
    Flow,
    Operand,
    elementwise,
    only_row,
    own_rows,
    resized,
    whole,
    window,
)
from ..box_converter.row_ledger import RowLedger
from ..simulation.row_graph import ScheduleKind, graph_for
from ..values import RowGraph


def graph_of_subnet(chosen: Configuration, schedule: ScheduleKind, resolution: int = 64) -> RowGraph | None:
    """Return what a schedule of a subnet runs by; None for that of layers.

    Classes make no difference, nor do expansion ratios and kernels of blocks that do not run.
    """
    if schedule == "layer":
        return None
    active = set(chosen.blocks())
    kernels = tuple(size if block in active else 3 for block, size in enumerate(chosen.ks))
    return _graph(kernels, chosen.d, schedule, resolution)


@lru_cache(maxsize=4096)
def _graph(
    kernels: tuple[int, ...], depths: tuple[int, ...], schedule: ScheduleKind, resolution: int
) -> RowGraph | None:
    shapes = layer_shapes(kernels, 3, depths, resolution)
    return graph_for(schedule, rows_of_shapes(shapes, resolution))


def rows_of_shapes(shapes: tuple[LayerShape, ...], resolution: int) -> RowGraph:
    """Return the graph of the layers of a subnet whose images have so many rows."""
    ledger = RowLedger()
    x, size = NOTHING, resolution
    for part, layers in groupby(shapes, key=lambda shape: shape.path.split(".")[:2]):
        before, (x, size) = Operand(x, _map_of(size)), _block(ledger, x, size, list(layers))
        if part[0] == "blocks" and _has_shortcut(int(part[1])):
            x = elementwise([before, Operand(x, _map_of(size))], _map_of(size))
    return ledger.graph


def _has_shortcut(block: int) -> bool:
    """Say whether a block's input is added to its output; block 0 is not elastic."""
    if block == 0:
        return True
    shape = BLOCKS[block - 1]
    return shape.stride == 1 and shape.channels == shape.out


def _block(ledger: RowLedger, x: Flow, size: int, shapes: list[LayerShape]) -> tuple[Flow, int]:
    """Enter layers that run one after another; return what comes out, and its rows.

    A layer of one row behind a map takes the mean of the map. The second one of a squeeze-excite scales it.
    """
    squeezed: tuple[Flow, int] | None = None
    for shape in shapes:
        if ".se." in shape.path and squeezed is None:
            squeezed = x, size
        x, size = _layer(ledger, x, size, shape)
        if squeezed is not None and shape.path.endswith("expand"):
            height = squeezed[1]
            parts = Operand(squeezed[0], _map_of(height)), Operand(x, _map_of(1))
            x, size, squeezed = elementwise(parts, _map_of(height)), height, None
    return x, size


def _layer(ledger: RowLedger, x: Flow, size: int, shape: LayerShape) -> tuple[Flow, int]:
    if shape.kind == "Linear" or (shape.size == 1 and shape.kernel == 1 and size > 1):
        rows, flow = 1, whole([x])
    else:
        rows = shape.size
        index = window(size, rows, (shape.kernel, shape.stride, shape.kernel // 2, 1))
        flow = resized(Operand(x, _map_of(size)), 2, index) if x.axis is not None else x
    number = ledger.add(rows, flow)
    made = own_rows([number], np.arange(rows) if rows > 1 else only_row(rows))
    return Flow(2 if rows > 1 else None, made), rows


def _map_of(size: int) -> tuple[int, int, int, int]:
    """A map of so many rows, of which nothing else matters."""
    return (1, 1, size, size)
