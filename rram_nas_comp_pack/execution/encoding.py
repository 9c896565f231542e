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

from .cells import Levels, plain_levels, require_range
from .chip import Stuck
from .code_table import nearest_codes
from .device import DeviceModel

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
    if encoding == "plain" or stuck is None:
        return plain_levels(weights, device)
    require_range(weights, device)
    return nearest_codes(_codes(weights, device), stuck, device.top)[1]


def remaining_error(weights: NDArray[np.integer], device: DeviceModel, stuck: Stuck) -> int:
    """Sum of the squared errors of weights that are encoded around `stuck` (arrays, slices, shape of the
    weights): an error in slice j weighs 4^(cell_bits * j).
    """
    codes = _codes(weights, device).reshape(1, -1)
    values, _ = nearest_codes(codes, stuck.reshape(*stuck.shape[:2], 1, -1), device.top)
    return int(np.square(codes - values).sum())


def _codes(weights: NDArray[np.integer], device: DeviceModel) -> NDArray[np.int64]:
    return weights.astype(np.int64) + device.offset
