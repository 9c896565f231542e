"""`python -m ofa`, installed as `ofa-rnc`: train a supernet, evaluate its subnets.

Torch is loaded once the options are right.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from ofa.errors import BadInput
from ofa.options import parse

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 2 bad input, 130 interrupted."""
    try:
        options = parse(argv)
        from ofa import commands

        command = commands.train if options.command == "train" else commands.evaluate
        command(options)
        sys.stdout.flush()
        return 0
    except BadInput as error:
        status, said = 2, str(error)
    except KeyboardInterrupt as interrupt:
        status, said = INTERRUPTED, "; ".join(["interrupted", *map(str, interrupt.args)])
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone: nothing to flush at exit
        return 0
    print(f"ofa: {said}", file=sys.stderr)
    return status


def script() -> NoReturn:
    """Run a command and leave with its exit status."""
    try:
        status = main()
    except KeyboardInterrupt:  # once more, while the first was reported
        status = INTERRUPTED
    if status == INTERRUPTED:  # an interrupt in torch's threads would turn the status into a signal
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    script()
