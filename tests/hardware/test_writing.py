"""Writing is charged by its closed forms: rows, phases, writers, cells and what they survive."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.hardware.writing import (
    SECONDS_PER_YEAR,
    Wear,
    WriteSettings,
    cell_write_nj,
    most_writes,
    write_nj,
    write_ns,
    written_rows,
)
from rram_nas_comp_pack.values import CrossbarSize, Placement

HARDWARE = load_hardware()


def placed(crossbar, x, y, w, h, layer=0):
    return Placement(layer, crossbar, x, y, x + w, y + h, 0, 0)


def test_an_array_of_128_rows_takes_5_12_us_a_phase_with_pulses_of_40_ns():
    slow = replace(HARDWARE, write_latency_ns=40.0)
    assert write_ns(slow, {0: 128}, WriteSettings()) == 2 * 5_120
    assert write_ns(slow, dict.fromkeys(range(256), 128), WriteSettings()) == 2 * 5_120
    assert write_ns(slow, dict.fromkeys(range(256), 128), WriteSettings(parallel=16)) == 16 * 2 * 5_120
    assert write_ns(slow, {0: 128}, WriteSettings(pulses=3)) == 3 * 2 * 5_120
    assert write_ns(slow, {}, WriteSettings()) == 0


@given(st.lists(st.integers(1, 128), min_size=1, max_size=12), st.integers(1, 12))
def test_fewer_writers_take_longer_within_the_bounds_of_list_scheduling(rows, writers):
    row = 2 * HARDWARE.write_latency_ns
    took = write_ns(HARDWARE, dict(enumerate(rows)), WriteSettings(writers)) / row
    least = max(max(rows), sum(rows) / writers)
    assert least - 1e-9 <= took <= sum(rows) / writers + max(rows)
    if writers >= len(rows):
        assert took == max(rows)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=8))
def test_rows_under_boxes_side_by_side_count_once(spans):
    boxes = [placed(3, x, y, 1, h) for x, (y, h) in enumerate(spans)]
    assert written_rows(boxes) == {3: len({row for y, h in spans for row in range(y, y + h)})}


def test_a_cell_takes_its_square_of_voltage_over_resistance():
    nj = 3.0**2 / (1e6 * 1e4) ** 0.5 * 10.0  # 0.9 pJ
    assert cell_write_nj(HARDWARE, WriteSettings()) == pytest.approx(nj)
    assert cell_write_nj(HARDWARE, WriteSettings(pulses=4)) == pytest.approx(4 * nj)
    arrays = 7 * 2  # 7 slices of magnitude, two crossbars for signed weights
    assert write_nj(HARDWARE, 100, WriteSettings()) == pytest.approx(100 * arrays * nj)
    sram = replace(HARDWARE, device_type="SRAM", write_energy_j=2e-15)
    assert cell_write_nj(sram, WriteSettings()) == pytest.approx(2e-6)


def test_the_cell_that_most_segments_cover_is_worn_first():
    first, second = [placed(0, 0, 0, 4, 4), placed(1, 0, 0, 2, 2)], [placed(0, 3, 3, 4, 4)]
    assert most_writes([first, second, []], CrossbarSize(8, 8)) == 2
    assert most_writes([first, [placed(0, 4, 4, 4, 4)]], CrossbarSize(8, 8)) == 1
    assert most_writes([], CrossbarSize(8, 8)) == 0


def test_a_million_writes_of_every_inference_last_as_many_inferences():
    assert Wear(1, 1, 1e6, 1.0).years == pytest.approx(1e6 / SECONDS_PER_YEAR)
    assert Wear(3, 8, 1e6, 30.0).years == pytest.approx(1e6 * 8 / 90 / SECONDS_PER_YEAR)


@given(st.integers(1, 30), st.floats(1, 1e9), st.floats(0.01, 1e4))
def test_the_batch_for_ten_years_is_the_smallest_that_lasts_so_long(writes, endurance, rate):
    batch = Wear(writes, 1, endurance, rate).batch_for(10)
    assert Wear(writes, batch, endurance, rate).years >= 10 * (1 - 1e-9)
    if batch > 1:
        assert Wear(writes, batch - 1, endurance, rate).years < 10
