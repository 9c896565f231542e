"""Whatever a front.json holds, `ofa:FILE#K` answers with a network or one line."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from damage import damaged_bytes, damaged_json, fuzzed
from hypothesis import given
from hypothesis import strategies as st

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.runs.nas.subnet import build_subnet

FRONT = {
    "num_classes": 10,
    "networks": [
        {"sample": {"ks": [3] * 16, "e": [3] * 16, "d": [2] * 4}},
        {"sample": {"ks": 3, "e": 3, "d": 2}},
    ],
}


def answer(data: bytes, number: str = "1") -> str:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "front.json"
        path.write_bytes(data)
        try:
            found = type(build_subnet(f"{path}#{number}")).__name__
        except BadInput as refusal:
            found = str(refusal)
    assert "\n" not in found
    assert len(found) < 800
    return found


def test_a_network_is_built() -> None:
    assert answer(json.dumps(FRONT).encode()) == "Subnet"


@fuzzed
@given(damaged_json(FRONT))
def test_a_damaged_value_is_one_line(text: str) -> None:
    answer(text.encode("utf-8", "surrogatepass"))


@fuzzed
@given(damaged_bytes(json.dumps(FRONT).encode()))
def test_a_damaged_file_is_one_line(data: bytes) -> None:
    answer(data)


@pytest.mark.parametrize("number", ["9" * 4400, "-1", "²", "", "2", "1.0", "٣"])
def test_a_number_that_is_none_of_the_networks_is_refused(number: str) -> None:
    assert "allowed is" in answer(json.dumps(FRONT).encode(), number)


def test_leading_zeros_mean_nothing() -> None:
    assert answer(json.dumps(FRONT).encode(), "0" * 4400 + "1") == "Subnet"


@pytest.mark.parametrize("classes", [0, -1, True, "10", None, 2**40])
def test_classes_are_counted_from_one(classes: object) -> None:
    assert "num_classes: found" in answer(json.dumps({**FRONT, "num_classes": classes}).encode())


@fuzzed
@given(st.text(max_size=8))
def test_any_text_behind_the_mark_is_one_line(number: str) -> None:
    answer(json.dumps(FRONT).encode(), number)
