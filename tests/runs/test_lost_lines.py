"""Files of a run that lost lines, or have some twice, are told by both files that disagree."""

import json
import shutil

import pytest

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.runs.nas.read import read_search
from rram_nas_comp_pack.runs.packing.read import read_run
from tests.cli.tiny_runs import call, is_one_line, make_workplace, pack
from tests.report.made_search import write_search


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    log = make_workplace(tmp_path_factory.mktemp("packed"))[0] / "log"
    assert pack(log)[0] == 0
    return log / "packing" / "t"


@pytest.fixture
def run(packed, tmp_path):
    return shutil.copytree(packed, tmp_path / "t")


@pytest.fixture
def search(tmp_path):
    """A search of three generations whose front.json tells how much there is of all."""
    folder = write_search(tmp_path / "s", 60)
    front = json.loads((folder / "front.json").read_text())
    lines = (folder / "hypervolume.csv").read_text().splitlines()[1:]
    front |= {"generations": 3, "evaluated": 62}
    front |= {"hypervolume": [float(line.split(",")[2]) for line in lines]}
    (folder / "front.json").write_text(json.dumps(front))
    return folder


def change_lines(path, change):
    lines = path.read_text().splitlines(keepends=True)
    change(lines)
    path.write_text("".join(lines))


def test_a_whole_search_is_read(search):
    assert len(read_search(search, "s").hypervolumes) == 3


LOST = {
    "the last generation": ("hypervolume.csv", lambda ls: ls.pop(), "found 2 generations"),
    "all generations": ("hypervolume.csv", lambda ls: ls.__delitem__(slice(1, None)), "found 0 generations"),
    "the last network": ("evaluated.csv", lambda ls: ls.pop(), "found 61 networks"),
    "a network": ("evaluated.csv", lambda ls: ls.pop(7), "found 61 networks"),
    "all networks": ("evaluated.csv", lambda ls: ls.__delitem__(slice(1, None)), "found 0 networks"),
}


@pytest.mark.parametrize(("name", "change", "said"), LOST.values(), ids=LOST)
def test_a_search_that_lost_lines_is_told_with_both_files(search, name, change, said):
    change_lines(search / name, change)
    for command in ("compare", "report"):
        status, out, err = call(command, search)
        assert (status, out) == (2, "")
        assert is_one_line(err)
        assert str(search / name) in err
        assert str(search / "front.json") in err
        assert said in err


def test_another_hypervolume_is_told(search):
    change_lines(search / "hypervolume.csv", lambda ls: ls.__setitem__(2, "1,40,99.5\n"))
    with pytest.raises(BadInput, match=r"hypervolume\.csv: generation 1: found hypervolume 99\.5, .*front"):
        read_search(search, "s")


@pytest.mark.parametrize("place", [1, 5, 60])
def test_a_network_that_is_there_twice_is_told(search, place):
    change_lines(search / "evaluated.csv", lambda ls: ls.__setitem__(10, ls[place if place != 10 else 9]))
    with pytest.raises(BadInput, match=r"evaluated\.csv: line .*another network than that of line"):
        read_search(search, "s")


@pytest.mark.parametrize("key", ["generations", "evaluated", "hypervolume"])
def test_an_older_front_that_does_not_tell_is_read(search, key):
    front = json.loads((search / "front.json").read_text())
    del front[key]
    (search / "front.json").write_text(json.dumps(front))
    read_search(search, "s")


@pytest.mark.parametrize("volumes", [3, None, [1, "2", 3], [1, True, 3], [1, -1, 3]])
def test_hypervolumes_of_a_front_are_numbers(search, volumes):
    front = json.loads((search / "front.json").read_text())
    (search / "front.json").write_text(json.dumps({**front, "hypervolume": volumes}))
    with pytest.raises(BadInput, match=r"hypervolume: found .*allowed is a list of numbers"):
        read_search(search, "s")


CUT = {
    "the last row": lambda ls: ls.pop(),
    "a row": lambda ls: ls.pop(2),
    "the last sample": lambda ls: ls.__delitem__(slice(-3, None)),
    "the first sample": lambda ls: ls.__delitem__(slice(1, 4)),
    "all but one row": lambda ls: ls.__delitem__(slice(2, None)),
    "all rows": lambda ls: ls.__delitem__(slice(1, None)),
    "a row twice": lambda ls: ls.insert(2, ls[1]),
    "the last row twice": lambda ls: ls.append(ls[-1]),
    "rows in another order": lambda ls: ls.__setitem__(slice(1, 3), ls[2:0:-1]),
}


@pytest.mark.parametrize("change", CUT.values(), ids=CUT)
def test_a_trace_that_is_not_whole_is_not_drawn(run, change):
    change_lines(run / "sim.log", change)
    status, out, err = call("report", run)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert str(run / "sim.log") in err


def test_a_trace_of_a_run_that_does_not_tell_its_samples_has_whole_samples(run):
    result = json.loads((run / "result.json").read_text())
    del result["options"]["sim_log_samples"]
    (run / "result.json").write_text(json.dumps(result))
    change_lines(run / "sim.log", lambda ls: ls.__delitem__(slice(-3, None)))
    assert read_run(run, "t").trace[-1].sample == 2
    change_lines(run / "sim.log", lambda ls: ls.pop())
    with pytest.raises(BadInput, match=r"found 8 rows, allowed are 9: 3 samples of 3 layers"):
        read_run(run, "t")
