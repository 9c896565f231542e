"""Bad input: exit status 2 and one line that names it; nothing is written, nothing heavy is imported."""

import os
import subprocess
import sys

import pytest
from tiny_runs import ROOT, call, everything_in, is_one_line, make_workplace, pack


@pytest.fixture
def log(tmp_path):
    return make_workplace(tmp_path)[0] / "log"


def assert_refused(log, found, *said):
    status, out, err = found
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert "Traceback" not in err
    for text in said:
        assert text in err
    assert everything_in(log) in ([], ["packing"])


OPTIONS = {
    "budget 0": (("--num-crossbars", 0), "--num-crossbars", "'0'"),
    "budget below 0": (("--num-crossbars", -5), "--num-crossbars", "'-5'"),
    "budget that is no number": (("--num-crossbars", "ten"), "--num-crossbars", "'ten'"),
    "budget that is a fraction": (("--num-crossbars", "1.5"), "--num-crossbars", "'1.5'"),
    "endless budget": (("--num-crossbars", "9" * 30), "--num-crossbars"),
    "split factor 0": (("--depth-split-factor", 0), "--depth-split-factor"),
    "threshold below 0": (("--layer-threshold", -1), "--layer-threshold"),
    "load 0": (("--xbar-max-load", 0), "--xbar-max-load"),
    "seed below 0": (("--seed", -1), "--seed"),
    "effort below 0": (("--pack-effort", -1), "--pack-effort"),
    "no time": (("--pack-seconds", 0), "--pack-seconds"),
    "time that is no number": (("--pack-seconds", "nan"), "--pack-seconds", "'nan'"),
    "endless time": (("--pack-seconds", "inf"), "--pack-seconds", "'inf'"),
    "size 0": (("--input-size", "3,0,8"), "--input-size", "3,0,8"),
    "size below 0": (("--input-size=-3,8,8",), "--input-size", "-3,8,8"),
    "size that is no number": (("--input-size", "3x8x8"), "--input-size", "3x8x8"),
    "no size": (("--input-size", ""), "--input-size"),
    "other packer": (("--packer", "magic"), "--packer", "magic"),
    "unknown option": (("--no-such-option",), "--no-such-option"),
    "abbreviated option": (("--num-cross", 3), "--num-cross"),
    "option without its value": (("--num-crossbars",), "--num-crossbars"),
    "id with a slash": (("--exp-id", "a/b"), "--exp-id", "a/b"),
    "id of the parent": (("--exp-id", ".."), "--exp-id"),
    "hidden id": (("--exp-id", ".x"), "--exp-id"),
    "empty id": (("--exp-id", ""), "--exp-id"),
    "id of two lines": (("--exp-id", "a\nb"), "--exp-id"),
    "endless id": (("--exp-id", "x" * 5000), "--exp-id"),
    "samples 0": (("--sim-log-samples", 0), "--sim-log-samples"),
}


@pytest.mark.parametrize("case", OPTIONS.values(), ids=OPTIONS)
def test_an_option_out_of_range_is_named(log, case):
    argv, *said = case
    assert_refused(log, pack(log, *argv), *said)


@pytest.mark.parametrize("argv", [(), ("no-such-command",), ("pack", "stray"), ("pack", "--two\nlines")])
def test_a_command_line_that_makes_no_sense_takes_one_line(argv):
    status, out, err = call(*argv)
    assert (status, out) == (2, "")
    assert is_one_line(err)


@pytest.mark.parametrize("argv", [("simulate", "x"), ("simulate", "x", "--num-sample", 0), ("verify",)])
def test_commands_on_runs_need_a_run_and_samples(argv):
    status, out, err = call(*argv)
    assert (status, out) == (2, "")
    assert is_one_line(err)


MODELS = {
    "unknown": ("mbv3_smal", "mbv3_small"),
    "empty": ("", "unknown model"),
    "module that is not there": ("no_such_module_here:net", "no_such_module_here"),
    "name that is not there": ("tiny_nets:nett", "nett", "net"),
    "no callable": ("tiny_nets:not_callable", "not callable"),
    "not built": ("tiny_nets:cannot", "no such thing"),
    "does not run": ("tiny_nets:crashes", "first line"),
    "leaves the program": ("tiny_nets:leaves", "tiny_nets:leaves"),
    "no layer": ("tiny_nets:weightless", "tiny_nets:weightless"),
    "onnx file that is not there": ("absent.onnx", "absent.onnx"),
    "depthwise kernel of 169 rows": ("tiny_nets:tall", "Conv2d_0", "169", "128"),
}


@pytest.mark.parametrize("case", MODELS.values(), ids=MODELS)
def test_a_model_that_cannot_be_compiled_is_named(log, case):
    model, *said = case
    assert_refused(log, pack(log, model=model), *said)


def test_a_network_that_does_not_take_the_input_is_told_its_size(log):
    assert_refused(log, pack(log, "--input-size", "1,8,8"), "1x1x8x8", "--input-size")


def with_config(log, old, new):
    config = log.parent / "quiet.ini"
    assert old in config.read_text()
    config.write_text(config.read_text().replace(old, new))
    return pack(log)


