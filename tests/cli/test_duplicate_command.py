"""`pack --duplicate`: its files, what they promise, and how it ends when it is cut short."""

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tiny_runs import ROOT, call, everything_in, is_one_line, make_workplace, pack, read_rows, strict_json

from rram_nas_comp_pack.tuning import tuner as tuners
from rram_nas_comp_pack.values import Rules

FILES = [
    *("SimConfig.ini", "layers.csv", "logs.log", "pack.csv", "partition.json"),
    *("partition_optimized.json", "result.json", "schedule.csv", "sim.log"),
]
MARGINS = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, 0.6]
SAMPLES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
ENDLESS = ("--tune-effort", 2**31 - 1)


def duplicate(log, *argv, **network):
    return pack(log, "--num-crossbars", 10, "--duplicate", "--tune-effort", 50, *argv, **network)


def read(log, name, exp_id="t"):
    return strict_json((log / "packing" / exp_id / name).read_text())


def simulated(log, config, *samples, exp_id="t"):
    """Latencies that `simulate` finds, by number of samples."""
    argv = ("--num-sample", *samples, "--config", config)
    status, out, _ = call("simulate", log / "packing" / exp_id, *argv)
    assert status == 0
    return {e.pop("num_sample"): e for e in map(strict_json, out.splitlines())}


