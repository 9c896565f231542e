"""`simulate` and `verify`: a run judged from its files alone, sound ones and tampered ones."""

import json
import shutil
import tracemalloc
from pathlib import Path

import pytest
from tiny_runs import (
    GOLDEN,
    ROOT,
    call,
    is_one_line,
    make_workplace,
    pack,
    read_rows,
    strict_json,
    write_rows,
)

HEADER = ["layer_idx", "crossbar_idx", "loc_x", "loc_y", "max_x", "max_y", "replica", "box"]
CONFIG = ROOT / "SimConfig.ini"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Sound runs: of the tiny network (t) and of one whose first layer runs twice (twice)."""
    log = make_workplace(tmp_path_factory.mktemp("made"))[0] / "log"
    assert pack(log, "--num-crossbars", 10)[0] == 0
    assert pack(log, model="tiny_nets:twice", exp_id="twice")[0] == 0
    return log


@pytest.fixture
def run(made, tmp_path):
    """A copy of the tiny network's run, free to be tampered with."""
    return Path(shutil.copytree(made / "packing" / "t", tmp_path / "t"))


@pytest.fixture
def twice(made, tmp_path):
    return Path(shutil.copytree(made / "packing" / "twice", tmp_path / "twice"))


def judged(run, command, *options):
    """A command on a run; one that does not hold its hardware is given it."""
    return call(command, run, *options, *(() if (run / "result.json").exists() else ("--config", CONFIG)))


def verify(run):
    return judged(run, "verify")


def simulate(run, *samples):
    return judged(run, "simulate", "--num-sample", *samples)


def change_json(path, change):
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value))


def change_rows(run, change):
    rows = [[int(x) for x in row] for row in read_rows(run / "pack.csv")[1:]]
    change(rows)
    write_rows(run / "pack.csv", [HEADER, *rows])


# Sound runs


def test_a_sound_layout_is_told_so(run):
    status, out, err = verify(run)
    assert (status, err) == (0, "")
    assert "no violation" in out
    assert is_one_line(out)


def test_simulate_prints_a_json_object_a_line_with_the_latencies_of_the_run(run):
    status, out, _ = simulate(run, 1, 8, 512)
    found = [strict_json(line) for line in out.splitlines()]
    assert status == 0
    assert [list(e) for e in found] == [["num_sample", "latency_ns", "ideal_latency_ns"]] * 3
    wanted = {e["num_sample"]: e for e in json.loads((run / "result.json").read_text())["evaluations"]}
    assert all(e.items() <= wanted[e["num_sample"]].items() for e in found)
    assert [e["num_sample"] for e in found] == [1, 8, 512]


def test_simulate_and_verify_need_the_partition_and_the_layout_only(run):
    for name in ("result.json", "logs.log", "sim.log"):
        (run / name).unlink()
    assert simulate(run, 2)[0] == 0
    assert verify(run)[0] == 0


def duplicated(run):
    """The run with two copies of layer 0, the second on a crossbar of its own."""

    def double(entries):
        entries[0]["multiply"] = 2
        entries[0]["child_boxes"] *= 2

    shutil.copy(run / "partition.json", run / "partition_optimized.json")
    change_json(run / "partition_optimized.json", double)
    change_rows(run, lambda rows: rows.append([0, 9, 0, 0, 16, 27, 1, 0]))
    (run / "result.json").unlink()


def test_the_partition_after_duplication_is_the_one_that_counts(run):
    before = strict_json(simulate(run, 1)[1])
    duplicated(run)
    assert verify(run)[0] == 0
    after = strict_json(simulate(run, 1)[1])
    saved = before["ideal_latency_ns"] - after["ideal_latency_ns"]
    assert saved == pytest.approx(8 * 152.77319048, rel=1e-9)  # 16 positions on two copies


def test_a_copy_that_is_not_placed_is_a_violation(run):
    duplicated(run)
    change_rows(run, lambda rows: rows.pop())
    assert verify(run)[:2] == (1, "layer 0 replica 1 box 0 is not placed\n")


