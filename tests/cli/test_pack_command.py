"""`pack`: network to layout and latency, and the formats of its files (spec section 7)."""

import json

import pytest
from tiny_runs import (
    GOLDEN,
    ROOT,
    call,
    everything_in,
    is_one_line,
    make_workplace,
    pack,
    read_rows,
    strict_json,
)

FILES = [
    *("SimConfig.ini", "layers.csv", "logs.log", "pack.csv", "partition.json", "result.json", "schedule.csv"),
    "sim.log",
]
LAYER_KEYS = ["idx", "name", "multiply", "positions", "groups", "box_raw", "boxes", "child_boxes"]
RESULT_KEYS = {
    *("model", "layers", "boxes", "crossbars_used", "crossbars_budget", "lower_bound", "proved_optimal"),
    *("utilization", "duplication", "evaluations", "hardware", "timing_s", "options", "version"),
}
EVALUATION_KEYS = {"num_sample", "latency_ns", "ideal_latency_ns", "baseline_latency_ns"}


@pytest.fixture
def log(tmp_path):
    return make_workplace(tmp_path)[0] / "log"


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(status, stdout, stderr, folder) of one run of the tiny network on ten crossbars."""
    log = make_workplace(tmp_path_factory.mktemp("done"))[0] / "log"
    return *pack(log, "--num-crossbars", 10), log / "packing" / "t"


@pytest.fixture(scope="module")
def result(done):
    return strict_json((done[3] / "result.json").read_text())


def test_a_run_writes_its_files_and_says_nothing_on_standard_error(done):
    status, out, err, folder = done
    assert (status, err) == (0, "")
    assert sorted(p.name for p in folder.iterdir()) == FILES
    assert everything_in(folder.parent) == ["t", *(f"t/{name}" for name in FILES)]
    assert str(folder) in out


def test_partition_json_lists_the_layers_with_their_boxes(done):
    entries = strict_json((done[3] / "partition.json").read_text())
    assert [list(e) for e in entries] == [LAYER_KEYS, [*LAYER_KEYS, "mapping"], LAYER_KEYS]
    assert entries[1]["mapping"] == "dense"
    assert [e["idx"] for e in entries] == ["Conv2d_0", "Conv2d_1", "Linear_2"]
    assert [e["name"] for e in entries] == ["0", "1", "3"]
    assert [(e["positions"], e["groups"], e["multiply"]) for e in entries] == [
        (16, 1, 1),
        (4, 16, 1),
        (1, 1, 1),
    ]
    assert entries[1]["box_raw"] == {"h": 9, "w": 16, "cycle": 64}
    assert entries[2]["boxes"] == [{"h": 64, "w": 128, "cycle": 1}, {"h": 64, "w": 72, "cycle": 1}]
    assert all(e["child_boxes"] == [e["boxes"]] * e["multiply"] for e in entries)


def test_pack_csv_places_every_box_of_every_replica(done):
    text = (done[3] / "pack.csv").read_bytes()
    assert text.startswith(b"layer_idx,crossbar_idx,loc_x,loc_y,max_x,max_y,replica,box\n")
    assert b"\r" not in text
    entries = json.loads((done[3] / "partition.json").read_text())
    keys = []
    for row in read_rows(done[3] / "pack.csv")[1:]:
        layer, _, loc_x, loc_y, max_x, max_y, replica, box = map(int, row)
        placed = entries[layer]["child_boxes"][replica][box]
        assert (max_x - loc_x, max_y - loc_y) == (placed["w"], placed["h"])
        keys.append((layer, replica, box))
    assert keys == [(0, 0, 0), (1, 0, 0), (2, 0, 0), (2, 0, 1)]


def test_result_json_holds_what_other_programs_read(done, result):
    assert result.keys() >= RESULT_KEYS
    assert (result["model"], result["layers"], result["boxes"]) == ("tiny_nets:net", 3, 4)
    crossbars = {int(row[1]) for row in read_rows(done[3] / "pack.csv")[1:]}
    assert result["crossbars_used"] == len(crossbars)
    assert crossbars == set(range(len(crossbars)))
    assert result["crossbars_budget"] == 10
    assert result["lower_bound"] <= result["crossbars_used"]
    assert result["proved_optimal"] == (result["lower_bound"] == result["crossbars_used"])
    cells = 27 * 16 + 9 * 16 + 64 * 200
    assert result["utilization"] == pytest.approx(cells / (len(crossbars) * 128 * 128))
    assert result["duplication"]["copies"] == [1, 1, 1]


def test_result_json_evaluates_powers_of_two_up_to_512(result):
    assert [e["num_sample"] for e in result["evaluations"]] == [2**k for k in range(10)]
    assert all(e.keys() == EVALUATION_KEYS for e in result["evaluations"])


def test_timing_covers_every_stage_and_adds_up(result):
    timing = dict(result["timing_s"])
    total = timing.pop("total")
    assert timing.keys() == {"compiling", "partition", "duplication", "packing", "evaluation"}
    assert total == pytest.approx(sum(timing.values()))


def test_the_hardware_entry_says_area_energy_and_power(result):
    hardware = result["hardware"]
    assert {"area_um2", "energy_nj", "average_power_w"} <= hardware.keys()
    assert hardware["average_power_w"] == pytest.approx(
        hardware["energy_nj"] / result["evaluations"][0]["latency_ns"]
    )


def test_the_options_are_kept_as_given(result):
    options = result["options"]
    assert (options["exp_id"], options["seed"], options["layer_threshold"]) == ("t", 123, 1)
    assert (options["xbar_max_load"], options["num_crossbars"], options["pack_effort"]) == (6, 10, 20)


def test_sim_log_traces_every_layer_of_the_first_samples(done):
    header, *rows = read_rows(done[3] / "sim.log")
    assert header[:2] == ["sample", "layer"]
    names = ["Conv2d_0", "Conv2d_1", "Linear_2"]
    assert [row[:2] for row in rows] == [[str(s), name] for s in range(4) for name in names]
    for asked, start, finish, busy, waited in (map(float, row[2:7]) for row in rows):
        assert asked <= start < finish
        assert finish == pytest.approx(asked + busy + waited)
    used = {row[0]: set() for row in read_rows(done[3] / "pack.csv")[1:]}
    for row in read_rows(done[3] / "pack.csv")[1:]:
        used[row[0]].add(row[1])
    assert all(set(row[7].split()) == used[row[1].rpartition("_")[2]] for row in rows)


def test_logs_log_has_the_sections_of_the_readme(done, result):
    text = (done[3] / "logs.log").read_text()
    for line in (
        "exp_id = t",
        "num_crossbars = 10",
        "boxes = 4",
        f"crossbars used = {result['crossbars_used']}",
    ):
        assert f"\n{line}\n" in text
    for word in ("leftover", "utilization", "ideal/packed", "baseline/packed", "[timing, s]", "[coverage]"):
        assert word in text


def test_verbose_copies_the_log_to_standard_error(log):
    status, _, err = pack(log, "--verbose")
    assert status == 0
    assert err == (log / "packing" / "t" / "logs.log").read_text()


def test_the_same_seed_writes_the_same_layout_and_schedule(log, done):
    pack(log)
    for name in ("partition.json", "pack.csv", "sim.log"):
        assert (log / "packing" / "t" / name).read_bytes() == (done[3] / name).read_bytes()


def test_a_module_that_runs_twice_is_stored_once(log):
    assert pack(log, model="tiny_nets:twice")[0] == 0
    first, between, again = json.loads((log / "packing" / "t" / "partition.json").read_text())
    assert "stored_in" not in first
    assert "stored_in" not in between
    assert again["stored_in"] == 0
    assert [row[0] for row in read_rows(log / "packing" / "t" / "pack.csv")[1:]] == ["0", "1"]
    assert call("verify", log / "packing" / "t", "--config", log.parent / "quiet.ini")[0] == 0


def test_what_does_not_fit_says_what_would_and_leaves_nothing(log):
    status, out, err = pack(log, "--num-crossbars", 2, "--input-size", "2,8,8", model="tiny_nets:full")
    assert (status, out) == (1, "")
    assert is_one_line(err)
    assert "--num-crossbars 2" in err
    assert "at least 3" in err
    assert "packing with 3 was found" in err
    assert everything_in(log) == ["packing"]


def test_find_solution_takes_as_many_as_needed_whatever_the_budget(log):
    status, _, _ = pack(
        *(log, "--num-crossbars", 1, "--find-solution", "--input-size", "2,8,8"), model="tiny_nets:full"
    )
    found = json.loads((log / "packing" / "t" / "result.json").read_text())
    assert (status, found["crossbars_used"], found["proved_optimal"]) == (0, 3, True)
    assert found["crossbars_budget"] is None


def test_options_of_earlier_scripts_are_accepted_and_ignored(log):
    legacy = ("--log-pack", "--device", "cuda:0", "--no-cuda", "--no-fine-tune", "-r")
    status, _, err = pack(
        log, *legacy, "--coef-acc", "1", "--coef-latency", "-0.5", "--seed", "123", "--verbose"
    )
    assert status == 0
    assert "coef" not in err.partition("[run]")[0]


def test_the_folder_is_the_id_exactly_as_given(log):
    assert pack(log, exp_id="My run, 1 (dsf=5) é")[0] == 0
    assert [p.name for p in (log / "packing").iterdir()] == ["My run, 1 (dsf=5) é"]


def test_log_and_configuration_are_those_of_the_current_folder_by_default(log, monkeypatch):
    monkeypatch.chdir(log.parent)
    (log.parent / "SimConfig.ini").write_text((log.parent / "quiet.ini").read_text())
    argv = ("--exp-id", "here", "--model", "tiny_nets:net", "--input-size", "3,8,8", "--packer", "fast")
    argv += ("--no-report",)
    assert call("pack", *argv)[0] == 0
    assert sorted(p.name for p in (log / "packing" / "here").iterdir()) == FILES


def test_crossbars_are_as_large_as_the_configuration_says(log):
    config = log.parent / "quiet.ini"
    text = config.read_text().replace("Xbar_Size = 128, 128", "Xbar_Size = 32, 16")
    config.write_text(
        text.replace("Subarray_Size = 128", "Subarray_Size = 32").replace("_Num = 128", "_Num = 16")
    )
    status, _, _ = pack(log, "--find-solution")
    assert status == 0
    rows = read_rows(log / "packing" / "t" / "pack.csv")[1:]
    assert max(int(row[4]) for row in rows) == 16
    assert max(int(row[5]) for row in rows) <= 32
    assert call("verify", log / "packing" / "t", "--config", config)[0] == 0


def test_modules_that_cannot_be_mapped_are_listed_and_with_strict_refused(log):
    status, _, err = pack(log, model="tiny_nets:bilinear")
    assert status == 0
    assert "unsupported" in err
    assert "both" in err
    status, _, err = pack(log, "--strict", model="tiny_nets:bilinear", exp_id="strict")
    assert status == 2
    assert is_one_line(err)
    assert "both" in err
    assert not (log / "packing" / "strict").exists()


def test_the_published_network_goes_through_the_whole_command(tmp_path):
    """mbv3_small as test_packing.sh packs it, with the fast packer."""
    argv = (
        *("--model", "mbv3_small", "--depth-split-factor", 5, "--num-crossbars", 20, "--layer-threshold", 1),
        *("--find-solution", "--log-pack", "--seed", 123, "--verbose", "--packer", "fast", "--no-report"),
        *("--exp-id", "whole", "--log-dir", tmp_path, "--config", ROOT / "SimConfig.ini"),
    )
    assert call("pack", *argv)[0] == 0
    folder = tmp_path / "packing" / "whole"
    found = strict_json((folder / "result.json").read_text())
    assert (found["layers"], found["boxes"]) == (63, 249)
    assert 103 <= found["lower_bound"] <= found["crossbars_used"] <= 111
    golden = json.loads((GOLDEN / "partition_mbv3_small_dsf5.json").read_text())["boxes"]
    boxes = [
        (int(entry["idx"].rpartition("_")[2]), box["h"], box["w"], box["cycle"])
        for entry in json.loads((folder / "partition.json").read_text())
        for box in entry["boxes"]
    ]
    assert boxes == [(b["layer"], b["h"], b["w"], b["cycle"]) for b in golden]
    published = json.loads((GOLDEN / "sim_mbv3_small.json").read_text())["evaluations"]
    baseline = json.loads((GOLDEN / "isaac_like.json").read_text())["mbv3_small_dsf1"]["evaluations"]
    for e, wanted, base in zip(found["evaluations"], published, baseline, strict=True):
        assert e["ideal_latency_ns"] == pytest.approx(wanted["ideal_latency"], rel=1e-9)
        assert e["baseline_latency_ns"] == pytest.approx(base["latency"], rel=1e-9)
    assert call("verify", folder)[0] == 0
    status, out, _ = call("simulate", folder, "--num-sample", 1, 512, "--config", ROOT / "SimConfig.ini")
    assert status == 0
    again = {e["num_sample"]: e for e in map(strict_json, out.splitlines())}
    for e in found["evaluations"]:
        if e["num_sample"] in again:
            assert again[e["num_sample"]].items() <= e.items()


def test_a_trace_is_written_where_it_is_asked_for(log):
    status, _, err = pack(log, "--trace", "--sim-log-samples", 3)
    assert (status, err) == (0, "")
    folder = log / "packing" / "t"
    document = strict_json((folder / "trace.json").read_text())
    ended = [float(row[4]) for row in read_rows(folder / "sim.log")[1:]]
    reads = [e for e in document["traceEvents"] if e["ph"] == "X" and e["cat"] == "read"]
    assert max(e["ts"] + e["dur"] for e in reads) * 1e3 == pytest.approx(max(ended), rel=1e-12)
    assert {e["args"]["sample"] for e in reads} == {0, 1, 2}


def test_a_run_by_rows_says_so_and_can_be_simulated_by_each_schedule(log):
    """Its graph is a file of its own; a run by layers has neither that file nor any word of it."""
    status, out, err = pack(log, "--schedule", "row", "--trace")
    assert (status, err) == (0, "")
    folder = log / "packing" / "t"
    found = strict_json((folder / "result.json").read_text())
    first = found["evaluations"][0]["latency_ns"]
    assert found["schedule"] == found["options"]["schedule"] == "row"
    assert found["bounds"]["critical_path_ns"] <= first * (1 + 1e-12)
    buffers = found["buffers"]
    assert (max(buffers["bytes"]), sum(buffers["bytes"])) == (buffers["largest_bytes"], buffers["sum_bytes"])
    assert len(buffers["rows"]) == found["layers"]
    assert "buffers: " in out
    assert "no schedule of this layout takes less" in out
    assert call("verify", folder)[0] == 0
    assert strict_json(call("simulate", folder, "--num-sample", 1)[1])["latency_ns"] == first
    by_layers = call("simulate", folder, "--num-sample", 1, "--schedule", "layer")[1]
    assert first <= strict_json(by_layers)["latency_ns"]
    graph = folder / "graph.json"
    content = strict_json(graph.read_text())
    content["layers"][1]["reads"][0]["last"][-1] = 9999
    graph.write_text(json.dumps(content))
    status, _, err = call("simulate", folder, "--num-sample", 1)
    assert status == 2
    assert "graph.json" in err
    assert "last" in err
    assert pack(log)[0] == 0
    assert "schedule" not in (folder / "result.json").read_text()
    status, _, err = call("simulate", folder, "--num-sample", 1, "--schedule", "branch")
    assert status == 2
    assert "has no graph.json" in err


def test_a_run_that_charges_what_moves_shows_its_share(log, tmp_path):
    """Verified and simulated as it was made; a run without it has no word of it."""
    assert pack(log)[0] == 0
    folder = log / "packing" / "t"
    assert "movement" not in (folder / "result.json").read_text()
    free = strict_json(call("simulate", folder, "--num-sample", 1)[1])["latency_ns"]
    charged = strict_json(call("simulate", folder, "--num-sample", 1, "--data-movement")[1])["latency_ns"]
    status, out, err = pack(log, "--data-movement")
    assert (status, err) == (0, "")
    found = strict_json((folder / "result.json").read_text())
    said, latency = found["data_movement"], found["evaluations"][0]["latency_ns"]
    assert free < latency == charged
    assert 1 - said["reads_ns"] / latency == pytest.approx(said["share"])
    assert f"data movement: {said['share']:.1%} of the layers' time" in out
    assert f"{said['share']:.1%} of the layers" in (folder / "logs.log").read_text()
    assert call("verify", folder)[0] == 0
    assert strict_json(call("simulate", folder, "--num-sample", 1)[1])["latency_ns"] == latency
    said["moves_ns"] *= 2
    (folder / "result.json").write_text(json.dumps(found))
    status, out, _ = call("verify", folder)
    assert status == 1
    assert "data_movement, moves_ns" in out
    config = tmp_path / "slow.ini"
    config.write_text((ROOT / "SimConfig.ini").read_text().replace("Bandwidth = 20", "Bandwidth = 0"))
    status, _, err = pack(log, "--data-movement", "--config", config)
    assert status == 2
    said = "--data-movement: [Tile level] Inter_Tile_Bandwidth: found '0'; allowed: a number > 0 [Gb/s]\n"
    assert err.partition(": ")[2] == said


def test_a_run_with_leakage_shows_its_share_of_the_energy(log):
    assert pack(log)[0] == 0
    folder = log / "packing" / "t"
    without = strict_json((folder / "result.json").read_text())
    assert "leakage" not in {**without["options"], **without["hardware"]["energy_share"]}
    status, out, err = pack(log, "--leakage")
    assert (status, err) == (0, "")
    found = strict_json((folder / "result.json").read_text())
    share = found["hardware"]["energy_share"]["leakage"]
    assert found["hardware"]["energy_nj"] * (1 - share) == pytest.approx(without["hardware"]["energy_nj"])
    assert f"({share:.1%} of it leakage)" in out
    assert call("verify", folder)[0] == 0
