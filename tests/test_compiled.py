"""What compiling from Python gives is what the command line does: values, a table, files and a drawing."""

import json
import re
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import pandas as pd
import pytest

from rram_nas_comp_pack import (
    BadInput,
    CompileOptions,
    Effort,
    NoFit,
    PackingSettings,
    Tuning,
    compile_network,
    load_hardware,
    load_network,
    read_run,
)
from rram_nas_comp_pack.runs.packing.written_options import written_options
from tests.cli.tiny_runs import ROOT, call, everything_in, make_workplace, pack

PLAIN = CompileOptions(budget=10, goal=PackingSettings(budget=10, effort=20))
COPIED = replace(PLAIN, tuning=Tuning(effort=Effort(samples=8, steps=0)))


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """Two runs of the command line."""
    log = make_workplace(tmp_path_factory.mktemp("compiled"))[0] / "log"
    assert pack(log, "--num-crossbars", 10)[0] == 0
    assert pack(log, "--num-crossbars", 10, "--duplicate", "--tune-effort", 0, exp_id="copied")[0] == 0
    return log


@pytest.fixture(scope="module")
def network(log):
    sys.path.insert(0, str(log.parent))
    try:
        return load_network("tiny_nets:net", (3, 8, 8))
    finally:
        sys.path.remove(str(log.parent))


@pytest.fixture(scope="module")
def compiled(network):
    return compile_network(network, load_hardware(), COPIED)


def timeless(folder):
    """result.json but for times and options, and the other files that do not tell where a run was made."""
    result = json.loads((folder / "result.json").read_text())
    files = {n: (folder / n).read_bytes() for n in ("pack.csv", "sim.log", "layers.csv", "partition.json")}
    return {k: v for k, v in result.items() if k not in ("options", "timing_s")} | files


@pytest.mark.parametrize(("name", "options"), [("t", PLAIN), ("copied", COPIED)])
@pytest.mark.usefixtures("undrawn")
def test_what_is_saved_is_what_the_command_line_writes(log, network, tmp_path, name, options):
    config, theirs = log.parent / "quiet.ini", log / "packing" / name
    found = compile_network(network, load_hardware(config), options)
    assert found.save(tmp_path / name, config) == tmp_path / name
    assert timeless(tmp_path / name) == timeless(theirs)
    theirs_too = {"report.html", *(f for f in everything_in(tmp_path / name) if f.startswith("figures"))}
    assert set(everything_in(tmp_path / name)) == {*everything_in(theirs), *theirs_too}
    told = json.loads((theirs / "result.json").read_text())["options"]
    mine = json.loads(json.dumps(written_options(network, options, str(config))))
    assert mine == {name: told[name] for name in mine}


@pytest.mark.usefixtures("undrawn")
def test_a_saved_run_is_one_for_every_command(compiled, tmp_path):
    run = compiled.save(tmp_path / "mine")
    assert call("verify", run)[0] == 0
    assert call("simulate", run, "--num-sample", 3)[0] == 0
    assert call("report", run)[0] == 0
    page = (run / "report.html").read_text()
    assert "CompiledNetwork.save" in page
    again = replace(compiled, options=PLAIN).save(run)
    assert again == run


def test_a_file_of_other_hardware_is_refused_and_nothing_is_written(compiled, tmp_path):
    other = tmp_path / "other.ini"
    text = (ROOT / "SimConfig.ini").read_text()
    other.write_text(re.sub(r"(?m)^Read_Latency.*$", "Read_Latency = 7", text))
    with pytest.raises(BadInput, match=r"other\.ini"):
        compiled.save(tmp_path / "mine", other)
    assert everything_in(tmp_path) == ["other.ini"]


@pytest.mark.usefixtures("undrawn")
def test_the_table_is_that_of_a_run(compiled, tmp_path):
    table = compiled.to_frame()
    pd.testing.assert_frame_equal(table, read_run(compiled.save(tmp_path / "mine")).layers)
    assert table["copies"].tolist() == [m.copies for m in compiled.mappings]


def test_a_layout_is_drawn_with_every_box_where_it_lies(compiled):
    drawn = ET.fromstring(compiled.layout._repr_html_())
    boxes = [e for e in drawn if len(e)]
    placements = compiled.packing.placements
    assert len(boxes) == len(placements)
    assert len(drawn) - 1 - len(boxes) == compiled.crossbars
    sizes = [(float(e.get("width")), float(e.get("height"))) for e in boxes]
    assert sizes == [(p.max_x - p.loc_x, p.max_y - p.loc_y) for p in placements]
    assert "Conv2d_0 (0): " in boxes[0][0].text or "Conv2d_1 (1): " in boxes[0][0].text
    assert compiled.layout._repr_html_() in compiled._repr_html_()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("samples", (0,)),
        ("samples", (1, -1)),
        ("schedule", "foo"),
        ("depthwise", "foo"),
        ("depth_split", 0),
        ("budget", 82.5),
        ("budget", -1),
        ("budget", "82"),
        ("duplicate", "yes"),
        ("traced_samples", 0),
        ("watched_samples", None),
        ("diagonal_rows", -1),
    ],
)
def test_an_option_that_makes_no_sense_is_named(name, value):
    shown = value if name != "samples" else value[-1]
    with pytest.raises(BadInput, match=f"^{name}: found {re.escape(repr(shown))}, allowed "):
        CompileOptions(**{name: value})


def test_what_is_no_network_or_hardware_is_told(network):
    with pytest.raises(BadInput, match=r"^network: found 'squeezenet', allowed is what load_network"):
        compile_network("squeezenet", load_hardware())
    with pytest.raises(BadInput, match=r"^hardware: found 'SimConfig\.ini', allowed is what load_hardware"):
        compile_network(network, "SimConfig.ini")


def test_it_is_shown_in_a_line(compiled, network):
    shown = repr(compiled)
    assert shown.startswith("CompiledNetwork('")
    assert len(shown) < 120
    assert isinstance(compile_network(network, load_hardware(), CompileOptions(budget=1)), NoFit)