CONFIGS = {
    "rows below 0": ("Xbar_Size = 128, 128", "Xbar_Size = -128, 128", "Xbar_Size"),
    "columns below 0": ("Xbar_Size = 128, 128", "Xbar_Size = 128, -1", "Xbar_Size"),
    "rows 0": ("Xbar_Size = 128, 128", "Xbar_Size = 0, 128", "Xbar_Size"),
    "rows of a half": ("Xbar_Size = 128, 128", "Xbar_Size = 12.5, 128", "Xbar_Size", "12.5"),
    "one size": ("Xbar_Size = 128, 128", "Xbar_Size = 128", "Xbar_Size"),
    "subarray that does not divide": ("Subarray_Size = 128", "Subarray_Size = 48", "Subarray_Size", "48"),
    "subarray below 0": ("Subarray_Size = 128", "Subarray_Size = -128", "Subarray_Size"),
    "subarray 0": ("Subarray_Size = 128", "Subarray_Size = 0", "Subarray_Size"),
    "area that is no number": ("Device_Area = 1.44", "Device_Area = nan", "Device_Area"),
    "clock of 0": ("Digital_Frequency = 500", "Digital_Frequency = 0", "Digital_Frequency"),
    "missing key": ("Read_Latency = 3.16\n", "", "Read_Latency"),
    "twice the same key": ("Cell_Type = 1T1R", "Cell_Type = 1T1R\nCell_Type = 1T1R", "Cell_Type"),
    "line that is no key": ("Cell_Type = 1T1R", "Cell_Type = 1T1R\nwhatever", "whatever"),
}


@pytest.mark.parametrize("case", CONFIGS.values(), ids=CONFIGS)
def test_a_broken_configuration_is_named_by_its_key(log, case):
    old, new, *said = case
    assert_refused(log, with_config(log, old, new), "quiet.ini", *said)


def test_a_name_of_two_lines_takes_one(log):
    config = log.parent / "two\nlines.ini"
    status, out, err = pack(log, "--config", config)
    assert (status, out, is_one_line(err)) == (2, "", True)
    assert "two lines.ini: cannot be read" in err
    config.write_text(
        (log.parent / "quiet.ini").read_text().replace("Xbar_Size = 128, 128", "Xbar_Size = 0, 1")
    )
    status, out, err = pack(log, "--config", config)
    assert (status, out, is_one_line(err)) == (2, "", True)


@pytest.mark.parametrize("argv", ["--help", "hardware --rows 4 --columns 4"])
def test_output_that_cannot_be_written_is_told_and_status_1(argv):
    own = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    asked = [sys.executable, "-m", "rram_nas_comp_pack", *argv.split()]
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            asked, cwd=ROOT, env=own, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "rram_nas_comp_pack: output: No space left on device"


def test_several_faults_of_a_configuration_take_a_line_each(log):
    config = log.parent / "quiet.ini"
    config.write_text(config.read_text().replace("Xbar_Size = 128, 128", "Xbar_Size = -1, -1"))
    status, out, err = with_config(log, "Device_Area = 1.44", "Device_Area = -1")
    assert (status, out) == (2, "")
    lines = err.splitlines()
    assert len(lines) == 2
    assert ["Device_Area" in lines[0], "Xbar_Size" in lines[1]] == [True, True]


@pytest.mark.parametrize("content", [b"", b"no section\n", b"[Device level\n", b"\xff\xfe\x00", None])
def test_a_file_that_is_no_configuration_is_named(log, content):
    config = log.parent / "quiet.ini"
    config.unlink()
    if content is not None:
        config.write_bytes(content)
    status, out, err = pack(log)
    assert (status, out) == (2, "")
    assert err.startswith(f"rram_nas_comp_pack: {config}")
    assert "Traceback" not in err
    assert not log.exists()


@pytest.mark.parametrize("in_place", ["log", "log/packing"])
def test_a_log_folder_that_cannot_be_made_is_named(log, in_place):
    """A file is in its place (the tests may run as root, whom permissions do not stop)."""
    file = log.parent / in_place
    file.parent.mkdir(exist_ok=True)
    file.write_text("mine")
    status, out, err = pack(log)
    assert (status, out) == (2, "")
    assert is_one_line(err)
    assert "--log-dir" in err
    assert file.read_text() == "mine"


PROBE = """
import sys
from rram_nas_comp_pack.cli.main import main
try:
    status = main(sys.argv[1:])
except SystemExit as stop:
    status = stop.code
heavy = {"torch", "torchvision", "numba", "numpy", "ortools", "onnx", "timm"}
print(status, sorted(heavy & sys.modules.keys()), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (("--help",), 0),
        (("pack", "--help"), 0),
        (("pack", "--num-crossbars", "0"), 2),
        (("simulate", "x"), 2),
    ],
)
def test_help_and_bad_options_import_nothing_heavy(argv, status):
    done = subprocess.run(
        [sys.executable, "-c", PROBE, *argv], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stderr.splitlines()[-1] == f"{status} []"
    assert ("usage" in done.stdout) == (status == 0)


def test_the_exit_status_is_the_process_s(tmp_path):
    argv = [sys.executable, "-m", "rram_nas_comp_pack", "verify", str(tmp_path / "absent")]
    done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert is_one_line(done.stderr)
