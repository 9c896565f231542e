"""Which logical crossbar goes to which physical one: where the faults of a chip are known, that is chosen.

The price of a choice is the sum of the squared errors of the weights that remain when they are encoded around
the stuck cells that they meet. An error in slice j thus weighs 4^(cell_bits * j).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import CannotBeDone
from ..kernels.arrays import Floats, Ints
from .chip import ChipInstance, stuck_cells
from .device import DeviceModel
from .encoding import remaining_error


def assignment_costs(
    weights: NDArray[np.integer],
    occupied: NDArray[np.bool_],
    device: DeviceModel,
    chip: ChipInstance,
    physical: int,
) -> Floats:
    """Squared error that remains for each logical crossbar on each of the first `physical` ones of a chip.

    `weights` and `occupied` have the shape (crossbars, rows, columns); cells that are not occupied are never
    read. Returns (crossbars, physical). Takes about a millisecond a pair.
    """
    costs = np.zeros((len(weights), physical))
    held = [w[o] for w, o in zip(weights, occupied, strict=True)]
    for p in range(physical):
        stuck = stuck_cells(chip, device, p)
        for logical, cells in enumerate(held):
            costs[logical, p] = remaining_error(cells, device, stuck[:, :, occupied[logical]])
    return costs


def assign_crossbars(costs: Floats) -> Ints:
    """The physical crossbar of each logical one, no two the same, of the least total cost.

    `costs` has the shape (logical, physical). Raises `CannotBeDone` where there are too few physical ones.
    """
    from scipy.optimize import linear_sum_assignment

    logical, physical = costs.shape
    if logical > physical:
        raise CannotBeDone(f"chip: found {physical} crossbars, the layout needs {logical}")
    return np.asarray(linear_sum_assignment(costs)[1], np.int64)
