"""Parse the command line, run one command, and turn errors into one line and an exit status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Any

from ofa.console import run_command

HINT = "; run doctor, which tells what is missing and how to install it"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 cannot be done, 2 bad input, 70 an error of the program's own,
    130 interrupted, 143 terminated.
    """
    return run_command("rram_nas_comp_pack", _run, argv, HINT)


def _run(argv: Sequence[str]) -> int:
    from .options.parse import parse

    return _call(*parse(argv))


def _call(command: str, arguments: Mapping[str, Any]) -> int:
    """Run a command; its module is imported only now, with torch and numba behind it."""
    status: int = import_module(f".commands.{command}", __package__).run(**arguments)
    return status
