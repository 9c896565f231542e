"""What a chip computes: exactly the integers where nothing is lost, exactly the definitions where it is."""

from dataclasses import replace

import numpy as np
import oracle
import pytest
from devices import device, shipped, sized
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.chip import chip_of
from rram_nas_comp_pack.execution.converters import (
    Adc,
    adc_bits,
    calibrated_adc,
    calibrated_exponent,
    convert,
    fixed_adc,
    lossless_adc,
)
from rram_nas_comp_pack.execution.program import BoxCells, program_box, program_boxes
from rram_nas_comp_pack.execution.read_plan import plan_read
from rram_nas_comp_pack.execution.reads import read_full, read_linear, read_planned, saturated_by_exponent
from rram_nas_comp_pack.values import CrossbarSize

CODES = ("unsigned", "twos-complement", "signed-digits")


def inputs(random, shape, code="unsigned"):
    low, high = (0, 256) if code == "unsigned" else (-128, 128)
    x = random.integers(low, high, shape)
    x[random.random(shape) < 0.3] = 0
    return x


def integer_product(x, weights):
    return np.einsum("nwh,hw->nw", x, weights) if x.ndim == 3 else x @ weights


@st.composite
def devices(draw, **changes):
    cell_bits = draw(st.integers(1, 4))
    polarity = draw(st.integers(1, 2))
    return device(
        cell_bits,
        leak=draw(st.sampled_from([0.0, 1 / 99])) if changes else 0.0,
        polarity=polarity,
        dac_bits=draw(st.integers(1, 8)),
        digital_subtraction=polarity == 2 and draw(st.booleans()),
        **{name: draw(values) for name, values in changes.items()},
    )


@st.composite
def reads(draw, d):
    """Weights (rows, columns), inputs and their code."""
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    h, w, n = draw(st.integers(1, 40)), draw(st.integers(1, 12)), draw(st.integers(1, 5))
    analog_pair = d.polarity == 2 and not d.digital_subtraction
    code = draw(st.sampled_from(CODES if analog_pair else CODES[:2]))
    weights = random.integers(-127, 128, (h, w))
    return weights, inputs(random, (n, w, h) if draw(st.booleans()) else (n, h), code), code


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_ideal_cells_give_the_integer_product(data):
    """Any box, cell, DAC, polarity and subtraction; ideal ADC, and lossless ones that convert every sum."""
    d = data.draw(devices())
    weights, x, code = data.draw(reads(d))
    box = program_box(BoxCells(weights, 0, 0, 0), d)
    wanted = integer_product(x, weights)
    assert (read_linear(box, x) == wanted).all()
    for adc in (None, lossless_adc(d), Adc(0.5, -(2**22), 2**22), Adc(1 / 3, -(2**22), 2**22)):
        found = read_full(box, x, adc, code)
        close = adc is None or adc.step != 1 / 3
        assert (found.sums == wanted).all() if close else np.allclose(found.sums, wanted, rtol=1e-12)
        assert found.saturated == 0


@settings(max_examples=70, deadline=None)
@given(data=st.data())
def test_every_conversion_is_as_defined(data):
    """Stuck cells, leak, variation, ADCs of all kinds: equal to one conversion at a time, in fractions."""
    d = data.draw(
        devices(
            stuck_high=st.sampled_from([0.0, 0.05]),
            stuck_low=st.sampled_from([0.0, 0.05]),
            variation=st.sampled_from([0.0, 0.05]),
            adc_bits=st.integers(2, 8),
            size=st.sampled_from([CrossbarSize(40, 12), CrossbarSize(45, 13)]),
        )
    )
    weights, x, code = data.draw(reads(d))
    encoding = data.draw(st.sampled_from(["plain", "fault-aware"]))
    box = program_box(BoxCells(weights, 3, 0, 0), d, chip_of(data.draw(st.integers(0, 9)), d), encoding)
    adc = data.draw(
        st.sampled_from([fixed_adc(d, len(weights)), *(calibrated_adc(d, len(weights), k) for k in range(4))])
    )
    found = read_full(box, x, adc, code)
    sums, saturated = oracle.read(box, x, adc, code)
    assert (found.sums == sums).all()
    assert found.saturated == saturated
    steps = len(oracle.bits_of(0, d, code))
    both = 2 if d.polarity == 2 and d.digital_subtraction else 1
    assert found.conversions == len(x) * weights.shape[1] * d.slices * both * steps