@pytest.fixture
def log(tmp_path):
    return make_workplace(tmp_path)[0] / "log"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(status, stdout, stderr, log folder) of one run of the tiny network on ten crossbars."""
    log = make_workplace(tmp_path_factory.mktemp("done"))[0] / "log"
    return *duplicate(log), log


@pytest.fixture(scope="module")
def result(done):
    return read(done[3], "result.json")


@pytest.fixture(scope="module")
def sections(done):
    """Lines of logs.log by the heading above them."""
    found = {}
    for line in (done[3] / "packing" / "t" / "logs.log").read_text().splitlines():
        if line.startswith("["):
            found[line] = lines = []
        elif line:
            lines.append(line)
    return found


# Files


def test_a_run_writes_the_layers_before_and_after_duplication(done):
    status, out, err, log = done
    assert (status, err) == (0, "")
    assert everything_in(log / "packing") == ["t", *(f"t/{name}" for name in FILES)]
    before, after = read(log, "partition.json"), read(log, "partition_optimized.json")
    assert [e["multiply"] for e in before] == [1, 1, 1]
    assert sum(e["multiply"] for e in after) > 3
    assert [e["box_raw"] for e in before] == [e["box_raw"] for e in after]
    assert all(e["child_boxes"] == [e["boxes"]] * e["multiply"] for e in after)
    assert "\nduplication: the joint tuner reaches" in out


def test_verify_notices_layers_that_duplication_may_not_change(done, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(done[3] / "packing" / "t", run)
    entries = strict_json((run / "partition_optimized.json").read_text())
    entries[2]["positions"] = entries[2]["box_raw"]["cycle"] = 7
    for box in entries[2]["boxes"]:
        box["cycle"] = 7
    entries[2]["child_boxes"] = [entries[2]["boxes"]] * entries[2]["multiply"]
    (run / "partition_optimized.json").write_text(json.dumps(entries))
    status, out, _ = call("verify", run)
    assert status == 1
    assert "layer 2 is not that of partition.json" in out


def test_the_layout_places_every_box_of_every_copy_within_the_budget(done):
    entries = read(done[3], "partition_optimized.json")
    wanted = [
        (layer, replica, box)
        for layer, e in enumerate(entries)
        for replica in range(e["multiply"])
        for box in range(len(e["boxes"]))
    ]
    rows = [[int(x) for x in row] for row in read_rows(done[3] / "packing" / "t" / "pack.csv")[1:]]
    assert sorted((row[0], row[6], row[7]) for row in rows) == wanted
    assert {row[1] for row in rows} == set(range(max(row[1] for row in rows) + 1))
    assert max(row[1] for row in rows) < 10


def test_sim_log_traces_the_duplicated_layers(done, result):
    """Four samples of three layers."""
    rows = read_rows(done[3] / "packing" / "t" / "sim.log")[1:]
    assert [row[1] for row in rows] == ["Conv2d_0", "Conv2d_1", "Linear_2"] * 4
    assert max(float(row[4]) for row in rows) == pytest.approx(result["evaluations"][2]["latency_ns"])
    boxes = [e["multiply"] * len(e["boxes"]) for e in read(done[3], "partition_optimized.json")]
    assert [len(row[7].split()) for row in rows] == boxes * 4  # a crossbar holds one box of a layer


def test_result_json_tells_how_the_copies_were_chosen(done, result):
    found = result["duplication"]
    assert (found["method"], found["samples"], found["margin"]) == ("joint", 8, None)
    assert (found["stopped"], found["steps"]) == ("effort", 50)
    assert found["copies"] == [e["multiply"] for e in read(done[3], "partition_optimized.json")]
    assert [t["margin"] for t in found["trials"]] == [*MARGINS, None]
    assert [t["packed"] for t in found["trials"]] == [False] * 8 + [True]
    assert found["trials"][-1]["latency_ns"] == found["margin_tuner_ns"] == found["plain_ns"]
    assert found["latency_ns"] == pytest.approx(result["evaluations"][3]["latency_ns"], rel=1e-9)
    assert found["latency_ns"] < found["plain_ns"]
    assert result["timing_s"]["duplication"] > 0


def test_cells_that_hold_weights_are_those_of_all_copies(done, result):
    entries = read(done[3], "partition_optimized.json")
    weights = sum(e["multiply"] * e["box_raw"]["h"] * e["box_raw"]["w"] for e in entries)
    assert result["weight_utilization"] == pytest.approx(weights / (result["crossbars_used"] * 128 * 128))
    assert entries[1]["mapping"] == "diagonal"  # so zeros lie beside the weights
    assert result["weight_utilization"] < result["utilization"]


def test_result_json_accounts_for_the_latency_of_every_layer_and_crossbar(result):
    found, latency = result["contention"], result["evaluations"][3]["latency_ns"]
    assert found["num_sample"] == 8
    for row in found["layers"]:
        assert row["busy_ns"] + row["waiting_ns"] + row["idle_ns"] == pytest.approx(latency)
    assert len(found["load"]) == result["crossbars_used"]
    assert all(0 < load <= 1 for load in found["load"])
    assert 8 * found["roofline_ns"] <= latency


def test_logs_log_lists_every_margin_and_the_copies_of_every_layer(sections, result):
    head, *lines = sections["[duplication]"]
    trials, (titles, *copies) = lines[:9], lines[9:]
    assert head.startswith("the joint tuner reaches")
    for line, trial in zip(trials, result["duplication"]["trials"], strict=True):
        named = f"margin {trial['margin']:.2f}" if trial["margin"] else "no duplication"
        assert f"{named}: {trial['boxes']} boxes, " in line
        assert ("which take " if trial["packed"] else "which do not pack") in line
    assert f"{result['duplication']['margin_tuner_ns']:.1f} ns" in trials[-1]
    assert titles.split()[:2] == ["layer", "copies"]
    assert [line.split()[:2] for line in copies] == [
        [name, str(n)]
        for name, n in zip(["Conv2d_0", "Conv2d_1", "Linear_2"], result["duplication"]["copies"], strict=True)
    ]
    assert [line.split()[3:] for line in copies] == [[], ["diagonal"], []]


def test_the_margin_tuner_is_called_our_version_of_the_papers(done, sections):
    """It is no run of the paper's program, and nowhere said to be one."""
    for text in (done[1], "\n".join(sections["[duplication]"])):
        assert "our version of the paper's tuner" in text
        assert "paper's tuner" not in text.replace("our version of the paper's tuner", "")


