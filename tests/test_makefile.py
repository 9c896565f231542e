"""`make` writes programs that call this source tree from any folder."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.skipif(not shutil.which("make"), reason="no make")
@pytest.mark.parametrize(("program", "said"), [("rnc", "0.1.0"), ("ofa-rnc", "usage: ")])
def test_a_program_calls_the_tree_from_any_folder(program, said, tmp_path):
    tree = tmp_path / "a tree"
    (tree / ".venv" / "bin").mkdir(parents=True)
    (tree / ".venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    (tree / ".venv" / "bin" / "python").chmod(stat.S_IRWXU)
    shutil.copy(ROOT / "requirements.txt", tree)
    (tree / ".venv" / "ready").touch()
    for name in ("rram_nas_comp_pack", "ofa"):
        (tree / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "Makefile", tree)
    subprocess.run(["make", f".venv/bin/{program}"], cwd=tree, check=True, capture_output=True)
    asked = "--version" if program == "rnc" else "--help"
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    run = subprocess.run(
        [tree / ".venv" / "bin" / program, asked], cwd=tmp_path, env=env, capture_output=True, text=True
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith(said)


def test_the_demo_ends_with_the_page_and_how_to_open_it():
    rule = (ROOT / "Makefile").read_text().partition("\ndemo:")[2].partition("\n\n")[0]
    *_, page, opening = rule.splitlines()
    assert "log/packing/demo/report.html" in page
    assert "-m webbrowser" in opening
