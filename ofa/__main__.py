"""`python -m ofa`, installed as `ofa-rnc`: train a supernet, evaluate its subnets.

Torch is loaded once the options are right.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

INTERRUPTED = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 no space, 2 bad input, 130 interrupted."""
    try:
        # an interrupt may strike while modules are loaded
        from ofa.errors import BadInput, refusal
        from ofa.options import parse

        options = parse(argv)
        from ofa import commands

        command = commands.train if options.command == "train" else commands.evaluate
        command(options)
        print(end="", flush=True)
        return 0
    except KeyboardInterrupt as interrupt:  # first, since the names of the others may not be there yet
        status, said = INTERRUPTED, "; ".join(["interrupted", *map(str, interrupt.args)])
    except BadInput as error:
        status, said = error.exit_status, str(error)
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone: nothing to flush at exit
        return 0
    except OSError as error:
        said = f"{error.filename or 'output'}: {error.strerror or error}"
        status = refusal(said, error).exit_status
        with suppress(OSError):
            print(end="", flush=True)
        sys.stdout = None  # lest Python tries again, and tells, at exit
    print("ofa:", *said.splitlines(), file=sys.stderr)
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
