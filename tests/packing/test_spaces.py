import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.packing.spaces import drop, first_space, occupy

COLUMNS, ROWS = 7, 6


def oracle_spaces(taken):
    """All maximal empty rectangles of the grid, by trying every rectangle."""
    grid = np.zeros((ROWS, COLUMNS), bool)
    for x0, y0, x1, y1 in taken:
        grid[y0:y1, x0:x1] = True
    empty = {
        (x0, y0, x1, y1)
        for x0 in range(COLUMNS)
        for x1 in range(x0 + 1, COLUMNS + 1)
        for y0 in range(ROWS)
        for y1 in range(y0 + 1, ROWS + 1)
        if not grid[y0:y1, x0:x1].any()
    }

    def grows(x0, y0, x1, y1):
        return {
            (x0 - 1, y0, x1, y1),
            (x0, y0 - 1, x1, y1),
            (x0, y0, x1 + 1, y1),
            (x0, y0, x1, y1 + 1),
        } & empty

    return {space for space in empty if not grows(*space)}


rectangles = st.builds(
    lambda x0, y0, w, h: (x0, y0, min(x0 + w, COLUMNS), min(y0 + h, ROWS)),
    st.integers(0, COLUMNS - 1),
    st.integers(0, ROWS - 1),
    st.integers(1, 4),
    st.integers(1, 4),
)


@given(st.lists(rectangles, max_size=8))
@settings(max_examples=100, deadline=None)
def test_spaces_are_the_maximal_empty_rectangles(taken):
    spaces = np.zeros((200, 4), np.int64)
    spaces[0] = 0, 0, COLUMNS, ROWS
    n = 1
    for rectangle in taken:
        n = occupy(spaces, n, rectangle)
    found = [tuple(row) for row in spaces[:n].tolist()]
    assert sorted(found) == sorted(oracle_spaces(taken))


def test_a_full_scratch_array_loses_spaces_only():
    spaces = np.zeros((2, 4), np.int64)
    spaces[0] = 0, 0, COLUMNS, ROWS
    n = occupy(spaces, 1, (2, 2, 4, 4))
    assert n <= 2
    assert {tuple(row) for row in spaces[:n].tolist()} <= oracle_spaces([(2, 2, 4, 4)])


def test_spaces_are_taken_from_one_edge():
    spaces = np.array([(0, 5, 4, 9), (5, 0, 11, 3), (1, 4, 9, 9), (0, 9, 10, 12), (2, 0, 3, 9)], np.int64)
    assert first_space(spaces, 5, True) == 4
    assert first_space(spaces, 4, True) == 1
    assert first_space(spaces, 5, False) == 0
    assert drop(spaces, 5, 0) == 4
    assert spaces[0].tolist() == [2, 0, 3, 9]
