"""A search whose networks are executed on chips, by the command line: its files, and the same bytes again."""

import csv
import json

import pytest
from tiny_search import call, files, run, workplace

from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.runs.nas.read import read_search

CHIPS = (
    *("--accuracy", "chip", "--instances", 1, "--chip-images", 9, "--encoding", "plain"),
    *("--population", 2, "--num-crossbars", 120),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("chips")
    return path / "log" / "evolution", (*workplace(path), *CHIPS)


@pytest.fixture(scope="module")
def whole(place):
    folder, options = place
    status, out, err = run(*options, "--generations", 2, "--exp-id", "whole", "--workers", 2)
    assert status == 0, err
    return folder / "whole", out


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_accuracies_of_chips_stand_beside_those_of_floats(whole):
    folder, out = whole
    for name, first in (("evolute.csv", "acc"), ("evaluated.csv", "acc")):
        header = [*rows(folder / name)[0]]
        assert header[header.index(first) + 1] == "chip_accuracy"
    front = json.loads((folder / "front.json").read_text())
    assert front["accuracy"] == "chip"
    for network, line in zip(front["networks"], rows(folder / "front.csv"), strict=True):
        for key in ("validation_accuracy", "test_accuracy", "chip_accuracy", "chip_test_accuracy"):
            assert 0 <= network[key] == float(line[key]) <= 1
    assert "(accuracy on chips x speed)" in out
    assert "1 chip on average, 9 images at most, plain encoding" in out


def test_chips_decide_who_is_on_the_front(whole):
    folder, _ = whole
    fit = [row for row in rows(folder / "evaluated.csv") if row["chip_accuracy"]]
    points = {(float(row["chip_accuracy"]), float(row["speed"])) for row in fit}
    best = {p for p in points if not any(q[0] >= p[0] and q[1] >= p[1] and q != p for q in points)}
    networks = json.loads((folder / "front.json").read_text())["networks"]
    assert {(n["chip_accuracy"], n["searched"]["speed"]) for n in networks} == best


def test_a_reader_finds_both(whole):
    found = read_search(whole[0], "whole")
    assert found.evaluated.judged.tolist() == found.evaluated.chip.tolist()
    assert [n.judged for n in found.front.networks] == [n.chip for n in found.front.networks]
    page = (whole[0] / "report.html").read_text()
    assert "front, tuned, on chips" in page
    assert "on chips, test" in page


def test_one_worker_that_goes_on_with_a_search_finds_the_same_byte_for_byte(place, whole):
    folder, options = place
    options = (*options, "--exp-id", "more")
    assert call(*options, "--generations", 1, "--no-report", "--tune-effort", 0)[0] == 0
    status, _, err = run(*options, "--generations", 2, "--resume")
    assert status == 0, err
    assert files(folder / "more") == files(whole[0])


def test_other_chips_are_another_search(place, whole, capsys):
    options = map(str, (*place[1], "--generations", 3, "--exp-id", "whole", "--resume", "--instances", 2))
    assert main(["evolve", *options]) == 2
    assert (
        "found a search with --instances 1; allowed to go on is with the same options"
        in capsys.readouterr().err
    )
