"""`sweep`: all values of some options as one table, which is the same however often it was interrupted."""

import csv
import json
import shlex
import shutil

import pytest
from tiny_runs import call, everything_in, is_one_line

from rram_nas_comp_pack.cli.commands import sweep as command
from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.nas.workers.engine import Failed
from rram_nas_comp_pack.runs.sweep import point_name, run_of
from tests.cli.judged_runs import judged_nets

TINY = ("--model", "accuracy_nets:net", "--input-size", "3,8,8", "--tune-effort", 0)


def options(*argv):
    return parse(["sweep", *map(str, argv)])[1]["options"]


class Here:
    """An engine in this process."""

    def __call__(self, function, tasks, done=None):
        found = []
        for task in tasks:
            try:
                found.append(function(task))
            except Exception as error:
                found.append(Failed(str(error)))
            done(len(found))
        return found

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with judged_nets(tmp_path_factory.mktemp("sweep")) as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "_engine", lambda _options: Here())
        yield folder


def swept(place, *argv, exp_id="s"):
    return call("sweep", "pack", *TINY, "--exp-id", exp_id, "--log-dir", place / "log", *argv)


GRID = ("--num-crossbars", "1:9:4", "--set", "Xbar_Size=64,64/128,128", "--set-consistent")


@pytest.fixture(scope="module")
def done(place):
    status, out, err = swept(place, *GRID)
    return status, out, err, place / "log" / "sweep" / "s"


def rows(folder):
    with (folder / "sweep.csv").open(newline="") as file:
        return list(csv.DictReader(file))


# What is swept


def test_all_combinations_are_points_in_order():
    found = options("pack", "--num-crossbars", "1,3", "--set", "ADC_Choice=2,4", "--duplicate", "--seed", 7)
    assert found.swept == ("num_crossbars", "ADC_Choice")
    assert [point.values for point in found.points] == [("1", "2"), ("1", "4"), ("3", "2"), ("3", "4")]
    assert found.points[1].argv == (
        *("pack", "--num-crossbars", "1", "--set", "Interface level.ADC_Choice=4"),
        *("--duplicate", "--seed", "7"),
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [("2:8:3", "2 5 8"), ("2:10:4", "2 6 10"), ("3:5", "3 4 5"), ("4:4", "4"), ("5", "5"), ("9,1", "9 1")],
)
def test_values_are_lists_or_ranges(text, values):
    found = options("pack", "--num-crossbars", text)
    assert [point.argv[2] for point in found.points] == values.split()
    assert [point.values for point in found.points] == [(v,) if found.swept else () for v in values.split()]


def test_a_range_ends_where_it_says():
    with pytest.raises(BadInput, match=r"'2:9:3', whose steps pass by 9; allowed is, for one, 2:11:3"):
        options("pack", "--num-crossbars", "2:9:3")


def test_slashes_separate_where_values_have_commas():
    found = options("pack", "--input-size", "3,8,8/3,16,16")
    assert [point.values for point in found.points] == [("3,8,8",), ("3,16,16",)]
    assert options("pack", "--input-size", "3,8,8").swept == ()


def test_in_step_takes_the_values_one_by_one():
    found = options("pack", "--in-step", "--num-crossbars", "1:3", "--seed=4,5,6", "--no-report")
    assert [point.values for point in found.points] == [("1", "4"), ("2", "5"), ("3", "6")]
    assert found.no_report


