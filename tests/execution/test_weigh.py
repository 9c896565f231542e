"""Boxes that are weighed without their cells, against boxes whose cells are programmed one by one."""

from __future__ import annotations

import numpy as np
import pytest
from devices import device, shipped
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.cell_patterns import patterns_of
from rram_nas_comp_pack.execution.chip import (
    ChipInstance,
    chip_of,
    chip_with_maps,
    crossbar_state,
    keeping_draws,
    quantile_numbers,
    stuck_cells,
    stuck_patterns,
)
from rram_nas_comp_pack.execution.device import UNITS
from rram_nas_comp_pack.execution.encoding import ENCODINGS
from rram_nas_comp_pack.execution.program import BoxCells, program_box
from rram_nas_comp_pack.execution.weigh import can_weigh, weigh_boxes
from rram_nas_comp_pack.values import CrossbarSize

SIZE = CrossbarSize(24, 12)
KINDS = [(1, 2), (2, 2), (1, 1), (4, 1)]  # bits of a cell, polarity


def varying(kind, variation=0.1, stuck=(0.1, 0.05)):
    high, low = stuck
    return device(
        kind[0],
        leak=0.3,
        polarity=kind[1],
        size=SIZE,
        driven_rows=24,
        variation=variation,
        stuck_high=high,
        stuck_low=low,
    )


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(KINDS), st.sampled_from([0.0, 0.1]), st.sampled_from(ENCODINGS), st.integers(0, 9))
def test_weights_are_those_of_the_programmed_cells(kind, variation, encoding, seed):
    d, random = varying(kind, variation), np.random.default_rng(seed)
    chip, boxes = chip_of(seed, d), []
    for number in range(3):
        row, column = int(random.integers(0, 20)), int(random.integers(0, 10))
        weights = random.integers(-127, 128, (24 - row, 12 - column)).astype(np.int8)
        weights[random.random(weights.shape) < 0.3] = 0
        boxes.append(BoxCells(weights, number // 2, row, column))
    assert can_weigh(d, chip)
    for box, found in zip(boxes, weigh_boxes(boxes, d, chip, encoding), strict=True):
        wanted = program_box(box, d, chip, encoding).units - UNITS * box.weights.astype(int)
        assert (found.added == wanted).all()


def test_weights_that_do_not_fit_are_refused():
    d = varying((1, 2))
    with pytest.raises(BadInput, match="weights: found 0 to 128, allowed is -127 to 127"):
        list(weigh_boxes([BoxCells(np.array([[0, 128]]), 0, 0, 0)], d, chip_of(0, d), "plain"))


def test_measured_deviations_and_long_weights_are_left_to_the_slow_way():
    d = shipped()
    shape = chip_of(0, d).shape
    measured = ChipInstance(0, shape, 1, deviation=np.zeros((1, *shape), np.float32))
    assert not can_weigh(d, measured)
    assert not can_weigh(device(1, weight_bits=10), chip_of(0, device(1, weight_bits=10)))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("stuck", [(0.1, 0.05), (0.2, 0.0), (0.0, 0.0), (0.0, 1.0)])
def test_patterns_are_those_of_the_stuck_cells(kind, stuck):
    d = varying(kind, stuck=stuck)
    chip, drawn = chip_of(3, d), chip_with_maps(3, 2, d)
    for crossbar in range(2):
        wanted = patterns_of(stuck_cells(chip, d, crossbar))
        assert (stuck_patterns(chip, d, crossbar) == wanted).all()
        assert (stuck_patterns(drawn, d, crossbar) == wanted).all()


def test_a_pattern_is_a_number_in_base_3():
    stuck = np.zeros((2, 7, 1, 1), np.int8)
    stuck[0, 0], stuck[1, 6], stuck[1, 5] = 1, 2, 1
    assert patterns_of(stuck) == 3**13 + 2 + 3


def test_a_chip_that_keeps_its_draws_is_the_same_chip():
    d = varying((1, 2))
    plain = chip_of(1, d)
    kept = keeping_draws(plain, 10**6)
    for _ in range(2):
        for crossbar in range(2):
            assert (stuck_patterns(kept, d, crossbar) == stuck_patterns(plain, d, crossbar)).all()
            state, wanted = (crossbar_state(chip, d, crossbar) for chip in (kept, plain))
            assert (state.stuck == wanted.stuck).all()
            assert (state.deviation == wanted.deviation).all()
    other = varying((1, 2), stuck=(0.3, 0.0))
    assert (stuck_patterns(kept, other, 0) == stuck_patterns(plain, other, 0)).all()


def test_draws_are_kept_up_to_a_bound():
    d = varying((1, 2))
    cells = SIZE.rows * SIZE.columns
    kept = keeping_draws(chip_of(1, d), 4 * cells + 28 * cells + 5)
    first = [quantile_numbers(kept, d, crossbar) for crossbar in range(2)]
    patterns = stuck_patterns(kept, d, 0)
    assert quantile_numbers(kept, d, 0) is first[0]
    assert quantile_numbers(kept, d, 1) is not first[1]
    assert (quantile_numbers(kept, d, 1) == first[1]).all()
    assert stuck_patterns(kept, d, 0) is patterns
    assert kept.kept.held_bytes == 32 * cells
