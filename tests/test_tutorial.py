"""The tutorial does what it says: its marked blocks are run in order, in a folder of their own.

A block marked `run` is run, one marked `file=NAME` is written. The search is only parsed: a front of one
network stands in for what it would find.
"""

import io
import json
import re
import shlex
import shutil
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.cli.options.parse import parse
from tests.report.undrawn import leave_out_pictures

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
SUBNET = {"ks": [3] * 16, "e": [3] * 16, "d": [2] * 4}


def commands(block):
    return [line for line in block.replace("\\\n", " ").splitlines() if line]


def rnc(argv):
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(argv)
    assert status == 0, err.getvalue()
    return out.getvalue()


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """Everything that the tutorial's commands printed."""
    folder = tmp_path_factory.mktemp("tutorial")
    shutil.copy(ROOT / "SimConfig.ini", folder)
    search = folder / "log" / "evolution" / "search"
    search.mkdir(parents=True)
    front = {"networks": [{"sample": SUBNET}], "num_classes": 10, "resolution": 64}
    (search / "front.json").write_text(json.dumps(front))
    sys.modules.pop("my_nets", None)  # that of another test
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        leave_out_pictures(patch)
        yield "".join(said_by(language, mark, block) for language, mark, block in BLOCKS)
    sys.modules.pop("my_nets", None)


def said_by(language, mark, block):
    name, _, value = mark.partition("=")
    if name == "file":
        Path(value).write_text(block)
    if mark != "run":
        return ""
    if language == "python":
        out = io.StringIO()
        with redirect_stdout(out):
            exec(compile(block, "tutorial", "exec"), {})
        return out.getvalue()
    return "".join(map(said_by_command, commands(block)))


def said_by_command(line):
    if line.startswith("rnc "):
        return rnc(shlex.split(line)[1:])
    return subprocess.run(line, shell=True, check=True, capture_output=True, text=True).stdout


def test_every_command_of_the_toolkit_is_sound():
    found = [line for language, _, block in BLOCKS if language == "sh" for line in commands(block)]
    ours = [shlex.split(line)[1:] for line in found if line.startswith("rnc ")]
    assert {argv[0] for argv in ours} >= {"doctor", "pack", "verify", "simulate", "hardware", "evolve"}
    for argv in ours:
        parse(argv)


def test_the_commands_say_what_is_printed_in_the_tutorial(said):
    shown = [line[4:] for line in TEXT.splitlines() if line.startswith("    ") and " crossbars (" in line]
    shown += [line[4:] for line in TEXT.splitlines() if line.startswith("    duplication:")]
    assert len(shown) == 2
    for line in shown:
        assert line in said


def test_what_the_text_says_of_the_other_runs(said):
    assert "12 crossbars (256 x 256 cells each)" in said
    assert '{"latency_ns": 305.5' in said
    assert "2 crossbars (128 x 128 cells each)" in said
    assert "on crossbars: 99.1% of the parameters" in said
    assert "log/packing/first: no violation found in 80 boxes" in said
    assert re.search(r"^CompiledNetwork\('my_nets:small': .*\n +name +kind +copies", said, re.MULTILINE)
    assert re.search(r"^\d+\.\d x the baseline's speed\nlog/packing/from_python$", said, re.MULTILINE)