def test_logs_log_tells_where_the_time_goes(sections, result):
    found = result["contention"]
    roofline, titles, *rows, load = sections["[contention of 8 samples, ns]"]
    assert roofline.endswith(f" = {found['roofline_ns']:.1f}")
    assert titles.split() == ["layer", "busy", "waiting", "idle", "waits", "for"]
    for row, layer in zip(rows, found["layers"], strict=True):
        times = [f"{layer[key]:.1f}" for key in ("busy_ns", "waiting_ns", "idle_ns")]
        assert row.split()[1:4] == times
    assert load.partition(" = ")[2].split() == [f"{share:.3f}" for share in found["load"]]


# What every run promises

RUNS = {
    "joint": (),
    "one sample": ("--objective", "latency"),
    "many samples": ("--objective", "throughput"),
    "three samples": ("--objective", "samples:3"),
    "two samples": ("--num-sample", 2),
    "the first answer": ("--tune-effort", 0),
    "dense": ("--depthwise-mapping", "dense"),
    "diagonal": ("--depthwise-mapping", "diagonal"),
    "split": ("--depth-split-factor", 3),
    "no rules": ("--no-pack-heuristic",),
    "no spare crossbar": ("--num-crossbars", 3),
    "margin": ("--tuner", "margin"),
    "margin, diagonal": ("--tuner", "margin", "--depthwise-mapping", "diagonal"),
    "margin that packs": ("--tuner", "margin", "--no-pack-heuristic"),
}
OBJECTIVES = {"one sample": 1, "many samples": 4096, "three samples": 3, "two samples": 2}


@pytest.fixture
def serial(log):
    """Few ADCs: the time of a read depends on its columns."""
    path = log.parent / "serial.ini"
    text = (log.parent / "quiet.ini").read_text()
    assert "\nADC_Num = 128" in text
    path.write_text(text.replace("\nADC_Num = 128", "\nADC_Num = 2"))
    return path


@pytest.mark.parametrize("kind", RUNS)
def test_a_run_is_valid_repeatable_from_its_files_and_never_slower_than_without_copies(log, serial, kind):
    """In its own objective; reads differ in length."""
    argv = (*RUNS[kind], "--config", serial)
    samples = OBJECTIVES.get(kind, 8)
    assert duplicate(log, *argv)[0] == 0
    assert pack(log, *argv, exp_id="plain")[0] == 0
    assert call("verify", log / "packing" / "t")[0] == 0
    found = read(log, "result.json")
    again = simulated(log, serial, *SAMPLES)
    for e in found["evaluations"]:
        for key in ("latency_ns", "ideal_latency_ns"):
            assert again[e["num_sample"]][key] == pytest.approx(e[key], rel=1e-9)
    latency = simulated(log, serial, samples)[samples]["latency_ns"]
    plain = simulated(log, serial, samples, exp_id="plain")[samples]["latency_ns"]
    assert latency <= plain
    assert found["duplication"]["samples"] == samples
    assert found["duplication"]["latency_ns"] == pytest.approx(latency, rel=1e-9)
    assert found["duplication"]["plain_ns"] == pytest.approx(plain, rel=1e-9)
    assert read(log, "partition.json") == read(log, "partition.json", "plain")


def test_the_mapping_of_depthwise_layers_is_the_one_asked_for(log):
    for mapping in ("dense", "diagonal"):
        duplicate(log, "--depthwise-mapping", mapping)
        for name in ("partition.json", "partition_optimized.json"):
            assert [e.get("mapping") for e in read(log, name)] == [None, mapping, None]


@pytest.mark.parametrize("rows", [0, 18])
def test_diagonal_boxes_have_no_more_rows_than_allowed(log, rows):
    duplicate(log, "--depthwise-mapping", "auto", "--diagonal-rows", rows)
    assert call("verify", log / "packing" / "t")[0] == 0
    (depthwise,) = (e for e in read(log, "partition_optimized.json") if "mapping" in e)
    assert rows or depthwise["mapping"] == "dense"
    if depthwise["mapping"] == "diagonal":
        assert max(box["h"] for box in depthwise["boxes"]) <= rows


