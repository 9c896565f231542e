"""graph.json: which rows of which layers each row needs, of runs with a schedule that goes by it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ...errors import BadInput
from ...simulation.row_graph import ScheduleKind, chain, graph_for
from ...values import LayerRows, Mapping, Network, RowGraph, RowRead
from ..checked_json import JsonObject, read_json
from ..text_files import write_json

GRAPH = "graph.json"

MOST_ROWS = 2**20
"""Of a layer: more would not be simulated in hours."""


def write_graph(folder: Path, network: Network, used: RowGraph | None) -> None:
    """Write the rows of all layers, and the operators that nothing is known of.

    They are those of the network, or the chain of whole layers where the schedule `used` that; then those of
    the network stand beside it.
    """
    is_chain = used == chain(len(network.layers))
    graph = chain(len(network.layers)) if is_chain else network.graph
    barriers = [barrier._asdict() for barrier in network.barriers]
    content = {"layers": _layers(network, graph), "barriers": barriers}
    if is_chain:
        content["network"] = _layers(network, network.graph)
    write_json(folder / GRAPH, content, indent=None)


def _layers(network: Network, graph: RowGraph) -> list[dict[str, object]]:
    return [
        {"idx": layer.label, "rows": each.rows, "reads": [_entry(read) for read in each.reads]}
        for layer, each in zip(network.layers, graph, strict=True)
    ]


def _entry(read: RowRead) -> dict[str, object]:
    entry: dict[str, object] = {"layer": read.layer, "last": list(read.last)}
    return {**entry, "first": list(read.first)} if read.first else entry


def read_graph(run_dir: Path, kind: ScheduleKind, mappings: Sequence[Mapping]) -> RowGraph | None:
    """What a schedule of a run goes by; None for that of layers. Raises BadInput, also for no graph."""
    if kind == "layer":
        return None
    path = run_dir / GRAPH
    if not path.exists():
        raise BadInput(
            f"--schedule: found {kind!r}, allowed is 'layer': {run_dir} has no {GRAPH}, "
            "which pack writes with --schedule branch and row"
        )
    return graph_for(kind, _graph(JsonObject(path, "graph", read_json(path)), "layers", mappings))


def read_drawn_graph(run_dir: Path, kind: ScheduleKind, mappings: Sequence[Mapping]) -> RowGraph | None:
    """The graph of the network, whether its schedule goes by it or by a chain of whole layers."""
    found = read_graph(run_dir, kind, mappings)
    if found is None:
        return None
    content = JsonObject(run_dir / GRAPH, "graph", read_json(run_dir / GRAPH))
    return _graph(content, "network", mappings) if content.has("network") else found


def _graph(content: JsonObject, key: str, mappings: Sequence[Mapping]) -> RowGraph:
    entries = content.objects(key)
    if len(entries) != len(mappings):
        content.fail(key, f"{len(entries)} layers", f"{len(mappings)}, those of the run")
    found: list[LayerRows] = []
    for entry, m in zip(entries, mappings, strict=True):
        rows = entry.count("rows", 1, min(m.layer.raw.cycles, MOST_ROWS))
        found.append(LayerRows(rows, tuple(_read(each, rows, found) for each in entry.objects("reads"))))
    return tuple(found)


def _read(entry: JsonObject, rows: int, earlier: Sequence[LayerRows]) -> RowRead:
    layer = entry.count("layer", 0)
    if layer >= len(earlier):
        entry.fail("layer", layer, "a layer before this one")
    last = entry.counts("last", -1)
    sound = len(last) == rows and list(last) == sorted(last) and last[-1] < earlier[layer].rows
    if not sound:
        entry.fail("last", list(last), f"{rows} numbers that do not fall, below {earlier[layer].rows}")
    return RowRead(layer, last, _first(entry, last))


def _first(entry: JsonObject, last: tuple[int, ...]) -> tuple[int, ...]:
    """The first rows that are needed; none where an older version did not write them."""
    if not entry.has("first"):
        return ()
    first = entry.counts("first", 0)
    is_sound = len(first) == len(last) and list(first) == sorted(first)
    if not is_sound or any(a > max(b, 0) for a, b in zip(first, last, strict=True)):
        entry.fail("first", list(first), f"{len(last)} numbers that do not fall, none above that of 'last'")
    return first
