"""The independent judge of a layout: it knows the values only, and nothing of how packers work."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from ..values import CrossbarSize, Mapping, Placement, Rules


def violations(
    mappings: Sequence[Mapping],
    placements: Sequence[Placement],
    size: CrossbarSize,
    rules: Rules,
    budget: int | None = None,
) -> Iterator[str]:
    """Everything wrong with a layout, one line each; nothing for a sound one.

    `size` is that of a crossbar, `budget` the most crossbars allowed (None: any number).
    """
    yield from _lost_weights(mappings)
    yield from _wrong_boxes(mappings, placements)
    crossbars: dict[int, list[Placement]] = defaultdict(list)
    for p in placements:
        crossbars[p.crossbar_idx].append(p)
        yield from _outside(p, size, budget)
    if budget is not None and len(crossbars) > budget:
        yield f"{len(crossbars)} crossbars are used, the budget is {budget}"
    for index in sorted(crossbars):
        yield from _wrong_crossbar(index, crossbars[index], rules)


def _lost_weights(mappings: Iterable[Mapping]) -> Iterator[str]:
    for m in mappings:
        held = sum(m.weight_cells(box) for box in m.boxes)
        if held != m.layer.weights:
            yield f"layer {m.layer.index} has {m.layer.weights} weights, its boxes hold {held}"
        yield from _off_diagonal(m) if m.diagonal else ()


def _off_diagonal(m: Mapping) -> Iterator[str]:
    """Boxes of a diagonal mapping whose columns have not the rows of one kernel each."""
    for number, box in enumerate(m.boxes):
        if box.h != m.layer.raw.h * box.w:
            yield (
                f"layer {m.layer.index} box {number} of its diagonal mapping has {box.h} rows, "
                f"expected {m.layer.raw.h * box.w} for {box.w} channels"
            )


def _wrong_boxes(mappings: Sequence[Mapping], placements: Iterable[Placement]) -> Iterator[str]:
    """Boxes missing, placed twice, unknown or of the wrong size."""
    expected = {
        (m.layer.index, replica, box): (wanted.w, wanted.h)
        for m in mappings
        if m.stored
        for replica in range(m.copies)
        for box, wanted in enumerate(m.boxes)
    }
    placed = Counter((p.layer_idx, p.replica, p.box) for p in placements)
    for key in sorted(expected.keys() - placed.keys()):
        yield f"{_name(*key)} is not placed"
    for key, times in sorted(placed.items()):
        if key not in expected:
            yield f"{_name(*key)} does not exist in the partition"
        elif times > 1:
            yield f"{_name(*key)} is placed {times} times"
    for p in placements:
        wanted = expected.get((p.layer_idx, p.replica, p.box))
        found = (p.max_x - p.loc_x, p.max_y - p.loc_y)
        if wanted is not None and found != wanted:
            yield (
                f"{_of(p)} is {found[0]} x {found[1]} cells (columns x rows), "
                f"expected {wanted[0]} x {wanted[1]}"
            )


def _outside(p: Placement, size: CrossbarSize, budget: int | None) -> Iterator[str]:
    rows, columns = size
    if not (0 <= p.loc_x < p.max_x <= columns and 0 <= p.loc_y < p.max_y <= rows):
        yield (
            f"{_of(p)} spans x {p.loc_x}..{p.max_x}, y {p.loc_y}..{p.max_y}: "
            f"outside the {rows} x {columns} crossbar"
        )
    if p.crossbar_idx < 0 or (budget is not None and p.crossbar_idx >= budget):
        allowed = "0 or more" if budget is None else f"0 to {budget - 1}"
        yield f"{_of(p)} is on crossbar {p.crossbar_idx}, allowed is {allowed}"


def _wrong_crossbar(index: int, boxes: Sequence[Placement], rules: Rules) -> Iterator[str]:
    """Overlaps and broken sharing rules on one crossbar."""
    if rules.max_load and len(boxes) > rules.max_load:
        yield f"crossbar {index} holds {len(boxes)} boxes, the limit is {rules.max_load}"
    for a, b in combinations(boxes, 2):
        if a.loc_x < b.max_x and b.loc_x < a.max_x and a.loc_y < b.max_y and b.loc_y < a.max_y:
            yield f"crossbar {index}: {_of(a)} overlaps {_of(b)}"
        if rules.threshold >= 0 and abs(a.layer_idx - b.layer_idx) <= rules.threshold:
            yield (
                f"crossbar {index}: {_of(a)} and {_of(b)} share it, "
                f"but layers must be more than {rules.threshold} apart"
            )


def _of(p: Placement) -> str:
    return _name(p.layer_idx, p.replica, p.box)


def _name(layer: int, replica: int, box: int) -> str:
    return f"layer {layer} replica {replica} box {box}"
