"""Crossbars in pools: templates, how crossbars are shared out, and the layouts they make."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tuning_cases import COLUMNS, MODES, ROWS, faults, layers, menu_of, networks, values_of

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.tuning.joint.layout_state import boxes_of
from rram_nas_comp_pack.tuning.joint.pools.annealing import anneal_pools, draw_change, take_back
from rram_nas_comp_pack.tuning.joint.pools.layout import busy_owners, pooled_layout
from rram_nas_comp_pack.tuning.joint.pools.model import (
    OUT_OF_REACH,
    allocate_crossbars,
    pack_template,
    rebuild_members,
    single_pools,
)
from rram_nas_comp_pack.tuning.joint.search_space import build_problem
from rram_nas_comp_pack.tuning.settings import Target
from rram_nas_comp_pack.values import CrossbarSize, Rules

rules = st.builds(Rules, threshold=st.integers(-1, 2), max_load=st.sampled_from([0, 1, 2, 6]))
seeds = st.integers(1, 10**6)


def all_busy(found, seed):
    """Every store in a pool of its own."""
    stores = np.arange(len(found.space.layer))
    return single_pools(found.space, stores, np.array([seed], np.uint64))


@st.composite
def scattered(draw, crossbars=40):
    """A menu, and its stores in random pools and variants, which need not fit."""
    mode = draw(st.sampled_from(MODES))
    found = menu_of(draw(networks()), crossbars, draw(rules), mode)
    together = all_busy(found, draw(seeds))
    random = np.random.default_rng(draw(seeds))
    for o in together.busy:
        together.pool[o] = random.integers(len(together.busy))
        together.variant[o] = random.integers(*found.space.variant_offset[o : o + 2])
    rebuild_members(together)
    return found, together


def members(together, pool):
    return [o for o in together.busy.tolist() if together.pool[o] == pool]


def assert_sound_templates(found, together):
    """Every pool's template lays a box of each member, within the crossbar and beside each other."""
    c = found.space
    for pool in range(len(together.busy)):
        n = pack_template(together, pool)
        assert n == len(members(together, pool))
        assert sorted(together.members[:n].tolist()) == members(together, pool)
        corners = together.corners[:n].tolist()
        cells = np.zeros((ROWS, COLUMNS), int)
        for o, (x0, y0, x1, y1) in zip(together.members[:n].tolist(), corners, strict=True):
            boxes = slice(*c.box_offset[together.variant[o] : together.variant[o] + 2])
            assert (x1 - x0, y1 - y0) == (c.width[boxes].max(), c.height[boxes].max())
            assert min(x0, y0) >= 0
            assert x1 <= COLUMNS
            assert y1 <= ROWS
            cells[y0:y1, x0:x1] += 1
        assert cells.max(initial=0) <= 1
        assert n <= c.max_load
        indices = np.sort(c.layer[together.members[:n]])
        assert (np.diff(indices) > c.threshold).all()


@given(case=scattered())
@settings(max_examples=60, deadline=None)
def test_boxes_of_a_template_keep_the_rules_and_do_not_overlap(case):
    found, together = case
    fitting = [pool for pool in range(len(together.busy)) if pack_template(together, pool) >= 0]
    for o in together.busy.tolist():
        if together.pool[o] not in fitting:
            together.pool[o] = -1  # left out
    rebuild_members(together)
    assert_sound_templates(found, together)


@pytest.mark.parametrize(
    ("rules", "sizes"),
    [
        (Rules(1, 6), [(2, 2), (2, 2)]),  # neighbours
        (Rules(0, 1), [(2, 2), (2, 2)]),  # two boxes, one allowed
        (Rules(0, 6), [(ROWS, COLUMNS), (1, 1)]),  # no room
        (Rules(0, 6), [(ROWS - 1, 9), (ROWS - 1, 8)]),
    ],
)
def test_a_pool_against_the_rules_or_without_room_has_no_template(rules, sizes):
    found = menu_of(layers(*(linear(h, w, 1) for h, w in sizes)), 9, rules)
    together = all_busy(found, 1)
    together.pool[:] = 0
    rebuild_members(together)
    assert pack_template(together, 0) == -1


