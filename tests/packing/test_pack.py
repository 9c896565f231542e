import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packing_cases import any_items, assert_sound, cut_from_full, golden, make, rules, same

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.kernels import chunked
from rram_nas_comp_pack.packing import pack as module
from rram_nas_comp_pack.packing.pack import PackingSettings, pack
from rram_nas_comp_pack.values import NO_RULES, Rules

EFFORT = 20_000


@pytest.mark.parametrize(
    ("name", "fast", "best", "bound"),
    [
        ("mbv3_small_dsf1", 106, 104, 103),
        ("mbv3_small_dsf5", 108, 105, 103),
        ("squeezenet_dsf1", 46, 45, 45),
        ("resnet18_dsf1", 684, 684, 684),
    ],
)
def test_networks_need_few_crossbars(name, fast, best, bound):
    items = golden(name)
    for packer, most in (("fast", fast), ("best", best)):
        layout = pack(items, Rules(), PackingSettings(packer, effort=EFFORT))
        assert_sound(items, Rules(), layout)
        assert layout.crossbars <= most
        assert layout.lower_bound == bound
        assert layout.packer == packer


def test_squeezenet_is_proved_optimal_and_stops_at_the_bound():
    layout = pack(golden("squeezenet_dsf1"), Rules(), PackingSettings())
    assert layout.crossbars == layout.lower_bound == 45
    assert layout.stopped == "bound"


@given(any_items(), rules, st.sampled_from(["fast", "best"]), st.integers(0, 2**70))
@settings(max_examples=100, deadline=None)
def test_every_layout_is_sound_and_repeats_with_its_seed(items, rules, packer, seed):
    goal = PackingSettings(packer, effort=200, seed=seed)
    layout = pack(items, rules, goal)
    assert_sound(items, rules, layout)
    assert same(layout, pack(items, rules, goal))


@given(cut_from_full(), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_no_packer_beats_a_perfect_packing(cut, seed):
    items, crossbars = cut
    layout = pack(items, NO_RULES, PackingSettings(effort=500, seed=seed))
    assert_sound(items, NO_RULES, layout)
    assert layout.lower_bound == crossbars
    assert layout.crossbars >= crossbars


def test_perfect_packings_of_few_pieces_are_found():
    items = make([(7, 4), (7, 6), (3, 10), (5, 5), (5, 5), (10, 3), (2, 2), (8, 2)])
    layout = pack(items, NO_RULES, PackingSettings(effort=EFFORT))
    assert layout.crossbars == layout.lower_bound == 2


def test_nothing_needs_no_crossbar():
    for packer in ("fast", "best", "exact"):
        layout = pack(make([]), Rules(), PackingSettings(packer))
        assert (layout.crossbars, layout.lower_bound, layout.stopped) == (0, 0, "bound")
        assert layout.bins.shape == layout.xs.shape == layout.ys.shape == (0,)


def test_chunks_and_progress_change_nothing(monkeypatch):
    items = golden("mbv3_small_dsf5")
    goal = PackingSettings(effort=3000, seed=5)
    whole = pack(items, Rules(), goal)
    calls = []
    monkeypatch.setattr(module, "FIRST_CHUNK", 7)
    monkeypatch.setattr(chunked, "CHUNK_SECONDS", 0.0)
    assert same(whole, pack(items, Rules(), goal, lambda *call: calls.append(call)))
    done, total, best = zip(*calls, strict=True)
    assert len(calls) > 1000
    assert list(done) == sorted(set(done))
    assert list(best) == sorted(best, reverse=True)
    assert (done[-1], set(total), best[-1]) == (3000, {3000}, whole.crossbars)


def test_a_budget_stops_the_search_as_soon_as_it_suffices():
    items = golden("mbv3_small_dsf1")
    layout = pack(items, Rules(), PackingSettings(budget=106, effort=EFFORT))
    assert layout.crossbars <= 106
    assert layout.stopped == "budget"
    unbounded = pack(items, Rules(), PackingSettings(effort=200))
    assert unbounded.stopped == "effort"


def test_an_impossible_budget_still_gets_the_fewest_found():
    items = golden("squeezenet_dsf1")
    layout = pack(items, Rules(), PackingSettings(budget=10))
    assert (layout.crossbars, layout.stopped) == (45, "bound")


def test_the_clock_cuts_a_search_short():
    layout = pack(golden("mbv3_small_dsf1"), Rules(), PackingSettings(effort=10**9, seconds=0.2))
    assert_sound(golden("mbv3_small_dsf1"), Rules(), layout)
    assert layout.stopped == "time"


def test_a_clock_that_does_not_strike_changes_nothing():
    items = golden("mbv3_small_dsf1")
    plain = pack(items, Rules(), PackingSettings(effort=500))
    assert same(plain, pack(items, Rules(), PackingSettings(effort=500, seconds=1000)))


def test_an_interrupt_gets_through():
    def interrupt(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pack(golden("mbv3_small_dsf1"), Rules(), PackingSettings(effort=10**9), interrupt)


def test_ten_thousand_items_take_seconds():
    rng = np.random.default_rng(3)
    sizes = rng.integers(1, 65, (10_000, 2))
    items = make(sizes, 128, 128, rng.integers(0, 100, 10_000))
    layout = pack(items, Rules(), PackingSettings("fast"))
    assert_sound(items, Rules(), layout)
    assert layout.crossbars <= 1.2 * layout.lower_bound


@pytest.mark.parametrize(("size", "shown"), [((129, 5), "129 x 5"), ((5, 129), "5 x 129"), ((0, 5), "0 x 5")])
def test_an_item_no_crossbar_holds_is_named(size, shown):
    items = make([(1, 1), size], 128, 128, [0, 7])
    with pytest.raises(BadInput, match=rf"box 1 of layer 7 is {shown} cells .* 128 x 128"):
        pack(items, Rules(), PackingSettings())


def test_an_unknown_packer_is_named():
    with pytest.raises(BadInput, match="'slow', allowed are fast, best, exact"):
        pack(make([(1, 1)]), Rules(), PackingSettings("slow"))
