"""Weights and ranges are rounded by the formulas, and nothing depends on how samples come."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.execution.quantise import (
    InputRange,
    RangeFinder,
    quantise_input,
    quantise_weights,
)

MATRICES = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=7), elements=st.floats(-1e6, 1e6, width=32)
)


@settings(max_examples=100, deadline=None)
@given(MATRICES)
def test_a_weight_is_at_most_half_a_step_from_its_code(raw: np.ndarray) -> None:
    codes, scales = quantise_weights(raw)
    assert np.abs(codes.astype(int)).max() <= 127
    assert (np.abs(codes * scales.astype(np.float64) - raw) <= scales * 0.5001 + 1e-30).all()
    for column, largest in zip(codes.T, np.abs(raw).max(axis=0), strict=True):
        assert np.abs(column).max() == (127 if largest > 1e-35 else 0)


def test_half_goes_to_even_and_a_channel_of_zeros_has_the_scale_1() -> None:
    codes, scales = quantise_weights(np.float32([[127, 0], [0.5, 0], [1.5, 0], [-2.5, 0]]))
    assert codes.T.tolist() == [[127, 0, 2, -2], [0, 0, 0, 0]]
    assert scales.tolist() == [1, 1]


def test_columns_share_a_scale_a_channel_or_a_tensor() -> None:
    raw = np.float32([[127, 1, 254, 2]])
    assert quantise_weights(raw, 2).scales.tolist() == [1, 1, 2, 2]
    assert quantise_weights(raw, granularity="tensor").scales.tolist() == [2, 2, 2, 2]


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(BadInput, match="no finite numbers"):
        quantise_weights(np.float32([[1, wrong]]))


def found(samples: list[torch.Tensor], clipping: str = "percentile", batch: int = 1) -> InputRange:
    finder = RangeFinder(len(samples), clipping)  # type: ignore[arg-type]
    for start in range(0, len(samples), batch):
        together = samples[start : start + batch]
        finder.see(torch.stack(together), len(together))
    return finder.found()


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 9000), st.booleans())
def test_the_percentile_is_numpys_whatever_the_batches(
    seed: int, samples: int, size: int, signed: bool
) -> None:
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((samples, size)).astype(np.float32)
    values = values if signed else np.abs(values)
    rows = list(torch.from_numpy(values))
    wanted = np.quantile(np.abs(values), 0.9999, method="inverted_cdf")
    signed = bool((values < 0).any())
    for batch in (1, 2, 5):
        assert found(rows, batch=batch) == (float(wanted / np.float32(127 if signed else 255)), signed)
    assert found(rows, "max").scale == float(np.abs(values).max() / np.float32(127 if signed else 255))


def test_inputs_are_unsigned_where_nothing_is_negative_and_zero_is_zero() -> None:
    x = torch.tensor([0.0, 0.5, 1.5, 255.0])
    unsigned, signed = found([x], "max"), found([x - 127], "max")
    assert (unsigned, unsigned.least, unsigned.most) == ((1.0, False), 0, 255)
    assert quantise_input(x, unsigned).tolist() == [0, 0, 2, 255]
    assert quantise_input(x * 2, unsigned).tolist() == [0, 1, 3, 255]
    assert quantise_input(-x, unsigned).tolist() == [0, 0, 0, 0]
    assert (signed.signed, signed.least, signed.most) == (True, -128, 127)
    step = torch.tensor([-200, -128, 0, 127, 200]) * signed.scale
    assert quantise_input(step, signed).tolist() == [-128, -128, 0, 127, 127]


def test_a_range_of_zeros_has_the_scale_1_and_of_nearly_only_zeros_the_largest_value() -> None:
    assert found([torch.zeros(5)]) == (1.0, False)
    few = torch.zeros(30_000)
    few[7] = 25.5
    assert found([few]).scale == pytest.approx(0.1)


def test_looking_at_inputs_leaves_them_as_they_are() -> None:
    x = torch.tensor([-1.0, 2.0])
    found([x])
    RangeFinder(1).see(x, 1)
    assert x.tolist() == [-1.0, 2.0]


@pytest.mark.parametrize("wrong", [torch.nan, torch.inf, -torch.inf])
def test_inputs_that_are_no_numbers_are_refused(wrong: float) -> None:
    with pytest.raises(BadInput, match="no finite numbers"):
        found([torch.tensor([1.0, wrong])])
