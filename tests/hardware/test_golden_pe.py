"""The PE formulas reproduce what MNSIM 2.0 computes, except where a fault is mended."""

import math
from collections.abc import Callable, Iterator
from functools import cache

import pytest
from golden_hardware import Row, configured, golden_rows, same, with_overrides

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware import components, crossbar, digital, pe, pe_results
from rram_nas_comp_pack.hardware.config.read import Hardware, parse_hardware

# --- One row of each file -> the values of its columns ---------------------------------------------------


def latency_columns(row: Row, hw: Hardware) -> dict[str, float]:
    traffic = pe.Traffic(float(row["indata"]), float(row["rdata"]))
    found = pe.unchecked_read_latency(hw, int(row["h"]), int(row["w"]), int(row["inprecision"]), traffic)
    number = pe.counts(hw)
    return {
        "digital_period": hw.clock_ns,
        "decoder_unit": digital.decoder_latency_ns(number.input_demux_ways),
        "mux_unit": digital.mux_latency_ns(math.ceil(hw.columns / number.adcs_per_subarray)),
        "xbar_unit": crossbar.crossbar_read_latency_ns(hw),
        "DAC_unit": components.dac(hw).latency_ns,
        "ADC_unit": components.adc(hw).latency_ns,
        "buf_w": found.buffer_write_ns,
        "buf_r": found.buffer_read_ns,
        "DAC": found.dac_ns,
        "xbar": found.crossbar_ns,
        "ADC": found.adc_ns,
        "iReg": found.input_register_ns,
        "shiftreg": found.shift_register_ns,
        "input_demux": found.input_demux_ns,
        "adder": found.adder_ns,
        "output_mux": found.output_mux_ns,
        "oReg": found.output_register_ns,
        "computing": found.computing_ns,
        "digital": found.digital_ns,
        "total": found.total_ns,
    }


def area_columns(row: Row, hw: Hardware) -> dict[str, float]:
    found, number = pe.area(hw, float(row["default_buf_kb"])), pe.counts(hw)
    return {
        "xbar_num": number.crossbars,
        "ADC_per_group": number.adcs_per_group,
        "ADC_num": number.adcs,
        "DAC_per_group": number.dacs_per_group,
        "DAC_num": number.dacs,
        "input_demux": number.input_demux_ways,
        "output_mux": number.output_mux_ways,
        "adder_num": number.adders_per_column,
        "unit_xbar": crossbar.crossbar_area_um2(hw),
        "unit_ADC": components.adc_area_um2(hw),
        "unit_DAC": components.dac(hw).area_um2,
        "unit_adder": components.adder(hw).area_um2,
        "unit_shiftreg": components.shift_register(hw).area_um2,
        "unit_iReg": components.register(hw).area_um2,
        "unit_oReg": components.register(hw).area_um2,
        "unit_demux": digital.mux(hw.transistor_tech_nm, number.input_demux_ways).area_um2,
        "unit_mux": digital.mux(hw.transistor_tech_nm, number.output_mux_ways).area_um2,
        "xbar": found.crossbar_um2,
        "ADC": found.adc_um2,
        "DAC": found.dac_um2,
        "adder": found.adder_um2,
        "shiftreg": found.shift_register_um2,
        "iReg": found.input_register_um2,
        "oReg": found.output_register_um2,
        "input_demux_area": found.input_demux_um2,
        "output_mux_area": found.output_mux_um2,
        "digital": found.digital_um2,
        "inbuf": found.buffer_um2,
        "total": found.total_um2,
    }


def power_columns(row: Row, hw: Hardware) -> dict[str, float]:
    h, w, number = int(row["max_row"]), int(row["max_column"]), pe.counts(hw)
    found = pe.read_power(hw, h, w, int(row["max_group"]), float(row["default_buf_kb"]))
    return {
        "unit_device": crossbar.device_read_power_w(hw),
        "unit_xbar": crossbar.crossbar_read_power_w(hw, h, w),
        "unit_DAC": components.dac(hw).power_w,
        "unit_ADC": components.adc(hw).power_w,
        "unit_adder": components.adder(hw).power_w,
        "unit_shiftreg": components.shift_register(hw).power_w,
        "unit_iReg": components.register(hw).power_w,
        "unit_oReg": components.register(hw).power_w,
        "unit_demux": digital.mux(hw.transistor_tech_nm, number.input_demux_ways).power_w,
        "unit_mux": digital.mux(hw.transistor_tech_nm, number.output_mux_ways).power_w,
        "xbar": found.crossbar_w,
        "DAC": found.dac_w,
        "ADC": found.adc_w,
        "adder": found.adder_w,
        "shiftreg": found.shift_register_w,
        "iReg": found.input_register_w,
        "oReg": found.output_register_w,
        "input_demux": found.input_demux_w,
        "output_mux": found.output_mux_w,
        "digital": found.digital_w,
        "inbuf_r": found.buffer_read_w,
        "inbuf_w": found.buffer_write_w,
        "inbuf": found.buffer_w,
        "total": found.total_w,
    }


def energy_parts(found: pe_results.Energy) -> dict[str, float]:
    return {
        "xbar": found.crossbar_nj,
        "DAC": found.dac_nj,
        "ADC": found.adc_nj,
        "iReg": found.input_register_nj,
        "shiftreg": found.shift_register_nj,
        "input_demux": found.input_demux_nj,
        "adder": found.adder_nj,
        "output_mux": found.output_mux_nj,
        "oReg": found.output_register_nj,
    }


