"""Our version of the paper's tuner (RNC section 4): margin by margin, until the copies pack."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...packing.bounds import counting_bound
from ...packing.first_fit import first_fit
from ...packing.pack import PackingSettings
from ...packing.place import items_of, pack_mappings, packing_of
from ...values import Layout, Mapping, MarginTrial, Packing
from ..settings import Target
from .integer_program import MARGINS, duplicate

Latency = Callable[[Layout], float]

PACK_EFFORT = 2_000
"""Steps of our packer for a margin's copies: some milliseconds."""


def margin_trials(
    plain: Layout, target: Target, seed: int, latency: Latency
) -> Iterator[tuple[MarginTrial, Layout]]:
    """Every try, with the layout it leads to: the un-duplicated one until a margin packs.

    `latency` simulates a layout, in ns. The last try is that of the first margin that packs, or of no
    duplication at all.
    """
    for margin in MARGINS:
        mappings = duplicate(plain.mappings, target.crossbars, target.size, margin)
        found = [] if mappings is None else [Layout(mappings, p) for p in _packings(mappings, target, seed)]
        boxes = 0 if mappings is None else sum(m.copies * len(m.boxes) for m in mappings if m.stored)
        if found:
            times = [latency(layout) for layout in found]
            yield MarginTrial(margin, boxes, True, min(times)), found[times.index(min(times))]
            return
        yield MarginTrial(margin, boxes, False, None), plain
    yield MarginTrial(None, len(plain.packing.placements), True, latency(plain)), plain


def _packings(mappings: Sequence[Mapping], target: Target, seed: int) -> Iterator[Packing]:
    """Packings within the budget: by the paper's rule and by our packer, from each the one it soon finds.

    Neither reaches every margin that the other does. Counting boxes refutes most margins at once.
    """
    items = items_of(mappings, target.size)
    if counting_bound(items, target.rules) > target.crossbars:
        return
    layout = first_fit(items, target.rules, target.crossbars, seed)
    if layout is not None:
        yield packing_of(mappings, target.size, layout)
    goal = PackingSettings("best", target.crossbars, PACK_EFFORT, seed=seed)
    packing = pack_mappings(mappings, target.size, target.rules, goal)
    if packing.crossbars <= target.crossbars:
        yield packing
