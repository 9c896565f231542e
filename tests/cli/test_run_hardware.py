"""`simulate`, `verify` and `compare` use the hardware that a run was made with, wherever it lies."""

import json
import shutil

import pytest
from tiny_runs import call, is_one_line, make_workplace, pack, strict_json

SAMPLES = (1, 8, 512)
SMALL = {
    "Xbar_Size = 128, 128": "Xbar_Size = 64, 64",
    "Subarray_Size = 128": "Subarray_Size = 64",
    "Num = 128": "Num = 64",
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A run by another ADC (adc), and one on smaller crossbars (small); with their configurations."""
    log = make_workplace(tmp_path_factory.mktemp("made"))[0] / "log"
    text = (log.parent / "quiet.ini").read_text()
    (log.parent / "adc.ini").write_text(text.replace("ADC_Choice = 2", "ADC_Choice = 3"))
    for old, new in SMALL.items():
        text = text.replace(old, new)
    (log.parent / "small.ini").write_text(text)
    for name in ("adc", "small"):
        assert pack(log, "--config", log.parent / f"{name}.ini", exp_id=name)[0] == 0
    return log.parent


@pytest.fixture(params=["adc", "small"])
def run(request, made, tmp_path, monkeypatch):
    """A run sent by mail, opened where the shipped hardware is at hand."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(made / "quiet.ini", "SimConfig.ini")
    return shutil.copytree(made / "log" / "packing" / request.param, tmp_path / request.param)


def change_result(run, change):
    result = strict_json((run / "result.json").read_text())
    change(result)
    (run / "result.json").write_text(json.dumps(result))


def latencies(run):
    """By its own result, and by `simulate`."""
    status, out, err = call("simulate", run, "--num-sample", *SAMPLES)
    assert status == 0
    said = {
        e["num_sample"]: e["latency_ns"]
        for e in strict_json((run / "result.json").read_text())["evaluations"]
    }
    return [said[n] for n in SAMPLES], [strict_json(line)["latency_ns"] for line in out.splitlines()], err


@pytest.mark.parametrize("copy", ["there", "gone"])
def test_a_run_holds_its_hardware(run, copy):
    if copy == "gone":
        (run / "SimConfig.ini").unlink()
    said, found, err = latencies(run)
    assert (found, err) == (said, "")
    assert call("verify", run)[::2] == (0, "")
    assert call("compare", run)[::2] == (0, "")


@pytest.mark.parametrize("damage", ["ADC_Choice = 5", "ADC_Choice = many"])
def test_a_changed_copy_does_not_count_and_is_told_in_one_line(run, damage):
    copy = run / "SimConfig.ini"
    lines = copy.read_text().splitlines()
    copy.write_text("\n".join(damage if line.startswith("ADC_Choice") else line for line in lines))
    said, found, err = latencies(run)
    assert found == said
    for told in (err, call("verify", run)[2], call("compare", run)[2]):
        assert is_one_line(told)
        assert str(copy) in told


def test_a_copy_with_other_comments_is_no_other_hardware(run):
    copy = run / "SimConfig.ini"
    copy.write_text("; mine\n" + copy.read_text())
    assert latencies(run)[2] == call("verify", run)[2] == ""


def test_config_overrides_the_hardware_of_a_run_and_says_so(made):
    run, config = made / "log" / "packing" / "adc", made / "quiet.ini"
    status, out, err = call("simulate", run, "--num-sample", 1, "--config", config)
    assert status == 0
    assert is_one_line(err)
    assert err.startswith(f"warning: --config: {config} is used, not the hardware of")
    assert strict_json(out)["latency_ns"] != latencies(run)[0][0]
    status, out, err = call("verify", run, "--config", made / "small.ini")
    assert status == 1
    assert "outside" in out
    assert is_one_line(err)
    assert is_one_line(call("simulate", run, "--num-sample", 1, "--config", made / "small.ini")[2])
    err = call("simulate", run, "--num-sample", 1, "--config", made / "adc.ini")[2]
    assert err == f"warning: --config: {made / 'adc.ini'} is used, the hardware that {run} was made with\n"


def test_single_values_replace_those_of_the_run_or_of_config(made):
    run = made / "log" / "packing" / "adc"
    own = latencies(run)[0][0]
    status, out, err = call("simulate", run, "--num-sample", 1, "--set", "adc_choice=2")
    assert (status, err) == (0, f"warning: --set: the hardware of {run} is used with other values\n")
    quiet = call("simulate", run, "--num-sample", 1, "--config", made / "quiet.ini")
    assert strict_json(out) == strict_json(quiet[1])
    assert strict_json(out)["latency_ns"] != own
    both = ("--config", made / "quiet.ini", "--set", "ADC_Choice=3")
    status, out, err = call("simulate", run, "--num-sample", 1, *both)
    assert status == 0
    assert f"{made / 'quiet.ini'} with --set is used" in err
    assert strict_json(out)["latency_ns"] == own


def test_a_size_of_crossbars_brings_along_what_goes_with_it_if_asked(made):
    run = made / "log" / "packing" / "adc"
    size = ("--num-sample", 1, "--set", "Xbar_Size=256,256")
    status, _, err = call("simulate", run, *size)
    assert status == 0
    assert "Xbar_Size is set without what goes with it; --set-consistent also sets Subarray_Size=" in err
    status, _, err = call("simulate", run, *size, "--set-consistent")
    assert (status, err) == (0, f"warning: --set: the hardware of {run} is used with other values\n")
    smaller = ("--num-sample", 1, "--set", "Xbar_Size=64,64", "--set-consistent")
    status, _, err = call("simulate", run, *smaller)
    assert status == 1
    assert "the layout is invalid on the hardware of --set" in err
    status, _, err = call("simulate", run, "--num-sample", 1, "--set-consistent")
    assert (status, is_one_line(err)) == (2, True)


def test_a_layout_is_verified_on_whole_hardware_only(made):
    status, _, err = call("verify", made / "log" / "packing" / "adc", "--set", "ADC_Choice=2")
    assert status == 2
    assert "unrecognized arguments: --set" in err


def as_of_version_0_1(run):
    (run / "SimConfig.ini").unlink()
    change_result(run, lambda r: [r.pop(key) for key in ("simconfig", "inputs")])


def test_a_run_of_version_0_1_says_which_hardware_is_used_and_where_it_cannot_be(run):
    as_of_version_0_1(run)
    told = call("verify", run)[::2]
    status, out, err = call("simulate", run, "--num-sample", 1)
    if run.name == "small":
        assert told == (0, "")
        assert (status, out) == (2, "")
        assert is_one_line(err)
        assert "found crossbars of 64 x 64, the hardware at hand has 128 x 128" in err
    else:
        assert told[0] == 0
        assert told[1].splitlines()[0] == err.splitlines()[0]
        assert told[1].splitlines()[1].endswith("it was made with another hardware or layout")
        used, differs = err.splitlines()
        assert (
            used
            == f"warning: {run} does not hold its hardware: SimConfig.ini is used; --config chooses another"
        )
        assert "ns for 1 sample: it was made with another hardware or layout" in differs


def test_a_run_of_version_0_1_with_its_hardware_gives_its_figures(made, run):
    as_of_version_0_1(run)
    status, out, err = call("simulate", run, "--num-sample", 1, "--config", made / f"{run.name}.ini")
    assert status == 0
    assert is_one_line(err)
    assert (
        strict_json(out)["latency_ns"]
        == strict_json((run / "result.json").read_text())["evaluations"][0]["latency_ns"]
    )


def test_a_configuration_in_the_folder_of_a_run_that_holds_none_is_taken(made, run):
    as_of_version_0_1(run)
    shutil.copy(made / f"{run.name}.ini", run / "SimConfig.ini")
    said, found, err = latencies(run)
    assert found == said
    assert f"{run / 'SimConfig.ini'} is used" in err


def test_a_run_of_another_program_says_which_hardware_is_used(run):
    (run / "result.json").unlink()
    (run / "SimConfig.ini").unlink()
    for argv in (("verify", run), ("simulate", run, "--num-sample", 1)):
        status, _, err = call(*argv)
        assert status == 0
        assert (
            err
            == f"warning: {run} does not hold its hardware: SimConfig.ini is used; --config chooses another\n"
        )


BROKEN = {
    "changed by hand": lambda c: c["values"]["Interface level"].update(ADC_Choice="7"),
    "no values": lambda c: c.update(values={}),
    "a number": lambda c: c["values"]["Interface level"].update(ADC_Choice=2),
    "a list": lambda c: c.update(values=[]),
    "no hash": lambda c: c.pop("sha256"),
    "other crossbars": lambda c: c["values"]["Crossbar level"].update(Xbar_Size="32, 32", Subarray_Size="32"),
}


@pytest.mark.parametrize("change", BROKEN.values(), ids=BROKEN)
def test_values_that_are_not_those_of_the_run_are_refused_in_one_line(run, change):
    change_result(run, lambda r: change(r["simconfig"]))
    for argv in (("verify", run), ("simulate", run, "--num-sample", 1), ("compare", run)):
        status, out, err = call(*argv)
        assert (status, out) == (2, "")
        assert is_one_line(err)
        assert "simconfig" in err