def test_its_own_options_stand_before_or_behind_the_command():
    before = options("--workers", 3, "--exp-id", "e", "pack", "--seed", "1,2")
    behind = options("pack", "--workers", 3, "--seed", "1,2", "--exp-id", "e")
    assert (before.workers, before.exp_id, before.points) == (behind.workers, behind.exp_id, behind.points)
    assert (behind.workers, behind.exp_id, options("pack").exp_id) == (3, "e", "sweep")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (
            ("pack", "--num-crossbars", "1,1"),
            "--num-crossbars: found a value twice in '1,1'",
        ),
        (("pack", "--num-crossbars", "9:1"), "--num-crossbars: found '9:1', allowed is FROM:TO"),
        (("pack", "--num-crossbars", "1,"), "--num-crossbars: found an empty value in '1,'"),
        (("pack", "--num-crossbars", "1,3:5"), "--num-crossbars: found a range among values"),
        (("pack", "--num-crossbars", "1:2000000000"), "with at most 10000 values"),
        (("pack", "--num-crossbars", "1,x"), "--num-crossbars: found 'x', allowed is a whole number"),
        (
            ("pack", "--in-step", "--num-crossbars", "1,2", "--seed", "1,2,3"),
            "--in-step: found 2 of num_crossbars, 3 of seed",
        ),
        (("pack", "--set", "ADC_Choic=1,2"), "the nearest is ADC_Choice"),
        (("pack", "--colour", "1,2"), "unrecognized arguments: --colour 1"),
        (
            ("pack", "--seed", "1:200", "--num-crossbars", "1:200"),
            "found 40000 points, allowed are at most 10000",
        ),
        (("pack", "--workers", "0"), "--workers: found '0'"),
        (("pack", "--exp-id", "a,b"), "--exp-id: found 'a,b', allowed is one name without commas"),
        (("--exp-id", "a,b", "pack"), "--exp-id: found 'a,b', allowed is one name without commas"),
        (("report", "x"), "invalid choice: 'report'"),
    ],
)
def test_what_cannot_be_swept_is_told_before_anything_runs(place, argv, said):
    status, out, err = call("sweep", *argv)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert said in err


# The table


def test_a_line_a_point_with_results_or_the_reason(done):
    status, out, err, folder = done
    assert status == 1
    assert "of the points: accuracy_nets:net does not fit --num-crossbars 1" in err
    assert "6 points, of which 2 failed" in out
    found = rows(folder)
    assert [(row["num_crossbars"], row["Xbar_Size"]) for row in found] == [
        (n, size) for n in ("1", "5", "9") for size in ("64,64", "128,128")
    ]
    for row in found:
        assert bool(row["failed"]) == (row["num_crossbars"] == "1")
        assert bool(row["latency_8_ns"]) == (not row["failed"])
    assert "does not fit --num-crossbars 1" in found[0]["failed"]


def test_results_are_those_of_the_runs(done):
    folder = done[3]
    asked = json.loads((folder / "sweep.json").read_text())
    for row, point in zip(rows(folder), asked["points"], strict=True):
        path = run_of(folder, tuple(point["argv"])) / "result.json"
        assert path.exists() == (not row["failed"])
        if path.exists():
            result = json.loads(path.read_text())
            latency = next(e["latency_ns"] for e in result["evaluations"] if e["num_sample"] == 8)
            assert float(row["latency_8_ns"]) == latency
            assert f"{result['simconfig']['sha256'][:12]}" == row["hardware"]


def test_a_finished_point_is_never_made_again(done, place, monkeypatch):
    folder = done[3]
    before = (folder / "sweep.csv").read_bytes()
    made = []
    own = command.make_run
    monkeypatch.setattr(command, "make_run", lambda where, argv: made.append(argv) or own(where, argv))
    assert swept(place, *GRID)[0] == 1
    assert {argv[argv.index("--num-crossbars") + 1] for argv in made} == {"1"}
    assert (folder / "sweep.csv").read_bytes() == before


