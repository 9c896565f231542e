"""From a network of a search's front.json to a module: `ofa:FILE#K`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rram_nas_comp_pack.box_converter.foreign import told_as
from rram_nas_comp_pack.errors import BadInput

if TYPE_CHECKING:
    from torch import nn

_MOST_CLASSES = 100_000
_DIGITS = 9
_SHOWN = 100
"""Characters of a text from the file or the command line that a message shows."""


def build_subnet(place: str) -> nn.Module:
    """Return network K of a front.json, `place` being "FILE#K", with fresh weights. Raises BadInput."""
    file, mark, number = place.rpartition("#")
    if not mark or not number.isascii() or not number.isdecimal():
        allowed = "allowed is ofa:FILE#K with the front.json of a search and K from 0"
        raise BadInput(f"model 'ofa:{place[:_SHOWN]}': {allowed}")
    number = number.lstrip("0") or "0"
    front = _read(Path(file))
    networks, classes = front["networks"], front.get("num_classes")
    if len(number) > _DIGITS or int(number) >= len(networks):
        found = f"found {len(networks)} networks, allowed is #0 to #{len(networks) - 1}"
        raise BadInput(f"model 'ofa:{place[:_SHOWN]}': {found}")
    if type(classes) is not int or not 1 <= classes <= _MOST_CLASSES:
        raise BadInput(f"{file}: num_classes: found {_short(classes)}, allowed is 1 to {_MOST_CLASSES}")
    import ofa

    with told_as(f"{file}: network {number}: found no subnet"):
        supernet = ofa.build_supernet(classes)
        supernet.set_active_subnet(**networks[int(number)]["sample"])
        return supernet.get_active_subnet()


def _read(path: Path) -> dict[str, Any]:
    allowed = "allowed is the front.json of a search"
    try:
        front = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; {allowed}") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: found no JSON ({str(error)[:_SHOWN]}); {allowed}") from error
    if not isinstance(front, dict) or not isinstance(front.get("networks"), list) or not front["networks"]:
        raise BadInput(f"{path}: found no networks; {allowed}")
    return front


def _short(value: object) -> str:
    return repr(value)[:_SHOWN] if isinstance(value, str | int | float | None) else type(value).__name__
