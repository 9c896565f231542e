"""The most rows of a diagonal box as a gene: chosen by the search, told by its files, kept by its command."""

import csv
import json
import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from test_evolve import judged
from test_search_checkpoint import OPTIONS, same
from tiny_bench import Inline, tiny_bench

from ofa.architecture import configuration
from rram_nas_comp_pack.box_converter.partition import partition
from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.cli.search_space import diagonal_rows, search_space
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config.read import load_config, load_hardware
from rram_nas_comp_pack.nas import ofa_space
from rram_nas_comp_pack.nas.compile_gene import with_diagonal_rows
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, compile_subnet, map_layers
from rram_nas_comp_pack.nas.evaluate import evaluate_in_full
from rram_nas_comp_pack.nas.generations import SearchOptions, evolve, front
from rram_nas_comp_pack.nas.genes import canonical, key, one_hot, sample_genes
from rram_nas_comp_pack.nas.genome import GENOME, encode
from rram_nas_comp_pack.nas.ofa_space import AccuracySettings, OfaSpace
from rram_nas_comp_pack.nas.search import Search, evaluate, tune_front
from rram_nas_comp_pack.report.nas.charts import front_chart
from rram_nas_comp_pack.report.nas.evaluated import evaluated_data
from rram_nas_comp_pack.report.nas.networks import Chosen, pack_command
from rram_nas_comp_pack.runs.nas.checkpoint import Kept, load_search, save_search
from rram_nas_comp_pack.runs.nas.read import read_search
from rram_nas_comp_pack.runs.nas.result import SearchResult
from rram_nas_comp_pack.runs.nas.write import write_search
from rram_nas_comp_pack.runs.origin import OfferedConfig, begin

ROOT = Path(__file__).parents[2]
ROWS = (0, 64, 128)
SMALLEST = configuration(3, 3, 2)
JUDGING = AccuracySettings(Path("net"), "tiny", "calibrate", "cpu", 0, 3)
SPACE = with_diagonal_rows(OfaSpace(JUDGING), ROWS)
SETTINGS = CompileSettings(load_hardware(ROOT / "SimConfig.ini"), 211, seed=123)
SHIPPED = (OfferedConfig("SimConfig", 211, load_config(ROOT / "SimConfig.ini")),)
SMALL = SearchOptions(population=4, generations=2, seed=3)


def row(choice, chosen=SMALLEST):
    return np.append(encode([chosen])[0], np.int8(choice))


def test_the_gene_is_the_last_and_tells_networks_apart():
    rows = sample_genes(np.random.default_rng(0), SPACE, 300)
    assert SPACE.choices == (*GENOME.choices, 3)
    assert set(rows[:, -1].tolist()) == {0, 1, 2}
    assert np.array_equal(canonical(SPACE, rows)[:, :-1], canonical(GENOME, rows[:, :-1]))
    assert np.array_equal(canonical(SPACE, rows)[:, -1], rows[:, -1])
    assert np.array_equal(one_hot(SPACE, rows)[:, :-3], one_hot(GENOME, rows[:, :-1]))
    assert len({key(SPACE, row(choice)) for choice in range(3)}) == 3
    assert SPACE.entry(row(1)) == {"sample": SMALLEST._asdict(), "diagonal_rows": 64}


@pytest.mark.parametrize("choice", range(3))
def test_boxes_have_the_rows_that_the_gene_says(choice):
    own = SPACE.settings(row(choice), SETTINGS)
    assert own == replace(SETTINGS, diagonal_rows=ROWS[choice])
    found = map_layers(SPACE.layers(row(choice)), own)
    assert found.metrics == compile_subnet(SMALLEST, replace(SETTINGS, diagonal_rows=ROWS[choice]), 64, 3)
    boxes = [
        box
        for mapping in found.layout().mappings
        if mapping.layer.depthwise
        for box in mapping.boxes
        if box.h > partition((mapping.layer,), SETTINGS.hardware.size)[0].boxes[0].h
    ]
    assert bool(boxes) == bool(ROWS[choice])
    assert all(box.h <= ROWS[choice] for box in boxes)


def last(space, evaluate_rows, options=SMALL):
    *_, state = evolve(space, options, evaluate_rows)
    return state


def of_networks(rows):
    return judged(rows[:, :-1])


def test_a_search_with_the_gene_is_kept_and_not_taken_for_another(tmp_path):
    state = last(SPACE, of_networks)
    options = {**OPTIONS, "diagonal_rows": [*ROWS]}
    save_search(tmp_path, SPACE, Kept(state), options)
    assert same(load_search(tmp_path, SPACE, options).state, state)
    with pytest.raises(BadInput, match="found a search with --diagonal-rows 0,64,128; allowed"):
        load_search(tmp_path, OfaSpace(JUDGING), OPTIONS)
    with pytest.raises(BadInput, match="not a checkpoint"):
        load_search(tmp_path, OfaSpace(JUDGING), options)


def ways(rows):
    """Made-up outcomes in which networks are faster the more rows they have, and less accurate."""
    return [
        replace(own, speed=1.0 + choice, accuracy=0.9 - choice / 10, excess=0.0)
        for own, choice in zip(of_networks(rows), rows[:, -1].tolist(), strict=True)
    ]