@pytest.mark.parametrize(
    ("rows", "bits", "wanted"),
    [(4, 3, 7807), (4, 4, 7807), (128, 8, 7807), (256, 8, 272), (128, 6, 0), (256, 6, 0)],
)
def test_the_fixed_converter_gives_the_numbers_of_the_specification(rows, bits, wanted):
    d = sized(rows, weight_bits=9, adc_bits=bits)
    box = program_box(BoxCells(np.array([[100], [-7], [-127], [64]]), 0, 0, 0), d)
    found = read_full(box, np.array([[3, -2, 5, 127]]), fixed_adc(d, 4), "signed-digits")
    assert found.sums.tolist() == [[wanted]]


def test_a_sum_of_128_reads_127_and_nothing_else_is_lost_at_the_shipped_file():
    weights = np.full((128, 3), [1, -1, 127], np.int8)
    weights[0, 2] = 0
    box = program_box(BoxCells(weights, 0, 0, 0), device())
    found = read_full(box, np.full((1, 128), 1), fixed_adc(device(), 128))
    assert found.sums.tolist() == [[127, -127, 127 * 127]]
    assert found.saturated == 2


def test_only_columns_that_can_lose_something_are_converted():
    weights = np.full((128, 3), [1, -1, 127], np.int8)
    weights[0, 2] = 0
    box = program_box(BoxCells(weights, 0, 0, 0), device())
    assert plan_read(box, fixed_adc(device(), 128)).converted.tolist() == [0, 1]
    assert plan_read(box, calibrated_adc(device(), 128, 1)).converted.tolist() == [0, 1, 2]
    assert plan_read(box, lossless_adc(device())).converted.tolist() == []


def test_at_the_shipped_file_without_variation_nearly_no_column_is_converted():
    d = replace(shipped(), variation=0.0)
    weights = np.random.default_rng(0).integers(-127, 128, (128, 128))
    box = program_box(BoxCells(weights, 0, 0, 0), d, chip_of(0, d), "plain")
    assert len(plan_read(box, calibrated_adc(d, 128, 0)).converted) <= 1


def test_variation_of_a_percent_moves_hardly_any_code():
    """Cells that vary by a percent seldom add up to half a step, so that their column is one product."""
    weights = np.random.default_rng(0).integers(-127, 128, (64, 128))
    box = program_box(BoxCells(weights, 0, 0, 0), shipped(), chip_of(0, shipped()), "fault-aware")
    plan = plan_read(box, calibrated_adc(shipped(), 64, 0))
    assert len(plan.converted) == 0
    assert (plan.matrix % 1 == 0).all()
    assert (box.matrix % 1 != 0).any()
    x = inputs(np.random.default_rng(1), (3, 64))
    assert (read_planned(plan, x).sums == oracle.read(box, x, plan.how.adc)[0]).all()


@pytest.mark.parametrize("variation", [0.0, 0.05])
@pytest.mark.parametrize("columnwise", [False, True])
def test_batches_and_threads_change_no_byte(variation, columnwise):
    from threadpoolctl import threadpool_limits

    d = replace(shipped(), variation=variation)
    random = np.random.default_rng(0)
    box = program_box(BoxCells(random.integers(-127, 128, (60, 50)), 0, 0, 0), d, chip_of(0, d))
    x = inputs(random, (300, 50, 60) if columnwise else (300, 60))
    adc = calibrated_adc(d, 60, 1)
    whole = read_full(box, x, adc)
    with threadpool_limits(1):
        parts = [read_full(box, x[i : i + 1], adc) for i in range(0, 300)]
    assert np.concatenate([part.sums for part in parts]).tobytes() == whole.sums.tobytes()
    assert sum(part.saturated for part in parts) == whole.saturated
    linear = np.concatenate([read_linear(box, x[i : i + 7]) for i in range(0, 300, 7)])
    assert linear.tobytes() == read_linear(box, x).tobytes()


