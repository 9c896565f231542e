"""Random numbers of compiled code: integers only, the same on every machine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .jit import compiled

RandomState = NDArray[np.uint64]
"""Shape (1,), updated in place by each draw."""


def random_state(seed: int) -> RandomState:
    """The state from which a seed draws; seeds that lie side by side give states that lie far apart.

    The factor is 2^64 over the golden ratio (Knuth, "The Art of Computer Programming" 3, section 6.4). From a
    state of 0 all draws would be 0.
    """
    mixed = (seed * 0x9E3779B97F4A7C15 + 0x2545F4914F6CDD1D) % 2**64
    return np.array([mixed or 1], np.uint64)


@compiled
def random_bits(random: RandomState) -> Any:
    """The next 64 random bits (Marsaglia, "Xorshift RNGs", 2003)."""
    x = random[0]
    x ^= x << np.uint64(13)
    x ^= x >> np.uint64(7)
    x ^= x << np.uint64(17)
    random[0] = x
    return x


@compiled
def random_below(random: RandomState, n: int) -> int:
    """A random integer from 0 to n - 1."""
    return np.int64(((random_bits(random) >> np.uint64(32)) * np.uint64(n)) >> np.uint64(32))  # type: ignore[return-value]
