"""Every layer of a run as a row: how it is cut and lies, what it costs, how it spends the latency."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...hardware.chip_costs import inference_nj
from ...hardware.config.read import Hardware
from ...simulation.contention import LayerContention
from ...values import Mapping

LAYERS = (
    *(
        "layer",
        "name",
        "kind",
        "height",
        "width",
        "positions",
        "groups",
        "boxes",
        "copies",
        "mapping",
        "reads",
    ),
    *("cells", "busy_ns", "waiting_ns", "idle_ns", "energy_nj", "area_share"),
)
"""Columns of layers.csv. `height` and `width` are those of the weights before they are cut, `boxes` those of
a copy, `reads` those of a sample, `cells` those under all copies, of which `area_share` is the layer's share;
times are those of the samples that count, `energy_nj` is that of one inference."""


def layer_rows(
    mappings: Sequence[Mapping], spent: Sequence[LayerContention], hardware: Hardware | None
) -> Iterator[tuple[object, ...]]:
    """A row for each of LAYERS; where the hardware is not known, energies are None."""
    cells = [m.copies * sum(box.h * box.w for box in m.boxes) if m.stored else 0 for m in mappings]
    total = sum(cells)
    for m, own, times in zip(mappings, cells, spent, strict=True):
        layer = m.layer
        yield (
            *(layer.index, layer.name, layer.kind, layer.raw.h, layer.raw.w, layer.positions, layer.groups),
            *(len(m.boxes), m.copies, "diagonal" if m.diagonal else "dense", layer.raw.cycles, own),
            *(times.busy_ns, times.waiting_ns, times.idle_ns),
            *(None if hardware is None else inference_nj(hardware, [m]), own / total),
        )
