"""Packages that the toolkit asks for, and whether those installed are of the right version."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import NamedTuple

DISTRIBUTION = "rram-nas-comp-pack"
PROJECT = Path(__file__).parents[3] / "pyproject.toml"
TESTS = "test"
"""The extra that only developers need."""


class Requirement(NamedTuple):
    """A package, the versions allowed (">=1.2,<2") and the optional part that needs it, "" for all."""

    name: str
    allowed: str
    extra: str


def requirements() -> list[Requirement]:
    """All but those of the tests: of the project file in a source tree, else of the installed toolkit."""
    if PROJECT.is_file():
        project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        parts = {"": project["dependencies"], **project["optional-dependencies"]}
        found = [_requirement(text, extra) for extra, texts in parts.items() for text in texts]
    else:
        found = [_requirement(*_divided(text)) for text in requires(DISTRIBUTION) or ()]
    return [each for each in found if each.extra != TESTS]


def _divided(text: str) -> tuple[str, str]:
    """`dask>=2026.8; extra == "cluster"` without its marker, and the extra."""
    package, _, marker = text.partition(";")
    extra = re.search(r"""extra == ["']([^"']*)""", marker)
    return package, extra[1] if extra else ""


def _requirement(text: str, extra: str) -> Requirement:
    found = re.fullmatch(r"([A-Za-z0-9_.-]+)(?:\[.*\])?\s*(.*)", text.strip())
    if found is None:
        raise ValueError(f"no requirement: {text!r}")
    return Requirement(found[1], found[2], extra)


def installed(name: str) -> str | None:
    """The version of an installed package, None where it is missing."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def fits(found: str, allowed: str) -> bool:
    """Whether a version is within a range of `>=` and `<`; local parts such as `+cpu` do not count."""
    tests = {">=": lambda a, b: a >= b, "<": lambda a, b: a < b}
    for part in allowed.split(",") if allowed else ():
        bound = re.fullmatch(r"(>=|<)\s*([0-9.]+)", part.strip())
        if bound is None:
            raise ValueError(f"no range of versions: {part!r}")
        if not tests[bound[1]](_numbers(found), _numbers(bound[2])):
            return False
    return True


def _numbers(text: str) -> tuple[int, ...]:
    """1.20.0 and 1.20 are the same version."""
    release = re.match(r"[0-9]+(\.[0-9]+)*", text)
    numbers = [int(part) for part in release[0].split(".")] if release else [0]
    return tuple(numbers + [0] * (6 - len(numbers)))
