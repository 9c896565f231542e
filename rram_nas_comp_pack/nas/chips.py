"""On which chips a search executes its subnets; nothing here needs torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    from ..execution.encoding import Encoding
    from ..hardware.config.read import Hardware
    from ..values import Layout

Robust = Literal["mean", "worst"]
ROBUST: Final[tuple[Robust, ...]] = get_args(Robust)


@dataclass(frozen=True, slots=True)
class Chips:
    """How many chips execute a subnet, on how many images, how they are programmed, and what counts.

    A search sees the chips of the seeds 0 to `instances` - 1; the front is judged on as many after these.
    """

    instances: int = 4
    images: int = 500
    encoding: Encoding = "fault-aware"
    robust: Robust = "mean"

    def counted(self, accuracies: Sequence[float]) -> float:
        """What the accuracies of all chips count as."""
        return fmean(accuracies) if self.robust == "mean" else min(accuracies)


class OnChips(NamedTuple):
    """A layout, and the chips that it lies on."""

    layout: Layout
    hardware: Hardware
    chips: Chips
