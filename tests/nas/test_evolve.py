"""The search against plain definitions: who dominates whom, who survives, and what is evaluated."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.nas.generations import SearchOptions, State, SubnetResult, evolve, front, ranks
from rram_nas_comp_pack.nas.genes import canonical, key, one_hot
from rram_nas_comp_pack.nas.genome import GENOME
from rram_nas_comp_pack.nas.selection import crowded_order, hypervolume, non_dominated_rank, tournament

WEIGHTS = np.random.default_rng(1).normal(size=(108, 2))
SMALL = SearchOptions(population=12, generations=8, seed=3)


def judged(genes):
    """A made-up world: accuracy and speed are sums over choices; the fastest do not fit."""
    return [
        SubnetResult(
            accuracy=1 / (1 + np.exp(-a / 10)),
            speed=50 + b,
            latency_ns=1.0,
            energy_nj=a * a,
            crossbars=int(100 + b),
            excess=max(0.0, b - 8),
        )
        for a, b in one_hot(GENOME, genes) @ WEIGHTS
    ]


class Counting:
    """Evaluates, and remembers what was asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, genes):
        self.asked += [row.tobytes() for row in genes]
        return judged(genes)


def last(options, evaluate=judged, state=None):
    for after in evolve(GENOME, options, evaluate, state or State()):
        state = after
    return state


def dominates(a, b):
    return all(a <= b) and any(a < b)


def slow_fronts(rows, excess):
    """Peels the rows that nobody left dominates, one front after the other."""
    left, found, number = set(range(len(rows))), {}, 0

    def beats(i, j):
        if excess[i] > 0 or excess[j] > 0:
            return excess[i] < excess[j]
        return dominates(rows[i], rows[j])

    while left:
        best = {j for j in left if not any(beats(i, j) for i in left)}
        found.update(dict.fromkeys(best, number))
        left, number = left - best, number + 1
    return [found[i] for i in range(len(rows))]


rows = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.sampled_from([0, 0, 0, 1, 2])), min_size=1)


@given(rows)
def test_fronts_are_those_of_the_definition_and_what_does_not_fit_comes_last(drawn):
    table = np.array(drawn, dtype=float)
    assert non_dominated_rank(table[:, :2], table[:, 2]).tolist() == slow_fronts(table[:, :2], table[:, 2])


def slow_crowding(points):
    """For every row the sides of the box that its neighbours leave it, in shares of the whole."""
    room = np.zeros(len(points))
    for column in points.T:
        by = np.argsort(column, kind="stable")
        span = column[by[-1]] - column[by[0]]
        room[by[[0, -1]]] = np.inf
        for before, i, after in zip(by, by[1:], by[2:], strict=False):
            room[i] += (column[after] - column[before]) / span
    return room


def test_within_a_front_those_with_most_room_come_first():
    x = np.random.default_rng(0).permutation(30) / 30
    points = np.column_stack([x, (1 - x) ** 3])
    by = crowded_order(points, np.zeros(30))
    room = slow_crowding(points)
    assert set(by[:2].tolist()) == set(np.flatnonzero(np.isinf(room)).tolist())
    assert np.all(np.diff(room[by[2:]]) <= 1e-12)


def test_order_goes_front_by_front():
    points = np.random.default_rng(5).random((40, 3))
    excess = np.where(np.arange(40) % 4 == 0, np.arange(40) % 7, 0).astype(float)
    assert np.all(np.diff(non_dominated_rank(points, excess)[crowded_order(points, excess)]) >= 0)


def test_a_tournament_favours_those_in_front():
    picks = tournament(np.random.default_rng(0), np.array([7, 3, 5]), 9000)
    shares = [(picks == row).mean() for row in (7, 3, 5)]
    assert shares == pytest.approx([5 / 9, 3 / 9, 1 / 9], abs=0.02)


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 100)), max_size=8))
def test_hypervolume_is_the_area_below_the_points(points):
    table = np.array(points).reshape(-1, 2)
    area, reached = 0.0, 0.0
    for accuracy, speed in sorted(points, reverse=True):  # stripes of speed, most accurate first
        area += accuracy * max(0.0, speed - reached)
        reached = max(reached, speed)
    assert hypervolume(*table.T) == pytest.approx(area)


