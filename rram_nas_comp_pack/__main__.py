"""`python -m rram_nas_comp_pack`."""

import os
import sys

INTERRUPTED = 130


def _run() -> int:
    try:
        from .cli.main import main

        return main()
    except KeyboardInterrupt:  # before `main` could take care of it
        return INTERRUPTED


if __name__ == "__main__":
    status = _run()
    if (
        status == INTERRUPTED
    ):  # an interrupt that struck in generated code would turn the status into a signal
        os._exit(status)
    sys.exit(status)
