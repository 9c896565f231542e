"""`accuracy --sweep`: chips at several values of a key; its file, how it goes on, and what it refuses."""

import csv
import shutil

import numpy as np
import pytest
from judged_runs import judged_nets, run_to_judge
from tiny_runs import call, is_one_line, read_rows, write_rows

from rram_nas_comp_pack.report.packing.sweep import sweep_words
from rram_nas_comp_pack.runs.packing.accuracy_lines import COLUMNS
from rram_nas_comp_pack.runs.packing.accuracy_sweep import (
    SWEEP_COLUMNS,
    read_sweep_lines,
    sweeps_of,
)
from rram_nas_comp_pack.runs.packing.mapping_errors import worst_db
from rram_nas_comp_pack.runs.packing.read import read_run
from tests.reference_page import names_of

FILE = "accuracy_sweep.csv"
QUICK = ("--images", 2)
SAF = ("--sweep", "Device_SAF=0,0/1,1/20,20", "--instances", 2)


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A run with a sweep of two chips and three rates, and what the command printed."""
    with judged_nets(tmp_path_factory.mktemp("sweep")) as place:
        run = run_to_judge(place)
        yield run, sweep(run, *SAF)


@pytest.fixture
def run(swept, tmp_path):
    """A copy of that run, to spoil."""
    return shutil.copytree(swept[0], tmp_path / "run")


def sweep(run, *argv):
    status, out, err = call("accuracy", run, *QUICK, *argv)
    assert (status, err) == (0, ""), err
    return out


def rows_of(run, name=FILE):
    with (run / name).open(newline="") as file:
        return list(csv.DictReader(file))


def points(run, key="Device_SAF"):
    (found,) = [each for each in sweeps_of(read_sweep_lines(run)) if each.key == key]
    return found.points


def test_a_line_for_every_value_and_chip_and_a_table_of_values(swept):
    run, out = swept
    rows = rows_of(run)
    assert {*rows[0]} == {*names_of(FILE), *names_of("accuracy.csv")}
    assert [(row["value"], row["seed"]) for row in rows] == [
        (value, seed) for value in ("0,0", "1,1", "20,20") for seed in "01"
    ]
    assert {row["key"] for row in rows} == {"Device_SAF"}
    assert not (run / "accuracy.json").exists()
    assert not (run / "accuracy.csv").exists()
    first, _, header, *table, last = out.splitlines()
    assert first.startswith("agreement with the float network, measured on 2 inputs; 2 chips")
    assert header.split("  ")[0] == "Device_SAF (percent)"
    assert [line.split()[0] for line in table] == ["0,0", "1,1", "20,20"]
    assert last == f"file: {run / FILE}"


def test_a_value_gives_what_a_single_judgement_gives(run):
    sweep(run, "--set", "Device_SAF=20,20", "--instances", 2)
    single = rows_of(run, "accuracy.csv")
    own = [row for row in rows_of(run) if row["value"] == "20,20"]
    same = ("encoding", "seed", "chip", "content", "inputs", "right", "accuracy", "agreement", "layers")
    assert set(same) == {*COLUMNS} - {"settings"}
    assert [[row[name] for name in same] for row in own] == [[row[name] for name in same] for row in single]


def test_more_stuck_cells_are_more_error_in_both_mappings(swept):
    mappings = ["dense", "diagonal", "dense"]
    for mapping in set(mappings):
        clean, few, many = (worst_db(point.layers, mappings, mapping) for point in points(swept[0]))
        assert many < few
        assert clean is None or few < clean


def test_chips_that_are_done_are_not_judged_again(run):
    rows = read_rows(run / FILE)
    right = rows[0].index("right")
    rows[1][right] = "0" if rows[1][right] != "0" else "1"  # as nobody would find it
    write_rows(run / FILE, rows)
    whole = (run / FILE).read_text()
    (run / FILE).write_text(whole[:-40])  # as a kill leaves it
    sweep(run, "--sweep", "Device_SAF=0,0/20,20/30,30", "--instances", 3)
    after = rows_of(run)
    assert after[0]["right"] == rows[1][right]
    found = [(row["value"], row["seed"]) for row in after]
    assert len(set(found)) == len(found) == 6 + 2 + 3
    assert [point.value for point in points(run)] == ["0,0", "1,1", "20,20", "30,30"]


def test_encodings_and_keys_share_the_file_and_other_settings_begin_a_key_anew(run):
    sweep(run, "--sweep", "Device_SAF=1,1", "--instances", 1, "--encoding", "plain")
    out = sweep(run, "--sweep", "ADC_Choice=2,4", "--instances", 1)
    assert "\n2 (8 bits) " in out
    assert [(p.value, p.encoding) for p in points(run)] == [
        *(("0,0", "fault-aware"), ("1,1", "fault-aware"), ("1,1", "plain"), ("20,20", "fault-aware")),
    ]
    assert [p.value for p in points(run, "ADC_Choice")] == ["2", "4"]
    sweep(run, "--sweep", "Device_SAF=5,5", "--instances", 1, "--adc", "ideal")
    assert [p.value for p in points(run)] == ["5,5"]
    assert [p.value for p in points(run, "ADC_Choice")] == ["2", "4"]
    assert call("verify", run)[0] == 0


def test_a_key_without_effect_is_named(run):
    status, _, err = call(
        "accuracy", run, *QUICK, "--instances", 1, "--sweep", "Digital_Frequency=500,600", "--adc", "ideal"
    )
    assert status == 0
    assert err == "warning: --sweep: Digital_Frequency changes nothing that these chips compute\n"


def test_what_is_held_against_the_run_s_own_hardware_and_image(run):
    sweep(run, "--sweep", "Device_Variation=0,30", "--instances", 1, "--set", "Device_SAF=0,0")
    saf, variation = read_run(run, "t").sweeps
    assert (saf.own_hardware, saf.own_image) == (True, True)
    assert (variation.own_hardware, variation.own_image) == (False, True)
    assert "other hardware" not in sweep_words(saf)
    assert "But for Device_Variation, these chips are of other hardware" in sweep_words(variation)
    assert call("verify", run)[0] == 0


def test_accuracies_of_another_image_are_named_as_such(run):
    """In the report, which draws every key, and by `verify`."""
    sweep(run, "--instances", 1)
    assert call("image", run, "--calibration", 1)[0] == 0
    assert call("report", run)[0] == 0
    page = (run / "report.html").read_text()
    assert "Accuracy by Device_SAF</h2>" in page
    assert page.count("These chips hold another image than chip_image.npz") == 2
    drawn = {path.name for path in (run / "figures").iterdir()}
    assert drawn >= {"sweep_Device_SAF.png", "sweep_Device_SAF.svg", "accuracy.png", "noise.svg"}
    status, out, err = call("verify", run)
    assert (status, err) == (1, "")
    other = "of another image than chip_image.npz, which `accuracy` judges"
    assert out.splitlines() == [
        f"accuracy.json is {other}",
        f"accuracy_sweep.csv: the chips of Device_SAF are {other}",
    ]


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("agreement", "0.25", "line 2: agreement 0.25, found "),
        ("agreement", "", "line 2: found both or none of accuracy and agreement"),
        ("layers", "[[1,1,1,0]]", "settings: found"),
        ("settings", "x", "those of the other lines of Device_SAF"),
        ("hardware", "x", "that of the other lines of Device_SAF = 0,0"),
        ("seed", "1", "a line for each value, encoding and chip"),
        ("key", "Device_SAE", "key: found 'Device_SAE'"),
        ("value", "1", "value: found '1'"),
    ],
)
def test_verify_names_a_line_that_is_not_sound(run, column, value, said):
    rows = read_rows(run / FILE)
    rows[1][SWEEP_COLUMNS.index(column)] = value
    write_rows(run / FILE, rows)
    status, out, err = call("verify", run)
    assert status == (2 if err else 1)
    assert said in out + err
    assert is_one_line(out + err)


REFUSED = {
    "unknown key": (("--sweep", "Device_SAE=1,1"), "nearest is Device_SAF"),
    "no value": (("--sweep", "Device_SAF="), "found no value"),
    "a value twice": (("--sweep", "ADC_Choice=2,2"), "found 2 twice"),
    "the layout": (("--sweep", "Xbar_Size=64,64/128,128"), "which the layout is made for"),
    "twice": (("--sweep", "ADC_Choice=2", "--sweep", "ADC_Choice=4"), "found 2 times"),
    "set too": (("--sweep", "ADC_Choice=2", "--set", "adc_choice=4"), "which --set sets too"),
    "chip": (("--sweep", "Device_SAF=1,1", "--chip", "c.npz"), "--chip, whose files say which cells"),
    "a rule of the file": (("--sweep", "Subarray_Size=100"), "Subarray_Size: found '100'"),
    "no bits": (("--sweep", "ADC_Precision=0,8", "--set", "ADC_Choice=-1"), "ADC_"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_one_line_and_leaves_the_file(run, case):
    argv, said = REFUSED[case]
    before = (run / FILE).read_bytes()
    status, out, err = call("accuracy", run, *argv)
    assert (status, out) == (2, "")
    assert is_one_line(err), err
    assert said in err
    assert (run / FILE).read_bytes() == before


def test_measured_chips_are_swept_by_what_their_files_leave_open(run, tmp_path):
    stuck = np.zeros((12, 2, 7, 128, 128), np.int8)
    np.savez_compressed(tmp_path / "a.npz", stuck=stuck)
    np.savez_compressed(tmp_path / "b.npz", stuck=stuck, deviation=np.zeros(stuck.shape, np.float32))
    sweep(run, "--sweep", "Device_Variation=0,20", "--chip", tmp_path / "a.npz")
    none, some = points(run, "Device_Variation")
    assert none.chips[0][0] == str(tmp_path / "a.npz")
    assert some.layers[0].noise > none.layers[0].noise
    for key, said in (("Device_Variation=0,20", "holds the deviation"), ("Xbar_Polarity=2,1", "with this")):
        status, out, err = call("accuracy", run, *QUICK, "--sweep", key, "--chip", tmp_path / "b.npz")
        assert (status, out) == (2, "")
        assert said in err.splitlines()[-1]
