"""Whether result.json speaks of the layout that lies beside it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...values import Mapping, Placement, cells_with_weights
from .run import PackingResult


def disagreements(
    result: PackingResult, mappings: Sequence[Mapping], placements: Sequence[Placement]
) -> Iterator[str]:
    """Each key of result.json that says something else than partition and layout, with both values.

    Of a run in segments, the crossbars of the placements are numbered through all segments.
    """
    used = len({p.crossbar_idx for p in placements})
    counts = {"layers": (result.layers, len(mappings)), "boxes": (result.boxes, len(placements))}
    if result.reload is None:
        counts["crossbars_used"] = result.crossbars, used
    for key, (said, number) in counts.items():
        if said != number:
            yield f"{key} {said}, found {number}"
    cells = {
        "utilization": (result.utilization, sum(_cells(p) for p in placements)),
        "weight_utilization": (result.weight_utilization, cells_with_weights(mappings)),
    }
    for key, (share, held) in cells.items() if used else ():
        found = held / (used * result.size.cells)
        if share is not None and abs(share - found) > 1e-9:  # older runs lack the share of weights
            yield f"{key} {share}, found {found}"


def _cells(p: Placement) -> int:
    return (p.max_x - p.loc_x) * (p.max_y - p.loc_y)