def energy_columns(row: Row, hw: Hardware) -> dict[str, float]:
    h, w = int(row["h"]), int(row["w"])
    traffic = pe.Traffic(float(row["indata"]), float(row["rdata"]))
    power = pe.read_power(hw, h, w, int(row["group"]), float(row["default_buf_kb"]))
    found = pe.read_energy(power, pe.read_latency(hw, h, w, int(row["inprecision"]), traffic))
    return {
        **energy_parts(found),
        "buf_r": found.buffer_read_nj,
        "buf_w": found.buffer_write_nj,
        "digital_without_adder": found.digital_nj,
        "total_without_adder": found.total_nj,
        "total_with_adder": found.total_with_adder_nj,
    }


def efficiency_columns(row: Row, hw: Hardware) -> dict[str, float]:
    found, number = pe.efficiency(hw), pe.counts(hw)
    return {
        "multiple_time": math.ceil(8 / components.dac(hw).bits),
        "digital_period": hw.clock_ns,
        "decoder_unit": digital.decoder_latency_ns(number.input_demux_ways),
        "mux_unit": digital.mux_latency_ns(math.ceil(hw.columns / number.adcs_per_subarray)),
        "lat_xbar": found.latency.crossbar_ns,
        "lat_DAC": found.latency.dac_ns,
        "lat_ADC": found.latency.adc_ns,
        "lat_iReg": found.latency.input_register_ns,
        "lat_shiftreg": found.latency.shift_register_ns,
        "lat_input_demux": found.latency.input_demux_ns,
        "lat_adder": found.latency.adder_ns,
        "lat_output_mux": found.latency.output_mux_ns,
        "lat_oReg": found.latency.output_register_ns,
        "lat_total": found.latency.total_ns,
        "ops": found.operations,
        **{f"E_{name}": value for name, value in energy_parts(found.energy).items()},
        "E_total": found.energy.total_with_adder_nj,
        "GOPS": found.gops,
        "GOPS_per_W": found.gops_per_w,
    }


FILES: dict[str, Callable[[Row, Hardware], dict[str, float]]] = {
    "pe_latency.csv": latency_columns,
    "pe_area.csv": area_columns,
    "pe_power.csv": power_columns,
    "pe_energy.csv": energy_columns,
    "pe_efficiency.csv": efficiency_columns,
}
ARGUMENTS = {
    *("case", "overrides", "status", "h", "w", "inprecision", "indata", "rdata", "default_buf_kb"),
    *("max_row", "max_column", "max_group", "group"),
}

# --- What a mended fault moves ---------------------------------------------------------------------------

# The user-defined converters of these cases have zero area, power, precision and rate (F04).
REFUSED = {"adc_user_zero", "dac_user_zero"}
# DAC_Num = 0 stops the original (F01); here it is the automatic count, 128 at the default.
AUTOMATIC_DACS = "dacnum0"


def saved(dac_golden: str) -> Callable[[Row, str], float]:
    """A sum that holds the DAC once: 999 thousandths of its part go."""
    return lambda row, column: float(row[column]) - 0.999 * float(row[dac_golden])


def thousandth(row: Row, column: str) -> float:
    return float(row[column]) / 1000


def gops_per_w_without_surplus(row: Row, column: str) -> float:
    return float(row["ops"]) / (float(row["E_total"]) - 0.999 * float(row["E_DAC"]))


# (case, file) -> column -> mended value from the golden row. F09: DAC option 6 is 0.4992 mW, not W.
MENDED: dict[tuple[str, str], dict[str, Callable[[Row, str], float]]] = {
    ("dac6", "pe_power.csv"): {"unit_DAC": thousandth, "DAC": thousandth, "total": saved("DAC")},
    ("dac6", "pe_energy.csv"): {
        "DAC": thousandth,
        "total_without_adder": saved("DAC"),
        "total_with_adder": saved("DAC"),
    },
    ("dac6", "pe_efficiency.csv"): {
        "E_DAC": thousandth,
        "E_total": saved("E_DAC"),
        "GOPS_per_W": gops_per_w_without_surplus,
    },
}


def cases() -> Iterator[tuple[str, str]]:
    for name in FILES:
        for case in dict.fromkeys(row["case"] for row in golden_rows(name)):
            yield name, case


@cache
def by_case(name: str) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {}
    for row in golden_rows(name):
        rows.setdefault(row["case"], []).append(row)
    return rows


@pytest.mark.parametrize(("name", "case"), list(cases()))
def test_every_golden_row_of_a_case_is_reproduced(name: str, case: str) -> None:
    rows = by_case(name)[case]
    mended = MENDED.get((case, name), {})
    for row in rows:
        if case in REFUSED or (row["status"] != "ok" and case != AUTOMATIC_DACS):
            with pytest.raises(BadInput):
                parse_hardware(with_overrides(row["overrides"]))
            continue
        golden = row if case != AUTOMATIC_DACS else twin_with_128_dacs(name, row)
        found = FILES[name](row, configured(row["overrides"]))
        assert set(found) == set(row) - ARGUMENTS
        for column, value in found.items():
            wanted = mended[column](golden, column) if column in mended else float(golden[column])
            assert same(value, wanted), (row, column, value, wanted)


def twin_with_128_dacs(name: str, row: Row) -> Row:
    """The golden row of the same call with DAC_Num = 128 written out."""
    arguments = ARGUMENTS - {"case", "overrides", "status"}
    return next(
        twin for twin in by_case(name)["dacnum128"] if all(twin.get(key) == row.get(key) for key in arguments)
    )


def test_golden_files_are_whole() -> None:
    wanted = {
        "pe_latency.csv": 1571,
        "pe_area.csv": 152,
        "pe_power.csv": 599,
        "pe_energy.csv": 600,
        "pe_efficiency.csv": 150,
    }
    assert {name: len(golden_rows(name)) for name in FILES} == wanted
