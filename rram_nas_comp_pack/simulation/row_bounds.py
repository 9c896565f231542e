"""What no schedule of rows can beat: the critical path for one sample, the busiest crossbar for many."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..values import RowGraph
from .row_graph import critical_path
from .row_loop import RowProgram


@dataclass(frozen=True, slots=True)
class RowBounds:
    """Two bounds of a layout, in ns.

    `critical_path_ns`: a sample takes at least this long, even if no crossbar were shared. `busiest_ns`: the
    crossbar with the most reads needs this long for a sample, so that no sample is done earlier, and many
    samples take as long each on average.
    """

    critical_path_ns: float
    busiest_ns: float

    @property
    def largest_ns(self) -> float:
        """What one sample takes at least."""
        return max(self.critical_path_ns, self.busiest_ns)


def row_bounds(ran: RowProgram, graph: RowGraph) -> RowBounds:
    """Return the bounds of a layout whose schedule runs by `graph`.

    A layer that takes only some of its replicas may spare the busiest crossbar: it counts for no crossbar.
    """
    layers = ran.layers
    longest = np.maximum.reduceat(layers.times, layers.time_offset[: len(layers.owner)])
    load = np.zeros(int(layers.crossbars.max(initial=0)) + 1)
    for layer, store in enumerate(layers.owner.tolist()):
        if layers.takes[layer] < layers.copies[store]:
            continue
        boxes, first = int(layers.boxes[layer]), int(layers.crossbar_offset[store])
        places = layers.crossbars[first : first + boxes * int(layers.copies[store])]
        at = int(layers.time_offset[layer])
        times = np.tile(layers.times[at : at + boxes], int(layers.copies[store])) * ran.graph.rows[layer]
        np.add.at(load, places[places >= 0], times[places >= 0])
    unit = layers.unit_ns
    return RowBounds(critical_path(graph, longest.tolist()) * unit, float(load.max()) * unit)
