"""Parse the command line, run one command, and turn errors into one line and an exit status."""

from __future__ import annotations

from collections.abc import Sequence

from ofa.console import run_command

HINT = "; doctor tells what is missing and what mends it"


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 cannot be done, 2 bad input, 70 an error of the program's own,
    130 interrupted, 143 terminated.
    """
    return run_command("rram_nas_comp_pack", _run, argv, HINT)


def _run(argv: Sequence[str]) -> int:
    from .options.parse import parse

    run, options = parse(argv)
    return run(options)