@pytest.mark.parametrize("model", ["mbv3_small", "squeezenet"])
def test_the_published_layouts_written_as_a_run_simulate_to_the_published_latencies(tmp_path, model):
    golden = json.loads((GOLDEN / f"sim_{model}.json").read_text())
    shapes = json.loads((GOLDEN / f"layers_{model}.json").read_text())["layers"]
    entries, rows = [], []
    for layer, shape in zip(golden["layers"], shapes, strict=True):
        mine = [b for b in golden["boxes"] if b["layer"] == layer["idx"]]
        boxes = [{key: b[key] for key in ("h", "w", "cycle")} for b in mine]
        raw = {"h": shape["raw_h"], "w": shape["raw_w"], "cycle": layer["raw_cycle"]}
        entries.append(
            {
                **{"idx": f"{layer['cls']}_{layer['idx']}", "name": "x", "multiply": 1},
                **{"positions": layer["positions"], "groups": layer["groups"], "box_raw": raw},
                **{"boxes": boxes, "child_boxes": [boxes]},
            }
        )
        rows += [
            [layer["idx"], b["xbar"], b["x"], b["y"], b["x"] + b["w"], b["y"] + b["h"], 0, k]
            for k, b in enumerate(mine)
        ]
    (tmp_path / "partition.json").write_text(json.dumps(entries))
    write_rows(tmp_path / "pack.csv", [HEADER, *rows])
    assert call("verify", tmp_path, "--config", CONFIG)[0] == 0
    status, out, _ = simulate(tmp_path, *(e["num_sample"] for e in golden["evaluations"]))
    assert status == 0
    for line, wanted in zip(out.splitlines(), golden["evaluations"], strict=True):
        found = strict_json(line)
        assert found["latency_ns"] == pytest.approx(wanted["latency"], rel=1e-9)
        assert found["ideal_latency_ns"] == pytest.approx(wanted["ideal_latency"], rel=1e-9)


# Layouts tampered with. Rows are layer, crossbar, loc_x, loc_y, max_x, max_y, replica, box; the boxes are
# 27 x 16 (layer 0), 9 x 16 (layer 1), 64 x 128 and 64 x 72 (layer 2), rows x columns.


def move(row, x, y):
    row[2], row[3], row[4], row[5] = x, y, x + row[4] - row[2], y + row[5] - row[3]


def beside(rows):
    """Layers 0 and 1 side by side on a crossbar of their own."""
    rows[0][1] = rows[1][1] = 7
    move(rows[0], 0, 0)
    move(rows[1], 16, 0)


def overlap(rows):
    rows[0][1] = rows[2][1]
    move(rows[0], *rows[2][2:4])


TAMPERED = {
    "moved out": (lambda rows: move(rows[0], 120, 0), "outside"),
    "moved up": (lambda rows: move(rows[0], 0, -1), "outside"),
    "overlap": (overlap, "overlaps"),
    "missing": (lambda rows: rows.pop(1), "layer 1 replica 0 box 0 is not placed"),
    "nothing left": (lambda rows: rows.clear(), "layer 0 replica 0 box 0 is not placed"),
    "duplicated": (lambda rows: rows.append(rows[0]), "placed 2 times"),
    "narrower": (lambda rows: rows[0].__setitem__(4, rows[0][4] - 1), "expected 16 x 27"),
    "rotated": (lambda rows: rows[0].__setitem__(slice(1, 6), [7, 0, 0, 27, 16]), "expected 16 x 27"),
    "inside out": (lambda rows: rows[0].__setitem__(slice(1, 6), [7, 16, 27, 0, 0]), "outside"),
    "neighbours": (beside, "must be more than 1 apart"),
    "beyond the budget": (lambda rows: rows[1].__setitem__(1, 10), "allowed is 0 to 9"),
    "below zero": (lambda rows: rows[1].__setitem__(1, -1), "crossbar -1"),
    "unknown layer": (lambda rows: rows[0].__setitem__(0, 5), "does not exist"),
    "unknown replica": (lambda rows: rows[0].__setitem__(6, 1), "does not exist"),
    "unknown box": (lambda rows: rows[3].__setitem__(7, 2), "does not exist"),
    "negative box": (lambda rows: rows[3].__setitem__(7, -1), "does not exist"),
}


