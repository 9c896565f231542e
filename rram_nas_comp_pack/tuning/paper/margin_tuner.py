"""The paper's tuner with its packer in the loop (RNC section 4): margin by margin until the copies pack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...packing.bounds import counting_bound
from ...packing.pack import Goal
from ...packing.place import items_of, place
from ...values import Layout, Mapping, MarginTrial, Packing
from ..settings import Target
from .integer_program import MARGINS, duplicate

Latency = Callable[[Layout], float]

PACK_EFFORT = 2_000
"""Steps to pack a margin's copies, more than the paper's packer makes of them, in some milliseconds."""


def margin_trials(
    plain: Layout, target: Target, seed: int, latency: Latency
) -> Iterator[tuple[MarginTrial, Layout]]:
    """Every try, with the layout it leads to: the un-duplicated one until a margin packs.

    `latency` simulates a layout, in ns. The last try is that of the first margin that packs, or of no
    duplication at all.
    """
    for margin in MARGINS:
        mappings = duplicate(plain.mappings, target.crossbars, target.size, margin)
        packing = None if mappings is None else _pack(mappings, target, seed)
        boxes = 0 if mappings is None else sum(m.copies * len(m.boxes) for m in mappings if m.stored)
        if mappings is not None and packing is not None:
            layout = Layout(mappings, packing)
            yield MarginTrial(margin, boxes, True, latency(layout)), layout
            return
        yield MarginTrial(margin, boxes, False, None), plain
    yield MarginTrial(None, len(plain.packing.placements), True, latency(plain)), plain


def _pack(mappings: Sequence[Mapping], target: Target, seed: int) -> Packing | None:
    """A packing within the budget, if the packer soon finds one; counting boxes refutes most margins."""
    items = items_of(mappings, target.size)
    if counting_bound(items, target.rules) > target.crossbars:
        return None
    packing = place(
        mappings, target.size, target.rules, Goal("best", target.crossbars, PACK_EFFORT, seed=seed)
    )
    return packing if packing.crossbars <= target.crossbars else None
