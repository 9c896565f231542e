"""Reads of a crossbar against a float32 product of the same size, in the same run; programming of chips."""

from dataclasses import replace

import numpy as np
import pytest

from rram_nas_comp_pack.execution.assignment import assignment_costs
from rram_nas_comp_pack.execution.chip import chip_of, crossbar_state
from rram_nas_comp_pack.execution.converters import calibrated_adc
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.execution.encoding import encode
from rram_nas_comp_pack.execution.program import BoxCells, program_box
from rram_nas_comp_pack.execution.read_plan import plan_read
from rram_nas_comp_pack.execution.reads import read_full, read_linear, read_planned
from rram_nas_comp_pack.hardware.config.read import load_hardware

SIZES = [(128, 128, 4096), (64, 32, 4096), (16, 64, 4096)]  # rows, columns, inputs
VARYING = device_of(load_hardware())
STUCK = replace(VARYING, variation=0.0)


def weights_of(rows, columns):
    normal = np.random.default_rng(0).standard_normal((rows, columns))
    return np.rint(normal / np.abs(normal).max() * 127).astype(np.int8)


def inputs_of(*shape):
    """As after a ReLU: half of them 0."""
    random = np.random.default_rng(1)
    return np.where(random.random(shape) < 0.5, 0, random.integers(0, 256, shape)).astype(np.uint8)


def programmed(rows, columns, device):
    return program_box(
        BoxCells(weights_of(rows, columns), 0, 0, 0), device, chip_of(0, device), "fault-aware"
    )


def group(rows, columns, inputs):
    return pytest.mark.benchmark(group=f"{inputs} inputs of {rows} rows and {columns} columns")


def each_size(function):
    """One group of the table a size."""
    marked = [pytest.param(*size, marks=group(*size), id="x".join(map(str, size))) for size in SIZES]
    return pytest.mark.parametrize(("rows", "columns", "inputs"), marked)(function)


@each_size
def test_float32_product(benchmark, rows, columns, inputs):
    x, weights = (a.astype(np.float32) for a in (inputs_of(inputs, rows), weights_of(rows, columns)))
    benchmark(np.matmul, x, weights)


@each_size
@pytest.mark.parametrize("device", [STUCK, VARYING], ids=["stuck", "varying"])
def test_linear_path(benchmark, rows, columns, inputs, device):
    benchmark(read_linear, programmed(rows, columns, device), inputs_of(inputs, rows))


@each_size
def test_full_path_where_no_column_can_saturate(benchmark, rows, columns, inputs):
    plan = plan_read(programmed(rows, columns, STUCK), calibrated_adc(STUCK, rows, 0))
    assert not len(plan.converted)
    benchmark(read_planned, plan, inputs_of(inputs, rows))


@each_size
@pytest.mark.parametrize("device", [STUCK, VARYING], ids=["stuck", "varying"])
def test_full_path_where_every_sum_is_converted(benchmark, rows, columns, inputs, device):
    plan = plan_read(programmed(rows, columns, device), calibrated_adc(device, rows, 1))
    assert len(plan.converted) == columns
    benchmark(read_planned, plan, inputs_of(inputs, rows))


@pytest.mark.parametrize("rows", [9, 25])
@pytest.mark.parametrize("device", [STUCK, VARYING], ids=["stuck", "varying"])
@pytest.mark.benchmark(group="2048 inputs of 64 columns one by one")
def test_full_path_column_by_column(benchmark, rows, device):
    box, x = programmed(rows, 64, device), inputs_of(2048, 64, rows)
    benchmark(read_full, box, x, calibrated_adc(device, rows, 1))


@pytest.mark.parametrize("encoding", ["plain", "fault-aware"])
@pytest.mark.benchmark(group="16384 weights")
def test_encoding(benchmark, encoding):
    stuck = crossbar_state(chip_of(0, STUCK), STUCK, 0).stuck
    benchmark(encode, weights_of(128, 128), STUCK, stuck, encoding)


@pytest.mark.parametrize("device", [STUCK, VARYING], ids=["stuck", "varying"])
@pytest.mark.benchmark(group="16384 weights")
def test_drawing_the_cells_of_a_crossbar(benchmark, device):
    benchmark(crossbar_state, chip_of(0, device), device, 0)


@pytest.mark.parametrize("device", [STUCK, VARYING], ids=["stuck", "varying"])
@pytest.mark.benchmark(group="16384 weights")
def test_programming_a_crossbar(benchmark, device):
    benchmark(programmed, 128, 128, device)


@pytest.mark.benchmark(group="16384 weights")
def test_the_price_of_a_crossbar_on_another(benchmark):
    weights, occupied = weights_of(128, 128)[None], np.ones((1, 128, 128), bool)
    benchmark(assignment_costs, weights, occupied, STUCK, chip_of(0, STUCK), 1)
