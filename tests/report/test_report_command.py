"""`report`, and the report at the end of `pack`."""

import json
import shutil
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from report_runs import FILES, call, check_page, make_run, make_workplace, pack, placements
from tiny_runs import everything_in, is_one_line

from ofa.console import Terminated
from rram_nas_comp_pack.runs import publish


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run with its report; tests leave it as it is."""
    return make_run(tmp_path_factory.mktemp("report"))


@pytest.fixture
def run(done, tmp_path):
    """A copy of it."""
    shutil.copytree(done, tmp_path / "t")
    return tmp_path / "t"


def written(folder: Path) -> dict[str, bytes]:
    """The files of a report."""
    names = ["report.html", *(f"figures/{name}" for name in FILES)]
    return {name: (folder / name).read_bytes() for name in names}


def test_pack_ends_with_a_page_and_figures(done):
    assert sorted(p.name for p in (done / "figures").iterdir()) == FILES
    assert [p.name for p in done.iterdir() if p.name.startswith(".")] == []
    for path in (done / "figures").iterdir():
        if path.suffix == ".svg":
            assert ElementTree.parse(path).getroot().tag.endswith("svg")
        elif path.suffix == ".pdf":
            assert path.read_bytes().startswith(b"%PDF-")
        else:
            with Image.open(BytesIO(path.read_bytes())) as image:
                image.verify()


def test_the_page_is_sound_and_says_what_the_run_found(done):
    page = check_page((done / "report.html").read_text(encoding="utf-8"))
    result = json.loads((done / "result.json").read_text())
    titles = ("Summary", "Atlas", "Load", "Layers", "Latency", "Timeline", "Area and energy", "Coverage")
    assert all(title in page.text for title in titles)
    assert f"Crossbars {result['crossbars_used']} in use, of 128 × 128 cells" in page.text
    assert "Budget 10 crossbars" in page.text
    assert f"{result['utilization']:.1%} of the cells lie under boxes" in page.text
    assert len(page.named("dt")) == 6
    assert all(label in page.text for label in ("Conv2d_0", "Conv2d_1", "Linear_2"))
    assert "Our version of the paper's tuner" in page.text
    assert len(page.named("figure")) == 5


def test_the_page_says_how_the_run_was_made(done):
    text = (done / "report.html").read_text(encoding="utf-8")
    page = check_page(text)
    log = (done / "logs.log").read_text(encoding="utf-8")
    assert f"<time>{log.split('date = ')[1].splitlines()[0]}</time>" in text
    assert ": rram_nas_comp_pack pack " in page.text
    assert "--seed 123" in page.text
    assert "Xbar_Size Crossbar level 128, 128" in page.text
    assert str(done.parent) not in text


def test_the_coverage_is_told_by_kind_first(done):
    page = check_page((done / "report.html").read_text(encoding="utf-8"))
    rows = json.loads((done / "result.json").read_text())["coverage"]
    of_convs = [row for row in rows if row["kind"] == "Conv2d"]
    parameters = sum(row["parameters"] for row in of_convs)
    totals = page.text.partition("Totals by kind")[2].partition("Parts of the network")[0]
    assert f"Conv2d mapped {len(of_convs)} {parameters:,} " in totals


def test_the_atlas_holds_every_box(done):
    text = (done / "report.html").read_text(encoding="utf-8")
    data = text.split('id="atlas-data"><script type="application/json">')[1].split("</script>")[0]
    boxes = json.loads(data)["boxes"]
    expected = [
        [p["layer_idx"], p["crossbar_idx"], p["loc_x"], p["loc_y"], p["max_x"] - p["loc_x"],
         p["max_y"] - p["loc_y"], p["replica"], p["box"]]
        for p in placements(done)
    ]  # fmt: skip
    assert sorted(boxes) == sorted(expected)


def test_the_command_writes_the_same_bytes_again(run):
    before = written(run)
    shutil.rmtree(run / "figures")
    (run / "report.html").unlink()
    status, out, err = call("report", run)
    assert (status, err) == (0, "")
    assert str(run / "report.html") in out
    assert written(run) == before


@pytest.mark.usefixtures("undrawn")
def test_a_report_replaces_an_earlier_one(run):
    before = everything_in(run)
    (run / "figures" / "genomes_7.png").touch()
    assert call("report", run)[0] == 0
    assert everything_in(run) == before


@pytest.mark.usefixtures("undrawn")
def test_out_names_another_place(run, tmp_path):
    before = everything_in(run)
    shutil.rmtree(run / "figures")
    (run / "report.html").unlink()
    assert call("report", run, "--out", tmp_path / "deep" / "er")[0] == 0
    assert set(written(tmp_path / "deep" / "er")) == {"report.html", *(f"figures/{name}" for name in FILES)}
    assert set(everything_in(run)) == {n for n in before if "report" not in n and "figures" not in n}


@pytest.mark.usefixtures("undrawn")
def test_several_runs_have_a_folder_each(run, tmp_path):
    shutil.copytree(run, tmp_path / "u")
    assert call("report", run, tmp_path / "u", "--out", tmp_path / "out")[0] == 0
    assert written(tmp_path / "out" / "t").keys() == written(tmp_path / "out" / "u").keys()
    status, _, err = call("report", run, run, "--out", tmp_path / "out")
    assert status == 2
    assert is_one_line(err)
    assert "--out" in err


@pytest.mark.usefixtures("undrawn")
def test_without_a_report_a_run_holds_none(tmp_path):
    log = make_workplace(tmp_path)[0] / "log"
    assert pack(log, "--no-report")[0] == 0
    assert not {"t/report.html", "t/figures"} & set(everything_in(log / "packing"))
    assert call("report", log / "packing" / "t")[0] == 0
    assert {"t/report.html", "t/figures"} < set(everything_in(log / "packing"))


TROUBLES = [(ValueError("first\nsecond"), 0), (KeyboardInterrupt(), 130), (Terminated(), 143)]


@pytest.mark.parametrize(("trouble", "ended"), TROUBLES)
@pytest.mark.usefixtures("undrawn")
def test_a_run_stands_where_its_report_fails(tmp_path, monkeypatch, trouble, ended):
    def fail(*_):
        raise trouble

    monkeypatch.setattr(publish, "_fill", fail)
    log = make_workplace(tmp_path)[0] / "log"
    status, out, err = pack(log)
    assert status == ended
    assert "files: " in out
    assert is_one_line(err)
    assert "no report" in err
    assert [n for n in everything_in(log / "packing") if "report" in n or "figures" in n] == []
    assert call("verify", log / "packing" / "t")[0] == 0


# Files that are not what they must be


def cut(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def edit(key, value):
    """Set one value of result.json, deep within."""

    def change(path):
        found = json.loads(path.read_text())
        inner = found
        for name in key[:-1]:
            inner = inner[name]
        inner[key[-1]] = value
        path.write_text(json.dumps(found))

    return change


DAMAGES = {
    "no result": ("result.json", Path.unlink),
    "half a result": ("result.json", cut),
    "no layout": ("pack.csv", Path.unlink),
    "half a layout": ("pack.csv", cut),
    "no partition": ("partition.json", Path.unlink),
    "half a partition": ("partition_optimized.json", cut),
    "no trace": ("sim.log", Path.unlink),
    "half a trace": ("sim.log", lambda path: path.write_text(path.read_text()[:-30])),
    "other trace": ("sim.log", lambda path: path.write_text("sample\n")),
    "unknown layer": ("sim.log", lambda path: path.write_text(path.read_text().replace("Linear_2", "Lin_2"))),
    "time that is none": ("sim.log", lambda path: path.write_text(path.read_text().replace("0.0", "nan", 1))),
    "a list": ("result.json", lambda path: path.write_text("[]")),
    "no evaluations": ("result.json", edit(("evaluations",), None)),
    "latency below 0": ("result.json", edit(("evaluations", 0, "latency_ns"), -1)),
    "latency in words": ("result.json", edit(("evaluations", 0, "latency_ns"), "long")),
    "too few loads": ("result.json", edit(("contention", "load"), [0.5] * 99)),
    "a load above 1": ("result.json", edit(("contention", "load", 0), 2)),
    "other layers": ("result.json", edit(("contention", "layers"), [])),
    "waits for nobody": ("result.json", edit(("contention", "layers", 0, "waits_for"), [[99, 1.0]])),
    "waits in words": ("result.json", edit(("contention", "layers", 0, "waits_for"), [[0, "long"]])),
    "a share in words": ("result.json", edit(("hardware", "area_share", "adc"), "much")),
    "unknown status": ("result.json", edit(("coverage", 0, "status"), "lost")),
    "crossbars too small": ("result.json", edit(("crossbar", "rows"), 8)),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_file_is_named_in_one_line_and_the_earlier_report_stays(run, damage):
    name, change = damage
    (run / "partition_optimized.json").unlink() if name == "partition.json" else None
    before = written(run)
    change(run / name)
    status, out, err = call("report", run)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert str(run) in err
    assert written(run) == before


@pytest.mark.parametrize("place", ["none", "a file", "empty"])
def test_a_folder_that_is_no_run_is_refused(tmp_path, place):
    (tmp_path / "a file").touch()
    (tmp_path / "empty").mkdir()
    status, _, err = call("report", tmp_path / place)
    assert status == 2
    assert is_one_line(err)
    assert str(tmp_path / place) in err


def test_something_else_called_figures_is_left_alone(run):
    shutil.rmtree(run / "figures")
    (run / "figures").write_text("mine")
    status, _, err = call("report", run)
    assert status == 2
    assert is_one_line(err)
    assert (run / "figures").read_text() == "mine"
