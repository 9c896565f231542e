"""A damaged SimConfig.ini gives figures or one line a fault, never a traceback."""

import io
import json
import math
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from damage import ODD_TEXTS, damaged_bytes, damaged_table, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.cli.main import main
from rram_nas_comp_pack.hardware.config.read import SHIPPED, load_config

TEXT = SHIPPED.read_text()
SRAM = TEXT.replace("Device_Type = NVM", "Device_Type = SRAM").replace("1T1R", "SRAM_6T")
FOLDER = tempfile.TemporaryDirectory()
LINES = [line for line in TEXT.splitlines() if " = " in line]
ODD_LINES = ("[", "]", "[]", "[DEFAULT]", "[\0]", "[Device level]", "= 1", ":", "a", "  x", "%(a)s", "\f[x]",
             "\x85a = 1", "#", ";", "Device_Tech = 1", "Device_Type = SRAM", "Xbar_Size = 1, 1", "Tile_Num",
             "İ = 1", "K = 1")  # fmt: skip
ODD_NUMBERS = ("1", "0", "-1", "1e30", "1e-30", "999999999", "2, 2", "1, 0", "0.5")


def numbers(value):
    """All numbers within a JSON value."""
    if isinstance(value, dict):
        return [n for each in value.values() for n in numbers(each)]
    return [value]


def judge(data: bytes) -> None:
    path = Path(FOLDER.name) / "SimConfig.ini"
    path.write_bytes(data)
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(["hardware", "--rows", "1", "--columns", "1", "--config", str(path)])
    lines = err.getvalue().splitlines()
    assert len(err.getvalue()) < 40_000
    assert status in (0, 2)
    if status:
        assert out.getvalue() == ""
        assert lines
        assert all(str(path) in line for line in lines), lines
    else:
        assert all(math.isfinite(n) for n in numbers(json.loads(out.getvalue())))
        assert len(load_config(path).digest) == 64


@fuzzed
@given(st.sampled_from((TEXT, SRAM)).flatmap(lambda text: damaged_bytes(text.encode())))
def test_any_bytes(data):
    judge(data)


@fuzzed
@given(st.sampled_from((TEXT, SRAM)).flatmap(lambda text: damaged_table(text, "=")))
def test_any_key_and_any_value(text):
    judge(text.encode("utf-8", "surrogatepass"))


@fuzzed
@given(st.sampled_from(LINES), st.sampled_from((*ODD_TEXTS, *ODD_NUMBERS)))
def test_any_value_of_a_known_key(line, value):
    judge(TEXT.replace(line, line.partition("=")[0] + "= " + value).encode("utf-8", "surrogatepass"))


@fuzzed
@given(st.integers(0, TEXT.count("\n")), st.sampled_from((*ODD_LINES, *ODD_TEXTS)))
def test_any_line_more(place, line):
    lines = TEXT.splitlines()
    judge("\n".join((*lines[:place], line, *lines[place:])).encode("utf-8", "surrogatepass"))
