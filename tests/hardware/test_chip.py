"""What a layout costs where some of its cells hold zeros."""

import pytest
from golden_hardware import configured

from rram_nas_comp_pack.hardware import pe
from rram_nas_comp_pack.hardware.chip_costs import chip_costs, read_ns
from rram_nas_comp_pack.hardware.crossbar import cell_area_um2, crossbar_area_um2
from rram_nas_comp_pack.values import Box, Layer, Mapping

LAYER = Layer(0, "Conv2d", "dw", Box(9, 5, 5 * 16), 16, 5, 0, depthwise=True)
DENSE = Mapping(LAYER, (Box(9, 5, 80),), copies=2)
DIAGONAL = Mapping(LAYER, (Box(27, 3, 16), Box(18, 2, 16)), copies=2)
FEW_ADCS = "Process element level.ADC_Num=1"


def test_cells_under_boxes_are_told_apart_from_cells_that_hold_weights():
    dense, diagonal = (chip_costs(configured(""), [m], 3, 1.0) for m in (DENSE, DIAGONAL))
    assert dense.cells == diagonal.cells == 3 * 128 * 128
    assert (dense.occupied.count, dense.weights.count) == (90, 90)
    assert (diagonal.occupied.count, diagonal.weights.count) == (2 * (27 * 3 + 18 * 2), 90)
    assert dense.occupied == dense.weights


def test_the_area_of_cells_is_that_of_all_slices_and_signs():
    """Eight-bit weights in cells of one bit lie in 14 physical crossbars."""
    chip = chip_costs(configured(""), [DIAGONAL], 2, 1.0)
    assert chip.occupied.area_um2 == pytest.approx(14 * 234 * 1.44)
    assert chip.weights.area_um2 == pytest.approx(14 * 90 * 1.44)


def test_a_crossbar_is_its_cells_and_its_drivers():
    given, computed = configured(""), configured("Crossbar level.Area_Calculation=1")
    assert crossbar_area_um2(given) == pytest.approx(128 * 128 * cell_area_um2(given) + 128 * 1150)
    assert crossbar_area_um2(computed) == pytest.approx(128 * 128 * cell_area_um2(computed))


def test_a_read_of_a_diagonal_box_works_on_all_its_columns():
    """One ADC converts column after column, so time tells how many were read."""
    hardware = configured(FEW_ADCS)
    for box, columns in (
        (DENSE.boxes[0], 1),
        (DIAGONAL.boxes[0], 3),
        (DIAGONAL.boxes[1], 2),
        (Box(9, 1, 16), 1),
    ):
        assert read_ns(hardware, LAYER, box) == pe.read_latency(hardware, box.h, columns).total_ns


def crossbar_nj(hardware, h, w):
    return 7 * pe.read_energy(pe.read_power(hardware, h, w), pe.read_latency(hardware, h, w)).crossbar_nj


@pytest.mark.parametrize("overrides", ["", FEW_ADCS])
def test_the_crossbars_energy_is_split_by_the_cells_of_a_read(overrides):
    """A third of the cells of three channels hold weights, half of those of two; copies share the reads."""
    hardware = configured(overrides)
    chip = chip_costs(hardware, [DIAGONAL], 2, 1.0)
    three, two = 16 * crossbar_nj(hardware, 27, 3), 16 * crossbar_nj(hardware, 18, 2)
    assert chip.occupied.energy_nj == pytest.approx(three + two)
    assert chip.weights.energy_nj == pytest.approx(three / 3 + two / 2)
    assert chip.energy_share["crossbar"] * chip.energy_nj == pytest.approx(three + two)


def test_energy_counts_all_rows_and_columns_of_a_diagonal_read():
    hardware = configured("")
    energy = 0.0
    for box in DIAGONAL.boxes:
        time = pe.read_latency(hardware, box.h, box.w)
        energy += 7 * 16 * pe.read_energy(pe.read_power(hardware, box.h, box.w), time).total_nj
    assert chip_costs(hardware, [DIAGONAL], 2, 1.0).energy_nj == pytest.approx(energy)


def test_a_layer_that_runs_again_adds_reads_but_no_cells():
    again = Mapping(Layer(1, "Conv2d", "dw", LAYER.raw, 16, 5, 0, depthwise=True), DIAGONAL.boxes, 2)
    once, twice = (chip_costs(configured(""), ms, 2, 1.0) for ms in ([DIAGONAL], [DIAGONAL, again]))
    assert twice.occupied.count == once.occupied.count
    assert twice.weights.count == once.weights.count
    assert twice.weights.energy_nj == pytest.approx(2 * once.weights.energy_nj)


def test_leakage_is_the_buffers_of_all_elements_for_the_whole_time():
    """At 90 nm and 64 bits a buffer of 16 KB leaks 8.86342 mW; nothing else changes."""
    hardware = configured("")
    without, leaking = (chip_costs(hardware, [DIAGONAL], 3, 1e4, leaks) for leaks in (False, True))
    leaked = without.processing_elements * 8.86342e-3 * 1e4
    assert leaking.energy_nj == pytest.approx(without.energy_nj + leaked)
    assert leaking.energy_share["leakage"] * leaking.energy_nj == pytest.approx(leaked)
    assert leaking.average_power_w == pytest.approx(leaking.energy_nj / 1e4)
    assert "leakage" not in without.energy_share
    assert leaking.area_um2 == without.area_um2
