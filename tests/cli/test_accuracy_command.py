"""`accuracy`: what a run's chips get right; its files, what it refuses, and how it goes on."""

import csv
import json
import shutil
import sys

import numpy as np
import pytest
from judged_runs import judged_nets, run_to_judge
from PIL import Image
from tiny_runs import call, is_one_line, pack, read_rows, strict_json, write_rows

from rram_nas_comp_pack.cli.options.execution import ADC_KINDS, ENCODINGS
from rram_nas_comp_pack.execution import converters, encoding
from rram_nas_comp_pack.report.packing.accuracy import chip_chart, chip_words, mapping_table, noise_chart
from rram_nas_comp_pack.runs.packing.accuracy import read_accuracy
from rram_nas_comp_pack.runs.packing.read import read_run

KEYS = (
    *("float_accuracy", "integer_accuracy", "chip", "instances", "layers", "images", "split", "encoding"),
    *("adc", "hardware", "version", "image", "data"),
)
QUICK = ("--images", 4, "--instances", 2)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with judged_nets(tmp_path_factory.mktemp("accuracy")) as folder:
        yield folder


@pytest.fixture(scope="module")
def made(place):
    """A run with copies and a diagonal layer, and its image."""
    return run_to_judge(place)


@pytest.fixture
def run(made, tmp_path):
    return shutil.copytree(made, tmp_path / "run")


@pytest.fixture(scope="module")
def weights(place):
    """Weights of the network, which as a file count as trained."""
    import torch

    torch.manual_seed(5)
    sys.path.insert(0, str(place))
    path = place / "trained.pth"
    torch.save(__import__("accuracy_nets").net().state_dict(), path)
    return path


def judged(run, *argv):
    status, out, err = call("accuracy", run, *QUICK, *argv)
    assert (status, err) == (0, ""), err
    return out


def refused(run, *argv):
    status, out, err = call("accuracy", run, *QUICK, *argv)
    assert (status, out) == (2, ""), out
    assert is_one_line(err), err
    return err


def test_the_options_are_those_of_the_room():
    assert (ENCODINGS, ADC_KINDS) == (encoding.ENCODINGS, converters.ADC_KINDS)


def test_random_weights_have_an_agreement_and_no_accuracy(run):
    out = judged(run)
    found = strict_json((run / "accuracy.json").read_text())
    assert found.keys() == {*KEYS, "agreement"}
    assert found["float_accuracy"] is found["integer_accuracy"] is found["chip"]["mean"] is None
    assert [(i["seed"], i["accuracy"]) for i in found["instances"]] == [(0, None), (1, None)]
    shares = [i["agreement"] for i in found["instances"]]
    assert found["agreement"]["mean"] == pytest.approx(np.mean(shares))
    assert found["agreement"]["worst"] == min(shares)
    assert "agreement with the float network, measured on 4 inputs" in out
    assert [row["agreement"] for row in rows_of(run)] == [str(share) for share in shares]


def test_trained_weights_have_accuracies(run, weights):
    (run / "chip_image.npz").unlink()
    out = judged(run, "--weights", weights, "--dataset", "digits", "--calibration", 20)
    found = strict_json((run / "accuracy.json").read_text())
    assert found.keys() == set(KEYS)
    assert 0 <= found["float_accuracy"] <= 1
    assert [layer["mapping"] for layer in found["layers"]].count("diagonal") == 1
    assert all(layer["adc_step"] == 1 and layer["snr_db"] > 0 for layer in found["layers"])
    assert (found["split"], found["encoding"], found["adc"]) == ("test", "fault-aware", "calibrated")
    assert "float network: " in out
    table = dict(line.split("  ", 1) for line in out.splitlines() if "  " in line)
    assert table["mapping of layers"].split() == ["dense", "diagonal"]
    assert table["layers"].split() == ["2", "1"]
    validation = json.loads((run / "accuracy.json").read_text())
    judged(run, "--weights", weights, "--dataset", "digits", "--split", "validation", "--calibration", 20)
    assert json.loads((run / "accuracy.json").read_text())["split"] != validation["split"]


