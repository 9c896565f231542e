"""From a network of a search's front.json to a module: `ofa:FILE#K`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import BadInput
from .front import read_subnets

if TYPE_CHECKING:
    from torch import nn

    from ofa.architecture import Configuration


def build_subnet(place: str) -> nn.Module:
    """Return network K of a front.json, `place` being "FILE#K", with fresh weights. Raises BadInput."""
    file, chosen = chosen_subnet(place)
    import ofa

    supernet = ofa.build_supernet(read_subnets(file)[0])
    supernet.set_active_subnet(**chosen._asdict())
    return supernet.get_active_subnet()


def chosen_subnet(place: str) -> tuple[Path, Configuration]:
    """Return the file and the network in "FILE#K". Raises BadInput."""
    file, mark, number = place.rpartition("#")
    if not mark or not (number.isascii() and number.isdecimal()):
        raise BadInput(
            f"model 'ofa:{place:.200}': allowed is ofa:FILE#K with the front.json of a search and K from 0"
        )
    _, subnets = read_subnets(Path(file))
    digits = number.lstrip("0") or "0"
    if len(digits) > 9 or int(digits) >= len(subnets):
        raise BadInput(
            f"model 'ofa:{place:.200}': found {len(subnets)} networks, allowed is #0 to #{len(subnets) - 1}"
        )
    return Path(file), subnets[int(digits)]
