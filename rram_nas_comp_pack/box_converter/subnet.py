"""From a network of a search's front.json to a module: `ofa:FILE#K`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.runs.nas.front import read_front

if TYPE_CHECKING:
    from torch import nn

"""Characters of a text from the file or the command line that a message shows."""


def build_subnet(place: str) -> nn.Module:
    """Return network K of a front.json, `place` being "FILE#K", with fresh weights. Raises BadInput."""
    file, mark, number = place.rpartition("#")
    if not mark or not (number.isascii() and number.isdecimal()):
        raise BadInput(
            f"model 'ofa:{place:.200}': allowed is ofa:FILE#K with the front.json of a search and K from 0"
        )
    front = read_front(Path(file))
    if len(number) > 9 or int(number) >= len(front.networks):
        raise BadInput(
            f"model 'ofa:{place:.200}': found {len(front.networks)} networks, allowed is "
            f"#0 to #{len(front.networks) - 1}"
        )
    import ofa

    supernet = ofa.build_supernet(front.classes)
    supernet.set_active_subnet(**front.networks[int(number)].network._asdict())
    return supernet.get_active_subnet()
