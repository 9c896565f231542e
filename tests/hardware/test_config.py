"""The reader accepts the shipped file, and says in one line each what is wrong with another."""

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from golden_hardware import ROOT, shipped_text, with_overrides
from hypothesis import given, settings
from hypothesis import strategies as st

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config.ini import sections_of
from rram_nas_comp_pack.hardware.config.read import config_of, load_config, load_hardware, parse_hardware
from rram_nas_comp_pack.hardware.pe import area, read_latency, read_power

SHIPPED = ROOT / "SimConfig.ini"
SECTIONS = re.findall(r"^\[(.+)\]$", shipped_text(), re.MULTILINE)


def faults(text: str) -> list[str]:
    with pytest.raises(BadInput) as caught:
        parse_hardware(text)
    return str(caught.value).splitlines()


def fault(overrides: str) -> str:
    (line,) = faults(with_overrides(overrides))
    return line


def warnings(overrides: str) -> tuple[str, ...]:
    usual = parse_hardware(shipped_text()).warnings
    return tuple(line for line in parse_hardware(with_overrides(overrides)).warnings if line not in usual)


# --- What is accepted ------------------------------------------------------------------------------------


def test_the_shipped_file_is_read_without_a_warning() -> None:
    hardware = load_hardware(SHIPPED)
    assert (hardware.rows, hardware.columns) == (128, 128)
    assert hardware.resistances_ohm == (1e6, 1e4)
    assert (hardware.clock_ns, hardware.subarrays, hardware.bits_per_cell) == (2, 1, 1)
    assert hardware.warnings == ()


def test_other_surplus_converters_than_those_of_the_shipped_file_are_warned_of() -> None:
    for overrides in ("Process element level.DAC_Num=257", "Crossbar level.Subarray_Size=64"):
        text = with_overrides(overrides)
        assert any("DAC_Num = 25" in line for line in parse_hardware(text).warnings), overrides


def test_there_are_eight_sections() -> None:
    assert len(SECTIONS) == 8


def test_keys_are_read_in_any_case_but_sections_are_not() -> None:
    text = shipped_text().replace("Xbar_Size =", "xBAR_sIZE =")
    assert parse_hardware(text) == parse_hardware(shipped_text())
    lines = faults(shipped_text().replace("[Tile level]", "[tile level]"))
    assert any("[tile level]: found an unknown section" in line for line in lines)
    assert any("[Tile level]: found no such section" in line for line in lines)


def test_a_byte_order_mark_and_blanks_around_items_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "SimConfig.ini"
    path.write_text("\ufeff" + shipped_text().replace("128, 128", "128 ,\t128"), encoding="utf-8")
    assert load_hardware(str(path)).rows == 128


def test_keys_that_no_formula_reads_may_be_missing_or_added() -> None:
    text = re.sub(r"(?m)^(Tile_Num|LUT_Area|Device_SAF|Read_Level) = .*\n", "", shipped_text())
    assert parse_hardware(text) == parse_hardware(shipped_text())
    added = shipped_text().replace(
        "[Tile level]", "Multiplier_Tech = 45\nMultiplier_Area = 0\n\n[Tile level]"
    )
    assert parse_hardware(added) == parse_hardware(shipped_text())


def test_what_changes_numbers_but_no_cost_is_read_and_leaves_the_digest_alone() -> None:
    changed = with_overrides("Device level.Device_SAF=0.1, 10;Device level.Device_Variation=5")
    hardware = parse_hardware(changed)
    assert (hardware.variation_percent, hardware.stuck_percent) == (5.0, (0.1, 10.0))
    assert not hardware.warnings or "Device_SAF" not in str(hardware.warnings)
    shipped = parse_hardware(shipped_text())
    assert (shipped.variation_percent, shipped.stuck_percent) == (1.0, (1.0, 1.0))
    assert area(hardware) == area(shipped)