def rows_of(run):
    with (run / "accuracy.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_chip_that_is_done_is_not_judged_again(run):
    judged(run, "--instances", 1)
    rows = read_rows(run / "accuracy.csv")
    right = rows[0].index("right")
    rows[1][right] = "1"  # as nobody would find it
    write_rows(run / "accuracy.csv", rows)
    judged(run)
    assert [row["seed"] for row in rows_of(run)] == ["0", "1"]
    assert strict_json((run / "accuracy.json").read_text())["instances"][0]["agreement"] == 0.25
    judged(run, "--encoding", "plain")
    assert [row["encoding"] for row in rows_of(run)] == ["fault-aware"] * 2 + ["plain"] * 2
    judged(run, "--adc", "ideal")
    assert [row["encoding"] for row in rows_of(run)] == ["fault-aware"] * 2


def test_the_same_run_gives_the_same_bytes(run):
    judged(run)
    before = [(run / name).read_bytes() for name in ("accuracy.json", "accuracy.csv")]
    (run / "accuracy.csv").unlink()
    judged(run)
    assert [(run / name).read_bytes() for name in ("accuracy.json", "accuracy.csv")] == before


def test_a_line_that_a_kill_cut_short_is_judged_again(run):
    judged(run)
    whole = (run / "accuracy.csv").read_text()
    (run / "accuracy.csv").write_text(whole[:-40])
    judged(run)
    assert (run / "accuracy.csv").read_text() == whole


def test_values_of_the_hardware_are_set(run):
    judged(run, "--set", "Device_SAF=0,0", "--set", "Device level.Device_Variation=0")
    layers = strict_json((run / "accuracy.json").read_text())["layers"]
    assert [(layer["snr_db"], layer["saturated"]) for layer in layers] == [(None, 0)] * 3


def test_a_chip_of_a_file_is_the_chip_of_its_seed(run, tmp_path):
    status, _, err = call(
        "chip",
        "--crossbars",
        12,
        "--seed",
        1,
        "--out",
        tmp_path / "one.npz",
        "--config",
        run / "SimConfig.ini",
    )
    assert status == 0, err
    judged(run)
    (seeded,) = [row for row in rows_of(run) if row["seed"] == "1"]
    status, _, err = call("accuracy", run, "--images", 4, "--chip", tmp_path / "one.npz")
    assert status == 0, err
    (filed,) = [row for row in rows_of(run) if row["chip"]]
    assert filed["layers"] == seeded["layers"]
    assert "chip" in strict_json((run / "accuracy.json").read_text())["instances"][0]


def test_the_report_shows_both_encodings(run):
    judged(run, "--encoding", "plain")
    judged(run)
    found = read_accuracy(run)
    assert [name for name, _ in found.others] == ["plain"]
    drawn = {series.name: series.notes for series in chip_chart(found).series}
    assert drawn.keys() == {"integer network", "fault-aware", "plain"}
    assert [note.partition(":")[0] for note in drawn["plain"]] == ["plain, seed 0", "plain, seed 1"]


def test_dense_and_diagonal_layers_are_told_apart(run):
    judged(run)
    found = read_accuracy(run)
    dense, diagonal = noise_chart(found, ("a", "b", "c")).portions
    assert (dense.name, diagonal.name) == ("dense", "diagonal")
    assert dense.colour != diagonal.colour
    assert [bool(height) for height in dense.values] == [True, False, True]
    assert [bool(height) for height in diagonal.values] == [False, True, False]
    assert ">diagonal</th>" in mapping_table(found)


def test_the_report_says_where_the_chips_are_of_other_hardware(run):
    words = "These chips are of other hardware than that of the run."
    judged(run)
    assert words not in chip_words(read_run(run, "t").accuracy)
    judged(run, "--set", "Device_SAF=0,0")
    assert words in chip_words(read_run(run, "t").accuracy)


def changed_json(run, *path, value):
    """accuracy.json with another value at a place."""
    document = json.loads((run / "accuracy.json").read_text())
    *outer, last = path
    inner = document
    for key in outer:
        inner = inner[key]
    inner[last] = value
    (run / "accuracy.json").write_text(json.dumps(document))


def test_verify_recomputes_figures_from_the_lines_of_chips(run):
    judged(run)
    assert call("verify", run)[0] == 0
    changed_json(run, "agreement", "mean", value=0.125)
    changed_json(run, "agreement", "interval_95", value=[0.125, 1])
    changed_json(run, "layers", 1, "snr_db", value=80.5)
    changed_json(run, "layers", 2, "saturated", value=0.75)
    status, out, err = call("verify", run)
    assert (status, err) == (1, "")
    said = ("mean 0.125", "interval_95 (0.125, 1.0)", "snr_db 80.5 of layer 1", "saturated 0.75 of layer 2")
    told = out.splitlines()
    assert [line.partition(", found ")[0] for line in told] == [f"accuracy.json says {text}" for text in said]
    changed_json(run, "instances", 1, "agreement", value=0.125)
    assert "accuracy.json says 0.125 of seed 1, which no line of accuracy.csv says" in call("verify", run)[1]
    rows = read_rows(run / "accuracy.csv")
    rows[1][rows[0].index("agreement")] = "0.123"
    write_rows(run / "accuracy.csv", rows)
    assert "accuracy.csv: line 2: agreement 0.123, found " in call("verify", run)[1]


def test_files_of_a_version_without_digests_are_read(run):
    judged(run)
    document = json.loads((run / "accuracy.json").read_text())
    del document["image"], document["data"]
    (run / "accuracy.json").write_text(json.dumps(document))
    assert read_run(run, "t").accuracy.own_image
    assert call("verify", run)[0] == 0


def test_the_digests_are_those_of_weights_and_of_images(run, weights):
    argv = ("--dataset", "digits", "--calibration", 20, "--weights", weights)
    (run / "chip_image.npz").unlink()
    judged(run, *argv)
    first = strict_json((run / "accuracy.json").read_text())
    judged(run, *argv, "--split", "validation")
    second = strict_json((run / "accuracy.json").read_text())
    assert first["image"] == second["image"]
    assert first["data"] != second["data"]
    assert call("image", run, "--weights", weights, "--calibration", 4)[0] == 0
    assert not read_run(run, "t").accuracy.own_image


def folder_of_images(path, classes, splits=("",)):
    for split in splits:
        for label in range(classes):
            (path / split / str(label)).mkdir(parents=True)
            for i in range(5):
                Image.new("RGB", (8, 8), (label * 20, i * 9, 0)).save(path / split / str(label) / f"{i}.png")
    return f"folder:{path}"


def test_bad_input_is_one_line(run, made, place, tmp_path, weights):
    own = ("ADC_Choice=-1", "ADC_Area=1", "ADC_Power=1", "ADC_Sample_Rate=1", "ADC_Precision=0")
    assert "ADC_Precision: found '0'" in refused(run, *(part for text in own for part in ("--set", text)))
    assert "allowed" in refused(run, "--set", "Device_SAF=a")
    assert "nearest is Device_SAF" in refused(run, "--set", "Device_SAE=1,1")
    assert "KEY=VALUE" in refused(run, "--set", "Device_SAF")
    assert "the layout is for 128 x 128" in refused(
        run, "--set", "Xbar_Size=64,64", "--set", "Subarray_Size=64"
    )
    assert "--weights" in refused(run, "--weights", weights)
    assert "10 outputs" in refused(run, "--dataset", folder_of_images(tmp_path / "few", 3))
    (tmp_path / "none" / "train").mkdir(parents=True)
    folder_of_images(tmp_path / "none", 10, ("validation", "test"))
    assert "none/train: found no folder of" in refused(run, "--dataset", f"folder:{tmp_path / 'none'}")
    status, _, err = call("accuracy", run, "--images", 0)
    assert (status, is_one_line(err)) == (2, True)
    status, _, err = call("accuracy", run, "--chip", "a.npz", "--instances", 1)
    assert (status, is_one_line(err)) == (2, True)
    np.savez(tmp_path / "small.npz", stuck=np.zeros((12, 2, 7, 64, 64), np.int8))
    status, _, err = call("accuracy", run, "--chip", tmp_path / "small.npz")
    assert (status, is_one_line(err)) == (2, True)
    assert "stuck: found 12 x 2 x 7 x 64 x 64" in err
    (run / "accuracy.csv").write_text("a,b\n1,2\n")
    assert "accuracy.csv" in refused(run)


def test_weights_of_another_network_are_refused(run, tmp_path):
    import torch

    torch.save({"0.weight": torch.zeros(3, 3)}, tmp_path / "other.pth")
    (run / "chip_image.npz").unlink()
    assert f"{tmp_path / 'other.pth'}: " in refused(run, "--weights", tmp_path / "other.pth")
    assert not (run / "accuracy.csv").exists()


def test_an_image_of_another_layout_is_refused(run, place):
    argv = ("--num-crossbars", 12, "--image", "--calibration", 1)
    status, _, err = pack(place / "log", *argv, model="accuracy_nets:net", exp_id="plain")
    assert status == 0, err
    shutil.copy(place / "log" / "packing" / "plain" / "chip_image.npz", run)
    assert "image of another layout" in refused(run)
