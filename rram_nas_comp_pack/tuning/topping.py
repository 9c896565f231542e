"""More copies for a layout that has a schedule, one layer after another, as long as the schedule gains."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..kernels.jit import compiled
from .anneal import Best, guide, keep, latency, set_clashes, set_durations
from .choices import Choices
from .moves import grow_to
from .replay import Bench
from .starts import room_of
from .state import State, undo


@compiled
def top_up(choices: Choices, state: State, bench: Bench, best: Best, terms: tuple[int, int]) -> None:
    """Double the copies of stores where that makes a judged layout faster; terms are (samples, tries).

    Boxes go where they bring least waiting in the schedule at hand. A store that gained nothing, or found no
    room, is not tried again.
    """
    samples, tries = terms
    closed = np.zeros(len(choices.layer), np.bool_)
    for _ in range(tries):
        store = _most_promising(choices, state, closed)
        if store < 0:
            break
        state.entries[0] = 0
        before = state.copies[store]
        grow_to(choices, state, store, 2 * before)
        set_durations(choices, state)
        now = latency(choices, state, bench, samples) if state.copies[store] > before else best.score[1]
        if now < best.score[1]:
            best.score[1] = now
            set_clashes(choices, state, bench.finished)
            if now < best.score[0]:
                keep(state, best)
        else:
            undo(choices, state, 0)
            set_durations(choices, state)
            closed[store] = True
    best.score[2] = best.score[1] + guide(choices, state, samples)


@compiled
def _most_promising(choices: Choices, state: State, closed: NDArray[np.bool_]) -> int:
    """The open store that takes longest for the room of a copy; -1 where none is left."""
    best, most = -1, 0.0
    for e in range(len(choices.store)):
        store = choices.store[e]
        promise = state.duration[e] / room_of(choices, state.variant[store])
        if not closed[store] and promise > most:
            best, most = store, promise
    return best
