"""Weights as levels of cells, and levels as conductances."""

import numpy as np
import pytest
from devices import device, shipped

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.cells import conductances, effective_weights, plain_levels, weights_of
from rram_nas_comp_pack.execution.device import UNITS, device_of
from rram_nas_comp_pack.hardware.config.read import SHIPPED, parse_hardware
from rram_nas_comp_pack.hardware.pe import crossbars_per_weight

KINDS = [(b, p, bits) for b in (1, 2, 3, 4) for p in (1, 2) for bits in (4, 8, 9)]


def configured(*pairs):
    text = SHIPPED.read_text()
    for old, new in pairs:
        assert text.count(f"\n{old}") == 1, old
        text = text.replace(f"\n{old}", f"\n{new}")
    return parse_hardware(text)


@pytest.mark.parametrize(("cell_bits", "polarity", "weight_bits"), KINDS)
def test_every_weight_comes_back_from_its_digits(cell_bits, polarity, weight_bits):
    d = device(cell_bits, polarity=polarity, weight_bits=weight_bits)
    most = 2 ** (weight_bits - 1) - 1
    weights = np.arange(-most - (polarity == 1), most + 1).reshape(1, -1)
    levels = plain_levels(weights, d)
    assert levels.shape == (polarity, d.slices, 1, weights.size)
    assert 0 <= levels.min() <= levels.max() <= d.top
    assert (weights_of(levels, d) == weights).all()
    assert (effective_weights(conductances(levels, d), d) == UNITS * weights).all()


def test_a_pair_holds_a_weight_in_the_array_of_its_sign():
    levels = plain_levels(np.array([[5, -5, 0]]), device())
    assert levels[0, :, 0].T.tolist() == [[1, 0, 1, 0, 0, 0, 0], [0] * 7, [0] * 7]
    assert levels[1, :, 0].T.tolist() == [[0] * 7, [1, 0, 1, 0, 0, 0, 0], [0] * 7]


@pytest.mark.parametrize("levels", [2, 4, 8, 16])
@pytest.mark.parametrize("polarity", [1, 2])
def test_slices_and_arrays_are_those_that_the_hardware_model_charges(levels, polarity):
    ohm = ", ".join(str(1e6 / (1 + 9 * level)) for level in range(levels))
    hardware = configured(
        ("Device_Level = 2", f"Device_Level = {levels}"),
        ("Device_Resistance = 1e6, 1e4", f"Device_Resistance = {ohm}"),
        ("Xbar_Polarity = 2", f"Xbar_Polarity = {polarity}"),
    )
    d = device_of(hardware)
    assert d.polarity * d.slices == crossbars_per_weight(hardware, 8).crossbars


def test_a_cell_of_high_resistance_leaks_as_the_ratio_of_the_resistances_says():
    """R_0 = 100 R_top: 1 / 99 of a step, and as much on top of every other level."""
    assert np.allclose(shipped().level_units, [1024 / 99, 1024 * 100 / 99])
    assert (shipped().leak, shipped().offset) == (10, 0)


def test_levels_are_as_far_apart_as_their_conductances():
    """R = 8, 4, 2, 1: conductances 1, 2, 4, 8 of 7 steps, three of which are the whole range."""
    d = device_of(
        configured(
            ("Device_Level = 2", "Device_Level = 4"),
            ("Device_Resistance = 1e6, 1e4", "Device_Resistance = 8e4, 4e4, 2e4, 1e4"),
        )
    )
    assert np.allclose(d.level_units, [3 / 7 * UNITS * g for g in (1, 2, 4, 8)])


def test_states_beyond_the_whole_bits_of_a_cell_stay_unused():
    d = device_of(
        configured(
            ("Device_Level = 2", "Device_Level = 3"),
            ("Device_Resistance = 1e6, 1e4", "Device_Resistance = 1e6, 1e4, 1e3"),
        )
    )
    assert (d.cell_bits, d.level_units) == (1, shipped().level_units)


def test_sram_cells_are_ideal():
    d = device_of(configured(("Device_Type = NVM", "Device_Type = SRAM")))
    assert d.level_units == (0, UNITS)
    assert (d.variation, d.stuck_high, d.stuck_low) == (0, 0, 0)


def test_the_device_says_what_the_configuration_says():
    d = shipped()
    assert (d.variation, d.stuck_high, d.stuck_low) == (0.01, 0.01, 0.01)
    assert (d.adc_bits, d.dac_bits, d.size, d.driven_rows) == (8, 1, (128, 128), 128)


def test_conductances_are_whole_numbers_of_1024ths_of_a_step():
    deviation = np.full((2, 7, 1, 1), np.log(2), np.float32)
    levels = np.ones((2, 7, 1, 1), np.int8)
    cells = conductances(levels, shipped(), deviation)
    assert cells.dtype == np.int32
    assert (cells == round(1024 * 100 / 99 / 2)).all()
    assert (conductances(levels, shipped()) == round(1024 * 100 / 99)).all()


@pytest.mark.parametrize("polarity", [1, 2])
def test_the_leak_of_healthy_cells_changes_no_weight(polarity):
    """A pair cancels it, and from an offset code it is subtracted with the offset."""
    d = device(leak=1 / 99, polarity=polarity)
    weights = np.arange(-127, 128).reshape(5, 51)
    assert (effective_weights(conductances(plain_levels(weights, d), d), d) == UNITS * weights).all()


def test_resistances_that_cannot_be_told_apart_are_refused():
    close = configured(("Device_Resistance = 1e6, 1e4", "Device_Resistance = 10001, 10000"))
    with pytest.raises(BadInput, match=r"^Device_Resistance: found 10001 and 10000 ohm"):
        device_of(close)


def test_a_conductance_beyond_32_bits_is_refused():
    with pytest.raises(OverflowError, match="32 bits"):
        conductances(np.ones((2, 7, 1, 1), np.int8), device(), np.full((2, 7, 1, 1), -20, np.float32))


@pytest.mark.parametrize("weight", [128, -128, -129])
def test_a_weight_of_too_many_bits_is_refused(weight):
    with pytest.raises(BadInput, match=rf"^weights: found .*{weight}.*, allowed is -127 to 127$"):
        plain_levels(np.array([[weight]]), device())
