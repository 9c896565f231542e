"""Parse the command line, run one command, and turn errors into one line and an exit status."""

from __future__ import annotations

import errno
import sys
from collections.abc import Sequence

from ..errors import ToolkitError
from .options import parse


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command; returns 0 done, 1 cannot be done, 2 bad input, 130 interrupted."""
    try:
        run, options = parse(argv)
        status = run(options)
        print(end="", flush=True)
        return status
    except ToolkitError as error:
        return _complain(error.exit_status, *map(str, error.args))
    except KeyboardInterrupt as interrupt:
        kept = [str(each) for each in interrupt.args] or ["nothing was written"]
        return _complain(130, "; ".join(["interrupted", *kept]))
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone: nothing to flush at exit
        return 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "rram_nas_comp_pack", "ofa"):
            raise
        return _complain(1, f"{package} is not installed; doctor tells what is missing and what mends it")
    except MemoryError:
        return _complain(1, "out of memory")
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        _drop_unwritten()
        return _complain(1 if full else 2, f"{error.filename or 'output'}: {error.strerror or error}")


def _complain(status: int, *texts: str) -> int:
    """Print a line for each text, whatever the names in it hold."""
    lines = (" ".join(text.splitlines()) for text in texts)
    print("rram_nas_comp_pack:", "\n".join(lines), file=sys.stderr)
    return status


def _drop_unwritten() -> None:
    """Keep Python from trying again, and telling, at exit."""
    try:
        print(end="", flush=True)
    except OSError:
        sys.stdout = None
