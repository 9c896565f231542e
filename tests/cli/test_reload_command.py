"""`pack --reload` from the command line: files of segments, what reads them, and what is refused."""

import json
import sys
from contextlib import contextmanager

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_runs import call, is_one_line, make_workplace, pack, read_rows, strict_json, write_rows

from rram_nas_comp_pack.execution.chip import chip_of, stuck_cells
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.execution.weight_faults import faults_of_layers
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.report.compare.run import packing_run
from rram_nas_comp_pack.report.packing.atlas import slots_of
from rram_nas_comp_pack.report.packing.segments import segment_chart, segment_figures, segment_table
from rram_nas_comp_pack.report.sweep.table import SweptRun, table_of
from rram_nas_comp_pack.runs.packing.chip_image import read_image
from rram_nas_comp_pack.runs.packing.read import read_result, read_run
from tests.fuzz.damage import damaged_json, damaged_table, fuzzed

TUNED = ("--duplicate", "--tune-effort", 0)


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    return make_workplace(tmp_path_factory.mktemp("reload"))[0] / "log"


@pytest.fixture(scope="module")
def run(log):
    """A network of four crossbars on one: the linear layer is divided."""
    status, out, err = pack(log, "--num-crossbars", 1, *TUNED, "--reload", "--trace", "--batch", 4)
    assert status == 0
    assert "written anew for each of 4 segments" in out
    assert is_one_line(err)
    assert "the first cell is worn after" in err
    return log / "packing" / "t"


@contextmanager
def importable(folder):
    """Modules of this folder can be imported."""
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))


def altered(run, tmp_path, name, change):
    """A copy of a run with one file changed."""
    folder = tmp_path / "copy"
    folder.mkdir()
    for path in run.iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    text = (folder / name).read_text()
    (folder / name).write_text(change(text))
    return folder


def with_key(*keys, value):
    def change(text):
        document = json.loads(text)
        place = document
        for key in keys[:-1]:
            place = place[key]
        place[keys[-1]] = value
        return json.dumps(document)

    return change


def test_verify_and_simulate_read_a_run_in_segments(run):
    status, out, err = call("verify", run)
    assert (status, err) == (0, "")
    assert "no violation found" in out
    result = json.loads((run / "result.json").read_text())
    said = {e["num_sample"]: e["latency_ns"] for e in result["evaluations"]}
    status, out, err = call("simulate", run, "--num-sample", 1, 4, 8)
    assert (status, err) == (0, "")
    assert [json.loads(line)["latency_ns"] for line in out.splitlines()] == [said[1], said[4], said[8]]
    assert said[8] == pytest.approx(2 * said[4])


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("--schedule", "row"), "--schedule: found 'row', allowed is 'layer': "),
        (("--data-movement",), "--data-movement: found it, allowed is without it: "),
    ],
)
def test_what_a_run_in_segments_cannot_be_asked_is_told_with_the_reason(run, asked, said):
    status, _, err = call("simulate", run, "--num-sample", 1, *asked)
    assert status == 2
    assert is_one_line(err)
    assert f"{said}{run} is a run in segments, each of which runs the layers" in err


def test_files_say_which_segment(run):
    header, *rows = read_rows(run / "pack.csv")
    assert header[-1] == "segment"
    assert {row[-1] for row in rows} == {"0", "1", "2", "3"}
    assert {row[1] for row in rows} == {"0"}
    result = json.loads((run / "result.json").read_text())
    reload = result["reload"]
    assert [s["layers"] for s in reload["segments"]] == [[0], [1], [2], [2]]
    assert result["crossbars_used"] == 1
    assert 1 < reload["writes"] <= 4
    assert result["options"]["batch"] == 4
    header, *rows = read_rows(run / "sim.log")
    assert header[-1] == "segment"
    assert len(rows) == 4 * 4
    ends = [float(row[4]) for row in rows]
    assert max(ends) == pytest.approx(reload["write_ns"] + reload["compute_ns"])
    events = strict_json((run / "trace.json").read_text())["traceEvents"]
    wrote = [e for e in events if e.get("cat") == "write"]
    assert [e["name"] for e in wrote] == [f"write segment {k}" for k in range(4)]
    assert sum(e["dur"] for e in wrote) == pytest.approx(reload["write_ns"] / 1e3)


def test_a_report_shows_every_segment(run):
    found = read_run(run, "t")
    assert slots_of(found) == [(0, 0), (1, 0), (2, 0), (3, 0)]
    chart = segment_chart(found)
    assert sum(sum(portion.values) for portion in chart.portions) == pytest.approx(1)
    assert segment_table(found).count("<tr") == 1 + 4
    assert {name for name, _ in segment_figures(found)} >= {"Segments", "Life of the cells", "Time of a pass"}


def test_every_segment_is_loaded_into_the_cells_of_one_chip(log, run):
    assert pack(log, "--num-crossbars", 1, *TUNED, "--reload", "--image", exp_id="loaded")[0] == 0
    loaded = log / "packing" / "loaded"
    image = read_image(loaded / "chip_image.npz")
    assert (image.crossbars, len(image.weights)) == (1, 4)
    with importable(log.parent):
        status, out, err = call("verify", loaded, "--execute")
        assert (status, err) == (0, "")
        assert "every integer is that of the integer network" in out
        status, out, err = call("accuracy", loaded, "--instances", 1, "--images", 2)
        assert status == 0, err
        assert call("verify", loaded)[0] == 0
    device = device_of(load_hardware())
    chip = chip_of(1, device)
    found, cells = faults_of_layers(image, device, chip), stuck_cells(chip, device, 0)
    for p in (p for p in image.placements if p.layer_idx == 0):
        own = cells[:, :, p.loc_y : p.max_y, p.loc_x : p.max_x]
        assert (found[0][p.replica] == own).all()


