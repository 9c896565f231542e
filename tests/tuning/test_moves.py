"""Moves of the search: each can be taken back without a trace, and what is kept is a sound layout."""

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tuning_cases import (
    COLUMNS,
    MIXED,
    MODES,
    ROWS,
    faults,
    in_use,
    layers,
    networks,
    packed,
    snapshot,
    target_of,
    values_of,
)

from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.tuning.joint.construction import add_copies_greedily, from_packing
from rram_nas_comp_pack.tuning.joint.layout_state import (
    OwnersBox,
    Position,
    box_of,
    boxes_of,
    empty_layout,
    free_corner,
    place_box,
    remove_box,
    undo,
)
from rram_nas_comp_pack.tuning.joint.moves import grow, move, place_best
from rram_nas_comp_pack.tuning.joint.objective import set_durations
from rram_nas_comp_pack.tuning.joint.search_space import build_problem
from rram_nas_comp_pack.values import NO_RULES, Rules

COMPILING = [HealthCheck.too_slow]  # layouts are drawn by kernels, which the first example may compile


rules = st.builds(Rules, threshold=st.integers(0, 2), max_load=st.sampled_from([0, 2, 3, 6]))


def start(network, more, rules, mode, seed):
    """The un-duplicated layout on some crossbars more than it takes, and made-up times that layers clash."""
    mappings, packing = packed(network, rules, diagonal=mode == "diagonal")
    found = build_problem(mappings, target_of(packing.crossbars + more, rules, mode), lambda *_: 1.0)
    state = from_packing(found.space, packing.placements, seed)
    set_durations(found.space, state)
    stores = len(found.space.layer)
    clash = np.random.default_rng(seed).integers(0, 4, (stores, stores)).astype(float)
    state.overlap_time[:] = clash + clash.T
    return found, state


@st.composite
def starts(draw):
    """A menu and the un-duplicated layout."""
    case = (draw(networks()), draw(st.integers(0, 12)), draw(rules), draw(st.sampled_from(MODES)))
    return start(*case, draw(st.integers(0, 10**6)))


def walked(found, state, steps):
    """The layout after so many moves, all kept that can be."""
    for _ in range(steps):
        if not move(found.space, state):
            undo(found.space, state, 0)
        set_durations(found.space, state)
    return state


def assert_books_balance(found, state):
    """Everything that is kept up to date, counted anew from where the boxes are."""
    c = found.space
    stores = range(len(c.layer))
    boxes = [(o, k) for o in stores for k in range(state.copies[o] * boxes_of(c, state.variant[o]))]
    assert in_use(found, state) == boxes
    on = {crossbar: [] for crossbar in range(c.crossbars)}
    free = np.full(c.crossbars, ROWS * COLUMNS)
    for o, k in boxes:
        on[state.home[o, k]].append(o)
        box = box_of(c, state, o, k)
        free[state.home[o, k]] -= c.width[box] * c.height[box]
    assert state.load.tolist() == [len(on[crossbar]) for crossbar in range(c.crossbars)]
    assert state.free.tolist() == free.tolist()
    together = [[sum(a in here and b in here for here in on.values()) for b in stores] for a in stores]
    np.fill_diagonal(wanted := np.array(together), 0)
    assert state.shared.tolist() == wanted.tolist()


@given(case=starts(), keep=st.integers(0, 2**40 - 1))
@settings(max_examples=80, deadline=None, suppress_health_check=COMPILING)
def test_a_move_is_kept_as_a_sound_layout_or_taken_back_without_a_trace(case, keep):
    found, state = case
    for kept in (keep >> k & 1 for k in range(40)):
        before = snapshot(found, state)
        if move(found.space, state) and kept:
            assert faults(*values_of(found, state), found.target) == []
            assert (state.copies <= found.space.max_useful_copies[state.variant]).all()
        else:
            undo(found.space, state, 0)
            assert snapshot(found, state) == before
        assert_books_balance(found, state)
        set_durations(found.space, state)


@given(case=starts(), steps=st.integers(1, 10), back=st.integers(0, 200))
@settings(max_examples=60, deadline=None, suppress_health_check=COMPILING)
def test_undoing_to_an_entry_of_the_journal_leaves_the_entries_before_it(case, steps, back):
    found, state = case
    walked(found, state, steps)
    move(found.space, state)
    entries = min(back, int(state.undo_length[0]))
    earlier = state.undo_log[:entries].copy()
    undo(found.space, state, entries)
    assert state.undo_length[0] == entries
    assert np.array_equal(state.undo_log[:entries], earlier)


def test_a_box_put_and_taken_is_gone():
    found, state = start(MIXED, 4, Rules(), "auto", 0)
    before = snapshot(found, state)
    spare = int(np.flatnonzero(state.load == 0)[0])
    for k in range(int(state.copies[0]), 2):
        place_box(found.space, state, OwnersBox(0, k), Position(spare, 0, 0))
        assert snapshot(found, state) != before
        remove_box(found.space, state, 0, k)
    assert snapshot(found, state) == before