def test_the_search_finds_all_trades_that_the_gene_offers():
    state = last(SPACE, ways, replace(SMALL, generations=3))
    assert {int(own[-1]) for own in front(state, SMALL.objectives)} == {0, 1, 2}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """The folder of a search by a tiny supernet."""
    folder = tmp_path_factory.mktemp("rows")
    with pytest.MonkeyPatch.context() as patch:
        tiny = tiny_bench()
        patch.setattr(ofa_space, "_context", lambda _judging: tiny)
        search = Search(SMALL, SETTINGS, SPACE, Inline())
        state = last(SPACE, partial(evaluate, search, None, int))
        best = front(state, SMALL.objectives)
        tuned = tuple(tune_front(search, 0, best, int))
        assert tuned[0] == evaluate_in_full(SPACE, replace(SETTINGS, quick=False, steps=0), best[0].tobytes())
    options = {"duplicate": True, "seed": 123, "tune_effort": 0, "diagonal_rows": [*ROWS]}
    result = SearchResult(state, best, tuned, search, JUDGING)
    write_search(folder, result, options, begin(ROOT / "SimConfig.ini", "evolve"), {})
    return folder, best


def test_files_tell_the_choice_of_every_network(found):
    folder, best = found
    for name in ("evaluated.csv", "evolute.csv", "front.csv"):
        with (folder / name).open(newline="") as file:
            lines = list(csv.DictReader(file))
        assert [*lines[0]][-2:] == ["diagonal_rows", "sample"]
        assert {int(line["diagonal_rows"]) for line in lines} <= {*ROWS}
    chosen = [ROWS[own[-1]] for own in best]
    networks = json.loads((folder / "front.json").read_text())["networks"]
    assert [network["diagonal_rows"] for network in networks] == chosen
    run = read_search(folder, "")
    assert [network.diagonal_rows for network in run.front.networks] == chosen
    assert set(run.evaluated.diagonal_rows.tolist()) <= {*ROWS}
    assert "used  diagonal_rows" in (folder / "logs.log").read_text()


def test_the_command_of_the_page_gives_the_layout_of_the_search(found, tmp_path, capsys):
    folder, _ = found
    run = read_search(folder, "")
    network = run.front.networks[-1]
    told = pack_command(run, "front.json", network.index, Chosen(network.diagonal_rows))
    assert f"--diagonal-rows {network.diagonal_rows}" in told
    words = shlex.split(told.replace("RUN_DIR", str(folder)))[3:]
    assert main([*words, "--no-report", "--log-dir", str(tmp_path)]) == 0, capsys.readouterr().err
    result = json.loads((tmp_path / "packing" / "dev" / "result.json").read_text())
    latency = next(e["latency_ns"] for e in result["evaluations"] if e["num_sample"] == 8)
    assert latency == pytest.approx(network.tuned.latency_ns, rel=1e-9)


def test_the_page_knows_the_choice_of_grey_points_too(found):
    run = read_search(found[0], "")
    (told,) = json.loads(evaluated_data([run], ["."], front_chart([run])).split(">", 1)[1][:-10])["runs"]
    assert "evaluated.csv#K" in told["command"]
    assert "--diagonal-rows ROWS" in told["command"]
    assert [row[5] for row in told["networks"]] == run.evaluated.diagonal_rows.tolist()


# The option


def space_of(*options, method="calibrate"):
    made = parse(["evolve", "--num-crossbars", "211", *options])[1]["options"]
    settings = made.settings(SETTINGS.hardware, made.crossbars)
    rows = diagonal_rows(made.diagonal_rows, settings, method, SETTINGS.hardware.rows)
    return search_space(replace(JUDGING, method=method), rows, SHIPPED)


def test_several_numbers_are_a_gene_and_chips_have_it_by_default():
    plain = OfaSpace(JUDGING)
    assert space_of("--duplicate", "--diagonal-rows", "128,0") == with_diagonal_rows(plain, (128, 0))
    assert space_of("--duplicate", "--diagonal-rows", "64") == space_of("--duplicate") == plain
    on_chips = OfaSpace(replace(JUDGING, method="chip"))
    chip = partial(space_of, method="chip")
    assert chip("--duplicate") == with_diagonal_rows(on_chips, (0, 64, 128))
    for fixed in (
        ("--duplicate", "--diagonal-rows", "128"),
        ("--duplicate", "--tuner", "margin"),
        ("--duplicate", "--depthwise-mapping", "diagonal"),
        (),
    ):
        assert chip(*fixed) == on_chips


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--diagonal-rows", "0,64"), "found 0,64 with --depthwise-mapping dense, allowed is --depthwise-m"),
        (("--duplicate", "--tuner", "margin", "--diagonal-rows", "0,64"), "found 0,64 with --tuner margin"),
        (("--diagonal-rows", "64,64"), "found '64,64', allowed are different numbers"),
        (("--diagonal-rows", "64,"), "found '', allowed is a whole number from 0"),
    ],
)
def test_what_cannot_be_a_gene_is_told_in_one_line(options, said, capsys):
    assert main(["evolve", *options]) == 2
    told = capsys.readouterr().err
    assert "--diagonal-rows: " in told.splitlines()[-1]
    assert said in told.splitlines()[-1]
