"""Texts of the command line to values, or an error that says what was found and what is allowed."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable

from ofa.parser import word

_WHOLE = re.compile(r" *[+-]?[0-9]{1,400} *")
_DECIMAL = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)? *")
"""Python reads more as numbers: 1_000, digits of other scripts, inf."""


def _decimal(text: str) -> float:
    """The number that a text says, nan where it says none."""
    return float(text) if _DECIMAL.fullmatch(text) else math.nan


def at_least(least: int, most: int = 2**31 - 1) -> Callable[[str], int]:
    """A whole number from `least` to `most`."""

    def convert(text: str) -> int:
        number = int(text) if _WHOLE.fullmatch(text) else least - 1
        if not least <= number <= most:
            raise argparse.ArgumentTypeError(
                f"found {text!r}, allowed is a whole number from {least} to {most}"
            )
        return number

    return convert


def seconds(text: str) -> float:
    """A time above 0."""
    number = _decimal(text)
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a number of seconds above 0")
    return number


def number(least: float, most: float = math.inf) -> Callable[[str], float]:
    """A number from `least` to `most`."""

    def convert(text: str) -> float:
        found = _decimal(text)
        if not least <= found <= most or math.isinf(found):
            limit = f" to {most:g}" if most < math.inf else ""
            raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a number from {least:g}{limit}")
        return found

    return convert


def one_or_several(convert: Callable[[str], int]) -> Callable[[str], int | tuple[int, ...]]:
    """A whole number, or several different ones with commas between them, as a tuple."""

    def convert_all(text: str) -> int | tuple[int, ...]:
        found = tuple(convert(part.strip()) for part in text.split(","))
        if len(set(found)) < len(found):
            raise argparse.ArgumentTypeError(f"found {text!r}, allowed are different numbers")
        return found if len(found) > 1 else found[0]

    return convert_all


MANY_SAMPLES, MOST_SAMPLES = 4096, 100_000
"""What throughput is judged by, and what can be asked for."""


def objective(text: str) -> int:
    """The number of samples whose latency counts."""
    named = {"latency": 1, "throughput": MANY_SAMPLES}
    kind, _, number = text.partition(":")
    if text in named:
        return named[text]
    try:
        if kind == "samples":
            return at_least(1, MOST_SAMPLES)(number)
    except argparse.ArgumentTypeError:
        pass
    raise argparse.ArgumentTypeError(
        f"found {text!r}, allowed is latency, throughput or samples:N with N from 1 to {MOST_SAMPLES}"
    )


def sizes(text: str) -> tuple[str, tuple[int, ...]]:
    """The name of an input ("" without a name) and the comma-separated sizes of one sample."""
    name, _, numbers = text.rpartition("=")
    try:
        return word(name), tuple(at_least(1)(part.strip()) for part in numbers.split(","))
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed are sizes like 3,64,64, or NAME=3,64,64 for one of several inputs"
        ) from error


def exp_id(text: str) -> str:
    """The name of one folder; a leading dot is kept for folders in the making."""
    if (
        not text
        or text.startswith(".")
        or "/" in text
        or "\\" in text
        or not text.isprintable()
        or len(text.encode()) > 200
    ):
        raise argparse.ArgumentTypeError(
            f"found {text!r}, allowed is a folder name without '/' and leading dot, up to 200 bytes"
        )
    return text


def dataset(text: str) -> str:
    """The name of a data set."""
    if text in ("clutter", "digits", "cifar10") or (text.startswith("folder:") and text != "folder:"):
        return word(text)
    raise argparse.ArgumentTypeError(f"found {text!r}, allowed are clutter, digits, cifar10 and folder:PATH")


OBJECTIVES = ("acc", "speed", "energy", "crossbars", "area")


def objectives(text: str) -> tuple[str, ...]:
    """Comma-separated goals of a search; accuracy and speed are always among them."""
    found = tuple(part.strip() for part in text.split(","))
    if not set(found) <= set(OBJECTIVES) or len(set(found)) < len(found) or found[:2] != OBJECTIVES[:2]:
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is acc,speed[,energy][,crossbars][,area]")
    return found
