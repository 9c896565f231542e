"""Documents and tables of runs: what is read holds what it must, and what does not is named by its place."""

import os

import pytest

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.hardware.config.read import load_config
from rram_nas_comp_pack.runs.checked_csv import read_table
from rram_nas_comp_pack.runs.checked_json import JsonObject, parse_json, read_json
from rram_nas_comp_pack.runs.simconfig import read_simconfig
from tests.cli.tiny_runs import ROOT

SECTIONS = load_config(ROOT / "SimConfig.ini").sections


def told(read, *given):
    with pytest.raises(BadInput) as error:
        read(*given)
    said = str(error.value)
    assert "\n" not in said
    return said


DOCUMENTS = {
    "infinity": ('{"a": [1, 1e400]}', "a, entry 1: found a number too large"),
    "less than infinity": ('{"a": -1e400}', "a: found a number too large"),
    "400 digits": (f'{{"a": {"9" * 400}}}', "a: found a number too large"),
    "5000 digits": (f'{{"a": {"9" * 5000}}}', "a: found a number too large"),
    "beyond 2^53": ('{"a": 9007199254740993}', "a: found a number too large"),
    "half a character": ('{"a": {"b": "\\ud800"}}', "a, b: found '\\ud800'"),
    "half a character in a key": ('{"a": {"\\ud800": 1}}', "a, a key: found '\\ud800'"),
    "a long text": (f'{{"a": "{"x" * 140_000}"}}', "a: found 140000 characters, allowed are up to 100000"),
    "33 levels": ("[" * 33 + "]" * 33, "more than 32 levels"),
    "100 000 levels": ("[" * 100_000 + "]" * 100_000, "too many brackets"),
    "no number": ('{"a": NaN}', "NaN is no number"),
    "nothing": ("", "not valid JSON"),
    "two documents": ("{} {}", "not valid JSON"),
}


@pytest.mark.parametrize(("text", "said"), DOCUMENTS.values(), ids=DOCUMENTS)
def test_what_no_document_may_hold_is_named_by_its_place(text, said):
    assert said in told(parse_json, text, "file")


def test_what_a_document_may_hold_is_read():
    text = '{"a": [1, -2.5, 9007199254740992, 1e300, "\\u5c42\\ud83d\\ude00\\n", null, true]}'
    assert parse_json(text, "file")["a"] == [1, -2.5, 2**53, 1e300, "\u5c42\U0001f600\n", None, True]
    assert parse_json("[" * 32 + "]" * 32, "file")


COUNTS = [0, -1, 2**31, 1.0, True, None, "1", [], {}]


@pytest.mark.parametrize("value", COUNTS)
def test_a_count_is_a_whole_number_from_1(value):
    assert "file: place, n: found " in told(JsonObject("file", "place", {"n": value}).count, "n")


@pytest.mark.parametrize("value", [0, -1.0, 1e-101, 1e101, True, None, "1", [1]])
def test_a_quantity_that_is_divided_by_is_neither_0_nor_out_of_range(value):
    assert "allowed is a number from 1e-100 to 1e+100" in told(
        JsonObject("file", "place", {"n": value}).positive, "n"
    )


def test_a_key_that_is_missing_is_told_apart_from_null():
    place = JsonObject("file", "place", {"b": None})
    assert told(place.text, "a") == "file: place, a: found nothing, allowed is a text"
    assert told(place.text, "b") == "file: place, b: found null, allowed is a text"
    assert place.maybe(place.text, "a") is None


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "x" * 1001, "\u202e"])
def test_a_name_that_is_drawn_stands_on_one_line(name):
    assert "a name on one line" in told(JsonObject("file", "place", {"n": name}).label, "n")


@pytest.mark.parametrize(
    "text",
    [*("nan", "inf", "1e400", "-1", "", " 1", "1_0", "\u0663", "0x1", "1e101"), "9" * 400, "1e9999"],
)
def test_a_number_of_a_table_is_of_digits_and_in_range(tmp_path, text):
    (tmp_path / "t.csv").write_text(f"a,b\n1,{text}\n")
    (row,) = read_table(tmp_path / "t.csv", ("a", "b"))
    assert told(row.number, "b").startswith(f"{tmp_path / 't.csv'}: line 2: b: found ")
    assert "line 2" in told(row.count, "b")


TABLES = {
    "no header": ("", "line 1"),
    "another header": ("a,c\n1,2\n", "allowed is a,b"),
    "a column twice": ("a,b,b\n1,2,3\n", "line 1"),
    "a short row": ("a,b\n1,2\n1\n", "line 3: found 1 fields"),
    "a long row": ("a,b\n1,2,3\n", "line 2: found 3 fields"),
    "a long field": (f"a,b\n1,{'x' * 140_000}\n", "field larger than field limit"),
}


@pytest.mark.parametrize(("text", "said"), TABLES.values(), ids=TABLES)
def test_a_table_that_is_none_is_told_by_its_line(tmp_path, text, said):
    (tmp_path / "t.csv").write_text(text)
    assert said in told(lambda: list(read_table(tmp_path / "t.csv", ("a", "b"))))


def test_what_has_no_end_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("fifo", "zero", "."):
        assert "no regular file" in told(read_json, tmp_path / name)
        assert "no regular file" in told(lambda name=name: list(read_table(tmp_path / name, ("a",))))


@pytest.mark.parametrize(
    ("value", "shown"),
    [(True, "true"), (False, "false"), (None, "null"), ([True, None], "[true, null]"), ({}, "{}"), (3, "3")],
)
def test_a_value_is_spelt_as_in_json(value, shown):
    assert f"n: found {shown}, allowed" in told(JsonObject("file", "place", {"n": value}).text, "n")
    if value != {}:
        assert f"place: found {shown}, allowed is an object" in told(JsonObject, "file", "place", value)


def test_faults_of_the_hardware_of_a_run_are_counted():
    def fault(values):
        sections = {name: dict(keys) for name, keys in SECTIONS.items()}
        sections["Interface level"] |= values
        held = {"simconfig": {"sha256": "", "values": sections}}
        return told(read_simconfig, JsonObject("file", "place", held))

    assert "more fault" not in fault({"ADC_Choice": "many"})
    assert fault({"ADC_Choice": "many", "DAC_Choice": "many"}).endswith("; and 1 more fault")
    three = {"ADC_Choice": "many", "DAC_Choice": "many", "ADC_Area": "many"}
    assert fault(three).endswith("; and 2 more faults")
