"""docs/reference.md: its tables of options, made from the parsers; its tables of file formats, read back."""

import argparse
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "reference.md"
HEAD = re.compile(r"<!-- options of (\S+) (\S+): made by tests/test_reference.py -->\n")
END = "<!-- end of options -->\n"
LEFT_OUT = ("--help", "--debug")
"""Options of every command, which the page names once."""


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of every program, by the name of its script."""
    from ofa.options import new_parser as of_supernet
    from rram_nas_comp_pack.cli.options.parse import new_parser

    return {"rnc": new_parser(), "ofa-rnc": of_supernet()}


def commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parser of every command of a program."""
    (group,) = (a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    return dict(group.choices)


def options(command: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Arguments and options of a command, without those of every command and those that are ignored."""
    for action in command._actions:
        if action.help != argparse.SUPPRESS and not set(LEFT_OUT) & set(action.option_strings):
            yield action


def table(command: argparse.ArgumentParser) -> str:
    """The options of a command as a table."""
    rows = "".join(f"| {_name(a)} | {_default(a)} | {_meaning(a)} |\n" for a in options(command))
    return f"| option | default | meaning |\n|---|---|---|\n{rows}"


def _name(action: argparse.Action) -> str:
    choices = ",".join(action.choices or ())
    value = action.metavar or (f"{{{choices}}}" if choices else action.dest.upper())
    if not action.option_strings:
        return f"`{value}{' …' if action.nargs == '+' else ''}`"
    names = ", ".join(f"`{name}`" for name in action.option_strings[1:])
    shown = action.option_strings[0]
    if action.nargs != 0:
        shown += f" {value}{' [N …]' if action.nargs == '+' else ''}"
    return f"`{shown}`{', ' if names else ''}{names}"


def _default(action: argparse.Action) -> str:
    said = re.search(r"\(default: (.*)\)$", action.help or "")
    if said:
        return said[1]
    if action.required:
        return "required"
    return (
        "off"
        if action.nargs == 0
        else "none"
        if action.default in (None, argparse.SUPPRESS)
        else str(action.default)
    )


def _meaning(action: argparse.Action) -> str:
    return re.sub(r" ?\(default: .*\)$", "", action.help or "").replace("|", "\\|")


def printed(page: str) -> str:
    """The page with the tables of today between its marks."""
    found = parsers()

    def fill(mark: re.Match[str]) -> str:
        return mark[0].partition("-->\n")[0] + "-->\n" + table(commands(found[mark[1]])[mark[2]]) + END

    return re.sub(HEAD.pattern + rf"(?:.*\n)*?{END}", fill, page)


def marked(page: str) -> list[tuple[str, str]]:
    """Program and command of every table of options."""
    return HEAD.findall(page)


def names_of(file: str) -> list[str]:
    """The first column of the table below the heading of a file: columns of a CSV file, keys of JSON."""
    section = PAGE.read_text(encoding="utf-8").partition(f"### `{file}`\n")[2].partition("\n### ")[0]
    assert section, file
    rows = re.findall(r"^\| ((?:`[^`]+`(?:, )?)+) \|", section.partition("\n## ")[0], flags=re.MULTILINE)
    return [name for row in rows for name in re.findall("`([^`]+)`", row)]


def keys_of(value: Any, depth: int, prefix: str = "") -> Iterator[str]:
    """Keys of a JSON object and of the objects in it, as `outer.inner`; a list has those of its first."""
    if isinstance(value, list) and value:
        yield from keys_of(value[0], depth, prefix)
    if isinstance(value, dict) and depth:
        for key, inner in value.items():
            yield prefix + key
            yield from keys_of(inner, depth - 1, f"{prefix}{key}.")
