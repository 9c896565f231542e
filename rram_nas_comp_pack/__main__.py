"""`python -m rram_nas_comp_pack`, installed as `rnc`."""

from typing import NoReturn

from ofa.console import leave


def _run() -> int:
    from .cli.main import main

    return main()


def script() -> NoReturn:
    """Run a command and leave with its exit status."""
    leave(_run)


if __name__ == "__main__":
    script()
