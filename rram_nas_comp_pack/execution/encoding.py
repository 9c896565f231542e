"""To which levels the cells of a weight are programmed: plain digits, or the nearest code around its faults.

With "fault-aware" channels have scales that suit the faults as well (`channel_scales`), with
"fault-aware-codes" those of the image. Weights are encoded alike.

A pair of cells holds +1, 0 and -1 in each slice, so that most weights have many codes; an offset code has one
a weight, and around a fault the lower slices come as near as they reach.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ..kernels.arrays import Ints
from .cells import Levels, plain_levels
from .chip import Stuck
from .device import DeviceModel
from .nearest_code import nearest_values, summed_squares, write_codes

Encoding = Literal["plain", "fault-aware", "fault-aware-codes"]
ENCODINGS: Final[tuple[Encoding, ...]] = get_args(Encoding)


def encode(
    weights: NDArray[np.integer],
    device: DeviceModel,
    stuck: Stuck | None = None,
    encoding: Encoding = "plain",
) -> Levels:
    """Levels (arrays, slices, rows, columns) for weights (rows, columns).

    `stuck`, of the shape of the levels, is what is known of the cells; None: nothing, and the code is plain.
    What comes back are the levels to program; stuck cells keep theirs whatever is programmed.
    """
    plain = plain_levels(weights, device)
    if encoding == "plain" or stuck is None:
        return plain
    levels = np.empty((*plain.shape[:2], weights.size), np.int8)
    write_codes(_codes(weights, device), _flat(stuck), device.top, levels)
    return levels.reshape(plain.shape)


def remaining_error(weights: NDArray[np.integer], device: DeviceModel, stuck: Stuck) -> int:
    """Sum of the squared errors of weights that are encoded around `stuck`: an error in slice j weighs
    4^(cell_bits * j).
    """
    return int(summed_squares(_codes(weights, device), _flat(stuck), device.top))


def held_values(weights: NDArray[np.integer], device: DeviceModel, stuck: Stuck) -> Ints:
    """What cells hold, of the shape of `weights`, that are encoded around `stuck` (arrays, slices, ...)."""
    values = nearest_values(_codes(weights, device), _flat(stuck), device.top)
    return values.reshape(weights.shape) - device.offset


def _codes(weights: NDArray[np.integer], device: DeviceModel) -> NDArray[np.int64]:
    return weights.astype(np.int64).ravel() + device.offset


def _flat(stuck: Stuck) -> Stuck:
    return np.ascontiguousarray(stuck).reshape(*stuck.shape[:2], -1)
