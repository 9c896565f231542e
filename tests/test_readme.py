"""README.md says what the toolkit prints: its first result is made anew, and its commands are sound."""

import re
import shlex
from pathlib import Path

import pytest

from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.cli.options.parse import parse

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
CODE = [line[4:] for line in TEXT.splitlines() if line.startswith("    ")]


def test_the_first_result_is_what_the_demo_prints(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    section = TEXT.partition("## The first result\n")[2].partition("\n- ")[0]
    shown = re.findall(r"^    (\S.*)$", section, flags=re.MULTILINE)
    assert shown.pop() == "..."
    (demo,) = re.findall(r"rram_nas_comp_pack (pack .*)", (ROOT / "Makefile").read_text())
    assert main([*shlex.split(demo), "--no-report"]) == 0
    assert capsys.readouterr().out.splitlines()[: len(shown)] == shown


@pytest.mark.parametrize("line", [line for line in CODE if line.startswith("rnc ")])
def test_every_command_is_sound(line):
    parse(shlex.split(line)[1:])


@pytest.mark.usefixtures("undrawn")
def test_the_example_in_python_runs(tmp_path, monkeypatch):
    lines = CODE[CODE.index(next(line for line in CODE if line.startswith("from "))) :]
    names = {}
    monkeypatch.chdir(tmp_path)
    exec(compile("\n".join(lines[:4]).replace("duplicate=True", QUICK), "README", "exec"), names)
    assert 45 <= names["compiled"].crossbars <= 82
    assert (tmp_path / "log" / "packing" / "squeezenet" / "report.html").exists()


QUICK = "tuning=__import__('rram_nas_comp_pack').Tuning(effort=__import__('rram_nas_comp_pack').Effort(8, 0))"
"""In place of minutes of tuning."""
