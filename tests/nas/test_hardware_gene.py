"""The hardware as a gene within a budget of area: chosen by a search, told by its files and its page."""

import csv
import json
import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_evolve import judged
from tiny_bench import Inline, tiny_bench

from ofa.architecture import configuration
from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.cli.search_space import offered_configs, search_space
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.chip_costs import area_per_crossbar_um2, chip_costs, read_time_of
from rram_nas_comp_pack.hardware.config.read import load_config
from rram_nas_comp_pack.nas import ofa_space
from rram_nas_comp_pack.nas.compile_gene import crossbars_within
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, layers_of, map_layers
from rram_nas_comp_pack.nas.generations import SearchOptions, evolve, front
from rram_nas_comp_pack.nas.genome import encode
from rram_nas_comp_pack.nas.ofa_space import AccuracySettings
from rram_nas_comp_pack.nas.search import Search, evaluate, tune_front
from rram_nas_comp_pack.report.compare.run import search_run
from rram_nas_comp_pack.report.compare.table import markdown
from rram_nas_comp_pack.report.nas.networks import front_table, network_panels
from rram_nas_comp_pack.report.nas.report import search_page
from rram_nas_comp_pack.runs.nas.read import read_search
from rram_nas_comp_pack.runs.nas.result import SearchResult
from rram_nas_comp_pack.runs.nas.write import write_search
from rram_nas_comp_pack.runs.origin import begin
from rram_nas_comp_pack.simulation.event_loop import program, simulate

ROOT = Path(__file__).parents[2]
SMALLEST = configuration(3, 3, 2)
JUDGING = AccuracySettings(Path("net"), "tiny", "calibrate", "cpu", 0, 3)
OBJECTIVES = ("acc", "speed", "area")
AREA_MM2 = 1600.0


@pytest.fixture(scope="module")
def configs(tmp_path_factory):
    """Two files: the shipped hardware, and one with larger crossbars."""
    folder = tmp_path_factory.mktemp("configs")
    shipped = (ROOT / "SimConfig.ini").read_text()
    larger = shipped.replace("Xbar_Size = 128, 128", "Xbar_Size = 256, 256")
    larger = larger.replace("Subarray_Size = 128", "Subarray_Size = 256")
    for name, text in (("small", shipped), ("large", larger)):
        (folder / f"{name}.ini").write_text(text)
    return folder / "small.ini", folder / "large.ini"


def options_of(*options):
    return parse(["evolve", *map(str, options)])[1]["options"]


@pytest.fixture(scope="module")
def offered(configs):
    made = options_of("--config", *configs, "--area-budget", AREA_MM2)
    return offered_configs(made, load_config(configs[0]))


@pytest.fixture(scope="module")
def space(offered):
    return search_space(JUDGING, (), offered)


def settings_of(offered):
    return CompileSettings(offered[0].config.hardware, offered[0].crossbars, seed=123)


def row(choice, chosen=SMALLEST):
    return np.append(encode([chosen])[0], np.int8(choice))


def test_the_budget_holds_as_many_crossbars_as_their_area_allows(offered):
    for own in offered:
        hardware = own.config.hardware
        one = area_per_crossbar_um2(hardware) / 1e6
        assert own.crossbars * one <= AREA_MM2 < (own.crossbars + 1) * one
        assert crossbars_within(hardware, 7 * one) == 7
        costs = chip_costs(hardware, partition(layers_of(SMALLEST), hardware.size), own.crossbars, 1.0)
        assert costs.area_um2 == pytest.approx(own.crossbars * one * 1e6)
    assert [own.name for own in offered] == ["small", "large"]


def test_a_network_is_compiled_for_its_own_hardware_and_its_speed_is_over_the_first(space, offered):
    usual = settings_of(offered)
    baselines = set()
    for choice, own in enumerate(offered):
        settings = space.settings(row(choice), usual)
        assert (settings.hardware, settings.crossbars) == (own.config.hardware, own.crossbars)
        found = map_layers(space.layers(row(choice)), settings).metrics
        assert found.area_mm2 == pytest.approx(
            found.crossbars * area_per_crossbar_um2(own.config.hardware) / 1e6
        )
        alone = map_layers(space.layers(row(choice)), replace(settings, reference=None)).metrics
        assert alone.latency_ns == found.latency_ns
        baselines.add(found.baseline_ns)
    first = offered[0].config.hardware
    expected = simulate(
        program(partition(space.layers(row(0)), first.size), read_time_of(first)), usual.samples
    )
    assert baselines == {expected.latency_ns}


def ways(rows):
    """Made-up outcomes: the second hardware is faster, and takes up more."""
    return [
        replace(own, speed=1.0 + choice, area_mm2=10.0 * (1 + choice), accuracy=0.9, excess=0.0)
        for own, choice in zip(judged(rows[:, :-1]), rows[:, -1].tolist(), strict=True)
    ]


@pytest.mark.parametrize(
    ("objectives", "chosen"), [(("acc", "speed"), {1}), (("acc", "speed", "area"), {0, 1})]
)
def test_area_may_be_an_objective(space, objectives, chosen):
    options = SearchOptions(population=6, generations=2, objectives=objectives, seed=3)
    *_, state = evolve(space, options, ways)
    assert {int(own[-1]) for own in front(state, objectives)} == chosen


