"""Runs as pandas tables: the same figures as their files, with one vocabulary."""

import json
from pathlib import Path

import pandas as pd
import pytest

from rram_nas_comp_pack import BadInput, read_run, read_runs
from rram_nas_comp_pack.runs.packing.layers import LAYERS
from tests.cli.judged_runs import judged_nets, run_to_judge
from tests.report.made_search import write_search


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    with judged_nets(tmp_path_factory.mktemp("tables")) as place:
        yield run_to_judge(place)


def test_layers_are_those_of_the_file_and_of_the_run(packed):
    found = read_run(packed).layers
    assert list(found.columns) == list(LAYERS)
    pd.testing.assert_frame_equal(found, pd.read_csv(packed / "layers.csv", dtype={"name": str}), rtol=0)
    result = json.loads((packed / "result.json").read_text())
    assert found["copies"].tolist() == result["duplication"]["copies"]
    assert found["energy_nj"].sum() == pytest.approx(result["hardware"]["energy_nj"])
    assert found["area_share"].sum() == pytest.approx(1)
    assert found["cells"].sum() == result["hardware"]["occupied"]["count"]
    assert found["name"].tolist() == ["0", "3", "5"]
    assert found["kind"].tolist() == ["Conv2d", "Conv2d", "Linear"]


def test_boxes_schedule_and_latencies_speak_of_the_same_layers(packed):
    found = read_run(packed)
    layers = found.layers.set_index("layer")
    count = found.boxes.groupby("layer").size()
    assert (count == layers["boxes"] * layers["copies"]).all()
    assert (found.boxes["name"] == found.boxes["layer"].map(layers["name"])).all()
    assert found.schedule["layer"].tolist() == [0, 1, 2] * 4
    assert (packed / "schedule.csv").read_bytes() == (packed / "sim.log").read_bytes()
    told = found.latencies.set_index("samples").loc[8]
    assert told["speed"] == told["baseline_latency_ns"] / told["latency_ns"]
    assert found.front.empty
    assert repr(found).startswith("RunTables(layers 3 x 17, boxes ")


def test_networks_of_a_search(tmp_path):
    folder = tmp_path / "search"
    write_search(folder, count=20)
    found = read_run(folder)
    front = json.loads((folder / "front.json").read_text())["networks"]
    assert found.front["accuracy"].tolist() == [n["validation_accuracy"] for n in front]
    assert {"accuracy", "speed", "crossbars"} <= {*found.evaluated.columns}
    assert found.layers.empty


def test_several_runs_have_a_column_more(packed):
    pattern = str(packed.parent / "*")
    found = read_runs(pattern)
    assert list(found.layers.columns) == ["run", *LAYERS]
    assert set(found.layers["run"]) == {str(packed)}
    both = read_runs([packed, Path(packed)])
    assert len(both.layers) == len(found.layers)


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(BadInput, match="is no run"):
        read_run(tmp_path)
    with pytest.raises(BadInput, match=r"found no run, allowed is a pattern such as"):
        read_runs(tmp_path / "*")