def test_special_values_are_resolved() -> None:
    pe, digital = "Process element level", "Digital module"
    hardware = parse_hardware(
        with_overrides(
            f"{pe}.Group_Num=0;{digital}.Reg_Tech=0;{digital}.ShiftReg_Tech=0;"
            "Architecture level.Buffer_Technology=0;Architecture level.Buffer_Bitwidth=0;"
            "Device level.Device_Type=SRAM"
        )
    )
    assert (hardware.groups, hardware.register_tech_nm, hardware.shift_register_tech_nm) == (1, 65, 65)
    assert (hardware.buffer_tech_nm, hardware.buffer_width_bits) == (65, 256)
    assert hardware.resistances_ohm == (1.6e6, 1.6e6)


def test_digital_pim_forces_its_converters_unless_the_user_defines_them() -> None:
    pim = "Process element level.PIM_Type=1;Process element level.Xbar_Polarity=1"
    hardware = parse_hardware(with_overrides(pim))
    assert (hardware.dac_choice, hardware.adc_choice) == (1, 8)
    own = ";Interface level.ADC_Choice=-1;Interface level.ADC_Area=3;Interface level.ADC_Precision=3"
    power = ";Interface level.ADC_Power=1e-3;Interface level.ADC_Sample_Rate=1"
    assert parse_hardware(with_overrides(pim + own + power)).adc_choice == -1


def test_f08_own_thresholds_are_volts_one_less_than_codes() -> None:
    choice = "Interface level.ADC_Choice=7;Interface level.ADC_Interval_Thres="
    given = ",".join(str(0.1 + k / 8) for k in range(15))
    hardware = parse_hardware(with_overrides(choice + given))
    assert hardware.adc_thresholds_v[:2] == (0.1, 0.225)
    assert "allowed: -1 or 15 rising numbers" in fault(choice + "0.1, 0.2")
    assert "strictly rising" in fault(choice + given.replace("0.225", "0.1"))


@pytest.mark.parametrize(
    ("overrides", "named"),
    [
        ("Process element level.Sub_Position=1;Process element level.Xbar_Polarity=1", "Sub_Position"),
        ("Process element level.ADC_Num=129", "ADC_Num"),
        ("Process element level.Group_Num=0", "Group_Num"),
        ("Process element level.PIM_Type=1", "Xbar_Polarity"),
        ("Process element level.PE_inBuf_Size=1024", "PE_inBuf_Size"),
        ("Process element level.PE_inBuf_Area=5", "PE_inBuf_Area"),
        ("Architecture level.Buffer_Bitwidth=1024", "Buffer_Bitwidth"),
        ("Architecture level.Buffer_Choice=3", "Buffer_Choice"),
        ("Architecture level.Buffer_ReadPower=5", "Buffer_ReadPower"),
        ("Crossbar level.Wire_Resistance=10", "Wire_Resistance"),
        ("Interface level.Logic_Op=0", "Logic_Op"),
        ("Interface level.ADC_Area=5", "ADC_Area"),
        ("Interface level.DAC_Choice=2", "Read_Level"),
        ("Device level.Device_Variation=31", "Device_Variation"),
        ("Device level.Device_Level=3;Device level.Device_Resistance=3e4,2e4,1e4", "Device_Level"),
        ("Digital module.Reg_Tech=0", "Reg_Tech"),
        ("Tile level.Tile_outBuf_Size=64", "Tile_outBuf_Size"),
    ],
)
def test_what_has_no_effect_or_little_sense_draws_a_warning(overrides: str, named: str) -> None:
    found = warnings(overrides)
    assert any(f" {named} = " in line for line in found), found


def test_no_more_adcs_than_columns_with_digital_subtraction_is_fine() -> None:
    assert not warnings("Process element level.ADC_Num=256;Process element level.Sub_Position=1")


# --- Files of other people -------------------------------------------------------------------------------

OF_SRAM = "Device level.Device_Type=SRAM"


