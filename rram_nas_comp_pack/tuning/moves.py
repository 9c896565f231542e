"""Changes to a layout: a copy more or less, boxes elsewhere, a layer cut in another way.

A move either succeeds, or leaves its traces in the journal for the caller to undo.
"""

from __future__ import annotations

from ..kernels.jit import compiled, inlined
from ..kernels.random import RandomState, random_below
from .choices import Choices
from .state import COPIES, PUT, TAKEN, VARIANT, State, box_of, boxes_of, find_spot, note, put, take, undo

NOWHERE = 1e300


@inlined
def wait_on(choices: Choices, state: State, store: int, crossbar: int) -> float:
    """Waiting that a box of `store` on a crossbar would bring, NOWHERE where the rules forbid it.

    A layer waits for the last of its crossbars: a second one shared with the same store costs nothing.
    """
    waiting = 0.0
    for j in range(state.load[crossbar]):
        other = state.content[crossbar, j] // choices.crossbars
        if abs(choices.layer[other] - choices.layer[store]) <= choices.threshold:
            return NOWHERE
        if state.shared[store, other] == 0:
            waiting += state.clash[store, other]
    return waiting


@compiled
def insert(choices: Choices, state: State, store: int, k: int) -> bool:
    """Put the store's k-th box where it brings least waiting, of equals where least room is left."""
    box = box_of(choices, state, store, k)
    cells = choices.width[box] * choices.height[box]
    best = (-1, 0, 0)
    least, room = NOWHERE, 0
    crossbar = random_below(state.random, choices.crossbars)
    for _ in range(choices.crossbars):
        crossbar = crossbar + 1 if crossbar + 1 < choices.crossbars else 0
        free = state.free[crossbar]
        if state.load[crossbar] >= choices.max_load or free < cells:
            continue
        waiting = wait_on(choices, state, store, crossbar)
        if waiting > least or waiting == NOWHERE or (waiting == least and free >= room):
            continue
        x, y = find_spot(choices, state, crossbar, box)
        if x >= 0:
            best = (crossbar, x, y)
            least, room = waiting, free
    if best[0] < 0:
        return False
    put(choices, state, (store, k), best)
    note(state, PUT, store, k)
    return True


@compiled
def set_copies(state: State, store: int, copies: int) -> None:
    """Change the number of copies on record."""
    note(state, COPIES, store, state.copies[store])
    state.copies[store] = copies


@compiled
def shrink(choices: Choices, state: State, store: int, copies: int) -> None:
    """Take the last copies off, down to `copies`."""
    n = boxes_of(choices, state.variant[store])
    for k in range(state.copies[store] * n - 1, copies * n - 1, -1):
        note(state, TAKEN, store, k)
        take(choices, state, store, k)
    set_copies(state, store, copies)


@compiled
def grow(choices: Choices, state: State, store: int) -> bool:
    """Add a copy, or change nothing where there is no room or no work for it."""
    variant = state.variant[store]
    n, copies = boxes_of(choices, variant), state.copies[store]
    if (copies + 1) * n > choices.crossbars or copies >= choices.most[variant]:
        return False
    before = state.entries[0]
    for k in range(copies * n, (copies + 1) * n):
        if not insert(choices, state, store, k):
            undo(choices, state, before)
            return False
    set_copies(state, store, copies + 1)
    return True


@compiled
def grow_to(choices: Choices, state: State, store: int, copies: int) -> bool:
    """Add copies up to so many; False where not even one could be placed."""
    while state.copies[store] < copies and grow(choices, state, store):
        pass
    return bool(state.copies[store] > 0)


@compiled
def recut(choices: Choices, state: State, store: int, variant: int) -> None:
    """Take a store off and cut it another way."""
    shrink(choices, state, store, 0)
    note(state, VARIANT, store, state.variant[store])
    state.variant[store] = variant


@compiled
def any_store(choices: Choices, state: State) -> int:
    """A random store: mostly one of those that take long."""
    stores, executions = len(choices.layer), len(choices.store)
    if random_below(state.random, 4) == 0:
        return random_below(state.random, stores)
    at = state.duration.sum() * random_below(state.random, 1 << 20) / (1 << 20)
    for e in range(executions):
        at -= state.duration[e]
        if at < 0:
            return int(choices.store[e])
    return int(choices.store[executions - 1])


@compiled
def some(random: RandomState, copies: int) -> int:
    """How many of the copies to leave: none half of the times, else any number less than all."""
    return 0 if random_below(random, 2) == 0 else random_below(random, copies)


@compiled
def trade(choices: Choices, state: State, store: int) -> bool:
    """Copies more for one store, after some fewer for up to three others."""
    for _ in range(random_below(state.random, 4)):
        other = random_below(state.random, len(choices.layer))
        if other != store and state.copies[other] > 1:
            fewer = max(1, state.copies[other] - 1 - random_below(state.random, 2))
            shrink(choices, state, other, fewer)
    before = state.copies[store]
    grow_to(choices, state, store, before + 1 + random_below(state.random, 3))
    return bool(state.copies[store] > before)


@compiled
def relocate(choices: Choices, state: State) -> bool:
    """Some or all copies of a store elsewhere."""
    store = random_below(state.random, len(choices.layer))
    copies = state.copies[store]
    shrink(choices, state, store, some(state.random, copies))
    return grow_to(choices, state, store, copies)


@compiled
def recut_one(choices: Choices, state: State, store: int) -> bool:
    """Another variant and number of copies for a store, after a copy less for up to two others."""
    first = choices.variant_at[store]
    variant = first + random_below(state.random, choices.variant_at[store + 1] - first)
    if variant == state.variant[store]:
        return False
    recut(choices, state, store, variant)
    for _ in range(random_below(state.random, 3)):
        other = random_below(state.random, len(choices.layer))
        if other != store and state.copies[other] > 1:
            shrink(choices, state, other, state.copies[other] - 1)
    most = max(1, choices.crossbars // boxes_of(choices, variant))
    return grow_to(choices, state, store, 1 + random_below(state.random, most))


@compiled
def balance(choices: Choices, state: State, store: int) -> bool:
    """Two stores share out anew what room they had."""
    other = random_below(state.random, len(choices.layer))
    if other == store:
        return False
    for o in (store, other):
        shrink(choices, state, o, some(state.random, state.copies[o]))
    for o in (other, store):
        if not grow_to(choices, state, o, 1):
            return False
    for o in (store, other):
        while random_below(state.random, 8) > 0 and grow(choices, state, o):
            pass
    return True


@compiled
def move(choices: Choices, state: State) -> bool:
    """A random move; the journal starts anew. False where it is no layout of the whole network."""
    state.entries[0] = 0
    kind = random_below(state.random, 8)
    if 3 <= kind < 6:
        return relocate(choices, state)
    store = any_store(choices, state)
    if kind < 2:
        return trade(choices, state, store)
    if kind == 2:
        other = random_below(state.random, len(choices.layer))
        if state.copies[other] > 1:
            shrink(choices, state, other, state.copies[other] - 1)
            return True
        return False
    if kind == 6:
        return recut_one(choices, state, store)
    return balance(choices, state, store)
