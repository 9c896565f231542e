"""No option, whatever its value, ends in a traceback: status 0, or 2 and one line."""

import argparse
import io
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import ofa.__main__
import ofa.options
from ofa.console import Answered
from rram_nas_comp_pack.cli import main as toolkit
from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.cli.options import parse as options
from tests.fuzz.damage import CASES, ODD_TEXTS, fuzzed
from tests.report.made_search import write_search

ODD = (
    *ODD_TEXTS,
    *("-", "--", "---", "-1", "--help", "--help=x", "-h", "-r", "-rx", "--debug", "--debug=", "=", "@file"),
    *(os.fsdecode(b"\xff"), "a\udcffb", "\udfff", "folder:\0", "folder:\udcff", "folder:\ud800", "x:y\0"),
    *("9" * 5000, "-" + "9" * 5000, "0." + "9" * 5000, "1e9999999999", "1_000", "+5", " 5 ", "0x10", "5."),
    *("infinity", "NaN", "1,2", "1,2,3,4", "a=3,4", "=3", "\0=3,4", "\ud800=3,4", "samples:" + "9" * 5000),
    *(".", "..", "/", "//", "\n", "a\nb", "\x1b[31m", "\u2028", "😀", "é" * 150, "acc,speed", "acc,,speed"),
    *('{"ks": 1e400}', '{"ks": ' + "9" * 5000 + "}", '{"d": [[]]}', '{"e": {}}', "{" * 100_000, '{"d": NaN}'),
)  # fmt: skip


def commands(parser):
    """Command -> its options: (spellings, whether it takes a value, where it stands where it must)."""
    (inner,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return {name: each._actions for name, each in inner.choices.items()}


TOOLKIT, SUPERNET = commands(options.new_parser()), commands(ofa.options.new_parser())
ALL = [*(("rnc", name) for name in TOOLKIT), *(("ofa", name) for name in SUPERNET)]


def required(actions):
    """What a command cannot do without."""
    for action in actions:
        if action.required and action.option_strings:
            yield from (action.option_strings[0], "1")
        elif action.required:
            yield "x"


@st.composite
def command_lines(draw, actions):
    """Required options and a few more, sound or odd, each said in one of the ways that there are."""
    line = list(required(actions)) if draw(st.booleans()) else []
    spellings = [text for action in actions for text in action.option_strings]
    for _ in range(draw(st.integers(1, 3))):
        value = draw(st.sampled_from(ODD) | st.text(st.characters(exclude_categories=()), max_size=8))
        name = draw(st.sampled_from(spellings))
        said = draw(st.sampled_from((f"{name}={value}", name, value, (name, value), f"{name}{value}")))
        at = draw(st.integers(0, len(line)))
        line[at:at] = said if isinstance(said, tuple) else [said]
    return line


def ended(program, *argv):
    """Exit status and standard error; asking for help is status 0."""
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with redirect_stdout(io.StringIO()), redirect_stderr(err):
        try:
            status = program(list(argv))
        except Answered as answer:
            status = answer.code
    err.seek(0)
    return status, err.read()


def assert_one_line(argv, found, allowed=(0, 2)):
    status, err = found
    assert status in allowed, (argv, err)
    if "--debug" not in argv:
        assert err.count("\n") == (status != 0), argv
        assert len(err) < 10_000


@pytest.fixture
def nothing_runs(monkeypatch):
    """Options are read, by parsers made once, and commands do nothing."""
    monkeypatch.setattr(options, "new_parser", cache(options.new_parser))
    monkeypatch.setattr(ofa.options, "new_parser", cache(ofa.options.new_parser))
    monkeypatch.setattr(toolkit, "_call", lambda *_: 0)
    ran = dict.fromkeys(("train", "finetune", "evaluate"), lambda _: 0)
    monkeypatch.setitem(sys.modules, "ofa.commands", SimpleNamespace(**ran))
    monkeypatch.delattr(ofa, "commands", raising=False)


@pytest.mark.parametrize(("program", "command"), ALL)
@fuzzed
@given(data=st.data())
def test_every_command_line_is_taken_or_refused_in_a_line(nothing_runs, program, command, data):
    actions = (TOOLKIT if program == "rnc" else SUPERNET)[command]
    argv = [command, *data.draw(command_lines(actions))]
    where = data.draw(st.sampled_from(("", "front", "end")))
    argv = {"": argv, "front": ["--debug", *argv], "end": [*argv, "--debug"]}[where]
    assert_one_line(argv, ended(main if program == "rnc" else ofa.__main__.main, *argv))


@pytest.mark.parametrize(("program", "command"), ALL)
def test_every_option_is_tried_with_every_odd_value(nothing_runs, program, command):
    actions = (TOOLKIT if program == "rnc" else SUPERNET)[command]
    run = main if program == "rnc" else ofa.__main__.main
    step = 1 if CASES > 1000 else 11
    for place, action in enumerate(actions):
        for value in ODD[place % step :: step]:
            name = action.option_strings[-1:] or [""]
            argv = [command, *required(actions), f"{name[0]}={value}" if name[0] else value]
            assert_one_line(argv, ended(run, *argv))


def test_an_option_is_refused_by_name(nothing_runs):
    for name in ("--exp-id", "--num-sample", "--config", "--seed", "--model", "--log-dir"):
        status, err = ended(main, "pack", f"{name}=--")
        assert status == 2
        assert f"argument {name}: found '--', allowed is a value" in err


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made") / "s"
    write_search(folder, 20)
    return folder


REAL = {
    "verify": ("{}", "--config", "{}"),
    "simulate": ("{}", "--num-sample", "1", "--config={}"),
    "report": ("{}", "--out={}"),
    "compare": ("{}", "--out={}"),
    "compare a search": ("{run}", "{}", "--format=csv"),
    "hardware": ("--rows=3", "--columns", "3", "--config={}"),
    "pack": ("--model={}", "--config={}"),
}


@pytest.mark.parametrize("case", REAL)
@fuzzed
@given(odd=st.sampled_from(ODD) | st.text(st.characters(exclude_categories=("Cs",)), max_size=8))
@example(os.fsdecode(b"\xff"))
@example("\0")
@example("x" * 300)
def test_a_path_that_is_nothing_is_named_in_a_line(tmp_path, monkeypatch, search, case, odd):
    monkeypatch.chdir(tmp_path)
    command = case.partition(" ")[0]
    argv = [command, *(part.replace("{}", odd).replace("{run}", str(search)) for part in REAL[case])]
    found = ended(main, *argv)
    assert_one_line(argv, found, (0, 1, 2))
    assert list(tmp_path.iterdir()) == []