# Where a box goes


def occupied(found, state, crossbar):
    """Cells under boxes, (rows, columns)."""
    cells = np.zeros((ROWS, COLUMNS), bool)
    for o, k in in_use(found, state):
        if state.home[o, k] == crossbar:
            box = box_of(found.space, state, o, k)
            x, y = state.x[o, k], state.y[o, k]
            cells[y : y + found.space.height[box], x : x + found.space.width[box]] = True
    return cells


def lowest_then_leftmost(cells, h, w):
    """The first free place, row by row, of all places there are."""
    for y in range(ROWS - h + 1):
        for x in range(COLUMNS - w + 1):
            if not cells[y : y + h, x : x + w].any():
                return x, y
    return -1, -1


@given(case=starts(), steps=st.integers(0, 30))
@settings(max_examples=60, deadline=None, suppress_health_check=COMPILING)
def test_the_spot_found_is_the_lowest_then_leftmost_of_all_places(case, steps):
    found, state = case
    c = found.space
    walked(found, state, steps)
    sizes = {(int(h), int(w)): box for box, (h, w) in enumerate(zip(c.height, c.width, strict=True))}
    for crossbar in range(c.crossbars):
        cells = occupied(found, state, crossbar)
        for (h, w), box in list(sizes.items())[:12]:
            assert free_corner(c, state, crossbar, box) == lowest_then_leftmost(cells, h, w)


@given(case=starts(), steps=st.integers(0, 30), pick=st.integers(0, 99))
@settings(max_examples=70, deadline=None, suppress_health_check=COMPILING)
def test_a_box_goes_where_it_waits_least_then_where_least_room_is_left(case, steps, pick):
    found, state = case
    c = found.space
    walked(found, state, steps)
    store = pick % len(c.layer)
    k = int(state.copies[store]) * boxes_of(c, state.variant[store])
    assume(k < c.crossbars)
    box = box_of(c, state, store, k)
    allowed = {}
    for crossbar in range(c.crossbars):
        here = {o for o, j in in_use(found, state) if state.home[o, j] == crossbar}
        near = any(abs(c.layer[o] - c.layer[store]) <= c.threshold for o in here)
        full = state.load[crossbar] >= c.max_load
        spot = free_corner(c, state, crossbar, box)
        if not near and not full and spot != (-1, -1):
            waiting = sum(state.overlap_time[store, o] for o in here if not state.shared[store, o])
            allowed[crossbar] = (waiting, state.free[crossbar]), spot
    placed = place_best(c, state, store, k)
    assert placed == bool(allowed)
    if placed:
        home = int(state.home[store, k])
        cost, spot = allowed[home]
        assert cost == min(cost for cost, _ in allowed.values())
        assert (state.x[store, k], state.y[store, k]) == spot


# Layouts to start from


@given(case=starts(), samples=st.integers(1, 9))
@settings(max_examples=60, deadline=None, suppress_health_check=COMPILING)
def test_gaps_are_filled_until_no_store_can_grow(case, samples):
    found, state = case
    add_copies_greedily(found.space, state, samples)
    assert faults(*values_of(found, state), found.target) == []
    assert_books_balance(found, state)
    for store in range(len(found.space.layer)):
        assert not grow(found.space, state, store)
    assert_books_balance(found, state)


@given(network=networks())
@settings(max_examples=40, deadline=None, suppress_health_check=COMPILING)
def test_the_layout_as_placed_is_the_packing(network):
    mappings, packing = packed(network)
    found = build_problem(mappings, target_of(packing.crossbars), lambda *_: 1.0)
    again, same = values_of(found, from_packing(found.space, packing.placements, 0))
    assert again == mappings
    corners = {(p.layer_idx, p.box, p.loc_x, p.loc_y, p.max_x, p.max_y) for p in packing.placements}
    assert {(p.layer_idx, p.box, p.loc_x, p.loc_y, p.max_x, p.max_y) for p in same.placements} == corners
    assert same.crossbars == packing.crossbars


def test_boxes_of_a_layer_on_one_crossbar_are_packed_apart_if_there_is_room():
    """Twenty inputs on eighteen rows: a box of two rows beside one of eighteen."""
    mappings, packing = packed(layers(linear(20, 8, 3)), NO_RULES)
    assert packing.crossbars == 1
    found = [build_problem(mappings, target_of(n, NO_RULES), lambda *_: 1.0) for n in (1, 3)]
    cramped, apart = (from_packing(each.space, packing.placements, 0) for each in found)
    assert cramped is None
    assert apart.copies.tolist() == [1]
    assert faults(*values_of(found[1], apart), found[1].target) == []
    assert apart.home[0, 0] != apart.home[0, 1]


@pytest.mark.parametrize("seed", [0, 1, 2**64 - 1, 13676627961686542615])
def test_the_random_numbers_never_start_at_their_fixed_point(seed):
    found, _ = start(MIXED, 1, Rules(), "auto", 0)
    assert empty_layout(found.space, seed).random[0] != 0
