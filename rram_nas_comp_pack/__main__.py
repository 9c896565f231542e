"""`python -m rram_nas_comp_pack`, installed as `rnc`."""

import os
from typing import NoReturn

from ofa.console import leave


def _run() -> int:
    from .cli.main import main

    return main()


def script() -> NoReturn:
    """Run a command and leave with its exit status; or say how the shell may complete a command line."""
    if "_ARGCOMPLETE" in os.environ:
        from .cli.completion import complete

        complete()
    leave(_run)


if __name__ == "__main__":
    script()