@pytest.fixture(scope="module")
def found(tmp_path_factory, space, offered, configs):
    """The folder of a search by a tiny supernet."""
    folder = tmp_path_factory.mktemp("hardware")
    small = SearchOptions(population=3, generations=1, seed=3, objectives=OBJECTIVES)
    with pytest.MonkeyPatch.context() as patch:
        tiny = tiny_bench()
        patch.setattr(ofa_space, "_context", lambda _judging: tiny)
        search = Search(small, settings_of(offered), space, Inline())
        *_, state = evolve(space, small, partial(evaluate, search, None, int))
        best = front(state, OBJECTIVES)
        tuned = tuple(tune_front(search, 0, best, int))
    options = {"duplicate": True, "seed": 123, "tune_effort": 0, "area_budget": AREA_MM2}
    origin = replace(begin(configs[0], "evolve"), offered=offered)
    write_search(folder, SearchResult(state, best, tuned, search, JUDGING), options, origin, {})
    return folder, [offered[own[-1]].name for own in best]


def test_files_tell_the_hardware_of_every_network(found, configs, offered):
    folder, chosen = found
    for path in configs:
        assert (folder / "hardware" / path.name).read_bytes() == path.read_bytes()
    with (folder / "front.csv").open(newline="") as file:
        assert [line["hardware"] for line in csv.DictReader(file)] == chosen
    run = read_search(folder, "")
    assert [network.hardware for network in run.front.networks] == chosen
    assert set(run.evaluated.hardware) == {"small", "large"}
    assert run.front.area_budget == AREA_MM2
    told = [(own.name, own.crossbars, own.config.digest) for own in run.front.offered]
    assert told == [(own.name, own.crossbars, own.config.digest) for own in offered]
    share = {own.name: area_per_crossbar_um2(own.config.hardware) / 1e6 for own in offered}
    for network in run.front.networks:
        assert network.best.area_mm2 == pytest.approx(network.best.crossbars * share[network.hardware])


def test_the_command_of_the_page_gives_the_layout_of_the_search(found, tmp_path, capsys):
    folder, _ = found
    run = read_search(folder, "")
    network = run.front.networks[0]
    panel = network_panels([run], ["."]).split("<code", 1)[1]
    told = panel.split(">", 1)[1].split("</code>")[0]
    words = shlex.split(told.replace("RUN_DIR", str(folder)))[3:]
    assert main([*words, "--no-report", "--log-dir", str(tmp_path)]) == 0, capsys.readouterr().err
    result = json.loads((tmp_path / "packing" / "dev" / "result.json").read_text())
    latency = next(e["latency_ns"] for e in result["evaluations"] if e["num_sample"] == 8)
    assert latency == pytest.approx(network.tuned.latency_ns, rel=1e-9)


def test_page_and_comparison_show_which_hardware_the_front_uses(found):
    folder, chosen = found
    run = read_search(folder, "")
    page = search_page([run], ["."])
    assert 'id="hardware"' in page
    assert "at most 1600 mm²" in page
    assert front_table([run]).count("<td>large</td>") == chosen.count("large")
    told = markdown([search_run(run)])
    assert f"small {chosen.count('small')}, large {chosen.count('large')}" in told
    assert "| 1600 |" in " ".join(told.split())


@pytest.mark.parametrize("name", ["front.json", "evaluated.csv"])
def test_hardware_that_is_not_offered_is_refused(found, tmp_path, name):
    folder, _ = found
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    damaged = tmp_path / name
    text = damaged.read_text()
    if name == "front.json":
        entry = json.loads(text)
        entry["networks"][0]["hardware"] = "other"
        damaged.write_text(json.dumps(entry))
    else:
        damaged.write_text(text.replace(",small,", ",other,").replace(",large,", ",other,"))
    with pytest.raises(BadInput, match=f"{name}: .*found .*other.*small"):
        read_search(tmp_path, "")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--config", "a.ini", "b.ini"), "--config: found 2 files without --area-budget, allowed is one"),
        (("--area-budget", "9", "--num-crossbars", "9"), "--area-budget: found 9 with --num-crossbars 9"),
        (
            ("--config", "a/x.ini", "b/x.ini", "--area-budget", "9"),
            "--config: found the names x, x, allowed are different ones",
        ),
        (("--area-budget", "0.5"), "--area-budget: found 0.5, allowed is at least the 7.788 mm² of a"),
        (("--area-budget", "-1"), "found '-1', allowed is a number from 0"),
        (("--objectives", "acc,speed,volume"), "allowed is acc,speed[,energy][,crossbars][,area]"),
    ],
)
def test_what_cannot_be_is_told_in_one_line(options, said, capsys):
    assert main(["evolve", *options]) == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


def test_the_usual_budget_stays():
    assert (options_of().crossbars, options_of().area_budget) == (10, None)
    assert options_of().run.written["num_crossbars"] == 10
    several = options_of("--config", "a.ini", "b.ini", "--area-budget", "900")
    assert several.run.written["config"] == ["a.ini", "b.ini"]
    assert several.run.written["num_crossbars"] is None
