"""`sweep accuracy`: chips of runs judged at all values of some options, each point with files of its own."""

import csv
import json
import shutil

import pytest
from judged_runs import judged_nets, run_to_judge
from test_sweep import Here, options
from tiny_runs import call, everything_in, is_one_line

from rram_nas_comp_pack.cli.commands import sweep as command
from rram_nas_comp_pack.executable import prepare
from rram_nas_comp_pack.runs.packing.source import Source
from rram_nas_comp_pack.runs.sweep import point_name, run_of

GRID = ("--images", 2, "--instances", 2, "--set", "Device_SAF=0,0/20,20", "--encoding", "plain,fault-aware")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    with judged_nets(tmp_path_factory.mktemp("judged")) as place, pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_engine", lambda _options: Here())
        yield run_to_judge(place)


def swept(run, *argv, exp_id="a", runs=()):
    return call("sweep", "accuracy", run, *runs, *argv, "--exp-id", exp_id, "--log-dir", log(run))


def log(run):
    return run.parents[1]


def rows(run, exp_id="a"):
    with (log(run) / "sweep" / exp_id / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def done(run):
    before = everything_in(run)
    status, out, err = swept(run, *GRID)
    assert (status, err) == (0, ""), err
    assert everything_in(run) == before
    return out


def test_a_point_has_files_of_its_own_and_says_what_a_single_judgement_says(run, done):
    folder = log(run) / "sweep" / "a"
    assert "sweep: 4 points" in done
    found = rows(run)
    assert [(row["Device_SAF"], row["encoding"]) for row in found] == [
        *(("0,0", "plain"), ("0,0", "fault-aware"), ("20,20", "plain"), ("20,20", "fault-aware")),
    ]
    points = json.loads((folder / "sweep.json").read_text())["points"]
    places = [run_of(folder, tuple(point["argv"])) for point in points]
    assert len({*places}) == 4
    copy = shutil.copytree(run, run.with_name("copy"))
    one = ("--set", "Device_SAF=20,20", "--encoding", "plain", "--images", 2, "--instances", 2)
    assert call("accuracy", copy, *one)[0] == 0
    assert (places[2] / "accuracy.csv").read_bytes() == (copy / "accuracy.csv").read_bytes()
    told = json.loads((copy / "accuracy.json").read_text())["agreement"]
    row = found[2]
    assert float(row["agreement"]) == told["mean"]
    assert float(row["agreement_worst"]) == told["worst"]
    assert float(row["integer_agreement"]) == told["integer"]
    assert (row["chips"], row["images"], row["failed"]) == ("2", "2", "")
    assert float(row["dense_snr_db"]) < float(found[0]["dense_snr_db"] or "inf")


def test_the_page_shows_them(run, done):
    page = (log(run) / "sweep" / "a" / "report.html").read_text()
    assert "4 points of accuracy" in page
    assert "agreement of the chips, mean" in page


def test_points_that_are_done_are_not_judged_again(run, done, monkeypatch):
    before = (log(run) / "sweep" / "a" / "sweep.csv").read_bytes()
    made = []
    own = command.make_run
    monkeypatch.setattr(command, "make_run", lambda where, argv: made.append(argv) or own(where, argv))
    assert swept(run, *GRID)[0] == 0
    assert made == []
    assert (log(run) / "sweep" / "a" / "sweep.csv").read_bytes() == before


def test_an_interrupted_sweep_goes_on_to_the_same_table(run, done, monkeypatch):
    own = command.make_run

    def until(where, argv):
        if "plain" in argv and "20,20" in argv[argv.index("--set") + 1]:
            raise KeyboardInterrupt
        return own(where, argv)

    with monkeypatch.context() as patch:
        patch.setattr(command, "make_run", until)
        status, _, err = swept(run, *GRID, exp_id="cut")
    assert status == 130
    assert "finished points are kept" in err
    assert swept(run, *GRID, exp_id="cut")[0] == 0
    tables = [(log(run) / "sweep" / name / "sweep.csv").read_bytes() for name in ("a", "cut")]
    assert tables[0] == tables[1]


def test_a_point_that_fails_is_a_line_with_its_reason(run):
    argv = ("--images", 1, "--instances", 1, "--set", "Xbar_Size=128,128/64,64")
    status, _, err = swept(run, *argv, exp_id="fails")
    assert status == 1
    assert "1 of the points: " in err
    good, bad = rows(run, "fails")
    assert (good["failed"], bad["agreement"]) == ("", "")
    assert bad["failed"]


def test_several_runs_are_a_parameter(run):
    other = shutil.copytree(run, run.with_name("other"))
    status, _, err = swept(run, "--images", 1, "--instances", 1, exp_id="two", runs=(other,))
    assert (status, err) == (0, "")
    assert [row["run_dir"] for row in rows(run, "two")] == [str(run), str(other)]


def test_a_run_that_was_made_anew_is_another_point(run):
    argv = ("accuracy", str(run), "--images", "1")
    before = point_name(argv)
    assert point_name(argv) == before
    text = (run / "pack.csv").read_text()
    (run / "pack.csv").write_text(text + "\n")
    after = point_name(argv)
    (run / "pack.csv").write_text(text)
    assert after != before


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "found no RUN_DIR"),
        (("--set", "ADC_Choice=2,4", "run"), "found no RUN_DIR"),
        (("run", "--sweep", "ADC_Choice=2,4"), "found --sweep, allowed instead: several values of --set"),
        (("run", "--out", "there"), "found --out, allowed instead: --exp-id and --log-dir"),
        (("run", "--adc", "ideal,none"), "--adc: invalid choice: 'none'"),
    ],
)
def test_what_cannot_be_swept_is_one_line(argv, said):
    status, out, err = call("sweep", "accuracy", *argv)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert said in err


def test_floats_are_those_of_inference(run):
    """Dropout and norms of training would make another label of every call."""
    network = prepare(Source("accuracy_nets:net", (3, 8, 8), 0, None), 1)
    assert not any(module.training for module in network.module.modules())


def test_all_options_of_accuracy_may_have_several_values():
    found = options("accuracy", "run", "--adc", "ideal,calibrated", "--images", "1:3")
    assert found.swept == ("adc", "images")
    assert len(found.points) == 6
    assert found.points[0].argv == ("accuracy", "run", "--adc", "ideal", "--images", "1")