def test_a_sweep_that_was_interrupted_goes_on_to_the_same_table(done, place, monkeypatch):
    own = command.make_run

    def until(where, argv):
        if "9" in argv:
            raise KeyboardInterrupt
        return own(where, argv)

    with monkeypatch.context() as patch:
        patch.setattr(command, "make_run", until)
        status, _, err = swept(place, *GRID, exp_id="cut")
    assert status == 130
    assert "finished points are kept, and the same command goes on: " in err
    assert shlex.join(map(str, ("sweep", "pack", *TINY))) in err
    assert not (place / "log" / "sweep" / "cut").exists()
    made = []
    monkeypatch.setattr(command, "make_run", lambda where, argv: made.append(argv) or own(where, argv))
    assert swept(place, *GRID, exp_id="cut")[0] == 1
    assert not any("5" in argv for argv in made)
    assert (place / "log" / "sweep" / "cut" / "sweep.csv").read_bytes() == (
        done[3] / "sweep.csv"
    ).read_bytes()


def test_more_values_keep_what_is_there_and_fewer_leave_nothing_else(done, place):
    folder = place / "log" / "sweep" / "more"
    shutil.copytree(done[3], folder)
    few = ("--num-crossbars", "9,10", *GRID[2:])
    assert swept(place, *few, exp_id="more")[0] == 0
    assert len(rows(folder)) == len(list((folder / "runs" / "packing").iterdir())) == 4


def test_somebody_elses_file_is_not_lost(done, place):
    (done[3] / "notes.txt").write_text("mine")
    try:
        status, _, err = swept(place, *GRID)
    finally:
        (done[3] / "notes.txt").unlink()
    assert status == 2
    assert "notes.txt is no file of a sweep and would be lost" in err


def test_the_page_shows_curves_and_the_reasons(done):
    page = (done[3] / "report.html").read_text()
    assert 'id="sweep-chart"' in page
    assert "<h1>Sweep s</h1><p>6 points of pack --model accuracy_nets:net " in page
    assert "--num-crossbars … --set … --set-consistent, 2 of which failed</p>" in page
    assert "does not fit --num-crossbars 1" in page
    assert (done[3] / "figures" / "sweep.svg").exists()


def test_where_all_points_fail_the_page_says_why(place):
    status, _, err = swept(place, "--num-crossbars", 1, "--seed", "1,2", exp_id="none")
    assert status == 1
    assert "no report" not in err
    page = (place / "log" / "sweep" / "none" / "report.html").read_text()
    assert "Points that failed" in page
    assert 'id="sweep-chart"' not in page


def test_a_sweep_whose_points_all_fail_leaves_an_earlier_one_as_it_was(done, place):
    _, _, _, folder = done
    before = {name: (folder / name).read_bytes() for name in everything_in(folder) if "." in name}
    status, out, err = swept(place, "--model", "nothing_like_that", "--num-crossbars", "1,2")
    assert (status, out) == (1, "")
    assert "every point failed, and the earlier sweep stays as it was: unknown model" in err
    after = {name: (folder / name).read_bytes() for name in everything_in(folder) if "." in name}
    assert after == before


def test_points_that_are_not_asked_for_any_more_are_told(done, place):
    shutil.copytree(done[3], place / "log" / "sweep" / "fewer")
    status, out, err = swept(place, "--num-crossbars", 9, "--no-report", exp_id="fewer")
    assert status == 0
    assert "sweep: 1 point, of which 0 failed" in out
    assert err == "note: 4 points of the earlier sweep are not among these and were removed\n"


def test_a_run_is_named_by_its_command_line():
    names = {point_name(point.argv) for point in options("pack", "--seed", "1:50").points}
    assert len(names) == 50


def test_a_point_on_other_hardware_is_another_run(place):
    config = place / "own.ini"
    config.write_text((place / "quiet.ini").read_text())
    argv = ("--num-crossbars", 9, "--config", config)
    assert swept(place, *argv, exp_id="edited")[0] == 0
    before = rows(place / "log" / "sweep" / "edited")
    config.write_text(config.read_text().replace("ADC_Choice = 2", "ADC_Choice = 4"))
    assert swept(place, *argv, exp_id="edited")[0] == 0
    after = rows(place / "log" / "sweep" / "edited")
    assert before[0]["hardware"] != after[0]["hardware"]
    assert before[0]["area_um2"] != after[0]["area_um2"]
