"""`python -m ofa`, installed as `ofa-rnc`: train a supernet, fine-tune and evaluate its subnets.

Torch is loaded once the options are right.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from ofa.console import leave, run_command

if TYPE_CHECKING:
    from argparse import Namespace


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 no space, 2 bad input, 70 an error of the program's own,
    130 interrupted, 143 terminated.
    """
    return run_command("ofa", _run, argv)


def _run(argv: Sequence[str]) -> int:
    from ofa.options import parse

    options = parse(argv)
    from ofa import commands

    command: Callable[[Namespace], None] = getattr(commands, options.command)
    command(options)
    return 0


def script() -> NoReturn:
    """Run a command and leave with its exit status."""
    leave(main)


if __name__ == "__main__":
    script()
