"""The table of docs/benchmarks.md: what an estimate of the pipeline of rows says, and what is so."""

from __future__ import annotations

import re
from pathlib import Path

from row_graphs import in_line

from rram_nas_comp_pack.simulation.row_graph import critical_path
from rram_nas_comp_pack.simulation.row_loop import row_program, simulate_rows
from rram_nas_comp_pack.values import Box, Layer, Mapping

ROWS = 32
PAGE = Path(__file__).parents[2] / "docs" / "benchmarks.md"


def estimate(layers: int, share: float) -> float:
    """Each layer starts when `share` of the one before has passed, and takes the rest of that one's time."""
    start, length = 0.0, 1.0
    for _ in range(1, layers):
        start, length = start + share * length, (1 - share) * length
    return start + length


def recurrence(layers: int) -> float:
    """The last row's end in layers; row r of a layer needs rows up to r + 1 of the one before."""
    finished = [0.0] * ROWS
    for layer in range(layers):
        before, own = finished, 0.0
        finished = []
        for row in range(ROWS):
            needed = before[min(row + 1, ROWS - 1)] if layer else 0.0
            own = max(own, needed) + 1 / ROWS
            finished.append(own)
    return finished[-1]


def simulated(layers: int) -> float:
    graph = tuple(in_line([(3, 1, 1)] * (layers - 1), ROWS))
    boxes = [Box(9, 4, ROWS)] * layers
    mappings = [Mapping(Layer(k, "Conv2d", f"l{k}", box, ROWS, 1, k), (box,)) for k, box in enumerate(boxes)]
    ran = row_program(mappings, lambda _layer, _box: 1.0, graph)
    assert critical_path(graph, [1.0] * layers) == simulate_rows(ran, 1).latency_ns
    return simulate_rows(ran, 1).latency_ns / ROWS


def test_the_table_of_the_page_is_what_the_rules_say() -> None:
    text = PAGE.read_text(encoding="utf-8").partition("| equal layers |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (\S+) \| (\S+) \|$", text, re.MULTILINE)
    found = [[float(cell) for cell in row] for row in rows if row[0] != "|---|"]
    assert [row[0] for row in found] == [1, 2, 3, 5, 20]
    for layers, *said in found:
        n = int(layers)
        assert said == [round(x, 2) for x in (estimate(n, 2 / ROWS), recurrence(n), simulated(n))]