def test_the_same_seed_gives_the_same_copies_and_places(log):
    for exp_id in ("t", "again"):
        assert duplicate(log, "--tune-effort", 500, exp_id=exp_id)[0] == 0
    for name in ("pack.csv", "partition_optimized.json", "sim.log"):
        first, second = ((log / "packing" / i / name).read_bytes() for i in ("t", "again"))
        assert first == second


WIDE = {"model": "tiny_nets:wide"}
WIDE_SIZE = ("--input-size", "128,4,4")


def test_the_margin_tuner_names_the_margin_that_packs(log):
    """Ten copies fill ten crossbars, eleven do not fit: 0.9 x 10 / (102 / 128) is above eleven."""
    status, out, _ = duplicate(log, *WIDE_SIZE, "--tuner", "margin", **WIDE)
    found = read(log, "result.json")["duplication"]
    assert (status, found["method"], found["margin"], found["copies"]) == (0, "margin", 0.85, [10])
    assert [(t["margin"], t["boxes"], t["packed"]) for t in found["trials"]] == [
        (0.95, 11, False),
        (0.9, 11, False),
        (0.85, 10, True),
    ]
    assert "margin 0.85" in out
    assert "iterations" not in out[out.index("duplication") :]  # only the joint tuner has any


@pytest.mark.parametrize("network", [((), {}), (WIDE_SIZE, WIDE)], ids=["no margin packs", "one packs"])
def test_the_outcome_of_the_paper_s_tuner_stands_in_the_runs_of_both(log, network):
    argv, model = network
    outcomes = []
    for tuner in ("joint", "margin"):
        duplicate(log, *argv, "--tuner", tuner, **model)
        found = read(log, "result.json")["duplication"]
        outcomes.append((found["trials"], found["margin_tuner_ns"], found["plain_ns"]))
        assert found["latency_ns"] <= found["margin_tuner_ns"] <= found["plain_ns"]
    assert outcomes[0] == outcomes[1]


def test_a_later_run_without_copies_leaves_no_layers_of_the_earlier_one(log):
    duplicate(log)
    assert pack(log)[0] == 0
    assert "t/partition_optimized.json" not in everything_in(log / "packing")
    assert call("verify", log / "packing" / "t")[0] == 0
    found = read(log, "result.json")["duplication"]
    assert found == {"method": "none", "margin": None, "copies": [1, 1, 1]}


# Bad input

OPTIONS = {
    "other tuner": (("--tuner", "magic"), "--tuner", "magic"),
    "other mapping": (("--depthwise-mapping", "skew"), "--depthwise-mapping", "skew"),
    "other objective": (("--objective", "speed"), "--objective", "'speed'", "throughput"),
    "objective without samples": (("--objective", "samples"), "--objective", "'samples'"),
    "objective of no sample": (("--objective", "samples:0"), "--objective", "'samples:0'"),
    "objective of half a sample": (("--objective", "samples:.5"), "--objective", "'samples:.5'"),
    "too many samples wanted": (("--objective", "samples:100001"), "--objective", "100000"),
    "samples of latency": (("--objective", "latency:2"), "--objective", "'latency:2'"),
    "no objective": (("--objective", ""), "--objective", "''"),
    "no sample": (("--num-sample", 0), "--num-sample", "'0'"),
    "too many samples": (("--num-sample", 100_001), "--num-sample", "100000"),
    "samples that are no number": (("--num-sample", "few"), "--num-sample", "'few'"),
    "effort below 0": (("--tune-effort", -1), "--tune-effort", "'-1'"),
    "effort that is no number": (("--tune-effort", "1e6"), "--tune-effort", "'1e6'"),
    "no time": (("--tune-seconds", 0), "--tune-seconds", "'0'"),
    "time that is no number": (("--tune-seconds", "nan"), "--tune-seconds", "'nan'"),
    "endless time": (("--tune-seconds", "inf"), "--tune-seconds", "'inf'"),
    "rows of no diagonal": (
        ("--depthwise-mapping", "diagonal", "--diagonal-rows", 0),
        "--diagonal-rows",
        "found 0",
        "from 1",
    ),
    "rows below 0": (("--diagonal-rows", -1), "--diagonal-rows", "'-1'"),
    "rows of dense layers": (
        ("--depthwise-mapping", "dense", "--diagonal-rows", 9),
        "--diagonal-rows",
        "auto",
    ),
}


