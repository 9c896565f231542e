"""`compare`: runs side by side, for people and for programs."""

import csv
import io
import json
import re
import shutil
import subprocess
import sys

import pytest

from rram_nas_comp_pack.report.compare.run import Compared
from rram_nas_comp_pack.report.compare.table import FIELDS, OWN_SPEED, as_csv, markdown, rows
from tests.cli.tiny_runs import ROOT, call, everything_in, is_one_line, make_workplace, pack, strict_json
from tests.report.made_search import write_search


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Two packing runs and two searches."""
    folder = tmp_path_factory.mktemp("made")
    log = make_workplace(folder)[0] / "log"
    assert pack(log, "--no-report", exp_id="plain")[0] == 0
    copied = ("--no-report", "--num-crossbars", 10, "--duplicate", "--tune-effort", 0, "--seed", 7)
    assert pack(log, *copied, exp_id="copied")[0] == 0
    write_search(log / "evolution" / "short", 40, seed=5)
    write_search(log / "evolution" / "long", 200, method="random")
    return log


@pytest.fixture
def runs(made):
    return [made / "packing" / name for name in ("plain", "copied")]


@pytest.fixture
def searches(made):
    return [made / "evolution" / name for name in ("short", "long")]


def table(text):
    """Label -> values of a Markdown table."""
    lines = [[cell.strip(" *") for cell in line.strip("| \n").split(" | ")] for line in text.splitlines()]
    return {"": lines[0], **{line[0]: line[1:] for line in lines[2:]}}


def records(text):
    return list(csv.DictReader(io.StringIO(text)))


# Packing runs


def test_packing_runs_stand_side_by_side_a_column_each(runs):
    status, out, err = call("compare", *runs)
    assert (status, err) == (0, "")
    found = table(out)
    assert found[""] == ["plain", "copied"]
    for row in (
        *("model", "budget, crossbars", "crossbars used", "lower bound", "gap", "utilization"),
        *("cells with weights", "duplication", "copies", "energy of an inference, mJ", "area, mm²"),
        *("time without compiling kernels, s", "seed"),
        *(f"{name} of {n}" for n in ("1 sample", "8 samples", "512 samples") for name in ("speed",)),
    ):
        assert len(found[row]) == 2
    assert found["seed"] == ["123", "7"]
    assert found["duplication"][0] == "none"


def test_columns_are_padded_so_that_the_table_reads_as_plain_text(runs):
    lines = call("compare", *runs)[1].splitlines()
    assert len({len(line) for line in lines}) == 1


def test_the_options_that_differ_are_rows_and_no_others(runs):
    found = table(call("compare", *runs)[1])
    assert found["--duplicate"] == ["False", "True"]
    assert {name for name in found if name.startswith("--")} == {
        *("--duplicate", "--tune-effort", "--depthwise-mapping"),
    }


def test_csv_holds_a_line_a_run_with_the_numbers_of_its_result(runs):
    found = records(call("compare", *runs, "--format", "csv")[1])
    assert [r["run"] for r in found] == ["plain", "copied"]
    for record, folder in zip(found, runs, strict=True):
        result = strict_json((folder / "result.json").read_text())
        assert float(record["utilization"]) == result["utilization"]
        assert float(record["energy_nj"]) == result["hardware"]["energy_nj"]
        assert int(record["copies"]) == sum(result["duplication"]["copies"])
        for e in result["evaluations"]:
            if e["num_sample"] in (1, 8, 512):
                assert float(record[f"latency_{e['num_sample']}_ns"]) == e["latency_ns"]
                speed = e["baseline_latency_ns"] / e["latency_ns"]
                assert float(record[f"speed_{e['num_sample']}"]) == speed


def test_the_best_values_of_a_row_are_bold_where_they_differ():
    values = [{"speed": 2.0, "copies": 1, "energy_nj": 5.0}, {"speed": 3.0, "copies": 2, "energy_nj": 5.0}]
    compared = [Compared(str(i), "packing", v, {}) for i, v in enumerate(values)]
    found = {row.field.key: row.best for row in rows(compared)}
    assert found == {"speed": {1}, "copies": set(), "energy_nj": set()}
    assert "**3.00**" in markdown(compared)


# Searches, and both


def test_searches_stand_side_by_side(searches):
    found = table(call("compare", *searches)[1])
    assert found["method"] == ["nsga2", "random"]
    assert found["networks evaluated"] == ["42", "202"]
    assert found["generations"] == ["2", "10"]
    assert found["seed"] == ["5", "1"]
    assert {
        *(
            "hypervolume",
            "networks of the front",
            "speed of the fastest network",
            "best accuracy, validation",
        ),
        *("test accuracy of that network", "median speed of all", "median accuracy of all"),
    } <= found.keys()
    front = json.loads((searches[0] / "front.json").read_text())["networks"]
    assert found["speed of the fastest network"][0] == f"{max(n['tuned']['speed'] for n in front):.2f}"
    assert "model" not in found


def test_of_both_kinds_all_rows_remain_with_empty_cells(runs, searches):
    found = table(call("compare", runs[0], searches[0])[1])
    assert found["kind"] == ["packing", "search"]
    of_search = {"crossbars used", "utilization", "energy of an inference, mJ", "area, mm²"}
    assert found.keys() >= {*table(call("compare", runs[0])[1])} - of_search
    assert found.keys() >= {f"{name} (of a search: of its fastest network)" for name in of_search}
    assert found["model"][1] == found["hypervolume"][0] == found["lower bound"][1] == "-"
    speed = f"{OWN_SPEED} (of a search: of its fastest network) (over different baselines)"
    assert speed in found
    record = records(call("compare", runs[0], searches[0], "--format", "csv")[1])
    assert record[0]["hypervolume"] == record[1]["model"] == ""
    assert "option_tune_effort" not in record[0]  # only one of the kinds has it, and only one value


def test_what_runs_are_of_is_told(runs, searches):
    found = table(call("compare", *runs)[1])
    assert found["crossbar size"] == ["128 x 128"] * 2
    assert found["input size"] == ["3 x 8 x 8"] * 2
    digest = strict_json((runs[0] / "result.json").read_text())["simconfig"]["sha256"]
    assert found["hardware (hash of SimConfig.ini's values)"] == [digest[:12]] * 2
    found = table(call("compare", *searches)[1])  # of version 0.1.0, which did not tell
    assert found["input size"] == ["3 x 64 x 64"] * 2
    assert found["hardware (hash of SimConfig.ini's values)"] == found["crossbar size"] == ["-"] * 2


def test_a_speed_over_different_baselines_is_marked_and_none_is_best(made, runs):
    config = made.parent / "quiet.ini"
    other = made.parent / "other.ini"
    other.write_text(config.read_text().replace("ADC_Choice = 2", "ADC_Choice = 3"))
    assert pack(made, "--config", other, exp_id="other")[0] == 0
    out = call("compare", runs[0], made / "packing" / "other")[1]
    found = table(out)
    assert len(set(found["hardware (hash of SimConfig.ini's values)"])) == 2
    assert "speed of 8 samples" not in found
    assert "**" not in next(line for line in out.splitlines() if "speed of 8 samples (over diff" in line)
    assert len(set(found["baseline of 8 samples, ms"])) == 2
    first = records(call("compare", runs[0], made / "packing" / "other", "--format", "csv")[1])[0]
    said = {e["num_sample"]: e for e in strict_json((runs[0] / "result.json").read_text())["evaluations"]}
    assert float(first["baseline_8_ns"]) == said[8]["baseline_latency_ns"]
    assert not any("baseline" in name for name in table(call("compare", *runs)[1]))


def test_what_an_onnx_file_of_version_0_1_was_asked_for_is_not_claimed(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "old")
    result = strict_json((run / "result.json").read_text())
    for key in ("inputs", "simconfig"):
        del result[key]
    (run / "result.json").write_text(json.dumps(result))
    assert table(call("compare", run)[1])["input size"] == ["3 x 8 x 8"]
    result["options"]["model"] = "net.onnx"
    (run / "result.json").write_text(json.dumps(result))
    assert table(call("compare", run)[1])["input size"] == ["-"]


def test_names_of_several_inputs_are_told(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "two")
    result = strict_json((run / "result.json").read_text())
    result["inputs"] = [{"name": "a", "size": [1, 3, 8]}, {"name": "b", "size": [1]}]
    (run / "result.json").write_text(json.dumps(result))
    assert table(call("compare", run)[1])["input size"] == ["a 3 x 8, b 1"]


def test_every_quantity_has_a_column_name_of_its_own():
    assert len({field.key for field in FIELDS}) == len(FIELDS)


def compared(*values, kind="packing"):
    return [Compared(str(i), kind, v, {}) for i, v in enumerate(values)]


def test_the_speed_of_a_runs_own_samples_is_there_once(runs, made):
    assert OWN_SPEED not in table(call("compare", *runs)[1])
    assert "speed" in records(call("compare", *runs, "--format", "csv")[1])[0]
    assert pack(made, "--num-sample", 3, exp_id="three")[0] == 0
    found = table(call("compare", runs[0], made / "packing" / "three")[1])
    assert found[OWN_SPEED][0] == found["speed of 8 samples"][0]


def test_compiling_kernels_is_no_part_of_the_time(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / "slow")
    result = strict_json((run / "result.json").read_text())
    result["timing_s"] |= {"compiling": 25.0, "total": 26.5}
    (run / "result.json").write_text(json.dumps(result))
    assert table(call("compare", run)[1])["time without compiling kernels, s"] == ["1.50"]
    del result["timing_s"]["compiling"]
    (run / "result.json").write_text(json.dumps(result))
    assert table(call("compare", run)[1])["time without compiling kernels, s"] == ["26.50"]
    result["timing_s"]["compiling"] = 27.0
    (run / "result.json").write_text(json.dumps(result))
    status, _, err = call("compare", run)
    assert status == 2
    assert "compiling: found 27.0, allowed is a number from 0 to the total, 26.5" in err


@pytest.mark.parametrize("key", ["utilization", "weight_utilization"])
def test_utilization_is_best_among_runs_of_one_network_only(key):
    def best(runs):
        return next(row.best for row in rows(runs) if row.field.key == key)

    assert best(compared({"model": "a", key: 0.5}, {"model": "a", key: 0.6})) == {1}
    assert best(compared({"model": "a", key: 0.5}, {"model": "b", key: 0.6})) == set()
    assert best(compared({key: 0.5}, {key: 0.6}, kind="search")) == set()


def test_figures_of_a_search_are_said_to_be_those_of_its_fastest_network(searches):
    found = table(call("compare", *searches)[1])
    for name in ("crossbars", "utilization", "speed", "energy"):
        assert any(label.startswith(f"{name} of the fastest network") for label in found)


ODD = "a\x1b[31mb\x07\u202ec"


def test_what_cannot_be_printed_is_spelt_out(runs, tmp_path):
    run = shutil.copytree(runs[0], tmp_path / ODD)
    result = strict_json((run / "result.json").read_text())
    result["model"] = result["options"]["packer"] = ODD
    result["options"][ODD] = 1
    (run / "result.json").write_text(json.dumps(result))
    for kind in ("markdown", "csv", "html"):
        out = call("compare", runs[0], run, "--format", kind)[1]
        assert not {"\x1b", "\x07", "\u202e"} & {*out}
        assert out.count("a\\x1b[31mb\\x07\\u202ec") >= 3
    odd = compared({"model": ODD}, {"model": "a\u3000b"})
    assert "\x1b" not in as_csv(odd) + markdown(odd)
    assert "a\u3000b" in as_csv(odd)


def test_an_error_does_nothing_to_the_terminal(tmp_path):
    status, _, err = call("compare", tmp_path / ODD)
    assert status == 2
    assert is_one_line(err)
    assert "\x1b" not in err
    assert "a\\x1b[31mb\\x07\\u202ec" in err
    (tmp_path / ODD).mkdir()
    assert "\x1b" not in call("verify", tmp_path / ODD)[2]


# Where it goes


def test_the_name_of_out_tells_the_format_unless_an_option_does(runs, tmp_path):
    for name, begins in (("t.csv", "run,"), ("t.html", "<!doctype html>"), ("t.md", "|"), ("t", "|")):
        assert call("compare", *runs, "--out", tmp_path / name)[:2] == (0, f"files: {tmp_path / name}\n")
        assert (tmp_path / name).read_text().startswith(begins)
    assert call("compare", *runs, "--out", tmp_path / "t.md", "--format", "csv")[0] == 0
    assert (tmp_path / "t.md").read_text().startswith("run,")
    assert everything_in(tmp_path) == ["t", "t.csv", "t.html", "t.md"]


def test_a_file_that_cannot_be_written_is_told_in_one_line(runs, tmp_path):
    (tmp_path / "folder").mkdir()
    for out in (tmp_path / "absent" / "t.csv", tmp_path / "folder"):
        status, text, err = call("compare", *runs, "--out", out)
        assert (status, text) == (2, "")
        assert is_one_line(err)
        assert "--out" in err
    assert everything_in(tmp_path) == ["folder"]


def test_names_of_runs_are_told_apart_and_cannot_break_the_table(made, tmp_path):
    twin = shutil.copytree(made / "packing" / "plain", tmp_path / "plain")
    odd = shutil.copytree(made / "packing" / "plain", tmp_path / "a|b <i>")
    out = call("compare", made / "packing" / "plain", twin, odd)[1]
    assert str(twin) in out
    assert "a\\|b <i>" in out
    page = call("compare", twin, odd, "--format", "html")[1]
    assert "a|b &lt;i&gt;" in page
    assert "<i>" not in page


# Folders that hold no sound run


def test_a_folder_that_is_missing_or_holds_no_run_is_told_in_one_line(runs, tmp_path):
    for folder in (tmp_path / "absent", tmp_path):
        status, out, err = call("compare", *runs, folder)
        assert (status, out) == (2, "")
        assert is_one_line(err)
        assert str(folder) in err


DAMAGED = {
    "cut off": lambda text: text[: len(text) // 2],
    "a list": lambda text: "[]",
    "no latencies": lambda text: text.replace('"evaluations"', '"others"'),
    "no energy": lambda text: text.replace('"hardware"', '"software"'),
    "text for a number": lambda text: text.replace('"lower_bound": ', '"lower_bound": "many", "x": '),
    "text for a share": lambda text: text.replace('"utilization": ', '"utilization": "full", "x": '),
    "latency 0": lambda text: text.replace('"latency_ns": ', '"latency_ns": 0, "x": '),
    "a margin of text": lambda text: text.replace('"margin": null', '"margin": "wide"'),
}


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_result_is_told_in_one_line(runs, tmp_path, change):
    run = shutil.copytree(runs[0], tmp_path / "run")
    (run / "result.json").write_text(change((run / "result.json").read_text()))
    status, out, err = call("compare", *runs, run)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert "result.json" in err


def test_help_and_bad_options_load_nothing_heavy():
    code = """
