"""One way to every kind of schedule: of whole layers, of branches and of rows."""

from __future__ import annotations

from collections.abc import Sequence

from ..values import Layout, Mapping, Placement, ReadTime, RowGraph, Schedule
from .event_loop import Executions, Program, executions, program, simulate
from .row_graph import chain
from .row_loop import RowProgram, row_executions, row_program, simulate_rows

AnyProgram = Program | RowProgram


def prepared(
    mappings: Sequence[Mapping],
    read_ns: ReadTime,
    graph: RowGraph | None,
    placements: Sequence[Placement] | None = None,
) -> AnyProgram:
    """Prepare mapped layers for the schedule that `row_graph.graph_for` gives `graph` for; None: of layers.

    Without placements, no crossbar is shared (the ideal).
    """
    if graph is None:
        return program(mappings, read_ns, placements)
    return row_program(mappings, read_ns, graph, placements)


def schedule_of(ran: AnyProgram, samples: int) -> Schedule:
    """Run `samples` samples through the layers."""
    return simulate_rows(ran, samples) if isinstance(ran, RowProgram) else simulate(ran, samples)


def fastest_graph(layout: Layout, read_ns: ReadTime, graph: RowGraph, samples: int) -> tuple[RowGraph, float]:
    """Return the graph that makes a layout fastest, and the latency in ns: the given one, or whole layers.

    Rows of several samples can hold up one another on crowded crossbars, and copies that do not divide a row
    are idle in part: then a layer after the other, as in the paper, may be faster.
    """
    choices = graph, chain(len(graph))
    runs = [prepared(layout.mappings, read_ns, each, layout.packing.placements) for each in choices]
    latencies = [schedule_of(ran, samples).latency_ns for ran in runs]
    best = latencies.index(min(latencies))
    return choices[best], latencies[best]


def executions_of(ran: AnyProgram, samples: int) -> Executions:
    """Run as `schedule_of` does and list the boxes that are read; boxes without a place are left out."""
    return row_executions(ran, samples) if isinstance(ran, RowProgram) else executions(ran, samples)
