"""The schedule where no crossbar is shared and each layer has replicas of its own: samples queue up in order.

A sample enters a layer when it has left the one before, and so has the sample before it this one: no event
loop is needed. The results are those of the event loop to the bit, since the same numbers are added in the
same order.
"""

from __future__ import annotations

import numpy as np

from ..kernels.arrays import Floats
from ..kernels.jit import compiled


def free_flow(lengths: Floats, samples: int) -> Floats:
    """Times (4: ask, start, finish and busy; samples; layers) of layers that run for `lengths` (layers,)."""
    times = np.zeros((4, samples, len(lengths)))
    _flow(lengths, times)
    return times


@compiled
def _flow(lengths: Floats, times: Floats) -> None:
    _, samples, layers = times.shape
    for sample in range(samples):
        asked = times[2, sample - 1, 0] if sample > 0 else 0.0
        for layer in range(layers):
            started = max(asked, times[2, sample - 1, layer]) if sample > 0 else asked
            times[0, sample, layer], times[1, sample, layer] = asked, started
            times[3, sample, layer] = lengths[layer]
            asked = started + lengths[layer]
            times[2, sample, layer] = asked
