"""docs/reload.md says what its commands print."""

import re
import shlex
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path

from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.cli.options.parse import parse

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reload.md").read_text(encoding="utf-8")


def test_the_example_prints_what_the_page_shows(tmp_path, monkeypatch):
    (block,) = re.findall(r"^```sh run\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
    shown = re.findall(
        r"^    (.+)$", TEXT.partition("```\n\n    ")[2].partition("\n\n")[0], flags=re.MULTILINE
    )
    monkeypatch.chdir(tmp_path)
    out = StringIO()
    for line in block.splitlines():
        argv = shlex.split(line)[1:]
        with redirect_stdout(out), redirect_stderr(StringIO()):
            assert main([*argv, "--no-report"] if argv[0] == "pack" else argv) == 0
    assert len(shown) >= 2
    for line in shown:
        assert line.partition(" …")[0] in out.getvalue()


def test_every_command_of_the_page_can_be_parsed():
    for line in re.findall(r"^    rnc (.*)$", TEXT, flags=re.MULTILINE):
        assert parse(shlex.split(line))[0] in ("pack", "sweep")


def test_every_key_of_reload_is_explained():
    from rram_nas_comp_pack.runs.packing import reload

    source = Path(reload.__file__).read_text(encoding="utf-8")
    for key in re.findall(r'^ {8,12}"(\w+)": ', source, flags=re.MULTILINE):
        assert f"`{key}`" in TEXT, key