@pytest.mark.parametrize("case", OPTIONS.values(), ids=OPTIONS)
def test_an_option_with_a_wrong_value_is_named_in_one_line(log, case):
    argv, *said = case
    status, out, err = duplicate(log, *argv)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert [text for text in said if text not in err] == []
    assert not log.exists()


def test_mixed_mappings_without_duplication_are_refused(log):
    status, out, err = pack(log, "--depthwise-mapping", "auto")
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert "--depthwise-mapping" in err
    assert not log.exists()


@pytest.mark.parametrize("tuner", ["joint", "margin"])
def test_a_budget_too_small_for_one_copy_of_each_layer_leaves_the_earlier_run(log, tuner):
    duplicate(log)
    earlier = [(log / "packing" / "t" / name).read_bytes() for name in FILES]
    status, out, err = duplicate(log, "--tuner", tuner, "--num-crossbars", 2)
    assert (status, out) == (1, "")
    assert is_one_line(err)
    assert "use --num-crossbars 3" in err
    assert "--find-solution" not in err  # which leaves no room for copies
    assert everything_in(log / "packing") == ["t", *(f"t/{name}" for name in FILES)]
    assert [(log / "packing" / "t" / name).read_bytes() for name in FILES] == earlier
    assert duplicate(log, "--tuner", tuner, "--num-crossbars", 3)[0] == 0


# Cut short


def test_a_time_limit_ends_the_search_and_the_result_says_so(log):
    status, out, _ = duplicate(log, *ENDLESS, "--tune-seconds", 0.2)
    found = read(log, "result.json")["duplication"]
    assert (status, found["stopped"]) == (0, "time")
    assert found["steps"] < ENDLESS[1]
    assert "time limit" in out
    assert call("verify", log / "packing" / "t")[0] == 0


HEEDING_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells let background jobs ignore it
runpy.run_module("rram_nas_comp_pack", run_name="__main__", alter_sys=True)
"""


def interrupted(log):
    """(status, stdout) of an endless run, stopped by Ctrl-C as soon as its bar shows a first answer."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    screen, terminal = pty.openpty()
    termios.tcsetwinsize(terminal, (24, 100))
    argv = (
        *(
            "pack",
            "--exp-id",
            "t",
            "--model",
            "tiny_nets:net",
            "--input-size",
            "3,8,8",
            "--num-crossbars",
            10,
            "--duplicate",
        ),
        *("--no-report", "--config", log.parent / "quiet.ini", "--log-dir", log, *ENDLESS),
        *("--tune-seconds", 600),  # should the bar never show
    )
    with subprocess.Popen(
        [sys.executable, "-c", HEEDING_CTRL_C, *map(str, argv)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(log.parent)])},
        stdout=subprocess.PIPE,
        stderr=terminal,
        text=True,
    ) as run:
        os.close(terminal)
        seen, sent = b"", False
        try:
            while chunk := os.read(screen, 4096):
                seen += chunk
                if not sent and b"tuning" in seen:
                    run.send_signal(signal.SIGINT)
                    sent = True
        except OSError:  # the other side is closed
            pass
        finally:
            os.close(screen)
        return run.wait(), run.stdout.read()


def test_ctrl_c_while_tuning_writes_the_best_so_far(log):
    pack(log)
    status, out = interrupted(log)
    assert status == 130
    assert "interrupted" in out
    assert everything_in(log / "packing") == ["t", *(f"t/{name}" for name in FILES)]
    found = read(log, "result.json")["duplication"]
    assert (found["stopped"], found["method"]) == ("interrupt", "joint")
    assert found["latency_ns"] < found["plain_ns"]
    assert call("verify", log / "packing" / "t")[0] == 0
    assert simulated(log, log.parent / "quiet.ini", 8)[8]["latency_ns"] == pytest.approx(found["latency_ns"])


