"""Shells complete command lines: they ask as argcomplete has them ask, and wait for the answer."""

import os
import subprocess
import sys

import pytest
from tiny_runs import ROOT

from rram_nas_comp_pack.cli.completion import complete_as_swept

ASK = (
    "import sys\n"
    "for heavy in ('torch', 'numba', 'scipy', 'pandas', 'matplotlib', 'plotly'):\n"
    "    sys.modules[heavy] = None\n"
    "from rram_nas_comp_pack.__main__ import script\n"
    "script()\n"
)


def completed(line, tmp_path):
    """What may follow, from a process in which nothing heavy can be imported."""
    asked = {"_ARGCOMPLETE": "1", "_ARGCOMPLETE_IFS": " ", "_ARGCOMPLETE_STDOUT_FILENAME": tmp_path / "said"}
    env = {**os.environ, **asked, "COMP_LINE": line, "COMP_POINT": str(len(line))}
    run = subprocess.run([sys.executable, "-c", ASK], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")
    return (tmp_path / "said").read_text().split()


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("rnc ev", ["evolve"]),
        ("rnc pack --schedule ", ["layer", "branch", "row"]),
        ("rnc sweep accuracy run --enc", ["--encoding"]),
    ],
)
def test_a_command_line_is_completed_without_anything_heavy(line, wanted, tmp_path):
    assert completed(line, tmp_path) == wanted


@pytest.mark.parametrize(
    ("line", "wanted"),
    [
        ("rnc sweep pack --dup", "rnc pack --dup"),
        ("rnc  sweep  evolve ", "rnc  evolve "),
        ("rnc sweep pa", "rnc sweep pa"),
        ("rnc pack sweep pack ", "rnc pack sweep pack "),
    ],
)
def test_options_behind_sweep_are_those_of_its_command(line, wanted):
    asked = {"COMP_LINE": line, "COMP_POINT": str(len(line))}
    complete_as_swept(asked)
    assert asked == {"COMP_LINE": wanted, "COMP_POINT": str(len(wanted))}
