"""The parser of a command line: wrong options are one line, and help is written like any other output."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from ofa.console import DEBUG, Answered
from ofa.errors import BadInput
from ofa.streams import Unprintable


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, without the usage; options are never abbreviated."""

    refusal: type[Exception] = BadInput

    def __init__(self, *args: Any, **settings: Any) -> None:
        """Take what argparse's own takes."""
        super().__init__(*args, **{**settings, "allow_abbrev": False})
        # taken from the command line before it is parsed, wherever it stands
        self.add_argument(
            DEBUG, action="store_true", default=argparse.SUPPRESS, help="show where an error comes from"
        )

    def error(self, message: str) -> NoReturn:
        """Raise `refusal`."""
        raise self.refusal(f"{' '.join(message.split())} (see {self.prog} --help)")

    def exit(self, status: int = 0, message: str | None = None) -> NoReturn:
        """Help was asked for, and given."""
        raise Answered(status)

    def print_help(self, file: Any = None) -> None:
        """Write it at once, so that a failure is told like any other."""
        try:
            print(self.format_help(), end="", file=file, flush=True)
        except Unprintable:
            sys.stdout = None  # nothing to flush at exit

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Refuse `--option=--`, which argparse takes for an option without a value, and unknown options.

        What is behind a command is for the command's own parser, which knows its options and its name.
        """
        if self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        for each in _before_the_end(args or ()):
            name, equals, value = each.partition("=")
            if equals and name.startswith("-") and value == "--":
                action = self._option_string_actions.get(name)
                file = "; a file of that name is ./--" if action and action.type is path else ""
                self.error(f"argument {name}: found '--', allowed is a value{file}")
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown


def _before_the_end(args: Sequence[str]) -> Sequence[str]:
    return args[: args.index("--")] if "--" in args else args


def word(text: str) -> str:
    """A text that can be part of a path."""
    if "\0" in text or not _is_encodable(text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a text without NUL or half a character")
    return text


def path(text: str) -> Path:
    """A path, in whatever encoding."""
    if not text or "\0" in text or not _is_encodable(text):
        raise argparse.ArgumentTypeError(f"found {text!r}, allowed is a path")
    return Path(text)


def _is_encodable(text: str) -> bool:
    try:
        os.fsencode(text)
    except UnicodeEncodeError:
        return False
    return True