@pytest.mark.parametrize(
    "more",
    [
        *("Crossbar level.Cell_Type=SRAM_6T", "Device level.Device_Resistance=1.7e6, 1.7e6"),
        *("Device level.Device_Resistance=0", "Device level.Device_Resistance=none"),
        *("Device level.Device_SAF=0", "Device level.Device_Variation=none"),
    ],
)
def test_keys_that_serve_nvm_alone_may_hold_anything_in_a_file_of_sram(more: str) -> None:
    sram = parse_hardware(with_overrides(OF_SRAM))
    found = parse_hardware(with_overrides(f"{OF_SRAM};{more}"))
    assert found.resistances_ohm == sram.resistances_ohm == (1.6e6, 1.6e6)
    assert area(found) == area(sram)
    assert read_latency(found, 128, 128, 8).total_ns == pytest.approx(152.77319048, rel=1e-9)
    assert read_power(found, 128, 128) == read_power(sram, 128, 128)


def test_keys_that_serve_the_other_device_may_be_missing() -> None:
    nvm_only = r"(?m)^(Device_Resistance|Device_SAF|Device_Variation|Cell_Type) = .*\n"
    sram = with_overrides(OF_SRAM)
    without = parse_hardware(re.sub(nvm_only, "", sram))
    assert area(without) == area(parse_hardware(sram))
    sram_only = r"(?m)^(Read|Write)_Energy = .*\n"
    nvm = parse_hardware(re.sub(sram_only, "", shipped_text()))
    assert area(nvm) == area(parse_hardware(shipped_text()))
    assert len(faults(re.sub(sram_only, "", sram))) == 2
    assert len(faults(re.sub(nvm_only, "", shipped_text()))) == 2


def test_a_cell_of_sram_is_none_of_nvm() -> None:
    assert "allowed: 1T1R or 0T1R" in fault("Crossbar level.Cell_Type=SRAM_6T")


def test_resistances_that_sram_does_not_have_draw_a_warning() -> None:
    (line,) = (w for w in warnings(f"{OF_SRAM};Device level.Device_Resistance=1.7e6, 1.7e6") if "Resist" in w)
    assert line.endswith(
        "Device_Resistance = 1.7e6, 1.7e6: not read: SRAM counts as 1.6e+06 ohm in both states"
    )
    quiet = f"{OF_SRAM};Device level.Device_Resistance=1.6e6, 1.6e6;Device level.Device_SAF=0, 0"
    assert not warnings(quiet + ";Device level.Device_Variation=0;Crossbar level.Cell_Type=SRAM_6T")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "Subarray_Size = 128",
            "OU_Size = 8, 8\nSubarray_Size = 128",
            "[Crossbar level] OU_Size: found an unknown key, not read; the nearest known one is Xbar_Size",
        ),
        (
            "Multiplier_Tech = 45",
            "Multiplier_tehc = 32",
            "[Digital module] Multiplier_tehc: found an unknown key, not read; the nearest known one is "
            "Multiplier_Tech",
        ),
        (
            "Device_Type = NVM",
            "Device_Type = NVM\nADC_choise = 3 # mine",
            "[Device level] ADC_choise: found an unknown key, not read; the nearest known one is ADC_Choice",
        ),
        (
            "[Tile level]",
            "[Tile]\nDevice_Tech = 9\nDevice_Tehc = 9\n[Tile level]",
            "[Tile]: found an unknown section, not read; the nearest known one is [Tile level]",
        ),
        (
            "[Tile level]",
            "[DEFAULT]\nWire_Resistance = 9\n[Tile level]",
            "[DEFAULT]: found an unknown section, not read; the nearest known one is [Tile level]",
        ),
    ],
)
def test_a_key_or_section_of_ones_own_draws_one_warning(old: str, new: str, said: str) -> None:
    text = shipped_text().replace("[Tile level]", "Multiplier_Tech = 45\n[Tile level]")
    usual, found = parse_hardware(text), parse_hardware(text.replace(old, new))
    assert [line for line in found.warnings if line not in usual.warnings] == [f"SimConfig.ini: {said}"]
    assert replace(found, warnings=()) == replace(usual, warnings=())


def test_a_flood_of_unknown_keys_is_told_in_few_lines() -> None:
    flood = "".join(f"mine_{i} = 1\n" for i in range(10_000))
    found = parse_hardware(shipped_text().replace("[Tile level]", f"{flood}[Tile level]")).warnings
    assert len(found) < 30
    assert "SimConfig.ini: found 9980 more unknown sections and keys, not read" in found


