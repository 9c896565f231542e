"""`python -m rram_nas_comp_pack`, installed as `rnc`."""

import os
import sys
from typing import NoReturn

INTERRUPTED = 130


def _run() -> int:
    try:
        from .cli.main import main

        return main()
    except KeyboardInterrupt:  # before `main` could take care of it
        return INTERRUPTED


def script() -> NoReturn:
    """Run a command and leave with its exit status."""
    status = _run()
    if status == INTERRUPTED:
        # an interrupt that struck in generated code would turn the status into a signal
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    script()