import sys
from rram_nas_comp_pack.cli.main import main

for command in ("compare", "report"):
    try:
        main([command, "--help"])
    except SystemExit:
        assert main([command]) == 2
print(sorted({"torch", "numba", "numpy", "matplotlib", "plotly"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_bad_options_are_told_in_one_line():
    for argv in (("compare",), ("compare", "x", "--format", "pdf")):
        status, out, err = call(*argv)
        assert (status, out) == (2, "")
        assert is_one_line(err)


def test_the_page_shows_what_differs_first_and_draws_what_has_a_best_run(runs):
    page = call("compare", *runs, "--format", "html")[1]
    differing, same = page.partition("The same in all runs")[::2]
    assert 'scope="row">--duplicate</th>' in differing
    assert 'scope="row">model</th>' in same
    assert 'scope="row">model</th>' not in differing
    bars = re.findall(r"<figcaption>(.*?) <small>.*?</figcaption>(.*?)</figure>", page)
    widths = {label: [float(w) for w in re.findall(r"width: ([\d.]+)%", html)] for label, html in bars}
    values = list(csv.DictReader(io.StringIO(call("compare", *runs, "--format", "csv")[1])))
    areas = [float(row["area_um2"]) for row in values]
    assert widths["area, mm²"] == [pytest.approx(100 * area / max(areas), abs=0.05) for area in areas]


def test_a_long_text_is_shortened_for_people_only():
    long = "torchvision:" + "x" * 50 + "_end"
    runs = [Compared(name, "packing", {"model": long}, {}) for name in "ab"]
    assert f"torchvision:{'x' * 9} … {'x' * 10}_end" in markdown(runs)
    assert long in as_csv(runs)
