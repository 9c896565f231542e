"""Claims about a PE beyond the golden rows."""

import math
from collections.abc import Callable

import pytest
from golden_hardware import configured
from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware import components, pe
from rram_nas_comp_pack.hardware.config.read import Hardware


def test_the_default_gives_the_figures_of_the_documentation() -> None:
    hw = configured("")
    assert pe.read_latency(hw, 128, 128).total_ns == pytest.approx(152.77319048, rel=1e-10)
    assert pe.area(hw).total_um2 == pytest.approx(1112505.408, rel=1e-9)
    assert pe.read_power(hw, 128, 128).total_w == pytest.approx(0.281266344, rel=1e-8)
    assert pe.efficiency(hw).gops == pytest.approx(428.976, rel=1e-5)
    assert pe.efficiency(hw).gops_per_w == pytest.approx(4076.51, rel=1e-5)


def test_groups_default_to_all() -> None:
    hw = configured("Process element level.Group_Num=4")
    assert pe.read_power(hw, 27, 16) == pe.read_power(hw, 27, 16, 4)


def test_the_reported_energy_leaves_the_adder_out_as_found() -> None:
    hw = configured("Process element level.Group_Num=4")
    energy = pe.read_energy(pe.read_power(hw, 128, 128), pe.read_latency(hw, 128, 128))
    assert energy.adder_nj > 0
    assert energy.total_with_adder_nj == energy.total_nj + energy.adder_nj


SERIAL = "Process element level.ADC_Num=16;Process element level.DAC_Num=16;Process element level.Group_Num=3"
lines = st.integers(1, 128)


@pytest.mark.parametrize("overrides", ["", SERIAL])
@given(lines, lines, lines, lines, st.integers(1, 16))
def test_more_lines_never_take_less_time_or_power(
    overrides: str, a: int, b: int, c: int, d: int, bits: int
) -> None:
    hw = configured(overrides)
    (h, more_h), (w, more_w) = sorted((a, b)), sorted((c, d))
    few, many = pe.read_latency(hw, h, w, bits), pe.read_latency(hw, more_h, more_w, bits)
    assert few.total_ns <= many.total_ns
    assert pe.read_power(hw, h, w).total_w <= pe.read_power(hw, more_h, more_w).total_w


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda hw: pe.read_latency(hw, 0, 1), "h: found 0; allowed: 1 to 128"),
        (lambda hw: pe.read_latency(hw, 129, 1), "h: found 129; allowed: 1 to 128"),
        (lambda hw: pe.read_latency(hw, 1, 0), "w: found 0; allowed: 1 to 128"),
        (lambda hw: pe.read_latency(hw, 1, 129), "w: found 129; allowed: 1 to 128"),
        (lambda hw: pe.read_latency(hw, 1, 1, 0), "input_bits: found 0; allowed: >= 1"),
        (lambda hw: pe.read_power(hw, 1, 1, 0), "groups: found 0; allowed: 1 to 1"),
        (lambda hw: pe.read_power(hw, 1, 1, 2), "groups: found 2; allowed: 1 to 1"),
        (lambda hw: pe.read_power(hw, 129, 1), "h: found 129; allowed: 1 to 128"),
        (lambda hw: pe.Traffic(written_bytes=-1), "written_bytes: found -1; allowed: a number >= 0"),
        (lambda hw: pe.Traffic(read_bytes=math.nan), "read_bytes: found nan; allowed: a number >= 0"),
        (lambda hw: pe.area(hw, 0), "buffer size: found 0 KB; allowed: > 0"),
        (lambda hw: components.adc_thresholds_v(hw, 0), "word_lines: found 0; allowed: 1 to 128"),
        (lambda hw: pe.crossbars_per_weight(hw, 1), "weight_bits: found 1; allowed: >= 2"),
    ],
)
def test_a_call_out_of_range_is_refused_in_one_line(call: Callable[[Hardware], object], name: str) -> None:
    with pytest.raises(BadInput) as caught:
        call(configured(""))
    assert str(caught.value) == name


def test_f06_a_buffer_size_of_the_caller_without_data_is_refused() -> None:
    with pytest.raises(BadInput, match="2 KB with 512 bits"):
        pe.area(configured("Architecture level.Buffer_Bitwidth=512"), default_buffer_kb=2)


LEVELS = {
    2: "1e6, 1e4",
    4: "1e6, 3e4, 2e4, 1e4",
    8: "8e4, 7e4, 6e4, 5e4, 4e4, 3e4, 2e4, 1e4",
    16: ", ".join(f"{16 - k}e4" for k in range(16)),
}


@pytest.mark.parametrize(
    ("levels", "bits", "polarity", "slices", "crossbars"),
    [
        *((2, 8, 2, 7, 14), (4, 8, 2, 4, 8), (8, 8, 2, 3, 6), (16, 8, 2, 2, 4)),
        *((2, 8, 1, 8, 8), (4, 8, 1, 4, 4), (8, 8, 1, 3, 3), (16, 8, 1, 2, 2)),
        *((2, 9, 2, 8, 16), (4, 9, 2, 4, 8), (8, 9, 2, 3, 6), (16, 9, 2, 2, 4)),
        *((2, 9, 1, 9, 9), (4, 9, 1, 5, 5), (8, 9, 1, 3, 3), (16, 9, 1, 3, 3)),
    ],
)
@pytest.mark.parametrize("groups", [1, 3])
def test_a_weight_is_sliced_over_crossbars(
    levels: int, bits: int, polarity: int, slices: int, crossbars: int, groups: int
) -> None:
    hw = configured(
        f"Device level.Device_Level={levels};Device level.Device_Resistance={LEVELS[levels]};"
        f"Process element level.Xbar_Polarity={polarity};Process element level.Group_Num={groups}"
    )
    found = pe.crossbars_per_weight(hw, bits)
    assert (found.slices, found.crossbars, found.pes) == (slices, crossbars, math.ceil(slices / groups))
