"""Runs of earlier versions lack what later ones write, and are read all the same."""

import json

import pytest

from rram_nas_comp_pack.runs.nas.read import read_search
from rram_nas_comp_pack.runs.packing.read import read_run
from tests.cli.tiny_runs import call, make_workplace, pack
from tests.report.made_search import write_search


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    log = make_workplace(tmp_path_factory.mktemp("packed"))[0] / "log"
    assert pack(log)[0] == 0
    return log / "packing" / "t"


def test_the_share_of_weights_is_counted_where_a_result_lacks_it(packed):
    new = read_run(packed, "t").weight_utilization
    result = json.loads((packed / "result.json").read_text())
    del result["weight_utilization"], result["version"]
    (packed / "result.json").write_text(json.dumps(result))
    assert read_run(packed, "t").weight_utilization == pytest.approx(new)
    assert [call(command, packed)[0] for command in ("verify", "compare", "report")] == [0, 0, 0]


def test_options_come_from_the_front_and_for_older_searches_from_the_log(tmp_path):
    run = write_search(tmp_path / "s", 10, seed=7, objectives=("acc", "speed"))
    logged = read_search(run, "s").options
    assert (logged["seed"], logged["objectives"]) == ("7", "acc,speed")
    front = json.loads((run / "front.json").read_text())
    options = {
        "seed": 8,
        "config": "b.ini",
        "objectives": ["acc", "speed"],
        "tune_effort": None,
        "workers": 2,
    }
    (run / "front.json").write_text(json.dumps({**front, "options": options}))
    (run / "logs.log").unlink()
    assert read_search(run, "s").options == {
        **{"seed": "8", "config": "b.ini", "objectives": "acc,speed", "tune_effort": "None"}
    }
