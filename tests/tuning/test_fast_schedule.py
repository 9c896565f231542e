"""The schedule within the search, against the simulation: slower and without its assumptions."""

from dataclasses import replace
from itertools import permutations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tuning_cases import MODES, layers, menu_of, networks, one_ns, sized_ns

from rram_nas_comp_pack.box_converter.shapes import linear
from rram_nas_comp_pack.simulation.event_loop import program, simulate
from rram_nas_comp_pack.tuning.joint.fast_schedule import makespan, schedule_buffers
from rram_nas_comp_pack.tuning.joint.layout_state import boxes_of, empty_layout
from rram_nas_comp_pack.tuning.joint.objective import latency, set_durations, set_overlap_times
from rram_nas_comp_pack.values import Placement


def placements_of(found, state):
    """Only the crossbars count."""
    c = found.space
    for o in range(len(c.layer)):
        n = boxes_of(c, state.variant[o])
        for k in range(state.copies[o] * n):
            yield Placement(int(c.layer[o]), int(state.home[o, k]), 0, 0, 1, 1, *divmod(k, n))


def simulated(found, state, read_ns, samples):
    """The schedule by the simulation, in ns."""
    mappings = found.mappings(state.variant.tolist(), state.copies.tolist())
    return simulate(program(mappings, read_ns, list(placements_of(found, state))), samples)


def replayed(found, state, samples):
    """Latency and times of all ends, in ns."""
    set_durations(found.space, state)
    scratch = schedule_buffers(found.space, samples)
    latency = makespan(found.space, state, scratch, samples)
    return latency * found.unit_ns, scratch.finished * found.unit_ns