def test_the_order_of_rows_changes_no_byte():
    random = np.random.default_rng(0)
    box = program_box(
        BoxCells(random.integers(-127, 128, (120, 40)), 0, 0, 0), shipped(), chip_of(0, shipped())
    )
    order = random.permutation(120)
    turned = replace(box, cells=box.cells[:, :, order], units=box.units[order])
    x = inputs(random, (50, 120))
    assert read_linear(box, x).tobytes() == read_linear(turned, x[:, order]).tobytes()
    adc = calibrated_adc(shipped(), 120, 0)
    assert read_full(box, x, adc).sums.tobytes() == read_full(turned, x[:, order], adc).sums.tobytes()


@pytest.mark.parametrize(("rows", "kind"), [(518, np.float32), (519, np.float64)])
def test_a_product_is_in_float32_up_to_the_rows_whose_sums_it_holds(rows, kind):
    """255 * 127 * 518 is below 2^24, and 255 * 127 * 519 is not."""
    d = sized(rows)
    box = program_box(BoxCells(np.full((rows, 1), 127), 0, 0, 0), d)
    assert box.matrix.dtype == kind
    assert read_linear(box, np.full((1, rows), 255)).item() == 255 * 127 * rows
    found = read_full(box, np.full((1, rows), 255), Adc(1.0, -rows, rows))
    assert found.sums.item() == 255 * 127 * rows


@pytest.mark.parametrize("variation", [0.0, 0.1])
def test_beyond_24_bits_sums_are_in_float64_and_still_exact(variation):
    """8192 rows of cells of 4 bits, inputs of 8 bits at once."""
    d = sized(8192, cell_bits=4, dac_bits=8, leak=0.01, variation=variation)
    random = np.random.default_rng(0)
    weights = random.integers(100, 128, (8192, 2))
    box = program_box(BoxCells(weights, 0, 0, 0), d, chip_of(0, d))
    x = random.integers(200, 256, (2, 8192))
    plan = plan_read(box, Adc(4.0, -(2**30), 2**30))
    assert plan.cells.dtype == box.matrix.dtype == np.float64
    sums, _ = oracle.read(box, x, plan.how.adc)
    assert (read_planned(plan, x).sums == sums).all()
    exact = x.astype(object) @ np.vectorize(int)(box.matrix * 1024).astype(object)
    assert (read_linear(box, x) * 1024 == exact.astype(float)).all()


def test_sums_beyond_53_bits_are_refused():
    d = replace(sized(1024), level_units=(0.0, 2.0**30))
    with pytest.raises(OverflowError, match="not exact in 53 bits"):
        program_box(BoxCells(np.full((1024, 1), 127), 0, 0, 0), d)


def test_where_a_box_lies_matters_for_its_faults_only():
    weights = np.random.default_rng(0).integers(-127, 128, (20, 30))
    x = inputs(np.random.default_rng(1), (9, 20))
    places = [BoxCells(weights, c, row, column) for c, row, column in ((0, 0, 0), (0, 50, 7), (3, 108, 98))]
    chip = chip_of(0, shipped())
    there = [program_box(place, shipped(), chip) for place in places]
    assert len({read_linear(box, x).tobytes() for box in there}) == 3
    healthy = [program_box(place, device(), chip_of(0, device())) for place in places]
    assert len({read_linear(box, x).tobytes() for box in healthy}) == 1
    for one, other in zip(program_boxes(places, shipped(), chip), there, strict=True):
        assert (one.cells == other.cells).all()


def test_the_faults_of_a_box_are_those_of_its_own_cells():
    """A cell that is stuck in the crossbar is stuck in the box that covers it, at its place."""
    d = replace(device(), stuck_low=0.01)
    chip = chip_of(0, d)
    whole = program_box(BoxCells(np.zeros((128, 128), int), 2, 0, 0), d, chip)
    part = program_box(BoxCells(np.zeros((20, 30), int), 2, 50, 70), d, chip)
    assert (part.cells == whole.cells[:, :, 50:70, 70:100]).all()
    assert part.cells.any()


