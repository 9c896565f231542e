"""logs.log, the same frame for either kind of run. It is written for people: no program reads it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

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


def pairs(values: Mapping[str, object]) -> Iterator[str]:
    """Names and values, a line each."""
    return (f"{name} = {value}" for name, value in values.items())
