"""Graphs of rows that several tests draw."""

from __future__ import annotations

from hypothesis import strategies as st

from rram_nas_comp_pack.values import LayerRows, RowGraph, RowRead


def window(source: int, before: int, rows: int, kernel: tuple[int, int, int]) -> RowRead:
    """What a convolution of size k, stride s and padding p reads of a map of so many rows."""
    k, s, p = kernel
    last = tuple(min(before - 1, max(0, s * r - p + k - 1)) for r in range(rows))
    return RowRead(source, last, tuple(min(max(0, s * r - p), before - 1) for r in range(rows)))


def in_line(kernels: list[tuple[int, int, int]], rows: int) -> list[LayerRows]:
    """Convolutions one behind the other."""
    found = [LayerRows(rows)]
    for kernel in kernels:
        k, s, p = kernel
        before = found[-1].rows
        rows = max(1, (before + 2 * p - k) // s + 1)
        found.append(LayerRows(rows, (window(len(found) - 1, before, rows, kernel),)))
    return found


def same(source: int, rows: int) -> RowRead:
    """Each row needs the row in the same place."""
    return RowRead(source, tuple(range(rows)), tuple(range(rows)))


@st.composite
def any_graphs(draw: st.DrawFn, most_layers: int = 5) -> RowGraph:
    """Layers that read some rows of any earlier ones."""
    found: list[LayerRows] = []
    for k in range(draw(st.integers(1, most_layers))):
        rows, reads = draw(st.integers(1, 4)), []
        for source in range(k):
            if draw(st.booleans()):
                most = found[source].rows - 1
                last = sorted(draw(st.lists(st.integers(0, most), min_size=rows, max_size=rows)))
                first = sorted(draw(st.lists(st.integers(0, most), min_size=rows, max_size=rows)))
                reads.append(RowRead(source, tuple(last), tuple(map(min, first, last))))
        found.append(LayerRows(rows, tuple(reads)))
    return tuple(found)
