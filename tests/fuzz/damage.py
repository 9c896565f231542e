"""Ways to damage an input, for tests that hold every reader to one line for whatever it is given.

`make fuzz` sets FUZZ_CASES to thousands; the tests that run every time try a few.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

CASES = int(os.environ.get("FUZZ_CASES", "25"))

fuzzed: Callable[[Any], Any] = settings(
    max_examples=CASES, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
"""Decorates a test that is run on CASES damaged inputs."""


class Raw(str):
    """Text that goes into a JSON document as it is."""


ODD_VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "x", "\ud800", "x" * 140_000, [], {}, [[]], {"": {}}, [None]),
    *(0, -1, 1, 2**31, 2**63, -(2**63), 10**400, 0.0, -0.5, 1e-400, 1.5, 1e308),
    *(Raw("1e400"), Raw("-1e400"), Raw("NaN"), Raw("Infinity"), Raw('"\\ud800"'), Raw('"\\u0000"')),
    *(Raw("[" * 100_000), Raw("[" * 100_000 + "]" * 100_000), Raw('{"a":' * 50_000 + "1" + "}" * 50_000)),
)
"""What no reader expects where it stands."""

ODD_TEXTS = ("", " ", "\0", "\ud800", "\ufeff", "\r", "nan", "inf", "-inf", "1e400", "-1", "0", "1.5", "1_0",
             "9" * 400, "x" * 140_000, '"', ",", "²", "٣", "[" * 100_000)  # fmt: skip


def places(value: Any) -> list[tuple[Any, ...]]:
    """The paths of everything within a JSON value, itself included."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(), *((key, *path) for key, each in inner for path in places(each))]


@st.composite
def damaged_json(draw: st.DrawFn, value: Any) -> str:
    """The text of a JSON value in which one place holds something odd or is missing."""
    path = draw(st.sampled_from(places(value)))
    return _dumps(_changed(value, path, draw(st.sampled_from((*ODD_VALUES, _GONE)))))


_GONE = object()


def _changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return {} if new is _GONE else new
    copy = dict(value) if isinstance(value, dict) else list(value)
    if len(path) == 1 and new is _GONE:
        del copy[path[0]]
    else:
        copy[path[0]] = _changed(copy[path[0]], path[1:], new)
    return copy


def _dumps(value: Any) -> str:
    """JSON text with `Raw` values as they are."""
    if isinstance(value, Raw):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {_dumps(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_dumps, value)) + "]"
    return json.dumps(value)


@st.composite
def damaged_table(draw: st.DrawFn, text: str, mark: str = ",") -> str:
    """Lines of fields in which a field holds something odd, or a line is gone, doubled or cut."""
    lines = [line.split(mark) for line in text.splitlines()]
    row = draw(st.integers(0, len(lines) - 1))
    how = draw(st.sampled_from(("field", "field", "field", "drop", "double", "cut", "longer")))
    if how == "field":
        lines[row][draw(st.integers(0, len(lines[row]) - 1))] = draw(st.sampled_from(ODD_TEXTS))
    elif how == "drop":
        del lines[row]
    elif how == "double":
        lines.insert(row, lines[row])
    elif how == "cut":
        lines[row].pop()
    else:
        lines[row].append(draw(st.sampled_from(ODD_TEXTS)))
    return "\n".join(map(mark.join, lines)) + "\n"


@st.composite
def damaged_bytes(draw: st.DrawFn, data: bytes) -> bytes:
    """A file cut short, with bytes changed, put in or taken out, or with another in its place."""
    at = draw(st.integers(0, len(data)))
    length = draw(st.sampled_from((0, 1, 2, 8, 64, 1024)))
    new = draw(st.one_of(st.binary(max_size=64), st.just(b"\xff" * length), st.just(b"\0" * length)))
    return draw(st.sampled_from((data[:at], data[at:], data[:at] + new + data[at + length :], new)))
