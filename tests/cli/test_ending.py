"""How a command ends: by a signal, by a fault of its own, with streams that take little or nothing."""

import io
import os
import signal
import subprocess
import sys
import threading
from contextlib import redirect_stderr, redirect_stdout

import pytest
from tiny_runs import ROOT, call, everything_in, is_one_line, make_workplace, pack

import ofa.__main__
from ofa import console
from ofa.console import run_command, undisturbed
from rram_nas_comp_pack.cli.commands import pack as pack_command
from rram_nas_comp_pack.cli.commands import verify
from rram_nas_comp_pack.runs.packing import write as output

SIGNALS = [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
HARDWARE = ("hardware", "--rows", "4", "--columns", "4")
each_signal = pytest.mark.parametrize(("number", "status", "said"), SIGNALS)


@pytest.fixture
def log(tmp_path):
    return make_workplace(tmp_path)[0] / "log"


def strikes(number, before=lambda *_: None):
    """Something during which a signal comes."""

    def strike(*args, **_options):
        before(*args)
        os.kill(os.getpid(), number)

    return strike


def ended(command, argv=()):
    """Exit status and standard error of something run as a command."""
    err = io.StringIO()
    with redirect_stderr(err), redirect_stdout(io.StringIO()):
        status = run_command("name", command, argv)
    return status, err.getvalue()


# Signals


@each_signal
@pytest.mark.parametrize("stage", ["load_network", "compile_network", "write_run"])
def test_a_signal_leaves_nothing_of_a_run(log, monkeypatch, number, status, said, stage):
    monkeypatch.setattr(pack_command, stage, strikes(number))
    assert pack(log)[::2] == (status, f"rram_nas_comp_pack: {said}; nothing was written\n")
    assert everything_in(log) == ["packing"]


@each_signal
def test_a_signal_between_two_files_leaves_nothing(log, monkeypatch, number, status, said):
    monkeypatch.setattr(output, "write_csv", strikes(number))
    assert pack(log)[0] == status
    assert everything_in(log) == ["packing"]


@each_signal
def test_signals_while_a_run_is_cleared_away_wait_for_the_end(log, monkeypatch, number, status, said):
    remove = console.os.unlink
    come = []

    def slow(*args, **options):
        come.append(args)
        os.kill(os.getpid(), number)
        remove(*args, **options)

    def write(folder, *_):
        for name in "abc":
            (folder / name).touch()
        monkeypatch.setattr(os, "unlink", slow)
        os.kill(os.getpid(), number)

    monkeypatch.setattr(pack_command, "write_run", write)
    found, _, err = pack(log)
    monkeypatch.undo()
    assert (found, err.count("\n")) == (status, 1)
    assert len(come) == 3
    assert everything_in(log) == ["packing"]


@each_signal
def test_a_signal_while_files_come_into_place_leaves_them_whole(log, monkeypatch, number, status, said):
    assert pack(log)[0] == 0
    whole = os.rename

    def renamed(*args, **options):
        os.kill(os.getpid(), number)
        whole(*args, **options)

    monkeypatch.setattr(os, "rename", renamed)
    found, _, err = pack(log, "--seed", 5)
    monkeypatch.undo()
    assert (found, is_one_line(err), said in err) == (status, True, True)
    assert "nothing" not in err
    assert os.listdir(log / "packing") == ["t"]
    assert '"seed": 5' in (log / "packing" / "t" / "result.json").read_text()


@each_signal
def test_a_signal_that_a_library_swallows_is_the_status_all_the_same(number, status, said):
    def swallowing(_argv):
        try:
            os.kill(os.getpid(), number)
        except BaseException:
            return 0

    assert ended(swallowing) == (status, f"name: {said}; what was found by then is written\n")

    def garbling(_argv):
        try:
            os.kill(os.getpid(), number)
        except BaseException as error:
            raise ImportError("half of a module") from error

    assert ended(garbling) == (status, f"name: {said}\n")


@each_signal
def test_a_signal_that_strikes_where_errors_are_only_reported_strikes_again(number, status, said):
    """As within `__del__`."""

    class Fragile:
        def __del__(self):
            os.kill(os.getpid(), number)

    def command(_argv):
        sys.unraisablehook = console._raise_later  # pytest has one of its own
        Fragile()
        threading.Event().wait(20)
        return 0

    assert ended(command) == (status, f"name: {said}\n")


def test_signals_wait_for_work_that_must_not_be_left_half_done():
    done = []

    def command(_argv):
        with undisturbed(), undisturbed():
            os.kill(os.getpid(), signal.SIGTERM)
            done.append("all")
        done.append("too far")
        return 0

    assert ended(command)[0] == 143
    assert done == ["all"]


def test_handlers_are_those_of_before_when_a_command_has_ended():
    earlier = [signal.getsignal(number) for number, *_ in SIGNALS]
    ended(lambda _: 0)
    assert [signal.getsignal(number) for number, *_ in SIGNALS] == earlier


def test_signals_that_are_ignored_stay_so():
    earlier = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert ended(lambda _: os.kill(os.getpid(), signal.SIGINT) or 0) == (0, "")
    finally:
        signal.signal(signal.SIGINT, earlier)


def test_a_command_runs_in_another_thread_too():
    found = []
    thread = threading.Thread(target=lambda: found.append(call("hardware", "--rows", 4, "--columns", 4)[0]))
    thread.start()
    thread.join(60)
    assert found == [0]


@pytest.mark.parametrize("program", ["rram_nas_comp_pack", "ofa"])
@each_signal
def test_a_process_ends_with_the_status_and_one_line(tmp_path, program, number, status, said):
    """The signal comes twice: while modules are loaded, and while the first one is told."""
    (tmp_path / "numpy.py").write_text(f"import os\nos.kill(os.getpid(), {number})\n")
    argv = {"rram_nas_comp_pack": HARDWARE, "ofa": ("train", "--out", "x")}
    done = subprocess.run(
        [sys.executable, "-m", program, *argv[program]],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (status, "", f"{program}: {said}\n")


# The last guard


class Odd(BaseException):
    def __str__(self):
        raise ValueError


ESCAPED = [RuntimeError("one\ntwo"), Odd(), SystemExit(0), SystemExit("x"), RecursionError()]


@pytest.mark.parametrize("error", ESCAPED)
@pytest.mark.parametrize("debug", [True, False])
def test_whatever_escapes_is_one_line_and_status_70(monkeypatch, tmp_path, error, debug):
    def fail(**_options):
        raise error

    monkeypatch.setattr(verify, "run", fail)
    status, out, err = call("verify", tmp_path, *(("--debug",) if debug else ()))
    *trace, last = err.splitlines()
    assert (status, out) == (70, "")
    assert last.startswith(f"rram_nas_comp_pack: internal error: {type(error).__name__}")
    assert last.endswith("; please report it, --debug shows where")
    assert ("Traceback (most recent call last):" in trace) == debug
    assert bool(trace) == debug


def test_the_supernet_s_command_has_the_same_guard(monkeypatch, capsys):
    def fail(_options):
        raise RuntimeError("x")

    monkeypatch.setattr("ofa.commands.train", fail)
    assert ofa.__main__.main(["train", "--out", "x"]) == 70
    assert capsys.readouterr().err == (
        "ofa: internal error: RuntimeError: x; please report it, --debug shows where\n"
    )


@pytest.mark.parametrize("argv", [("--debug", "verify", "none"), ("verify", "--debug", "none")])
def test_debug_shows_where_bad_input_was_found_too(argv):
    status, _, err = call(*argv)
    assert status == 2
    assert "Traceback" in err
    assert err.splitlines()[-1] == "rram_nas_comp_pack: RUN_DIR: none is no folder"


def test_behind_two_dashes_debug_is_a_name():
    status, _, err = call("verify", "--", "--debug")
    assert (status, err) == (2, "rram_nas_comp_pack: RUN_DIR: --debug is no folder\n")


def test_an_endless_line_is_cut_in_the_middle():
    status, _, err = call("verify", "x" * 200_000)
    assert status == 2
    assert len(err) < 5000
    assert err.endswith("\n")


# Streams


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("name", ["é²😀", os.fsdecode(b"\xff")])
def test_an_output_that_cannot_show_a_name_spells_it_out(encoding, name):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding=encoding) for _ in range(2))
    with redirect_stdout(out), redirect_stderr(err):
        status = run_command("name", lambda argv: print(*argv) or verify_nothing(argv), [name])
    assert status == 2
    expected = name.encode(encoding, "backslashreplace")
    for stream in (out, err):
        stream.flush()
        assert expected in stream.buffer.getvalue()