@pytest.mark.parametrize("name", ["stuck_high", "stuck_low", "variation"])
def test_fewer_faults_and_less_variation_make_smaller_errors(name):
    random = np.random.default_rng(0)
    weights, x = random.integers(-127, 128, (128, 64)), inputs(random, (40, 128))
    errors = []
    for amount in (0.0, 0.01, 0.04, 0.16):
        d = replace(device(leak=1 / 99), **{name: amount})
        box = program_box(BoxCells(weights, 0, 0, 0), d, chip_of(0, d))
        errors.append(np.square(read_linear(box, x) - x @ weights).mean())
    assert errors == sorted(errors)
    assert errors[0] == 0 < errors[1]


def test_more_bits_of_the_converter_make_smaller_errors():
    random = np.random.default_rng(0)
    weights, x = random.integers(-127, 128, (128, 64)), inputs(random, (40, 128))
    errors = []
    for bits in (8, 7, 6, 5, 4, 3):
        d = device(adc_bits=bits)
        found = read_full(program_box(BoxCells(weights, 0, 0, 0), d), x, fixed_adc(d, 128)).sums
        errors.append(np.square(found - x @ weights).mean())
    assert errors == sorted(errors)
    assert errors[0] == 0 < errors[1]


# --- Converters ------------------------------------------------------------------------------------------


def test_codes_are_signed_for_differences_and_unsigned_for_arrays():
    assert calibrated_adc(device(), 128, 3) == (8.0, -127, 127)
    assert calibrated_adc(device(digital_subtraction=True), 128, 0) == (1.0, 0, 255)
    assert calibrated_adc(device(polarity=1), 128, 0) == (1.0, 0, 255)
    assert fixed_adc(device(), 128) == (1.0, -127, 127)
    assert fixed_adc(device(digital_subtraction=True), 128) == (0.5, 0, 255)
    assert fixed_adc(device(cell_bits=2, dac_bits=2), 128) == (9.0, -127, 127)


def test_halves_are_rounded_to_even_codes():
    assert convert(Adc(2.0, -3, 3), np.array([1, 3, -1, -3, 5, 6, -9])).tolist() == [0, 2, 0, -2, 2, 3, -3]


@pytest.mark.parametrize(("rows", "bits"), [(1, 8), (32, 8), (33, 9), (64, 9), (65, 10), (128, 10)])
def test_rows_that_are_read_in_groups_take_more_bits(rows, bits):
    assert adc_bits(device(driven_rows=32), rows) == bits


def test_an_adc_without_bits_is_refused():
    with pytest.raises(BadInput, match=r"^ADC: found 0 bits, allowed is at least 1$"):
        fixed_adc(device(adc_bits=0), 128)


def test_signed_digits_take_analog_subtraction():
    box = program_box(BoxCells(np.ones((2, 2), int), 0, 0, 0), device(polarity=1))
    with pytest.raises(BadInput, match="analog subtraction"):
        read_full(box, np.ones((1, 2), int), lossless_adc(device(polarity=1)), "signed-digits")


@pytest.mark.parametrize("columnwise", [False, True])
def test_the_calibrated_step_is_the_smallest_at_which_few_conversions_saturate(columnwise):
    d = device(adc_bits=4)
    random = np.random.default_rng(0)
    box = program_box(BoxCells(random.integers(-127, 128, (100, 8)), 0, 0, 0), d)
    x = inputs(random, (60, 8, 100) if columnwise else (60, 100))
    counts = saturated_by_exponent(box, x)
    by_step = [read_full(box, x, calibrated_adc(d, 100, k)) for k in range(len(counts) + 1)]
    assert counts == [read.saturated for read in by_step[:-1]]
    assert by_step[-1].saturated == 0
    exponent = calibrated_exponent(counts, by_step[0].conversions)
    assert counts[exponent - 1] > 1e-4 * by_step[0].conversions
    assert [*counts, 0][exponent] <= 1e-4 * by_step[0].conversions
    assert 0 < exponent < 4


def test_where_nothing_can_saturate_the_step_is_a_level_step():
    box = program_box(BoxCells(np.full((100, 2), 127), 0, 0, 0), device())
    assert saturated_by_exponent(box, np.full((3, 100), 255)) == []
    assert calibrated_exponent([], 100) == 0
    assert calibrated_exponent([5, 2, 1], 10_000) == 2
