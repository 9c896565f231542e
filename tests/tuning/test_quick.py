"""A layout in milliseconds: sound, told alike by its arrays and its values; more copies do not slow it."""

import numpy as np
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tuning_cases import (
    MIXED,
    MODES,
    SIZE,
    faults,
    menu_of,
    networks,
    one_ns,
    packed,
    sized_ns,
    target_of,
    values_of,
)

from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.joint.construction import Doubling, double_copies, from_packing
from rram_nas_comp_pack.tuning.joint.fast_schedule import makespan, schedule_buffers
from rram_nas_comp_pack.tuning.joint.objective import BEST, CURRENT, evaluate, incumbent_of, set_durations
from rram_nas_comp_pack.tuning.joint.pools.layout import busy_owners, pooled_layout
from rram_nas_comp_pack.tuning.joint.quick import quick_layout
from rram_nas_comp_pack.tuning.settings import Effort
from rram_nas_comp_pack.values import Rules

rules = st.builds(Rules, threshold=st.integers(0, 2), max_load=st.sampled_from([0, 1, 2, 6]))
reads = st.sampled_from([one_ns, sized_ns])


def renumbered(crossbars):
    """Numbers in order of first occurrence."""
    numbers = {}
    return [numbers.setdefault(c, len(numbers)) for c in crossbars.tolist()]


def assert_same_program(found, wanted):
    """Arrays alike, but for the numbers of the crossbars."""
    assert renumbered(found.crossbars) == renumbered(wanted.crossbars)
    for name in set(found._fields) - {"crossbars"}:
        one, other = np.asarray(getattr(found, name)), np.asarray(getattr(wanted, name))
        assert np.array_equal(one, other), name
        assert one.dtype == other.dtype, name


@given(
    network=networks(most=8),
    crossbars=st.integers(2, 60),
    rules=rules,
    mode=st.sampled_from(MODES),
    read_ns=reads,
    samples=st.integers(1, 12),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_its_figures_are_those_of_its_values(network, crossbars, rules, mode, read_ns, samples, seed):
    target = target_of(crossbars, rules, mode)
    effort = Effort(samples, 0, seed=seed)
    found = quick_layout(partition(network, SIZE, 1, mode == "diagonal"), target, read_ns, effort)
    assume(found is not None)
    layout = found.values()
    mappings, packing = layout
    assert faults(mappings, packing, target) == []
    assert found.mappings == mappings
    assert (found.crossbars, found.utilization) == (packing.crossbars, layout.utilization)
    wanted = program(mappings, read_ns, packing.placements)
    assert_same_program(found.program(), wanted)
    assert simulate(found.program(), samples).latency_ns == simulate(wanted, samples).latency_ns


def test_the_same_seed_gives_the_same_layout():
    plain, effort = partition(MIXED, SIZE), Effort(8, 0, seed=3)
    one, other = (quick_layout(plain, target_of(20), one_ns, effort).values() for _ in range(2))
    assert one == other


@given(
    network=networks(),
    crossbars=st.integers(2, 40),
    mode=st.sampled_from(MODES),
    samples=st.integers(1, 80),
    tries=st.integers(0, 30),
    seed=st.integers(0, 99),
)
@settings(max_examples=60, deadline=None)
def test_topping_up_leaves_a_sound_layout_that_is_no_slower(network, crossbars, mode, samples, tries, seed):
    found = menu_of(network, crossbars, None, mode)
    c = found.space
    state = pooled_layout(c, busy_owners(c, 0.5), samples, seed, 200)
    assume(state is not None)
    scratch, best = schedule_buffers(c, min(samples, 64)), incumbent_of(state)
    evaluate(c, state, scratch, best, samples)
    before = best.latency[BEST]
    double_copies(c, state, scratch, best, Doubling(samples, tries))
    assert best.latency[BEST] == best.latency[CURRENT] <= before
    assert faults(*values_of(found, state), found.target) == []
    assert np.array_equal(best.copies, state.copies)
    set_durations(c, state)
    if 1 < samples <= 64:
        assert makespan(c, state, scratch, samples) == best.latency[CURRENT]


def test_topping_up_gives_a_lonely_layer_all_the_copies_it_has_work_for():
    """Five reads: one copy, two, four, and no more than five."""
    c = menu_of(MIXED[:1], 8).space
    state = from_packing(c, packed(MIXED[:1])[1].placements, 1)
    scratch, best = schedule_buffers(c, 1), incumbent_of(state)
    evaluate(c, state, scratch, best, 1)
    copies = []
    for _ in range(4):
        double_copies(c, state, scratch, best, Doubling(1, 1))
        copies.append(state.copies.tolist())
    assert copies == [[2], [4], [5], [5]]
    assert best.latency[BEST] == 1