def test_comments_begin_with_a_semicolon_too() -> None:
    text = shipped_text().replace(
        "[Crossbar level]", "; mine\n  ; [Wrong]\n;Device_Tech = 9\n[Crossbar level]"
    )
    assert parse_hardware(text) == parse_hardware(shipped_text())


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_lines_may_end_as_on_windows_and_old_macs(tmp_path: Path, end: str) -> None:
    path = tmp_path / "SimConfig.ini"
    path.write_bytes(b"\xef\xbb\xbf" + shipped_text().replace("\n", end).encode())
    assert replace(load_hardware(path), warnings=()) == replace(load_hardware(SHIPPED), warnings=())


# --- What tells one hardware from another ----------------------------------------------------------------


def test_a_digest_goes_by_the_values_that_formulas_read_and_by_nothing_else(tmp_path: Path) -> None:
    def digest(text: str) -> str:
        path = tmp_path / "SimConfig.ini"
        path.write_text(text)
        return load_config(path).digest

    text = shipped_text()
    same = text.replace("= 1e6, 1e4", "= 1000000,10000").replace("# 1T1R or", "; OT1R or")
    same = same.replace("[Tile level]", "mine = 3\n[Tile level]").replace(
        "Tile_Num = 64, 64", "Tile_Num = 8, 8"
    )
    assert digest(same) == digest(text)
    others = [digest(text.replace("ADC_Choice = 2", f"ADC_Choice = {i}")) for i in range(3, 8)]
    assert len({digest(text), *others}) == 6
    sram = with_overrides(OF_SRAM)
    assert digest(sram) == digest(sram.replace("1e6, 1e4", "5, 5")) != digest(text)


def test_the_values_of_a_file_make_the_same_hardware_again() -> None:
    for text in (shipped_text(), with_overrides(OF_SRAM + ";Crossbar level.Cell_Type=SRAM_6T")):
        sections = sections_of(text, "x")
        assert config_of(sections, "SimConfig.ini").hardware == parse_hardware(text)


# --- What is refused: the file ---------------------------------------------------------------------------


def test_what_is_no_file_is_refused_in_one_line(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "none.ini", tmp_path, tmp_path / "fifo", Path("/dev/zero"), Path("/dev/null")):
        with pytest.raises(BadInput) as caught:
            load_hardware(path)
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"{path}: cannot be read: ")


def test_a_huge_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "huge.ini"
    with path.open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(BadInput) as caught:
        load_hardware(path)
    assert str(caught.value) == f"{path}: found more than 65536 bytes; allowed: a SimConfig.ini file"


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser reads everything")
def test_an_unreadable_file_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "SimConfig.ini"
    path.write_text(shipped_text())
    path.chmod(0)
    with pytest.raises(BadInput) as caught:
        load_hardware(path)
    assert str(caught.value).startswith(f"{path}: cannot be read: Permission denied; allowed: ")


def test_a_file_that_is_not_utf8_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "SimConfig.ini"
    path.write_bytes(b"[Device level]\nDevice_Type = NVM \xb5\n")
    with pytest.raises(BadInput) as caught:
        load_hardware(path)
    assert str(caught.value) == f"{path}: byte 33 is not UTF-8; allowed: UTF-8 text"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Device_Tech = 130\n", "line 1: found 'Device_Tech = 130'; allowed: a [section]"),
        ("[Device level]\nDevice_Tech\n", "line 2: found 'Device_Tech'; allowed: key = value"),
        (
            "[Device level]\nOU = \0\n",
            "line 2: found '\\x00'; allowed: text without control characters",
        ),
        ("[Device level]\nOU = 1\nOU = 2\n", "[Device level] OU: found again in line 3; allowed: once"),
        (
            "[Device level]\nDevice_Tech = 1\ndevice_tech = 2\n",
            "[Device level] Device_Tech: found again in line 3; allowed: once",
        ),
        ("[Device level]\n[Device level]\n", "[Device level]: found again in line 2; allowed: once"),
    ],
)
def test_broken_syntax_is_refused_in_one_line(text: str, line: str) -> None:
    assert faults(text) == [f"SimConfig.ini: {line}"]


