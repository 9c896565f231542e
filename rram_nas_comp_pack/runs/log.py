"""logs.log, the same frame for either kind of run. It is written for people: results are read elsewhere."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from .checked_json import read_text
from .origin import Origin, versions
from .plain_text import plain

Section = tuple[str, Iterable[str]]
"""A heading and its lines."""


def log_lines(
    options: Mapping[str, object], sections: Iterable[Section], timing_s: Mapping[str, float], origin: Origin
) -> Iterator[str]:
    """The content of logs.log: options and versions, what the run found, its times and its origin."""
    made_by = {
        "command": plain(origin.command),
        "date": origin.date,
        "host": origin.host,
        "hardware": origin.config.digest,
    }
    frame: tuple[Section, ...] = (
        ("options", pairs(options)),
        ("versions", pairs(dict(versions()))),
        *sections,
        ("timing, s", pairs({name: f"{seconds:.6f}" for name, seconds in timing_s.items()})),
        ("run", pairs(made_by)),
    )
    for i, (heading, lines) in enumerate(frame):
        yield f"\n[{heading}]" if i else f"[{heading}]"
        yield from lines


def read_pairs(path: Path, heading: str) -> dict[str, str]:
    """The values under a heading of a log, by name; none where there is no such file or heading."""
    if not path.exists():
        return {}
    lines = read_text(path).splitlines()
    head = f"[{heading}]"
    section = lines[lines.index(head) + 1 :] if head in lines else []
    told = (line.partition(" = ") for line in section[: section.index("") if "" in section else None])
    return {name: value for name, mark, value in told if mark}


def pairs(values: Mapping[str, object]) -> Iterator[str]:
    """Names and values, a line each."""
    return (f"{name} = {value}" for name, value in values.items())