@pytest.mark.parametrize(("change", "said"), TAMPERED.values(), ids=TAMPERED)
def test_every_violation_is_said_on_a_line_of_its_own(run, change, said):
    change_rows(run, change)
    status, out, err = verify(run)
    assert (status, err) == (1, "")
    assert any(said in line for line in out.splitlines())
    assert "no violation" not in out


@pytest.mark.parametrize("kind", [k for k in TAMPERED if k not in ("neighbours", "beyond the budget")])
def test_a_layout_that_cannot_be_built_is_not_simulated(run, kind):
    change_rows(run, TAMPERED[kind][0])
    status, out, err = simulate(run, 1)
    assert (status, out) == (1, "")
    assert is_one_line(err)


def test_more_boxes_than_allowed_in_one_crossbar_are_a_violation(run):
    change_json(run / "result.json", lambda r: r["options"].update(xbar_max_load=1))
    status, out, _ = verify(run)
    assert status == 1
    assert "the limit is 1" in out


def test_two_violations_take_two_lines(run):
    def change(rows):
        move(rows[0], 120, 0)
        rows.pop(1)

    change_rows(run, change)
    out = verify(run)[1].splitlines()
    assert sum("is not placed" in line for line in out) == 1
    assert sum("outside" in line for line in out) == 1


CLAIMS = {"crossbars_used": 99, "boxes": 99, "layers": 99, "utilization": 0.25}


@pytest.mark.parametrize("key", CLAIMS)
def test_a_result_that_says_something_else_is_a_violation(run, key):
    change_json(run / "result.json", lambda r: r.update({key: CLAIMS[key]}))
    status, out, _ = verify(run)
    assert status == 1
    assert key in out


def test_the_share_of_weights_is_judged_where_a_result_tells_it(run):
    """A result without it is sound too. Here all cells under boxes hold weights."""
    truth = json.loads((run / "result.json").read_text())["utilization"]
    change_json(run / "result.json", lambda r: r.update(weight_utilization=truth))
    assert verify(run)[0] == 0
    change_json(run / "result.json", lambda r: r.update(weight_utilization=0.25))
    status, out, _ = verify(run)
    assert status == 1
    assert "weight_utilization 0.25" in out
    change_json(run / "result.json", lambda r: r.pop("weight_utilization"))
    assert verify(run)[0] == 0


def test_weights_that_lie_in_no_box_are_a_violation(run):
    """The last box of layer 2 vanishes from partition and layout alike: its raw box tells."""

    def drop(entries):
        entries[2]["boxes"].pop()
        entries[2]["child_boxes"][0].pop()

    change_json(run / "partition.json", drop)
    change_rows(run, lambda rows: rows.pop())
    (run / "result.json").unlink()
    assert verify(run)[0] != 0


# Files that do not hold what they must: exit 2, one line.


def assert_bad(found, *said):
    status, out, err = found
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert all(text in err for text in said)


BROKEN_ROWS = {
    "text": ["0", "one", "0", "0", "16", "27", "0", "0"],
    "fraction": ["0", "0", "0.5", "0", "16", "27", "0", "0"],
    "nan": ["0", "nan", "0", "0", "16", "27", "0", "0"],
    "blank": ["0", "", "0", "0", "16", "27", "0", "0"],
    "other digits": ["0", "٣", "0", "0", "16", "27", "0", "0"],
    "endless": ["0", "9" * 5000, "0", "0", "16", "27", "0", "0"],
    "short": ["0", "0", "0", "0", "16", "27", "0"],
    "long": ["0", "0", "0", "0", "16", "27", "0", "0", "0"],
    "far too long": ["0", "1" * 200_000, "0", "0", "16", "27", "0", "0"],
}


