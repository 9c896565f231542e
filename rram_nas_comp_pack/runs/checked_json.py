"""JSON documents whose every part is checked: its type, its range, its depth and its length.

What does not hold what it must raises BadInput with the file, the place in it, what was found and what is
allowed.
"""

from __future__ import annotations

import json
import math
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from ..errors import BadInput

T = TypeVar("T")

MOST_COUNT = 2**31 - 1
"""The largest whole number that counts something: it fits into the arrays of the simulation."""

TINY, HUGE = 1e-100, 1e100
"""The range of a quantity above 0. Ratios, products and sums of two such numbers are finite."""

MOST_TEXT = 100_000
"""The most characters of a text."""

MOST_LABEL = 1000
"""The most characters of a name in a figure."""

_DEEPEST = 32
_MOST_WHOLE = 2**53
_MOST_BYTES = 2**28


def require_file(path: Path, most_bytes: float = math.inf) -> None:
    """Raise BadInput where there is no regular file of up to so many bytes: others may have no end."""
    try:
        found = path.stat()
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {_reason(error)}") from error
    if not stat.S_ISREG(found.st_mode):
        raise BadInput(f"{path}: found no regular file, allowed is a text file")
    if found.st_size > most_bytes:
        raise BadInput(f"{path}: found {found.st_size} bytes, allowed are up to {most_bytes:.0f}")


def read_text(path: Path) -> str:
    """A text file of up to 256 MiB."""
    require_file(path, _MOST_BYTES)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise BadInput(f"{path}: {_reason(error)}") from error


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error)


def read_json(path: Path) -> Any:
    """One JSON document of finite numbers and of texts that can be written as UTF-8."""
    return parse_json(read_text(path), str(path))