def verify_nothing(argv):
    from rram_nas_comp_pack.errors import BadInput

    raise BadInput(f"{argv[0]} is nothing")


def by_shell(redirection, *argv):
    """A command whose streams a shell opens or closes."""
    asked = ["bash", "-c", f'"$@" {redirection}', "bash", sys.executable, "-m", "rram_nas_comp_pack", *argv]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(asked, cwd=ROOT, env=own, capture_output=True, text=True, check=False)


STREAMS = {
    "no stream": ("<&- >&- 2>&-", HARDWARE, 1),
    "help to nobody": (">&-", ("compare", "--help"), 0),
    "no error stream": ("2>&-", ("verify", "none"), 2),
    "full error stream": ("2>/dev/full", ("verify", "none"), 2),
    "warnings that cannot be told": ("2>/dev/full >/dev/null", HARDWARE, 0),
    "nothing to write to": (">/dev/full 2>&1", HARDWARE, 1),
}


@pytest.mark.parametrize(("redirection", "argv", "status"), STREAMS.values(), ids=STREAMS)
def test_streams_that_are_closed_or_full_are_no_trouble_of_their_own(redirection, argv, status):
    done = by_shell(redirection, *argv)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", "")


def test_results_that_cannot_be_printed_are_told():
    done = by_shell(">&-", *HARDWARE)
    assert done.returncode == 1
    assert done.stderr.endswith("rram_nas_comp_pack: output: standard output is closed\n")
    assert "Traceback" not in done.stderr
