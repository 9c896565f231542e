"""From a network of a search's front.json to a module: `ofa:FILE#K`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rram_nas_comp_pack.errors import BadInput

if TYPE_CHECKING:
    from torch import nn


def build_subnet(place: str) -> nn.Module:
    """Return network K of a front.json, `place` being "FILE#K", with fresh weights. Raises BadInput."""
    file, mark, number = place.rpartition("#")
    if not mark or not number.isdecimal():
        raise BadInput(
            f"model 'ofa:{place}': allowed is ofa:FILE#K with the front.json of a search and K from 0"
        )
    front = _read(Path(file))
    networks = front["networks"]
    if int(number) >= len(networks):
        raise BadInput(
            f"model 'ofa:{place}': found {len(networks)} networks, allowed is #0 to #{len(networks) - 1}"
        )
    import ofa

    try:
        supernet = ofa.build_supernet(front["num_classes"])
        supernet.set_active_subnet(**networks[int(number)]["sample"])
    except (ofa.BadInput, KeyError, TypeError, RuntimeError) as error:
        raise BadInput(f"{file}: network {number}: found no subnet ({error})") from error
    return supernet.get_active_subnet()


def _read(path: Path) -> dict[str, Any]:
    allowed = "allowed is the front.json of a search"
    try:
        front = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInput(f"{path}: cannot be read: {error.strerror}; {allowed}") from error
    except ValueError as error:
        raise BadInput(f"{path}: found no JSON ({error}); {allowed}") from error
    if not isinstance(front, dict) or not isinstance(front.get("networks"), list):
        raise BadInput(f"{path}: found no networks; {allowed}")
    return front
