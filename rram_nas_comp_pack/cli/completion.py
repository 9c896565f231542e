"""What a shell may complete a command line with, by argcomplete."""

from __future__ import annotations

import os
import re
from collections.abc import MutableMapping

from .options.parse import new_parser
from .options.sweep import COMMANDS

LINE, POINT = "COMP_LINE", "COMP_POINT"
_SWEPT = re.compile(rf"(\s*\S+\s+)sweep\s+(?=(?:{'|'.join(COMMANDS)})\s)")


def complete() -> None:
    """Answer the shell and end the process; nothing where the shell has not asked, or no package is there.

    Only the parsers are imported: the shell waits for the answer.
    """
    try:
        from argcomplete import autocomplete
    except ModuleNotFoundError:
        return
    complete_as_swept(os.environ)
    autocomplete(new_parser(), exclude=["--debug"])


def complete_as_swept(asked: MutableMapping[str, str]) -> None:
    """Let the options behind `sweep COMMAND` be those of the command: to the parser they are words."""
    line = asked.get(LINE, "")
    found = _SWEPT.match(line)
    if found:
        asked[LINE] = found[1] + line[found.end() :]
        asked[POINT] = str(int(asked[POINT]) - (found.end() - len(found[1])))