@pytest.mark.parametrize("judge", [verify, lambda run: simulate(run, 1)], ids=["verify", "simulate"])
@pytest.mark.parametrize("row", BROKEN_ROWS.values(), ids=BROKEN_ROWS)
def test_a_broken_row_is_named_by_its_line(run, row, judge):
    rows = read_rows(run / "pack.csv")
    write_rows(run / "pack.csv", [rows[0], row, *rows[2:]])
    assert_bad(judge(run), "pack.csv", "line 2")


@pytest.mark.parametrize("text", ["", "a,b\n", ",".join(HEADER[:6]) + "\n"])
def test_another_header_is_refused(run, text):
    (run / "pack.csv").write_text(text)
    assert_bad(verify(run), "pack.csv", "header")


@pytest.mark.parametrize("name", ["partition.json", "result.json"])
@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_not_a_number_in_a_json_file_is_refused(run, name, number):
    text = (run / name).read_text()
    (run / name).write_text(text.replace(": 1,", f": {number},", 1).replace(": true", f": {number}", 1))
    assert number in (run / name).read_text()
    assert_bad(verify(run), name, number)


@pytest.mark.parametrize("name", ["partition.json", "result.json"])
@pytest.mark.parametrize(
    "cut", [lambda text: text[: len(text) // 2], lambda _: "", lambda _: "[" * 100_000, lambda _: "\ufeff{}"]
)
def test_a_truncated_json_file_is_refused(run, name, cut):
    (run / name).write_text(cut((run / name).read_text()))
    assert_bad(verify(run), name)


@pytest.mark.parametrize("name", ["partition.json", "pack.csv", "result.json"])
def test_a_file_that_is_not_text_is_refused(run, name):
    (run / name).write_bytes(b"\xff\xfe\x00")
    assert_bad(verify(run), name, "UTF-8")


@pytest.mark.parametrize("name", ["partition.json", "pack.csv"])
def test_a_missing_file_is_named(run, name):
    (run / name).unlink()
    assert_bad(verify(run), name)
    assert_bad(simulate(run, 1), name)


def test_a_missing_run_is_named(tmp_path):
    assert_bad(call("verify", tmp_path / "absent"), "absent")
    assert_bad(simulate(tmp_path / "absent", 1), "absent")


LAYER_CHANGES = {
    "an object": lambda es: es.clear(),
    "no idx": lambda es: es[0].pop("idx"),
    "another idx": lambda es: es[0].update(idx="Conv2d_1"),
    "text for a number": lambda es: es[0].update(multiply="1"),
    "true for a number": lambda es: es[0].update(multiply=True),
    "fraction": lambda es: es[0].update(positions=1.5),
    "zero": lambda es: es[0]["boxes"][0].update(h=0),
    "no boxes": lambda es: es[0].update(boxes=[], child_boxes=[[]]),
    "other replica": lambda es: es[0].update(child_boxes=[[{"h": 1, "w": 1, "cycle": 1}]]),
    "too few replicas": lambda es: es[0].update(multiply=2),
    "layer that is no object": lambda es: es.__setitem__(0, 3),
    "later store": lambda es: es[0].update(stored_in=1),
}


@pytest.mark.parametrize("change", LAYER_CHANGES.values(), ids=LAYER_CHANGES)
def test_a_broken_layer_is_refused(run, change):
    change_json(run / "partition.json", change)
    assert_bad(verify(run), "partition.json")
    assert_bad(simulate(run, 1), "partition.json")


# A layer that runs again reads the boxes of its store: where the files say otherwise, the
# compiled event loop would read past its arrays (so these are judged by `verify`, which does not run it).
REUSE_CHANGES = {
    "more copies than its store": lambda es: es[2].update(multiply=2, child_boxes=es[2]["child_boxes"] * 2),
    "other boxes than its store": lambda es: es[2].update(
        boxes=[{"h": 4, "w": 8, "cycle": 1}] * 2, child_boxes=[[{"h": 4, "w": 8, "cycle": 1}] * 2]
    ),
    "a store that stores nothing": lambda es: (es[1].update(stored_in=0), es[2].update(stored_in=1)),
}


@pytest.mark.parametrize("change", REUSE_CHANGES.values(), ids=REUSE_CHANGES)
def test_a_layer_that_runs_again_must_agree_with_its_store(twice, change):
    change_json(twice / "partition.json", change)
    if change is REUSE_CHANGES["a store that stores nothing"]:
        change_rows(twice, lambda rows: rows.pop())
        (twice / "result.json").unlink()
    status, out, err = verify(twice)
    assert status in (1, 2)
    assert is_one_line(out + err)


RESULT_CHANGES = {
    "a list": lambda r: [],
    "no options": lambda r: {k: v for k, v in r.items() if k != "options"},
    "text for rows": lambda r: {**r, "crossbar": {"rows": "128", "columns": 128}},
    "text for a flag": lambda r: {**r, "options": {**r["options"], "find_solution": "no"}},
    "text for a share": lambda r: {**r, "weight_utilization": "half"},
    "a share for a count": lambda r: {**r, "boxes": 0.25},
}


@pytest.mark.parametrize("change", RESULT_CHANGES.values(), ids=RESULT_CHANGES)
def test_a_broken_result_is_refused(run, change):
    (run / "result.json").write_text(json.dumps(change(json.loads((run / "result.json").read_text()))))
    assert_bad(verify(run), "result.json")


def test_memory_depends_on_the_crossbars_used_not_on_their_numbers(run):
    """A stray number like 999999999 must not take gigabytes."""
    change_rows(run, lambda rows: rows[0].__setitem__(1, 3_000_000))
    simulate(run, 1)
    tracemalloc.start()
    try:
        assert simulate(run, 1)[0] == 0
        assert tracemalloc.get_traced_memory()[1] < 30e6
    finally:
        tracemalloc.stop()


# Figures that are false: what the files alone allow is computed once more.


def change_at(path, value):
    """A change of what lies under a path of keys."""

    def change(result):
        *outer, last = path
        for key in outer:
            result = result[key]
        result[last] = value(result[last]) if callable(value) else value

    return change


FALSE = {
    "the latency": (("evaluations", 3, "latency_ns"), 1.0, "evaluations, 8 samples, latency_ns 1.0, found "),
    "a latency a little off": (("evaluations", 0, "latency_ns"), lambda ns: ns * (1 + 1e-8), "1 sample,"),
    "the ideal": (("evaluations", 9, "ideal_latency_ns"), 2.0, "512 samples, ideal_latency_ns 2.0, found "),
    "the baseline": (("evaluations", 2, "baseline_latency_ns"), 3.0, "4 samples, baseline_latency_ns 3.0"),
    "a bound too high": (("lower_bound",), 99, "lower_bound 99, found "),
    "a bound too low": (("lower_bound",), 0, "lower_bound 0, found at least "),
    "the gap": (("gap",), 7, "gap 7, found "),
    "the proof": (("proved_optimal",), lambda told: not told, "proved_optimal "),
    "the area": (("hardware", "area_um2"), 5, "hardware, area_um2 5, found "),
    "a share": (("hardware", "area_share"), lambda s: {**s, "adc": 0.5}, "hardware, area_share, adc 0.5"),
    "the energy": (("hardware", "energy_nj"), 5.5, "hardware, energy_nj 5.5, found "),
    "the power": (("hardware", "average_power_w"), 5.5, "hardware, average_power_w 5.5, found "),
    "physical crossbars": (("hardware", "physical_crossbars"), 1, "hardware, physical_crossbars 1, found "),
    "the roofline": (("contention", "roofline_ns"), 1.5, "contention, roofline_ns 1.5, found "),
    "the load": (("contention", "load", 0), 0.999, "contention, load, entry 0 0.999, found "),
    "busy time": (("contention", "layers", 1, "busy_ns"), 4.5, "layers, entry 1, busy_ns 4.5, found "),
}


@pytest.mark.parametrize(("path", "value", "said"), FALSE.values(), ids=FALSE)
def test_a_false_figure_is_a_violation(run, path, value, said):
    assert verify(run)[0] == 0
    change_json(run / "result.json", change_at(path, value))
    status, out, err = verify(run)
    assert (status, err) == (1, "")
    assert any(line.startswith("result.json says ") and said in line for line in out.splitlines())


def test_figures_of_a_run_with_copies_and_of_a_layer_that_runs_twice_are_true(twice, tmp_path):
    log = make_workplace(tmp_path)[0] / "log"
    assert pack(log, "--num-crossbars", 10, "--duplicate", "--tune-effort", 20)[0] == 0
    for folder in (twice, log / "packing" / "t"):
        assert verify(folder)[::2] == (0, "")
    change_json(log / "packing" / "t" / "result.json", lambda r: r["duplication"].update(latency_ns=1.0))
    assert "duplication, latency_ns 1.0, found " in verify(log / "packing" / "t")[1]


def test_rounding_of_times_is_no_violation(run):
    for key in ("busy_ns", "idle_ns", "waited_ns"):
        path = "contention", "layers", 0, key
        change_json(run / "result.json", change_at(path, lambda ns: ns + 1.7e-10))
    assert verify(run)[0] == 0


def test_with_config_the_layout_alone_is_judged(run):
    change_json(run / "result.json", change_at(("evaluations", 3, "latency_ns"), 1.0))
    assert call("verify", run, "--config", CONFIG)[0] == 0


def test_figures_of_unknown_hardware_are_told_and_not_judged(run):
    change_json(run / "result.json", change_at(("evaluations", 3, "latency_ns"), 1.0))
    change_json(run / "result.json", lambda r: r.pop("simconfig"))
    status, _, err = verify(run)
    assert status == 0
    used, differs = err.splitlines()
    assert "does not hold its hardware" in used
    assert "says evaluations, 8 samples, latency_ns 1.0, found " in differs


def test_a_huge_number_of_samples_is_not_simulated(run):
    change_json(run / "result.json", change_at(("evaluations", 3, "num_sample"), 2**31 - 1))
    assert verify(run)[0] == 0


def test_a_layout_of_unknown_hardware_that_is_invalid_is_told_beside_the_hardware_used(run):
    change_json(run / "result.json", lambda r: r.pop("simconfig"))
    change_rows(run, overlap)
    status, out, err = simulate(run, 1)
    used, wrong = err.splitlines()
    assert (status, out) == (1, "")
    assert "does not hold its hardware" in used
    assert "the layout is invalid" in wrong


GROUPED = """
from torch import nn


def net():
    \"\"\"A layer of groups of several rows, cut along rows, that looks depthwise; and one that is.\"\"\"
    return nn.Sequential(nn.Conv2d(64, 4, 3, groups=4), nn.Conv2d(4, 8, 3, groups=4))
"""


def test_figures_of_layers_that_only_look_depthwise_are_true(tmp_path):
    """The baseline of a layer of several inputs a group is cut otherwise than that of a depthwise one."""
    log = make_workplace(tmp_path)[0] / "log"
    (tmp_path / "grouped_nets.py").write_text(GROUPED)
    assert pack(log, "--input-size", "64,8,8", model="grouped_nets:net")[0] == 0
    assert verify(log / "packing" / "t")[::2] == (0, "")


def test_a_partition_before_duplication_that_is_none_is_refused(run):
    shutil.copy(run / "partition.json", run / "partition_optimized.json")
    (run / "partition.json").write_text("null")
    assert_bad(verify(run), "partition.json")
