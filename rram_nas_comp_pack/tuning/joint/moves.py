"""Changes to a layout: a copy more or less, boxes elsewhere, a layer cut in another way.

A move either succeeds, or leaves its traces in the undo_log for the caller to undo.
"""

from __future__ import annotations

from ...kernels.jit import compiled, inlined
from ...kernels.random import RandomState, random_below
from .layout_state import (
    COPIES,
    PLACED,
    REMOVED,
    VARIANT,
    LayoutState,
    OwnersBox,
    Position,
    box_of,
    boxes_of,
    free_corner,
    place_box,
    record,
    remove_box,
    undo,
)
from .search_space import SearchSpace

NOWHERE = 1e300


@inlined
def added_waiting(space: SearchSpace, state: LayoutState, owner: int, crossbar: int) -> float:
    """Waiting that a box of `owner` on a crossbar would bring, NOWHERE where the rules forbid it.

    A layer waits for the last of its crossbars: a second one shared with the same owner costs nothing.
    """
    waiting = 0.0
    for j in range(state.load[crossbar]):
        other = state.content[crossbar, j] // space.crossbars
        if abs(space.layer[other] - space.layer[owner]) <= space.threshold:
            return NOWHERE
        if state.shared[owner, other] == 0:
            waiting += state.overlap_time[owner, other]
    return waiting


@compiled
def place_best(space: SearchSpace, state: LayoutState, owner: int, k: int) -> bool:
    """Put the owner's k-th box where it brings least waiting, of equals where least room is left."""
    box = box_of(space, state, owner, k)
    cells = space.width[box] * space.height[box]
    best = Position(-1, 0, 0)
    least, room = NOWHERE, 0
    # of equals the first one found is kept: from a fixed beginning, low numbers would fill up first
    crossbar = random_below(state.random, space.crossbars)
    for _ in range(space.crossbars):
        crossbar = crossbar + 1 if crossbar + 1 < space.crossbars else 0
        free = state.free[crossbar]
        if state.load[crossbar] >= space.max_load or free < cells:
            continue
        waiting = added_waiting(space, state, owner, crossbar)
        if waiting > least or waiting == NOWHERE or (waiting == least and free >= room):
            continue
        x, y = free_corner(space, state, crossbar, box)
        if x >= 0:
            best = Position(crossbar, x, y)
            least, room = waiting, free
    if best.crossbar < 0:
        return False
    place_box(space, state, OwnersBox(owner, k), best)
    record(state, PLACED, owner, k)
    return True


@compiled
def set_copies(state: LayoutState, owner: int, copies: int) -> None:
    """Change the number of copies on record."""
    record(state, COPIES, owner, state.copies[owner])
    state.copies[owner] = copies


@compiled
def shrink(space: SearchSpace, state: LayoutState, owner: int, copies: int) -> None:
    """Take the last copies off, down to `copies`."""
    n = boxes_of(space, state.variant[owner])
    # from the last box down, so that those that stay keep their numbers
    for k in range(state.copies[owner] * n - 1, copies * n - 1, -1):
        record(state, REMOVED, owner, k)
        remove_box(space, state, owner, k)
    set_copies(state, owner, copies)


@compiled
def grow(space: SearchSpace, state: LayoutState, owner: int) -> bool:
    """Add a copy, or change nothing where there is no room or no work for it."""
    variant = state.variant[owner]
    n, copies = boxes_of(space, variant), state.copies[owner]
    if (copies + 1) * n > space.crossbars or copies >= space.max_useful_copies[variant]:
        return False
    before = state.undo_length[0]
    for k in range(copies * n, (copies + 1) * n):
        if not place_best(space, state, owner, k):
            undo(space, state, before)
            return False
    set_copies(state, owner, copies + 1)
    return True


@compiled
def grow_to(space: SearchSpace, state: LayoutState, owner: int, copies: int) -> bool:
    """Add copies up to so many; False where not even one could be placed."""
    while state.copies[owner] < copies and grow(space, state, owner):
        pass
    return bool(state.copies[owner] > 0)


@compiled
def recut(space: SearchSpace, state: LayoutState, owner: int, variant: int) -> None:
    """Take an owner off and cut it another way."""
    shrink(space, state, owner, 0)
    record(state, VARIANT, owner, state.variant[owner])
    state.variant[owner] = variant