@pytest.mark.parametrize("stage", ["margin_trials", "tune"])
def test_ctrl_c_before_the_first_answer_leaves_the_earlier_run(log, monkeypatch, stage):
    pack(log)
    earlier = (log / "packing" / "t" / "result.json").read_bytes()

    def stop(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(tuners, stage, stop)
    status, out, err = duplicate(log)
    assert (status, out) == (130, "")
    assert is_one_line(err)
    assert (log / "packing" / "t" / "result.json").read_bytes() == earlier
    assert "t/partition_optimized.json" not in everything_in(log / "packing")


# The published budgets

STUB = """#!/usr/bin/env bash
printf '%s\\n' "$*" >> calls
[[ "$*" != *"--num-crossbars $FAILS"* ]] || exit 3
"""


def script(folder: Path, *argv: object, fails: object = "never"):
    """test_packing_duplicate.sh with a stand-in for Python: its status, and the options of every run."""
    (folder / ".venv" / "bin").mkdir(parents=True)
    stub = folder / ".venv" / "bin" / "python"
    stub.write_text(STUB)
    stub.chmod(0o755)
    (folder / "run.sh").write_text((ROOT / "test_packing_duplicate.sh").read_text())
    env = {**os.environ, "FAILS": str(fails)}
    argv = ["bash", str(folder / "run.sh"), *map(str, argv)]
    status = subprocess.run(argv, env=env, check=False).returncode
    return status, [line.split() for line in (folder / "calls").read_text().splitlines()]


def test_the_published_budgets_run_in_turn_with_the_options_given(tmp_path):
    from rram_nas_comp_pack.cli.options.parse import parse

    status, calls = script(tmp_path, "--tuner", "margin", "--seed", 7)
    assert status == 0
    assert all(call[:2] == ["-m", "rram_nas_comp_pack"] for call in calls)
    runs = [parse(call[2:])[1]["options"] for call in calls]
    assert [run.settings.budget for run in runs] == [249, 299, 349, 399, 449]
    assert len({run.run.exp_id for run in runs}) == 5
    assert all((run.model, run.run.verbose) == ("mbv3_small", True) for run in runs)
    for settings in (run.settings for run in runs):
        assert (settings.depth_split, settings.rules) == (5, Rules(1, 6))
        tuning = settings.tuning
        assert (tuning.tuner, tuning.effort.seed, settings.goal.seed) == ("margin", 7, 7)  # those given win


def test_the_published_budgets_stop_at_the_first_failure(tmp_path):
    status, calls = script(tmp_path, fails=349)
    assert status == 3
    assert [call[call.index("--num-crossbars") + 1] for call in calls] == ["249", "299", "349"]


def test_the_published_network_is_duplicated_by_the_whole_command(tmp_path):
    """mbv3_small as test_packing_duplicate.sh runs it on its least budget, the first answer only."""
    argv = (
        *("--model", "mbv3_small", "--depth-split-factor", 5, "--layer-threshold", 1, "--duplicate"),
        *("--no-report", "--log-pack", "--seed", 123, "--num-crossbars", 249, "--tune-effort", 0),
        *("--exp-id", "whole", "--log-dir", tmp_path, "--config", ROOT / "SimConfig.ini"),
    )
    assert call("pack", *argv)[0] == 0
    assert call("verify", tmp_path / "packing" / "whole")[0] == 0
    found = json.loads((tmp_path / "packing" / "whole" / "result.json").read_text())
    assert found["crossbars_used"] <= 249
    assert found["duplication"]["latency_ns"] < found["duplication"]["plain_ns"]
    again = simulated(tmp_path, ROOT / "SimConfig.ini", 8, exp_id="whole")
    assert again[8]["latency_ns"] == pytest.approx(found["duplication"]["latency_ns"], rel=1e-9)
