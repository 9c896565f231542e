"""The drawing of a graph: every layer in a place of its own, every edge on a way of its own."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from report_runs import Page, make_run

sys.path.insert(0, str(Path(__file__).parents[1] / "simulation"))

from row_graphs import any_graphs, in_line, same

from rram_nas_comp_pack.report.packing.atlas_page import ALONE
from rram_nas_comp_pack.report.packing.graph import bound_table, graph_beside
from rram_nas_comp_pack.report.packing.graph_layout import MOST_TRACKS, laid_out
from rram_nas_comp_pack.report.packing.tables import layer_table
from rram_nas_comp_pack.runs.packing.read import read_run
from rram_nas_comp_pack.values import LayerRows, RowGraph


@given(any_graphs(most_layers=9))
@settings(max_examples=40, deadline=None)
def test_no_node_or_edge_lies_on_another(graph: RowGraph) -> None:
    found = laid_out(graph)
    nodes = list(zip(found.depths, found.lanes, strict=True))
    assert len(set(nodes)) == len(graph)
    assert len(found.edges) == sum(len(each.reads) for each in graph)
    taken, tracks = set(nodes), set[tuple[int, int]]()
    for edge in found.edges:
        assert found.depths[edge.source] < found.depths[edge.target]
        passed = range(found.depths[edge.source] + 1, found.depths[edge.target])
        assert (edge.lane is None and edge.track is None) == (len(passed) == 0)
        if edge.lane is not None:
            ways = {(depth, edge.lane) for depth in passed}
            assert ways.isdisjoint(taken)
            taken |= ways
        if edge.track is not None:
            assert edge.track < found.tracks <= MOST_TRACKS
            ways = {(depth, edge.track) for depth in passed}
            assert ways.isdisjoint(tracks) or edge.track == MOST_TRACKS - 1  # the last one is shared
            tracks |= ways


def test_a_chain_is_one_lane_and_a_skip_runs_beside_it() -> None:
    line = in_line([(3, 1, 1)] * 3, 5)
    assert laid_out(tuple(line)).lanes == (0, 0, 0, 0)
    skipped = laid_out((*line, LayerRows(5, (same(1, 5), same(3, 5)))))
    assert skipped.lanes == (0,) * 5
    assert skipped.depths == (0, 1, 2, 3, 4)
    assert [(e.source, e.track) for e in skipped.edges if e.track is not None] == [(1, 0)]


def test_branches_stand_side_by_side() -> None:
    fork = (LayerRows(4), LayerRows(4, (same(0, 4),)), LayerRows(4, (same(0, 4),)))
    joined = laid_out((*fork, LayerRows(4, (same(1, 4), same(2, 4)))))
    assert joined.depths == (0, 1, 1, 2)
    assert joined.lanes[1] != joined.lanes[2]
    assert not any(edge.is_whole for edge in joined.edges)


def test_the_page_shows_the_graph_and_the_bounds(tmp_path) -> None:
    folder = make_run(tmp_path, "--schedule", "row", "--no-report")
    run = read_run(folder, "t")
    page = Page(graph_beside(run).panel + bound_table(run))
    nodes = [a for a in page.named("g") if "data-layer" in a]
    assert [a["data-layer"] for a in nodes] == ["0", "1", "2"]
    assert "reads Conv2d_0 row by row (its first row needs 3 of 4)" in nodes[1]["aria-label"]
    assert "all of Conv2d_1" in nodes[2]["aria-label"]
    assert "kept behind it" in nodes[0]["aria-label"]
    ends = [(a["data-from"], a["data-to"]) for a in page.named("path") if "data-from" in a]
    assert ends == [*pairwise("012")]
    assert {"critical path", "busiest crossbar", "ideal (no waiting)", "roofline"} <= set(page.words)
    page, kept = Page(layer_table(run)), run.result.buffers.bytes
    assert {str(size) for size in kept} <= {a.get("data-value") for a in page.named("td")}
    assert "bytes kept" in page.words
    by_layers = replace(run, graph=None, result=replace(run.result, bounds=None, buffers=None))
    assert "bytes kept" not in Page(layer_table(by_layers)).words
    assert graph_beside(by_layers) == ALONE
    assert bound_table(by_layers) == ""
