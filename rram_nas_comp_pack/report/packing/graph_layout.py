"""Where the layers of a graph are drawn: by depth, branches side by side, long edges beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...values import RowGraph


@dataclass(frozen=True, slots=True)
class Edge:
    """A layer's rows go from `source` to `target`; where it passes others, it runs in a lane or a track.

    `lane` is that of the nodes, `track` one in the gutter beside them; an edge between neighbouring depths
    has neither. `is_whole`: the first row already waits for the whole source.
    """

    source: int
    target: int
    is_whole: bool
    lane: int | None = None
    track: int | None = None


@dataclass(frozen=True, slots=True)
class GraphLayout:
    """Depths and lanes (layers,) from 0, and all edges; `tracks` is their number in the gutter."""

    depths: tuple[int, ...]
    lanes: tuple[int, ...]
    edges: tuple[Edge, ...]
    tracks: int

    @property
    def width(self) -> int:
        """Number of lanes."""
        return 1 + max(self.lanes)

    @property
    def height(self) -> int:
        """Number of depths."""
        return 1 + max(self.depths)


MOST_TRACKS = 12
"""In the gutter; where more would be needed, edges share the last one."""


def laid_out(graph: RowGraph) -> GraphLayout:
    """Place the layers of a graph.

    A layer stays in the lane of the deepest layer that it reads if that is free there. An edge that passes
    depths runs in the lane of one of its ends if nothing is in its way, else in the gutter.
    """
    depths: list[int] = []
    for each in graph:
        depths.append(max((depths[read.layer] + 1 for read in each.reads), default=0))
    taken: set[tuple[int, int]] = set()
    lanes: list[int] = []
    for layer, each in enumerate(graph):
        above = max((read.layer for read in each.reads), key=lambda k: (depths[k], -lanes[k]), default=None)
        lane = _nearest_free(depths[layer], 0 if above is None else lanes[above], taken)
        taken.add((depths[layer], lane))
        lanes.append(lane)
    edges, tracks = _routed(graph, depths, lanes, taken)
    return GraphLayout(tuple(depths), tuple(lanes), edges, tracks)


def _nearest_free(depth: int, wanted: int, taken: set[tuple[int, int]]) -> int:
    away = 0
    while True:
        for lane in (wanted - away, wanted + away):
            if lane >= 0 and (depth, lane) not in taken:
                return lane
        away += 1


def _routed(
    graph: RowGraph, depths: Sequence[int], lanes: Sequence[int], taken: set[tuple[int, int]]
) -> tuple[tuple[Edge, ...], int]:
    """All edges, the short ones first, and how many tracks those in the gutter take."""
    edges = [
        Edge(read.layer, layer, read.last[0] == graph[read.layer].rows - 1)
        for layer, each in enumerate(graph)
        for read in each.reads
    ]
    edges.sort(key=lambda e: (depths[e.target] - depths[e.source], e.source, e.target))
    tracks: list[set[int]] = []
    found = []
    for edge in edges:
        passed = range(depths[edge.source] + 1, depths[edge.target])
        ends = (lanes[edge.source], lanes[edge.target])
        free = next((n for n in ends if not any((depth, n) in taken for depth in passed)), None)
        if not passed:
            found.append(edge)
        elif free is not None:
            taken |= {(depth, free) for depth in passed}
            found.append(Edge(edge.source, edge.target, edge.is_whole, lane=free))
        else:
            found.append(Edge(edge.source, edge.target, edge.is_whole, track=_track(passed, tracks)))
    return tuple(found), len(tracks)


def _track(passed: range, tracks: list[set[int]]) -> int:
    """The first track in the gutter that is free at these depths; it is taken."""
    for number, used in enumerate(tracks):
        if used.isdisjoint(passed) or number == MOST_TRACKS - 1:
            used |= set(passed)
            return number
    tracks.append(set(passed))
    return len(tracks) - 1
