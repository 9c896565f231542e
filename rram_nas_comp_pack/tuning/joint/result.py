"""From the arrays of the search back to values, and the other way round."""

from __future__ import annotations

from collections.abc import Iterator

from ...packing.bounds import lower_bound
from ...packing.place import items_of
from ...values import Layout, Packing, Placement
from ..settings import Stopped
from .layout_state import LayoutState, OwnersBox, Position, empty_layout, place_box
from .objective import Incumbent
from .search_space import SearchSpace, TuningProblem


def as_values(problem: TuningProblem, incumbent: Incumbent, stopped: Stopped) -> Layout:
    """The best layout as values; crossbars are numbered as they first occur."""
    space, target = problem.space, problem.target
    mappings = problem.mappings(incumbent.variant.tolist(), incumbent.copies.tolist())
    number: dict[int, int] = {}
    placements, per_copy = [], _boxes_per_copy(space, incumbent)
    for owner, k in _boxes(space, incumbent):
        replica_box = divmod(k, per_copy[owner])
        box = space.box_offset[incumbent.variant[owner]] + replica_box[1]
        x, y = int(incumbent.x[owner, k]), int(incumbent.y[owner, k])
        crossbar = number.setdefault(int(incumbent.home[owner, k]), len(number))
        ends = (x + int(space.width[box]), y + int(space.height[box]))
        placements.append(Placement(int(space.layer[owner]), crossbar, x, y, *ends, *replica_box))
    bound = lower_bound(items_of(mappings, target.size), target.rules)
    return Layout(mappings, Packing(tuple(placements), target.size, len(number), bound, "joint", stopped))


def restore(space: SearchSpace, incumbent: Incumbent, seed: int) -> LayoutState:
    """The best layout, to go on from."""
    state = empty_layout(space, seed)
    state.variant[:], state.copies[:] = incumbent.variant, incumbent.copies
    for owner, k in _boxes(space, incumbent):
        numbers = (int(each[owner, k]) for each in (incumbent.home, incumbent.x, incumbent.y))
        place_box(space, state, OwnersBox(owner, k), Position(*numbers))
    return state


def _boxes(space: SearchSpace, incumbent: Incumbent) -> Iterator[tuple[int, int]]:
    """(owner, k) of every box."""
    per_copy = _boxes_per_copy(space, incumbent)
    for owner, (n, copies) in enumerate(zip(per_copy, incumbent.copies.tolist(), strict=True)):
        yield from ((owner, k) for k in range(n * copies))


def _boxes_per_copy(space: SearchSpace, incumbent: Incumbent) -> list[int]:
    """Boxes of one replica of each owner."""
    per_copy: list[int] = (
        space.box_offset[incumbent.variant + 1] - space.box_offset[incumbent.variant]
    ).tolist()
    return per_copy
