"""From a network of a search to a module: `ofa:FILE#K`, of its front.json or of a line of its tables."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ofa.streams import printable

from ...errors import BadInput
from ..checked_csv import read_table
from .front import FRONT, read_subnet_text, read_subnets

if TYPE_CHECKING:
    from torch import nn

    from ofa.architecture import Configuration


def build_subnet(place: str) -> nn.Module:
    """Return the network in "FILE#K", with fresh weights. Raises BadInput."""
    front, chosen = chosen_subnet(place)
    import ofa

    supernet = ofa.build_supernet(read_subnets(front)[0])
    supernet.set_active_subnet(**chosen._asdict())
    return supernet.get_active_subnet()


def chosen_subnet(place: str) -> tuple[Path, Configuration]:
    """Return the front.json of a search, and its network that "FILE#K" names. Raises BadInput.

    Of front.json that is network K; of a table with a column `sample`, such as evaluated.csv, line K after
    the header, counted from 0.
    """
    file, mark, number = place.rpartition("#")
    told = printable(place)
    if not mark or not (number.isascii() and number.isdecimal()):
        raise BadInput(
            f"model 'ofa:{told:.200}': allowed is ofa:FILE#K with the front.json or evaluated.csv of a "
            "search and K from 0"
        )
    front, subnets = front_of(Path(file)), _subnets(Path(file))
    digits = number.lstrip("0") or "0"
    if len(digits) > 9 or int(digits) >= len(subnets):
        raise BadInput(
            f"model 'ofa:{told:.200}': found {len(subnets)} networks, allowed is #0 to #{len(subnets) - 1}"
        )
    return front, subnets[int(digits)]


def front_of(file: Path) -> Path:
    """The front.json beside a table of a search, and a front.json itself."""
    return file.with_name(FRONT) if file.suffix == ".csv" else file


def _subnets(file: Path) -> Sequence[Configuration]:
    if file.suffix != ".csv":
        return read_subnets(file)[1]
    rows = read_table(file, ("sample",))
    return [read_subnet_text(f"{row.path}: line {row.line}", row.text("sample")) for row in rows]
