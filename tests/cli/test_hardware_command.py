"""`hardware`: one processing element as one JSON object."""

import pytest
from tiny_runs import ROOT, call, is_one_line, make_workplace, strict_json

CONFIG = ROOT / "SimConfig.ini"


def hardware(rows, columns, *more, config=CONFIG):
    return call("hardware", "--rows", rows, "--columns", columns, *more, "--config", config)


def test_it_prints_one_json_object_with_the_figures_of_the_specification():
    status, out, _ = hardware(128, 128, "--input-bits", 8)
    found = strict_json(out)
    assert status == 0
    assert found.keys() >= {"latency_ns", "area_um2", "power_w", "energy_nj"}
    assert found["latency_ns"] == pytest.approx(152.77319048, rel=1e-9)
    assert all(found[key] > 0 for key in ("latency_ns", "area_um2", "power_w", "energy_nj"))


def test_the_components_of_the_latency_add_up():
    found = strict_json(hardware(100, 7)[1])
    parts = ("buffer_write", "buffer_read", "dac", "crossbar", "adc", "input_register", "input_demux")
    parts += ("output_mux", "shift_register", "adder", "output_register")
    assert sum(found[f"{part}_ns"] for part in parts) == pytest.approx(found["latency_ns"])


def test_area_power_and_energy_come_with_their_parts():
    found = strict_json(hardware(9, 1)[1])
    assert sum(found["area"].values()) == pytest.approx(found["area_um2"])
    assert found["power"].keys() == {name.replace("_nj", "_w") for name in found["energy"]}
    assert sum(found["power"].values()) >= found["power_w"] * (1 - 1e-9)  # buffers may be counted apart
    assert sum(found["energy"].values()) >= found["energy_nj"] * (1 - 1e-9)


def test_eight_input_bits_are_the_default():
    assert hardware(64, 64)[1] == hardware(64, 64, "--input-bits", 8)[1]
    assert hardware(64, 64)[1] != hardware(64, 64, "--input-bits", 4)[1]


def test_warnings_of_the_configuration_go_to_standard_error(tmp_path):
    quiet = make_workplace(tmp_path)[1]
    assert hardware(1, 1)[2] == hardware(1, 1, config=quiet)[2] == ""
    quiet.write_text(quiet.read_text().replace("DAC_Num = 128", "DAC_Num = 999"))
    _, out, err = hardware(1, 1, config=quiet)
    assert err.startswith(f"warning: {quiet}: [Process element level] DAC_Num = 999: more than the 128 rows")
    assert is_one_line(err)
    assert "DAC_Num" not in out


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((129, 1), "129"),
        ((1, 129), "129"),
        ((0, 1), "'0'"),
        ((-1, 1), "'-1'"),
        (("1.5", 1), "'1.5'"),
        (("x", 1), "'x'"),
        ((1, 1, "--input-bits", 0), "'0'"),
        ((1, 1, "--input-bits", "nan"), "'nan'"),
        ((1, 1, "--no-such"), "--no-such"),
    ],
)
def test_a_read_that_no_crossbar_can_do_is_refused_in_one_line(tmp_path, argv, said):
    status, out, err = hardware(*argv, config=make_workplace(tmp_path)[1])
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert said in err


def test_rows_and_columns_must_be_given():
    for argv in (("--rows", 3), ("--columns", 3), ()):
        status, _, err = call("hardware", *argv)
        assert status == 2
        assert is_one_line(err)
