"""Wear levelling moves crossbars and mirrors boxes, and nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.hardware.writing import most_writes, written_rows
from rram_nas_comp_pack.reload.levelling import levelled
from rram_nas_comp_pack.reload.whole import Loaded
from rram_nas_comp_pack.values import CrossbarSize, Placement

SIZE = CrossbarSize(6, 8)


@st.composite
def segments(draw):
    """Segments of boxes that stand side by side on up to three crossbars of four."""
    found = []
    for _ in range(draw(st.integers(1, 6))):
        boxes = []
        for crossbar in range(draw(st.integers(1, 3))):
            x = 0
            for w in draw(st.lists(st.integers(1, 4), min_size=1, max_size=3)):
                h = draw(st.integers(1, 6))
                if x + w <= 8:
                    boxes.append(Placement(len(boxes), crossbar, x, 0, x + w, h, 0, 0))
                x += w
        found.append(Loaded((), (), tuple(boxes), 0.0, 0.0))
    return found


def shapes(placements):
    """What of a layout may not change: which boxes share a crossbar, and their sizes."""
    homes = {}
    for p in placements:
        homes.setdefault(p.crossbar_idx, set()).add((p.layer_idx, p.max_x - p.loc_x, p.max_y - p.loc_y))
    return sorted(map(sorted, homes.values()))


@given(segments())
def test_levelling_keeps_layouts_and_never_wears_more(loaded):
    found = levelled(loaded, 4, SIZE)
    before, after = (most_writes((e.written for e in way), SIZE) for way in (loaded, found))
    assert after <= before
    for old, new in zip(loaded, found, strict=True):
        assert shapes(old.placements) == shapes(new.placements)
        assert sorted(written_rows(old.placements).values()) == sorted(written_rows(new.placements).values())
        assert most_writes([new.placements], SIZE) == 1
        assert all(0 <= p.loc_x < p.max_x <= 8 and 0 <= p.loc_y < p.max_y <= 6 for p in new.placements)


def test_small_boxes_take_turns():
    corner = Placement(0, 0, 0, 0, 2, 2, 0, 0)
    loaded = [Loaded((), (), (corner,), 0.0, 0.0)] * 16
    assert most_writes((e.written for e in loaded), SIZE) == 16
    assert most_writes((e.written for e in levelled(loaded, 4, SIZE)), SIZE) == 1


def test_crossbars_of_layers_that_stay_are_not_written():
    stays = Placement(1, 1, 0, 0, 2, 2, 0, 0)
    each = Loaded((), (), (Placement(0, 0, 0, 0, 8, 6, 0, 0), stays), 0.0, 0.0, kept=(1,))
    found = levelled([each] * 3, 3, SIZE)
    assert all(e.placements[1] == stays for e in found)
    assert {p.crossbar_idx for e in found for p in e.written} == {0, 2}