def scattered(network, crossbars, mode, seed, read_ns):
    """A random variant and copies for every store, on random crossbars; None where one has too many boxes."""
    found = menu_of(network, crossbars, mode=mode, read_ns=read_ns)
    c, draw = found.space, np.random.default_rng(seed)
    state = empty_layout(c, 0)
    for o in range(len(c.layer)):
        state.variant[o] = draw.integers(c.variant_offset[o], c.variant_offset[o + 1])
        n = boxes_of(c, state.variant[o])
        most = min(c.max_useful_copies[state.variant[o]], crossbars // n)
        if not most:
            return None
        state.copies[o] = draw.integers(1, most + 1)
        state.home[o, : state.copies[o] * n] = draw.permutation(crossbars)[: state.copies[o] * n]
    return found, state


def apart(network, seed, read_ns, mode="auto", most=3):
    """A layout in which no crossbar is shared."""
    found = menu_of(network, 200, mode=mode, read_ns=read_ns)
    c, draw = found.space, np.random.default_rng(seed)
    state, used = empty_layout(c, 0), 0
    for o in range(len(c.layer)):
        state.variant[o] = draw.integers(c.variant_offset[o], c.variant_offset[o + 1])
        state.copies[o] = 1 + draw.integers(min(most, c.max_useful_copies[state.variant[o]]))
        boxes = state.copies[o] * boxes_of(c, state.variant[o])
        assume(used + boxes <= 200)
        state.home[o, :boxes] = np.arange(used, used + boxes)
        used += boxes
    set_durations(c, state)
    return found, state


scatter = {
    "network": networks(),
    "crossbars": st.integers(1, 12),
    "mode": st.sampled_from(MODES),
    "seed": st.integers(0, 10**6),
}


@given(**scatter, samples=st.integers(1, 12))
@settings(max_examples=120, deadline=None)
def test_without_ties_every_layer_of_every_sample_ends_when_the_simulation_says(samples, **case):
    laid = scattered(**case, read_ns=sized_ns)
    assume(laid is not None)
    wanted = simulated(*laid, sized_ns, samples)
    latency, finished = replayed(*laid, samples)
    np.testing.assert_allclose(finished, wanted.finished_ns, rtol=1e-9)
    assert latency == pytest.approx(wanted.latency_ns, rel=1e-9)


@given(**scatter)
@settings(max_examples=60, deadline=None)
def test_one_sample_in_whole_reads_is_exact(**case):
    laid = scattered(**case, read_ns=one_ns)
    assume(laid is not None)
    wanted = simulated(*laid, one_ns, 1)
    found, finished = replayed(*laid, 1)
    assert np.array_equal(finished, wanted.finished_ns)
    assert found == wanted.latency_ns
    assert latency(laid[0].space, laid[1], schedule_buffers(laid[0].space, 1), 1) == found


@pytest.mark.parametrize(
    ("count", "most", "crossbars", "differing"), [(5, 3, 3, 35), (6, 2, 4, 50), (8, 3, 6, 100)]
)
def test_with_ties_it_mostly_agrees_with_the_simulation_and_never_differs_by_a_quarter(
    count, most, crossbars, differing
):
    """1000 layouts of layers of few whole reads, where ties abound, for 2 to 16 samples."""
    differences = []
    for seed in range(1000):
        draw, samples = np.random.default_rng(seed), 2 + seed % 15
        network = layers(*(linear(4, 4, int(n)) for n in draw.integers(1, most + 1, count)))
        laid = scattered(network, crossbars, "auto", seed, one_ns)
        wanted = simulated(*laid, one_ns, samples).latency_ns
        found, _ = replayed(*laid, samples)
        differences.append(abs(found - wanted) / wanted)
    assert sum(d > 0 for d in differences) <= differing
    assert max(differences) < 0.25
    assert np.mean(differences) < 0.003


# More samples than the bench has


@given(network=networks(), seed=st.integers(0, 10**6), size=st.integers(2, 9), more=st.integers(0, 500))
@settings(max_examples=60, deadline=None)
def test_where_nothing_is_shared_the_latency_of_any_number_of_samples_is_exact(network, seed, size, more):
    network = tuple(replace(layer, stored_in=layer.index) for layer in network)
    found, state = apart(network, seed, sized_ns)
    samples = size + more
    wanted = state.duration.sum() + (samples - 1) * state.duration.max()
    buffers = schedule_buffers(found.space, size)
    assert latency(found.space, state, buffers, samples) == pytest.approx(wanted, 1e-9)
    simulation = simulated(found, state, sized_ns, samples).latency_ns
    assert simulation == pytest.approx(wanted * found.unit_ns, rel=1e-9)


@given(**scatter, size=st.integers(2, 9), more=st.integers(0, 60))
@settings(max_examples=60, deadline=None)
def test_no_latency_is_below_that_of_crossbars_all_to_oneself(size, more, **case):
    laid = scattered(**case, read_ns=sized_ns)
    assume(laid is not None)
    found, state = laid
    set_durations(found.space, state)
    alone = state.duration.sum() + (size + more - 1) * state.duration.max()
    assert latency(found.space, state, schedule_buffers(found.space, size), size + more) >= alone * (1 - 1e-9)


def test_a_sample_is_never_extrapolated_to_take_less_than_the_slowest_layer():
    """Three samples take 24 reads and six 38, less than 5 a sample, though one layer takes 5."""
    network = layers(*(linear(4, 4, reads) for reads in (2, 5, 1, 4, 3)))
    found = menu_of(network, 6)
    state = empty_layout(found.space, 0)
    for o, crossbars in enumerate([(2, 5), (1,), (5,), (3, 4), (5,)]):
        state.copies[o] = len(crossbars)
        state.home[o, : len(crossbars)] = crossbars
    set_durations(found.space, state)
    scratch = schedule_buffers(found.space, 6)
    assert [makespan(found.space, state, scratch, samples) for samples in (3, 6)] == [24, 38]
    assert latency(found.space, state, scratch, 106) == 38 + 100 * 5


# Who would wait for whom


def overlap(a, b, period):
    """How long two intervals, both repeated every period, overlap in a period."""
    shifts = range(-100, 101)
    return sum(max(0.0, min(a[1] + k * period, b[1]) - max(a[0] + k * period, b[0])) for k in shifts)


@given(network=networks(), seed=st.integers(0, 10**6), samples=st.integers(1, 8))
@settings(max_examples=60, deadline=None)
def test_stores_clash_for_as_long_as_their_layers_overlap_in_a_period(network, seed, samples):
    network = tuple(replace(layer, stored_in=layer.index) for layer in network)
    found, state = apart(network, seed, sized_ns)
    c, scratch = found.space, schedule_buffers(found.space, samples)
    makespan(c, state, scratch, samples)
    set_overlap_times(c, state, scratch.finished)
    wanted = np.zeros_like(state.overlap_time)
    ends, period = scratch.finished[samples // 2], state.duration.max()
    times = list(zip(ends - state.duration, ends, strict=True))
    for (e, a), (f, b) in permutations(enumerate(times), 2):
        wanted[c.owner[e], c.owner[f]] += overlap(a, b, period) if samples > 1 else 0
    np.testing.assert_allclose(state.overlap_time, wanted, rtol=1e-6, atol=1e-6 * period)