def test_an_empty_file_lacks_eight_sections() -> None:
    assert [line.split(": ")[1] for line in faults("")] == [f"[{section}]" for section in SECTIONS]


def test_a_missing_key_is_refused_and_a_misspelled_one_named_beside_it() -> None:
    (missing,) = faults(re.sub(r"(?m)^Xbar_Size = .*\n", "", shipped_text()))
    start = "SimConfig.ini: [Crossbar level] Xbar_Size: found no such key; allowed: two integers"
    assert missing.startswith(start)
    missing, misspelled = faults(shipped_text().replace("Xbar_Size =", "XBar_Sise ="))
    assert missing.startswith(start)
    assert misspelled == (
        "SimConfig.ini: [Crossbar level] XBar_Sise: found an unknown key, not read; the nearest known one is "
        "Xbar_Size"
    )


def test_an_inline_comment_and_a_percent_sign_are_part_of_the_value() -> None:
    line = fault("Device level.Device_Tech=130 # nm")
    assert "found '130 # nm'; allowed: a number > 0 [nm], a comment in a line of its own" in line
    assert "a comment in a line of its own" in fault("Crossbar level.Xbar_Size=128, 128  # rows")
    assert "found '%(Device_Area)s'" in fault("Device level.Device_Tech=%(Device_Area)s")
    assert "found '1%'" in fault("Device level.Device_Variation=1%")


# --- What is refused: values -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "value", "allowed"),
    [
        ("Crossbar level.Subarray_Size", "128.0", "an integer >= 1 [rows]"),
        ("Crossbar level.Transistor_Tech", "130.0", "an integer >= 1 [nm]"),
        ("Crossbar level.Transistor_Tech", "1_3", "an integer >= 1 [nm]"),
        ("Crossbar level.Transistor_Tech", "٣", "an integer >= 1 [nm]"),
        ("Crossbar level.Transistor_Tech", "9" * 50, "an integer >= 1 [nm], at most 9 digits"),
        ("Crossbar level.Xbar_Size", "128", "two integers >= 1 [rows, columns]"),
        ("Crossbar level.Xbar_Size", "128, 128, 128", "two integers >= 1 [rows, columns]"),
        ("Crossbar level.Xbar_Size", "0, 128", "two integers >= 1 [rows, columns]"),
        ("Crossbar level.Subarray_Size", "48", "a divisor of the 128 rows of Xbar_Size"),
        ("Crossbar level.Cell_Type", "2T1R", "1T1R or 0T1R"),
        ("Crossbar level.Load_Resistance", "0", "-1 or a number > 0 [ohm]"),
        ("Device level.Device_Type", "nvm", "NVM or SRAM"),
        ("Device level.Device_Area", "nan", "a number > 0 [um^2]"),
        ("Device level.Device_Area", "inf", "a number > 0 [um^2]"),
        ("Device level.Device_Area", "1e999", "a number > 0 [um^2], in size from 1e-30 to 1e+30"),
        ("Device level.Device_Area", "", "a number > 0 [um^2]"),
        ("Device level.Device_Area", "0", "a number > 0 [um^2]"),
        ("Device level.Read_Voltage", "0, -0.15", "numbers >= 0 separated by commas [V]"),
        ("Device level.Read_Voltage", "0,, 0.15", "numbers >= 0 separated by commas [V]"),
        ("Device level.Device_Resistance", "1e4, 1e6", "strictly falling"),
        ("Device level.Device_Resistance", "1e4, 1e4", "strictly falling"),
        ("Device level.Device_Resistance", "1e4, 0", "strictly falling"),
        ("Device level.Device_Level", "4", "the length of Device_Resistance, 2"),
        ("Device level.Read_Level", "3", "the length of Read_Voltage, 2"),
        ("Device level.Write_Level", "3", "the length of Write_Voltage, 2"),
        ("Device level.Device_SAF", "60, 60", "of sum <= 100"),
        ("Device level.Device_SAF", "1", "two numbers"),
        ("Interface level.DAC_Choice", "8", "one of -1, 1, 2, 3, 4, 5, 6, 7"),
        ("Interface level.ADC_Choice", "0", "one of -1, 1, 2, 3, 4, 5, 6, 7, 8, 9"),
        ("Interface level.Logic_Op", "3", "one of -1, 0, 1, 2"),
        ("Process element level.Xbar_Polarity", "3", "one of 1, 2"),
        ("Process element level.PIM_Type", "2", "one of 0, 1"),
        ("Process element level.DAC_Num", "-1", "an integer >= 0"),
        ("Digital module.Digital_Frequency", "0", "a number > 0 [MHz]"),
        ("Digital module.Adder_Tech", "0", "an integer >= 1 [nm]"),
        ("Algorithm Configuration.Simulation_Level", "2", "one of 0, 1"),
    ],
)
def test_a_wrong_value_is_refused_with_what_was_found_and_what_is_allowed(
    where: str, value: str, allowed: str
) -> None:
    section, key = where.split(".")
    line = fault(f"{where}={value}")
    assert line.startswith(f"SimConfig.ini: [{section}] {key}: found {value!r}; allowed: ")
    assert allowed in line


