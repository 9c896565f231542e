"""What is packed: rectangles, their layers and the crossbar they go into."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from ..values import CrossbarSize


@dataclass(frozen=True, slots=True)
class Items:
    """Rectangles to pack into crossbars of `size`.

    `widths` (columns), `heights` (rows) and `layers` are arrays of shape (items,); `layers` holds the layer
    index that the sharing rules compare.
    """

    widths: Ints
    heights: Ints
    layers: Ints
    size: CrossbarSize

    def __len__(self) -> int:
        """The number of items."""
        return len(self.widths)

    def subset(self, which: NDArray[np.bool_] | Ints) -> Items:
        """The items selected by a mask or by indices."""
        return Items(self.widths[which], self.heights[which], self.layers[which], self.size)
