"""`evolve` from the outside: what it writes, where it runs, how it stops and goes on."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tiny_search import ROOT, call, files, run, start, workplace

from ofa.architecture import Configuration
from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.hardware.config.read import load_config
from rram_nas_comp_pack.nas.workers import dask_cluster
from rram_nas_comp_pack.runs.nas.subnet import chosen_subnet

sys.path.insert(0, str(Path(__file__).parents[1]))

from reference_page import keys_of, names_of

GENERATIONS = 3


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("search")
    return path, workplace(path)


@pytest.fixture(scope="module")
def whole(place):
    """A search that nobody disturbed."""
    path, options = place
    status, out, err = run(*options, "--generations", GENERATIONS, "--exp-id", "whole")
    assert status == 0, err
    return path / "log" / "evolution" / "whole", out


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_files_of_a_search(whole):
    folder, out = whole
    assert sorted(p.name for p in folder.iterdir()) == [
        *(
            "SimConfig.ini",
            "checkpoint",
            "evaluated.csv",
            "evolute.csv",
            "figures",
            "front.csv",
            "front.json",
            "hypervolume.csv",
            "logs.log",
            "report.html",
        )
    ]
    header = "generation,individual,acc,latency_ratio,latency_ns,crossbars,utilization,rank,sample"
    assert (folder / "evolute.csv").read_text().splitlines()[0] == header
    found = rows(folder / "evolute.csv")
    assert [(int(r["generation"]), int(r["individual"])) for r in found] == [
        (g, i) for g in range(GENERATIONS) for i in range(6)
    ]
    assert all({len(v) for v in json.loads(r["sample"]).values()} == {16, 4} for r in found)
    front = json.loads((folder / "front.json").read_text())
    assert len(front["networks"]) == len(rows(folder / "front.csv"))
    speeds = [n["searched"]["speed"] for n in front["networks"]]
    assert speeds == sorted(speeds, reverse=True)
    evaluated = rows(folder / "evaluated.csv")
    assert front["evaluated"] == len(evaluated) == int(rows(folder / "hypervolume.csv")[-1]["evaluated"])
    assert max(float(r["speed"]) for r in evaluated) == speeds[0]
    assert f"front: {len(speeds)} networks" in out
    assert "hypervolume" in (folder / "logs.log").read_text()


@pytest.mark.parametrize("file", ["evolute.csv", "evaluated.csv", "hypervolume.csv", "front.csv"])
def test_the_reference_lists_the_columns_of_a_search(whole, file):
    assert names_of(file) == (whole[0] / file).read_text().partition("\n")[0].split(",")


def test_the_reference_lists_the_keys_of_a_front(whole):
    front = json.loads((whole[0] / "front.json").read_text())
    networks = {key for key in keys_of(front, 2) if key.startswith("networks.")}
    assert set(names_of("front.json")) == front.keys() | networks


def test_no_network_is_slower_tuned_than_searched_and_both_figures_say_what_they_are(whole):
    folder, out = whole
    front = json.loads((folder / "front.json").read_text())
    for network, row in zip(front["networks"], rows(folder / "front.csv"), strict=True):
        searched, tuned = network["searched"], network["tuned"]
        assert tuned["speed"] >= searched["speed"]
        assert tuned["latency_ns"] <= searched["latency_ns"]
        assert (float(row["speed"]), float(row["searched_speed"])) == (tuned["speed"], searched["speed"])
    assert set(front["figures"]) == {"searched", "tuned"}
    for text in (out, (folder / "logs.log").read_text()):
        for name, what in front["figures"].items():
            assert f"{name:<8} = speed {what}" in text
        assert "  # accuracy     test    tuned searched        ms crossbars   used" in text
    page = (folder / "report.html").read_text()
    assert "Speed searched is that of the quick layout that the search went by; speed tuned" in page


def test_a_search_holds_its_hardware_and_says_how_it_was_made(whole):
    folder, _ = whole
    assert (folder / "SimConfig.ini").read_bytes() == (ROOT / "SimConfig.ini").read_bytes()
    held = json.loads((folder / "front.json").read_text())["simconfig"]
    assert held["sha256"] == load_config(ROOT / "SimConfig.ini").digest
    assert held["values"]["Crossbar level"]["Xbar_Size"] == "128, 128"
    text = (folder / "logs.log").read_text()
    timing = r"\[timing, s\]\ncompiling = .+\ntotal = .+\n"
    assert re.search(timing + r"\n\[run\]\ncommand = .+\ndate = .+\nhost = .+\nhardware = .+\n$", text)
    assert f"hardware = {held['sha256']}" in text


def test_a_search_has_a_report_unless_it_is_told_otherwise(place, whole):
    path, options = place
    page = (whole[0] / "report.html").read_text()
    assert "Search of subnets" in page
    assert str(path) not in page
    own = (*options, "--generations", 1, "--exp-id", "bare", "--no-report")
    assert call(*own)[0] == 0
    bare = {p.name for p in (path / "log" / "evolution" / "bare").iterdir()}
    assert bare == {p.name for p in whole[0].iterdir()} - {"figures", "report.html"}


def test_a_report_that_fails_does_not_fail_the_search(place, tmp_path):
    """Matplotlib cannot be imported."""
    path, options = place
    (tmp_path / "matplotlib.py").write_text("raise ImportError('no\\nmatplotlib')")
    own = (*options, "--generations", 1, "--exp-id", "drawless")
    process = start(*own, env={**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}", "OMP_NUM_THREADS": "1"})
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "no report was written: no matplotlib" in err
    assert "files:" in out
    assert (path / "log" / "evolution" / "drawless" / "front.json").exists()


def test_a_network_of_the_front_is_packed_by_one_command(whole, tmp_path, capsys):
    front = json.loads((whole[0] / "front.json").read_text())
    last = len(front["networks"]) - 1
    options = f"--model ofa:{whole[0]}/front.json#{last} --num-crossbars 211 --duplicate --tune-effort 0"
    options += " --no-report"
    assert (
        main(["pack", *options.split(), "--log-dir", str(tmp_path), "--config", f"{ROOT}/SimConfig.ini"]) == 0
    )
    result = json.loads((tmp_path / "packing" / "dev" / "result.json").read_text())
    latency = next(e["latency_ns"] for e in result["evaluations"] if e["num_sample"] == 8)
    assert latency == pytest.approx(front["networks"][last]["tuned"]["latency_ns"], rel=1e-9)
    capsys.readouterr()
    for model, said in (
        (f"ofa:{whole[0]}/front.json#99", f"found {last + 1} networks"),
        (f"ofa:{whole[0]}/front.json", "allowed is ofa:FILE#K"),
        (f"ofa:{whole[0]}/hypervolume.csv#0", "line 1: found 'generation,"),
        (f"ofa:{whole[0]}/evaluated.csv#9999", "found 18 networks"),
        ("ofa:none.json#0", "none.json: No such file"),
    ):
        assert main(["pack", "--model", model]) == 2
        assert said in capsys.readouterr().err


def test_every_evaluated_network_has_a_number_that_names_it(whole):
    with (whole[0] / "evaluated.csv").open(newline="") as file:
        rows = [json.loads(row["sample"]) for row in csv.DictReader(file)]
    front = whole[0] / "front.json"
    for k, row in enumerate(rows):
        found = chosen_subnet(f"{whole[0]}/evaluated.csv#{k}")
        assert found == (front, Configuration(*map(tuple, row.values())))
    best = json.loads(front.read_text())["networks"][0]["sample"]
    assert chosen_subnet(f"{whole[0]}/front.csv#0")[1] == chosen_subnet(f"{front}#0")[1]
    assert dict(zip(("ks", "e", "d"), map(list, chosen_subnet(f"{front}#0")[1]), strict=True)) == best


def test_a_network_that_is_packed_on_other_hardware_than_the_search_had_is_told(whole, tmp_path, capsys):
    other = tmp_path / "other.ini"
    other.write_text((ROOT / "SimConfig.ini").read_text().replace("ADC_Choice = 2", "ADC_Choice = 4"))
    command = ["pack", "--model", f"ofa:{whole[0]}/front.json#0", "--packer", "fast", "--find-solution"]
    for config, said in ((other, True), (whole[0] / "SimConfig.ini", False)):
        assert main([*command, "--no-report", "--log-dir", str(tmp_path), "--config", str(config)]) == 0
        own = f"was found for other hardware, which --config {whole[0]}/SimConfig.ini gives"
        assert (own in capsys.readouterr().err) == said


def test_a_search_killed_at_any_moment_goes_on_to_the_same_end(place, whole):
    path, options = place
    own = (*options, "--generations", GENERATIONS, "--exp-id", "killed")
    process = start(*own)
    kept = path / "log" / "evolution" / ".killed.partial" / "checkpoint" / "search.npz"
    while not kept.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.wait()
    assert not (path / "log" / "evolution" / "killed").exists()
    status, _, err = call(*own)
    assert (status, err.count("\n")) == (2, 1)
    assert "found a search of 'killed' that did not end; allowed is --resume" in err
    status, _, err = call(*own, "--resume", "--seed", 9, "--mutate-prob", 0.5)
    assert status == 2
    assert "found a search with --mutate-prob 0.1, --seed 123" in err
    status, _, err = run(*own, "--resume")
    assert status == 0, err
    assert files(path / "log" / "evolution" / "killed") == files(whole[0])


def test_an_interrupt_ends_with_the_front_so_far(place):
    path, options = place
    process = start(*options, "--generations", 500, "--exp-id", "interrupted", "--no-report")
    kept = path / "log" / "evolution" / ".interrupted.partial" / "checkpoint" / "search.npz"
    while not kept.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "Traceback" not in err
    said = err.splitlines()[-1]
    assert "interrupted; the front found so far is written, and --resume goes on: " in said
    assert said.endswith("--exp-id interrupted --no-report --resume")
    front = json.loads((path / "log" / "evolution" / "interrupted" / "front.json").read_text())
    assert front["networks"]
    assert all(n["tuned"] is None for n in front["networks"])
    assert "networks" in out


def test_sigterm_leaves_earlier_results_and_the_search_goes_on(place, whole, tmp_path):
    path, options = place
    folder = path / "log" / "evolution"
    shutil.copytree(whole[0], folder / "earlier")
    process = start(*options, "--generations", 500, "--exp-id", "earlier", "--seed", 5)
    kept = folder / ".earlier.partial" / "checkpoint" / "search.npz"
    while not kept.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (143, "")
    said = err.splitlines()[-1]
    assert "terminated; the search is kept, and --resume continues it: " in said
    assert said.endswith("--generations 500 --exp-id earlier --seed 5 --resume")
    assert files(folder / "earlier") == files(whole[0])
    assert kept.exists()


def test_images_that_changed_meanwhile_are_noticed(place, tmp_path):
    options = workplace(tmp_path)
    assert call(*options, "--generations", 1, "--no-report")[0] == 0
    next(tmp_path.glob("images/*/*.png")).unlink()
    status, _, err = call(*options, "--generations", 2, "--resume")
    assert status == 2
    assert "found a search with --dataset folder:" in err


def test_where_nothing_fits_it_is_said_and_nothing_stays(place):
    path, options = place
    tight = ("--num-crossbars", 66, "--population", 2, "--generations", 1, "--exp-id", "tight")
    status, out, err = call(*options, *tight)
    assert (status, out) == (1, "")
    said = r"no subnet fits --num-crossbars 66: (2 were evaluated, the nearest needs|the smallest needs) "
    assert re.search(said, err.splitlines()[-1])
    assert not list((path / "log" / "evolution").glob("*tight*"))


@pytest.mark.parametrize(
    ("changed", "status", "said"),
    [
        (("--checkpoint", "none.pth"), 2, "none.pth: cannot be read"),
        (("--dataset", "digits"), 2, "found 3 classes, allowed are the 10 of digits"),
        (("--dataset", "folder:nowhere"), 2, "folder:nowhere: found no such folder"),
        (("--dataset", "mnist"), 2, "--dataset: found 'mnist', allowed are clutter, digits"),
        (("--device", "tpu"), 2, "--device: found 'tpu', allowed here: cpu"),
        (("--num-crossbars", 20), 1, "no subnet fits --num-crossbars 20: the smallest needs at least"),
        (("--population", 1), 2, "--population: found '1', allowed is a whole number from 2"),
        (("--mutate-prob", 1.5), 2, "--mutate-prob: found '1.5', allowed is a number from 0 to 1"),
        (("--coef-acc", "nan"), 2, "--coef-acc: found 'nan', allowed is a number from 0"),
        (("--objectives", "speed,acc"), 2, "found 'speed,acc', allowed is acc,speed[,energy][,crossbars]"),
        (("--resume", "--exp-id", "never"), 2, "--resume: found no search in"),
        (("--evolute-method", "sa"), 2, "--evolute-method: invalid choice: 'sa'"),
        (("--scheduler", "tcp://127.0.0.1:1"), 2, "'tcp://127.0.0.1:1', which does not answer"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(place, monkeypatch, changed, status, said):
    path, options = place
    monkeypatch.setattr(dask_cluster, "ANSWER_S", 0.5)
    found, out, err = call(*options, "--generations", 2, "--exp-id", "bad", *changed)
    assert (found, out) == (status, "")
    assert said in err.splitlines()[-1]
    assert not any(p.name.strip(".").startswith(("bad", "never")) for p in path.glob("log/evolution/*"))


def test_a_predictor_that_knows_nothing_is_refused_unless_told_and_keeps_what_it_learnt(place):
    own = (*place[1], "--accuracy", "predictor", "--predictor-subnets", 10, "--exp-id", "guess")
    own = (*own, "--no-report")
    status, out, err = call(*own, "--generations", 2)
    assert (status, out) == (1, "")
    assert "predictor: Kendall's tau is" in err.splitlines()[-1]
    status, _, err = call(*own, "--generations", 2, "--resume", "--predictor-tau", -1)
    if "tau is nan" not in err:
        assert status == 0, err


def test_help_and_bad_options_load_nothing_heavy():
    code = """
import sys
from rram_nas_comp_pack.cli.main import main

try:
    main(["evolve", "--help"])
except SystemExit:
    assert main(["evolve", "--population", "0"]) == 2
print(sorted({"torch", "numba", "pymoo", "numpy", "dask"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