def test_compare_shows_what_reloading_costs(run):
    status, out, _ = call("compare", run, run)
    assert status == 0
    for row in ("segments that are written", "years until", "share of writing in the time"):
        assert row in out


def test_a_module_that_runs_again_in_another_segment_is_written_again(log):
    options = ("--num-crossbars", 1, "--reload", "always", "--image", "--calibration", 2)
    assert pack(log, *options, model="tiny_nets:twice", exp_id="twice")[0] == 0
    folder = log / "packing" / "twice"
    with importable(log.parent):
        status, out, err = call("verify", folder, "--execute")
    assert status == 0, err
    assert "every integer is that of the integer network" in out
    assert call("verify", folder)[::2] == (0, "")
    layers = json.loads((folder / "partition.json").read_text())
    assert [layer.get("weights_of") for layer in layers] == [None, None, 0]


def test_a_sweep_over_sizes_of_the_chip_tells_years(log, run):
    assert pack(log, "--num-crossbars", 9, "--reload", exp_id="whole")[0] == 0
    folders = {"1": run, "9": log / "packing" / "whole"}
    points = [SweptRun((n,), packing_run(n, read_result(f)).values, "") for n, f in folders.items()]
    found = table_of("pack", ["num_crossbars"], points)
    years = [row[found.header.index("years")] for row in found.rows]
    assert years[0] > 0
    assert years[1] is None


@pytest.mark.parametrize("keys", [("write_ns",), ("writes",), ("years",), ("segments", 1, "rows")])
def test_a_false_figure_is_told(run, tmp_path, keys):
    folder = altered(run, tmp_path, "result.json", with_key("reload", *keys, value=77))
    status, out, err = call("verify", folder)
    assert status in (1, 2)
    assert "77" in out + err


def test_a_box_in_another_segment_is_told(run, tmp_path):
    folder = altered(run, tmp_path, "pack.csv", lambda text: text)
    rows = read_rows(folder / "pack.csv")
    rows[-1][-1] = "0"
    write_rows(folder / "pack.csv", rows)
    status, out, err = call("verify", folder)
    assert status in (1, 2)
    assert len((out + err).splitlines()) <= 3


@pytest.mark.parametrize("options", [(), TUNED])
def test_a_run_that_fits_is_that_without_reload(log, options):
    assert pack(log, "--num-crossbars", 9, *options, exp_id="plain")[0] == 0
    for when in (("--reload",), ("--reload", "auto")):
        status, _, err = pack(log, "--num-crossbars", 9, *options, *when, "--batch", 2, exp_id="same")
        assert (status, err) == (0, "")
        for name in ("pack.csv", "partition.json", "sim.log"):
            assert (log / f"packing/plain/{name}").read_bytes() == (log / f"packing/same/{name}").read_bytes()
        plain, same = (json.loads((log / f"packing/{n}/result.json").read_text()) for n in ("plain", "same"))
        for each in (plain, same):
            del each["timing_s"], each["options"]["exp_id"]
        assert plain == same


def test_what_does_not_fit_names_reload_and_its_cost(log):
    status, out, err = pack(log, "--num-crossbars", 1)
    assert (status, out) == (1, "")
    assert is_one_line(err)
    assert "--reload, which runs it in 4 segments or more: roughly" in err
    assert "until the first cell is worn" in err


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--batch", 2), "--batch: found without --reload, allowed is with it"),
        (("--rate", 2), "--rate: found without --reload, allowed is with it"),
        (("--reload", "--batch", 0), "--batch: found '0', allowed is a whole number from 1 to 100000"),
        (("--reload", "--endurance", 0), "--endurance: found '0', allowed is a number from 1 to 1e+18"),
        (("--reload", "--num-crossbars", 0), "--num-crossbars: found '0'"),
        (("--reload", "--write-parallel", 0), "--write-parallel: found '0'"),
        (("--reload", "--find-solution"), "--reload needs a chip: found --find-solution"),
        (("--reload", "now"), "--reload"),
        (("--reload", "--schedule", "row", "--num-crossbars", 1), "--schedule: found 'row' with --reload"),
        (("--reload", "--leakage", "--num-crossbars", 1), "--leakage: found with --reload"),
        (("--reload", "--data-movement", "--num-crossbars", 1), "--data-movement: found with --reload"),
    ],
)
def test_bad_input_is_one_line(log, options, told):
    status, out, err = pack(log, *options)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert told in err


def test_a_kernel_taller_than_a_crossbar_is_refused(log):
    status, _, err = pack(log, "--num-crossbars", 1, "--reload", model="tiny_nets:tall")
    assert status == 2
    assert is_one_line(err)
    assert "169 rows" in err


@pytest.mark.parametrize(("name", "damaged"), [("result.json", damaged_json), ("pack.csv", damaged_table)])
@fuzzed
@given(data=st.data())
def test_a_damaged_file_of_segments_is_told_in_one_line(run, name, damaged, data):
    sound = (run / name).read_bytes()
    text = sound.decode()
    content = data.draw(damaged(json.loads(text) if name == "result.json" else text))
    try:
        (run / name).write_bytes(content.encode("utf-8", "surrogatepass"))
        for command in (("verify",), ("simulate", "--num-sample", 1)):
            status, _, err = call(command[0], run, *command[1:])
            assert status in (0, 1, 2)
            assert "Traceback" not in err
            assert err.count("\n") <= 3
    finally:
        (run / name).write_bytes(sound)
