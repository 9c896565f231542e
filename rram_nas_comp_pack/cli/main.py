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
        sys.stdout.flush()
        return status
    except ToolkitError as error:
        return _complain(str(error), error.exit_status)
    except KeyboardInterrupt as interrupt:
        kept = [str(each) for each in interrupt.args] or ["nothing was written"]
        return _complain("; ".join(["interrupted", *kept]), 130)
    except BrokenPipeError:
        sys.stdout = None  # the reader has gone: nothing to flush at exit
        return 0
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package in ("", "rram_nas_comp_pack", "ofa"):
            raise
        return _complain(f"{package} is not installed; doctor tells what is missing and what mends it", 1)
    except MemoryError:
        return _complain("out of memory", 1)
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        return _complain(f"{error.filename or 'output'}: {error.strerror or error}", 1 if full else 2)


def _complain(text: str, status: int) -> int:
    print(f"rram_nas_comp_pack: {text}", file=sys.stderr)
    return status