@compiled
def draw_slow_layer(space: SearchSpace, state: LayoutState) -> int:
    """A random owner: mostly one of those that take long."""
    owners, executions = len(space.layer), len(space.owner)
    # the others too, or a layer that once became fast would never be touched again
    if random_below(state.random, 4) == 0:
        return random_below(state.random, owners)
    at = state.duration.sum() * random_below(state.random, 1 << 20) / (1 << 20)
    for e in range(executions):
        at -= state.duration[e]
        if at < 0:
            return int(space.owner[e])
    return int(space.owner[executions - 1])


@compiled
def copies_to_keep(random: RandomState, copies: int) -> int:
    """How many of the copies to leave: none half of the times, else any number less than all."""
    return 0 if random_below(random, 2) == 0 else random_below(random, copies)


@compiled
def trade(space: SearchSpace, state: LayoutState, owner: int) -> bool:
    """Copies more for one owner, after some fewer for up to three others."""
    # on a full chip nothing grows before something else shrinks
    for _ in range(random_below(state.random, 4)):
        other = random_below(state.random, len(space.layer))
        if other != owner and state.copies[other] > 1:
            fewer = max(1, state.copies[other] - 1 - random_below(state.random, 2))
            shrink(space, state, other, fewer)
    before = state.copies[owner]
    grow_to(space, state, owner, before + 1 + random_below(state.random, 3))
    return bool(state.copies[owner] > before)


@compiled
def relocate(space: SearchSpace, state: LayoutState) -> bool:
    """Some or all copies of an owner elsewhere."""
    owner = random_below(state.random, len(space.layer))
    copies = state.copies[owner]
    shrink(space, state, owner, copies_to_keep(state.random, copies))
    return grow_to(space, state, owner, copies)


@compiled
def recut_one(space: SearchSpace, state: LayoutState, owner: int) -> bool:
    """Another variant and number of copies for an owner, after a copy less for up to two others."""
    first = space.variant_offset[owner]
    variant = first + random_below(state.random, space.variant_offset[owner + 1] - first)
    if variant == state.variant[owner]:
        return False
    recut(space, state, owner, variant)
    for _ in range(random_below(state.random, 3)):
        other = random_below(state.random, len(space.layer))
        if other != owner and state.copies[other] > 1:
            shrink(space, state, other, state.copies[other] - 1)
    most = max(1, space.crossbars // boxes_of(space, variant))
    return grow_to(space, state, owner, 1 + random_below(state.random, most))


@compiled
def balance(space: SearchSpace, state: LayoutState, owner: int) -> bool:
    """Two owners share out anew what room they had."""
    other = random_below(state.random, len(space.layer))
    if other == owner:
        return False
    for o in (owner, other):
        shrink(space, state, o, copies_to_keep(state.random, state.copies[o]))
    for o in (other, owner):
        if not grow_to(space, state, o, 1):
            return False
    for o in (owner, other):
        while random_below(state.random, 8) > 0 and grow(space, state, o):
            pass
    return True


MOVES = ("trade", "remove", "relocate", "recut", "balance")
WEIGHTS = (2, 1, 3, 1, 1)
"""How often each move is drawn, as shares of their sum.

A new cut throws away all copies that a layer had and has to find room for others, so that it is drawn less
than moves that keep most of a layout.
"""

TRADE, REMOVE, RELOCATE, RECUT, BALANCE = range(len(MOVES))


@inlined
def _draw_move(random: RandomState) -> int:
    """One of the moves, by its weight."""
    left = random_below(random, sum(WEIGHTS))
    for kind in range(len(WEIGHTS)):
        left -= WEIGHTS[kind]
        if left < 0:
            return kind
    return len(WEIGHTS) - 1


@compiled
def remove_copy(space: SearchSpace, state: LayoutState) -> bool:
    """One copy less for a random layer that has several."""
    owner = random_below(state.random, len(space.layer))
    if state.copies[owner] < 2:
        return False
    shrink(space, state, owner, state.copies[owner] - 1)
    return True


@compiled
def move(space: SearchSpace, state: LayoutState) -> bool:
    """A random move; the undo log starts anew. False where it is no layout of the whole network."""
    state.undo_length[0] = 0
    kind = _draw_move(state.random)
    if kind == RELOCATE:
        return relocate(space, state)
    owner = draw_slow_layer(space, state)
    if kind == TRADE:
        return trade(space, state, owner)
    if kind == REMOVE:
        return remove_copy(space, state)
    if kind == RECUT:
        return recut_one(space, state, owner)
    return balance(space, state, owner)
