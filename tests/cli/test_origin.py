"""What a run says about its making: hardware, command, date, host; and what may differ between equal runs."""

import hashlib
import json
import re
import shlex
import time
from datetime import UTC, datetime

import numba
import pytest
from tiny_runs import call, everything_in, make_workplace, pack, strict_json

from rram_nas_comp_pack.cli.commands import pack as pack_command
from rram_nas_comp_pack.cli.options.pack import used_size
from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.hardware.config.read import load_config
from rram_nas_comp_pack.kernels import jit as compiled
from rram_nas_comp_pack.values import Network

LAST_SECTIONS = re.compile(r"\n\[timing, s\]\n(?:.+ = .+\n)+\n\[run\]\ncommand = .+\ndate = .+\nhost = .+\n")


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A run whose configuration has Windows lines, a byte order mark and a key of the user's own."""
    log = make_workplace(tmp_path_factory.mktemp("made"))[0] / "log"
    config = log.parent / "quiet.ini"
    text = config.read_text().replace("[Tile level]", "Mine = 3\n[Tile level]")
    config.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert pack(log)[0] == 0
    return log


def without_time(folder):
    """The files of a run, without date, host and timings in the places that are theirs."""
    files = {name: (folder / name).read_bytes() for name in everything_in(folder)}
    result = json.loads(files["result.json"])
    assert sum(result.pop("timing_s").values()) > 0
    text, found = LAST_SECTIONS.subn("", files["logs.log"].decode())
    assert found == 1
    if "report.html" in files:
        files["report.html"] = re.sub(rb"<time>.*?</time>", b"", files["report.html"])
    return {**files, "result.json": json.dumps(result).encode(), "logs.log": text.encode()}


def test_two_runs_of_the_same_command_differ_in_date_host_and_timings_only(log, monkeypatch):
    first = log / "packing" / "t"
    before, files = (first / "logs.log").read_text(), without_time(first)
    monkeypatch.setattr("platform.node", lambda: "another-host")
    time.sleep(1.1)
    assert pack(log)[0] == 0
    assert without_time(first) == files
    after = (first / "logs.log").read_text()
    assert "host = another-host" in after
    assert re.search("date = .*", before)[0] != re.search("date = .*", after)[0]


def test_a_run_holds_every_value_of_its_configuration_and_a_copy_byte_for_byte(log):
    folder, given = log / "packing" / "t", log.parent / "quiet.ini"
    assert (folder / "SimConfig.ini").read_bytes() == given.read_bytes()
    held = strict_json((folder / "result.json").read_text())["simconfig"]
    assert held["sha256"] == load_config(given).digest
    assert len(held["values"]) == 8
    assert held["values"]["Device level"]["Device_Resistance"] == "1e6, 1e4"
    assert held["values"]["Digital module"]["Mine"] == "3"


def test_the_log_tells_command_date_host_and_hardware(log):
    assert pack(log, "--model", "tiny_nets:net", exp_id="a b")[0] == 0
    lines = (log / "packing" / "a b" / "logs.log").read_text().splitlines()
    told = dict(line.split(" = ", 1) for line in lines[lines.index("[run]") + 1 :])
    assert [*told] == ["command", "date", "host", "hardware"]
    argv = shlex.split(told["command"])
    assert argv[:4] == ["rram_nas_comp_pack", "pack", "--exp-id", "a b"]
    age = datetime.now(UTC) - datetime.fromisoformat(told["date"])
    assert 0 <= age.total_seconds() < 600
    assert told["hardware"] == load_config(log.parent / "quiet.ini").digest


def test_a_command_that_is_not_utf8_can_be_told(log):
    elsewhere = log.parent / "\udcff"
    assert pack(log, "--log-dir", elsewhere)[0] == 0
    told = (elsewhere / "packing" / "t" / "logs.log").read_text()
    assert told.count("\\udcff") == 2
    assert (
        "\\udcff"
        in strict_json((elsewhere / "packing" / "t" / "result.json").read_text())["options"]["log_dir"]
    )


def test_options_of_a_run_do_not_hold_its_command(log):
    options = strict_json((log / "packing" / "t" / "result.json").read_text())["options"]
    assert "command_line" not in options
    assert options["input_size"] == [3, 8, 8]
    assert parse(["pack", "--seed", "5"])[1]["options"].run.command_line == "rram_nas_comp_pack pack --seed 5"


def test_an_input_size_that_was_not_used_is_not_claimed():
    def used(given, *inputs):
        return used_size(given, Network("net", (), (), tuple(inputs)))

    image, ids = ("x", (1, 3, 8, 8)), ("ids", (1, 16))
    assert used((3, 8, 8), image) == (3, 8, 8)
    assert used((3, 64, 64), image) is None
    assert used((3, 64, 64)) == (3, 64, 64)  # a network that does not tell
    assert used({"x": (3, 8, 8), "ids": (5,)}, image, ids) == {"x": (3, 8, 8)}
    assert used({"": (3, 8, 8), "ids": (16,)}, image, ids) == {"": (3, 8, 8), "ids": (16,)}


def kernel():
    """A kernel that nobody has compiled yet; compiling takes some time."""
    return numba.njit(lambda x: x + 1)


def test_compiling_is_told_once_and_timed_apart_from_the_stages(log, monkeypatch):
    real, seconds = pack_command.compile_network, []

    def slow(*args):
        for _ in range(2):
            kernel()(1)
        return real(*args)

    def placed(*args):
        before = compiled.compiling_s()
        kernel()(1)
        seconds.append(compiled.compiling_s() - before)
        return place(*args)

    from rram_nas_comp_pack import compiler

    place = compiler.pack_mappings
    monkeypatch.setattr(compiler, "pack_mappings", placed)
    monkeypatch.setattr(pack_command, "compile_network", slow)
    told = []
    monkeypatch.setattr("rram_nas_comp_pack.cli.shared.tqdm.write", lambda text, file: told.append(text))
    assert pack(log, exp_id="slow")[0] == 0
    assert told == ["compiling kernels (once)"]
    timing = strict_json((log / "packing" / "slow" / "result.json").read_text())["timing_s"]
    assert seconds[0] > 0
    assert timing["compiling"] >= seconds[0]
    assert timing["total"] == pytest.approx(sum(timing.values()) - timing["total"])
    assert f"compiling = {timing['compiling']:.6f}" in (log / "packing" / "slow" / "logs.log").read_text()


def test_nothing_is_told_where_nothing_is_compiled():
    told = []
    ready = kernel()
    ready(1)
    with compiled.on_compiling(lambda: told.append(1)):
        ready(1)
        assert not told
        kernel()(1)
    kernel()(1)
    assert told == [1]


def test_the_digest_of_a_copy_is_that_of_its_values_not_of_its_text(log):
    content = (log / "packing" / "t" / "SimConfig.ini").read_bytes()
    assert load_config(log / "packing" / "t" / "SimConfig.ini").digest != hashlib.sha256(content).hexdigest()
    assert (
        call("hardware", "--rows", 1, "--columns", 1, "--config", log / "packing" / "t" / "SimConfig.ini")[0]
        == 0
    )
