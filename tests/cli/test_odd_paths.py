"""Paths in other bytes than UTF-8: every command takes them, and what it writes is Unicode all the same."""

import os
import shutil

import pytest

from tests.cli.tiny_runs import call, everything_in, make_workplace, pack, strict_json

ODD = os.fsdecode(b"t\xff")
SHOWN = r"t\udcff"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run, and the folders above it, and its configuration, of such names."""
    folder = tmp_path_factory.mktemp("odd") / ODD
    folder.mkdir()
    config = make_workplace(folder)[1]
    config = shutil.move(config, folder / os.fsdecode(b"\xfe.ini"))
    assert pack(folder / ODD, "--config", config)[0] == 0
    return folder / ODD / "packing" / "t"


def test_a_run_s_files_hold_no_half_characters(run):
    options = strict_json((run / "result.json").read_text())["options"]
    assert options["log_dir"].endswith(SHOWN)
    assert options["config"].endswith(r"\udcfe.ini")
    for path in run.iterdir():
        path.read_text(encoding="utf-8").encode("utf-8")


@pytest.mark.parametrize("argv", [("verify",), ("simulate", "--num-sample", 2), ("compare",)])
def test_a_run_of_such_a_name_is_read(run, tmp_path, argv):
    there = shutil.copytree(run, tmp_path / ODD)
    status, out, err = call(argv[0], there, *argv[1:])
    assert (status, "Traceback" in err) == (0, False)
    assert argv[0] == "simulate" or ODD in out or SHOWN in out


@pytest.mark.parametrize("suffix", ["csv", "html", "md"])
def test_a_comparison_is_written_beside_it(run, tmp_path, suffix):
    there, out = shutil.copytree(run, tmp_path / ODD), tmp_path / f"{ODD}.{suffix}"
    assert call("compare", there, "--out", out)[0] == 0
    assert SHOWN in out.read_text(encoding="utf-8")


def test_a_report_is_written_into_it(run, tmp_path):
    there = shutil.copytree(run, tmp_path / ODD)
    assert call("report", there)[0] == 0
    assert SHOWN in (there / "report.html").read_text(encoding="utf-8")
    assert "figures" in everything_in(there)


@pytest.mark.parametrize(
    "argv",
    [
        ("pack", "--model", f"{ODD}.onnx"),
        ("pack", "--model", f"{ODD}:net"),
        ("pack", "--model", f"ofa:{ODD}#0"),
        ("pack", "--exp-id", ODD),
        ("pack", "--config", ODD),
        ("evolve", "--checkpoint", ODD, "--num-crossbars", 99),
        ("evolve", "--dataset", f"folder:{ODD}", "--num-crossbars", 99),
        ("verify", ODD),
    ],
)  # fmt: skip
def test_one_that_is_not_there_is_named_in_a_line(tmp_path, monkeypatch, argv):
    monkeypatch.chdir(tmp_path)
    status, out, err = call(*argv)
    assert (status, out) == (2, "")
    assert err.splitlines()[-1].startswith("rram_nas_comp_pack: ")
    assert everything_in(tmp_path) in ([], ["log", "log/packing"])