def parse_json(text: str, source: str) -> Any:
    """The JSON document in a text; `source` is how messages call it."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_int=_whole)
    except (ValueError, RecursionError) as error:
        reason = "too many brackets" if isinstance(error, RecursionError) else error
        raise BadInput(f"{source}: not valid JSON: {reason}") from error
    fault = _fault(value)
    if fault is not None:
        raise BadInput(f"{source}: {fault.removeprefix(', ')}")
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no number")


def _whole(digits: str) -> float:
    """A whole number; infinity, which is refused where it stands, for one of many digits."""
    return int(digits) if len(digits) < 20 else math.inf


def _fault(value: Any, depth: int = 0) -> str | None:
    """Where something is wrong within a value, and what; None where nothing is."""
    if isinstance(value, dict | list):
        if depth == _DEEPEST:
            return f": found more than {_DEEPEST} levels of brackets"
        inner = value.items() if isinstance(value, dict) else enumerate(value)
        for key, each in inner:
            fault = _text_fault(key) if isinstance(key, str) else None
            if fault is not None:
                return f", a key{fault}"
            fault = _fault(each, depth + 1)
            if fault is not None:
                return f", {key:.60}{fault}" if isinstance(key, str) else f", entry {key}{fault}"
        return None
    if isinstance(value, str):
        return _text_fault(value)
    return _number_fault(value) if isinstance(value, int | float) else None


def _text_fault(text: str) -> str | None:
    if len(text) > MOST_TEXT:
        return f": found {len(text)} characters, allowed are up to {MOST_TEXT}"
    if text.isascii() or not any("\ud800" <= c <= "\udfff" for c in text):
        return None
    return f": found {text!a:.60}, allowed is text that can be written as UTF-8"


def _number_fault(number: float) -> str | None:
    most = _MOST_WHOLE if isinstance(number, int) else math.inf
    if -most <= number <= most and math.isfinite(number):
        return None
    return ": found a number too large, allowed are whole numbers up to 2^53 and others up to 1e308"


def spelt(value: object) -> str:
    """A value as a message shows it: texts in quotes, all else as JSON spells it."""
    return json.dumps(value) if isinstance(value, bool | list | tuple | dict | None) else repr(value)


class JsonObject:
    """An object within a JSON document, and how messages call it."""

    def __init__(self, source: object, name: str, value: Any) -> None:
        """`source` is the file, `name` the place in it. Raises BadInput where there is no object."""
        self.source, self.name = source, name
        if not isinstance(value, dict):
            raise BadInput(f"{source}: {name}: found {spelt(value):.60}, allowed is an object")
        self.value: dict[str, Any] = value

    def has(self, key: str) -> bool:
        """Whether the object says anything for a key, null included."""
        return key in self.value

    def maybe(self, read: Callable[[str], T], key: str) -> T | None:
        """What `read`, a method of this object, finds under a key; None where there is nothing or null."""
        return None if self.value.get(key) is None else read(key)

    def within(self, key: str) -> JsonObject:
        """The object under a key."""
        return JsonObject(self.source, f"{self.name}, {key}", self.get(key, dict, "an object"))

    def objects(self, key: str) -> list[JsonObject]:
        """The objects of the list under a key."""
        found = self.entries(key, "a list of objects")
        return [JsonObject(self.source, f"{self.name}, {key}, entry {i}", v) for i, v in enumerate(found)]

    def entries(self, key: str, allowed: str = "a list") -> list[Any]:
        """The list under a key."""
        found: list[Any] = self.get(key, list, allowed)
        return found

    def texts(self, key: str) -> tuple[str, ...]:
        """The list of texts under a key."""
        allowed = "a list of texts"
        found = self.entries(key, allowed)
        if not all(isinstance(text, str) for text in found):
            self.fail(key, found, allowed)
        return tuple(found)

    def text(self, key: str, most: int = MOST_TEXT) -> str:
        """The text under a key."""
        found = str(self.get(key, str, "a text"))
        if len(found) > most:
            self.fail(key, found, f"a text of up to {most} characters")
        return found

    def label(self, key: str) -> str:
        """The text under a key, as long as a name in a figure may be, and on one line."""
        found = self.text(key)
        if len(found) > MOST_LABEL or not found.isprintable():
            self.fail(key, found, f"a name on one line of up to {MOST_LABEL} characters")
        return found

    def flag(self, key: str) -> bool:
        """True or false."""
        found = self.value.get(key)
        if not isinstance(found, bool):
            self.fail(key, found, "true or false")
        return found

    def number(self, key: str, least: float = 0.0, most: float = HUGE) -> float:
        """The number under a key."""
        allowed = f"a number from {least:g} to {most:g}"
        number = self.get(key, (int, float), allowed)
        if not least <= number <= most:
            self.fail(key, number, allowed)
        return float(number)

    def positive(self, key: str) -> float:
        """A number that may be divided by."""
        return self.number(key, TINY)

    def share(self, key: str) -> float:
        """A number from 0 to 1."""
        return self.number(key, 0.0, 1.0)

    def shares(self, key: str) -> dict[str, float]:
        """Names and shares from 0 to 1; what rounding adds to 1 is left out."""
        inner = self.within(key)
        return {name: min(inner.number(name), 1.0) for name in inner.value}

    def count(self, key: str, least: int = 1, most: int = MOST_COUNT) -> int:
        """A whole number."""
        allowed = f"a whole number from {least} to {most}"
        number: int = self.get(key, int, allowed)
        if not least <= number <= most:
            self.fail(key, number, allowed)
        return number

    def counts(self, key: str, least: int = 1) -> tuple[int, ...]:
        """The list of whole numbers under a key."""
        allowed = f"a list of whole numbers from {least} to {MOST_COUNT}"
        found = self.entries(key, allowed)
        if not all(type(n) is int and least <= n <= MOST_COUNT for n in found):
            self.fail(key, found, allowed)
        return tuple(found)

    def get(self, key: str, kind: type[Any] | tuple[type[Any], ...], allowed: str) -> Any:
        """What lies under a key, of a kind; true and false are no numbers."""
        found = self.value.get(key)
        if not isinstance(found, kind) or isinstance(found, bool):
            self.fail(key, found, allowed)
        return found

    def fail(self, key: str, found: object, allowed: str) -> NoReturn:
        """Raise BadInput: what was found under a key, and what is allowed."""
        what = f"{spelt(found):.60}" if found is not None else "null" if key in self.value else "nothing"
        raise BadInput(f"{self.source}: {self.name}, {key}: found {what}, allowed is {allowed}")