@pytest.mark.parametrize("method", ["nsga2", "ga", "random"])
def test_no_network_is_evaluated_twice_and_all_are_known(method):
    evaluate = Counting()
    state = last(replace(SMALL, method=method), evaluate)
    assert len(set(evaluate.asked)) == len(evaluate.asked)
    assert list(state.known) == evaluate.asked
    assert [len(p) for p in state.populations] == [12] * 8
    assert state.evaluated[-1] == len(state.known)
    assert {key(GENOME, row) for p in state.populations for row in p} <= set(state.known)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["nsga2", "ga", "random"]), st.integers(1, 7))
def test_a_search_goes_on_from_any_generation_to_the_same_end(seed, method, after):
    options = replace(SMALL, method=method, seed=seed)
    states = list(evolve(GENOME, options, judged))
    again = last(options, state=states[after - 1])
    assert all(np.array_equal(a, b) for a, b in zip(again.populations, states[-1].populations, strict=True))
    assert again.known == states[-1].known
    assert again.hypervolumes == states[-1].hypervolumes


def test_survivors_are_the_best_of_parents_and_children():
    states = list(evolve(GENOME, SMALL, judged))
    for before, after in pairwise(states):
        born = [k for k in after.known if k not in before.known]
        rivals = [*(key(GENOME, row) for row in before.populations[-1]), *born]
        rank = dict(zip(rivals, ranks([after.known[k] for k in rivals], SMALL.objectives), strict=True))
        kept = [key(GENOME, row) for row in after.populations[-1]]
        assert len(set(kept)) == len(kept)
        assert max(rank[k] for k in kept) <= min((rank[k] for k in rivals if k not in kept), default=99)


def test_the_front_fits_is_undominated_and_falls_in_speed():
    state = last(replace(SMALL, generations=20))
    best = [state.known[key(GENOME, row)] for row in front(state, SMALL.objectives)]
    fitting = [o for o in state.known.values() if o.excess <= 0]
    for own in best:
        costs = np.array([-own.accuracy, -own.speed])
        assert own.excess <= 0
        assert not any(dominates(np.array([-o.accuracy, -o.speed]), costs) for o in fitting)
    assert [o.speed for o in best] == sorted((o.speed for o in best), reverse=True)
    assert state.hypervolumes[-1] == pytest.approx(
        hypervolume(np.array([o.accuracy for o in best]), np.array([o.speed for o in best]))
    )
    assert list(state.hypervolumes) == sorted(state.hypervolumes)


def test_a_third_objective_keeps_what_is_best_in_it():
    options = replace(SMALL, objectives=("acc", "speed", "energy"), generations=15)
    state = last(options)
    least = min(o.energy_nj for o in state.known.values() if o.excess <= 0)
    assert least in [state.known[key(GENOME, row)].energy_nj for row in front(state, options.objectives)]


def test_nsga_beats_chance_and_the_weighted_sum_goes_where_its_weights_say():
    longer = replace(SMALL, population=20, generations=25)
    by = {m: last(replace(longer, method=m)) for m in ("nsga2", "random")}
    assert by["nsga2"].hypervolumes[-1] > 1.05 * by["random"].hypervolumes[-1]
    fast, right = (last(replace(longer, method="ga", weights=w)) for w in ((0.0, 1.0), (1.0, 0.0)))
    fastest, best = (s.known[key(GENOME, s.populations[-1][0])] for s in (fast, right))
    assert fastest.speed > best.speed
    assert fastest.accuracy < best.accuracy


def test_where_nothing_fits_the_least_excess_survives_and_the_front_is_empty():
    state = last(
        SMALL, lambda genes: [SubnetResult(excess=float(row.sum() + 1)) for row in canonical(GENOME, genes)]
    )
    excess = [state.known[key(GENOME, row)].excess for row in state.populations[-1]]
    assert excess == sorted(excess)
    assert max(excess) == sorted(o.excess for o in state.known.values())[11]
    assert len(front(state, SMALL.objectives)) == 0
    assert state.hypervolumes[-1] == 0.0