@given(case=scattered(), extra=st.integers(0, 60), samples=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_sizes_of_pools_add_up_to_the_room_and_give_the_latency(case, extra, samples):
    found, together = case
    c, count = found.space, len(together.busy)
    boxes = [boxes_of(c, together.variant[o]) for o in range(count)]
    least = [max((boxes[o] for o in members(together, pool)), default=0) for pool in range(count)]
    if extra:
        assert allocate_crossbars(together, sum(least) - 1, samples) >= OUT_OF_REACH
    room = sum(least) + extra
    latency = allocate_crossbars(together, room, samples)
    assert together.size.sum() == room
    assert (together.size >= least).all()
    times = []
    for pool in range(count):
        copies = {
            o: min(c.max_useful_copies[together.variant[o]], together.size[pool] // boxes[o])
            for o in range(count)
        }
        alone = c.single_copy_time[together.variant]
        times.append(sum(np.ceil(alone[o] / copies[o]) for o in members(together, pool)))
    assert together.time.tolist() == times
    assert latency == sum(times) + (samples - 1) * max(times)


def standing(together):
    return together.pool.tolist(), together.variant.tolist()


@given(network=networks(), rules=rules, mode=st.sampled_from(MODES), seed=seeds)
@settings(max_examples=60, deadline=None)
def test_every_change_leaves_sound_templates_and_can_be_taken_back(network, rules, mode, seed):
    found = menu_of(network, 40, rules, mode)
    together = all_busy(found, seed)
    for k in range(30):
        before = standing(together)
        changed = draw_change(together)
        assert_sound_templates(found, together)
        if changed[0] < 0:
            assert standing(together) == before
        elif k % 3 == 0:
            take_back(together, changed)
            assert standing(together) == before


def test_a_pool_that_a_layer_leaves_still_has_a_template():
    """Laid tallest first, lowest then leftmost, these five boxes fit 12 x 12 cells; without the first, the
    others do not.
    """
    sizes = [(9, 3), (9, 4), (6, 5), (5, 4), (2, 7)]
    network = layers(*(linear(h, w, 1) for h, w in sizes))
    found = build_problem(
        partition(network, CrossbarSize(12, 12)),
        Target(9, CrossbarSize(12, 12), Rules(0, 6), "auto"),
        lambda *_: 1.0,
    )
    for seed in range(1, 60):
        together = all_busy(found, seed)
        together.pool[:] = 0
        rebuild_members(together)
        assert pack_template(together, 0) == 5
        draw_change(together)
        assert all(pack_template(together, pool) >= 0 for pool in range(5))


@given(network=networks(), mode=st.sampled_from(MODES), seed=seeds, samples=st.integers(1, 20))
@settings(max_examples=40, deadline=None)
def test_the_search_for_pools_never_ends_worse_than_it_began(network, mode, seed, samples):
    found = menu_of(network, 60, Rules(), mode)
    together = all_busy(found, seed)
    before = allocate_crossbars(together, 60, samples)
    after = anneal_pools(together, 60, samples, 300)
    assert after <= before
    assert after == allocate_crossbars(together, 60, samples)
    assert_sound_templates(found, together)


@given(
    network=networks(most=8),
    rules=rules,
    mode=st.sampled_from(MODES),
    crossbars=st.integers(2, 60),
    samples=st.integers(2, 20),
    seed=seeds,
)
@settings(max_examples=60, deadline=None)
def test_a_layout_in_pools_is_sound_and_busy_layers_share_crossbars_within_their_pool_only(
    network, rules, mode, crossbars, samples, seed
):
    found = menu_of(network, crossbars, rules, mode)
    c = found.space
    busy = busy_owners(c, 2)
    state = pooled_layout(c, busy, samples, seed, 200)
    assume(state is not None)
    assert len(busy) > 0
    assert faults(*values_of(found, state), found.target) == []
    assert (state.copies <= c.max_useful_copies[state.variant]).all()
    others = np.setdiff1d(np.arange(len(c.layer)), busy)
    assert (state.copies[others] == 1).all()
    assert not state.shared[np.ix_(busy, others)].any()
    same_pool = (state.shared[np.ix_(busy, busy)] > 0) | np.eye(len(busy), dtype=bool)
    assert np.array_equal(same_pool @ same_pool, same_pool)  # a pool's members all share


def test_where_no_layer_is_busy_there_are_no_pools():
    """Layers of like times and sizes, and no more crossbars than they need."""
    found = menu_of(layers(linear(18, 16, 4), linear(18, 16, 4)), 2)
    assert pooled_layout(found.space, busy_owners(found.space, 2), 8, 1, 100) is None