def test_f04_a_user_defined_converter_needs_all_four_values() -> None:
    lines = faults(with_overrides("Interface level.ADC_Choice=-1"))
    assert [re.findall(r"ADC_\w+", line)[0] for line in lines[:4]] == [
        *("ADC_Area", "ADC_Precision", "ADC_Power", "ADC_Sample_Rate")
    ]


def test_sram_has_two_states() -> None:
    overrides = "Device level.Device_Type=SRAM;Device level.Device_Level=4;"
    assert "2 for SRAM" in fault(overrides + "Device level.Device_Resistance=4,3,2,1")


def test_all_faults_are_reported_at_once() -> None:
    text = with_overrides(
        "Device level.Device_Tech=x;Device level.Device_Level=3;Crossbar level.Subarray_Size=48;"
        "Interface level.DAC_Choice=12;Process element level.Group_Num=1.5;"
        "Architecture level.Tile_Connection=9"
    ).replace("[Algorithm Configuration]", "Colour = red\n[Other]")
    lines = faults(text)
    named = ["Colour", "[Other]", "[Algorithm Configuration]", "Device_Tech", "Device_Level", "Subarray_Size"]
    for name in [*named, "DAC_Choice", "Group_Num", "Tile_Connection"]:
        assert sum(name in line.split(": found")[0] for line in lines) == 1, (name, lines)
    assert len(lines) == 9
    wanted = r"SimConfig\.ini: .+: found (.+; allowed: .+|an unknown (key|section), not read; the nearest .+)"
    assert all(re.fullmatch(wanted, line) for line in lines)


def test_a_fault_hides_no_other_fault() -> None:
    overrides = "Device level.Read_Voltage=x;Device level.Device_Level=4;Device level.Write_Level=3"
    named = [line.split(": ")[1] for line in faults(with_overrides(overrides))]
    assert named == [f"[Device level] {key}" for key in ("Read_Voltage", "Write_Level", "Device_Level")]


def test_a_long_value_is_shortened() -> None:
    assert len(fault("Crossbar level.Transistor_Tech=" + "9" * 5000)) < 200


# --- Any text --------------------------------------------------------------------------------------------

SHIPPED_LINES = shipped_text().splitlines()
scraps = st.one_of(
    st.text(max_size=20),
    st.sampled_from(
        ["[DEFAULT]", "= 1", "  continued", "Device_Tech = 1", "[Tile level]", "x : 1", ";", "\0"]
    ),
)


@given(st.integers(0, len(SHIPPED_LINES) - 1), scraps, st.booleans())
@settings(deadline=None)
def test_any_line_gives_hardware_or_one_line_per_fault(index: int, scrap: str, keep_key: bool) -> None:
    changed = list(SHIPPED_LINES)
    changed[index] = changed[index].partition("=")[0] + "= " + scrap if keep_key else scrap
    found = ""
    try:
        parse_hardware("\n".join(changed))
    except BadInput as error:
        found = str(error)
    assert all(line.startswith("SimConfig.ini: ") for line in found.split("\n") if found)
