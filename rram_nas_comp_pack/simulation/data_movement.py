"""What a sample's time goes into: reads, moves and digital operators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..values import ChargedTime, Mapping
from .event_loop import program


@dataclass(frozen=True, slots=True)
class DataMovement:
    """Times of all layers of a sample, added up, in ns; layers may overlap, so they are no latency.

    `moves_ns` is what results take between tiles and within them, `digital_ns` what digital operators take.
    """

    reads_ns: float
    moves_ns: float
    digital_ns: float

    @property
    def share(self) -> float:
        """Of the layers' time that does not go into reads."""
        beside = self.moves_ns + self.digital_ns
        return beside / (self.reads_ns + beside)


def data_movement(mappings: Sequence[Mapping], charged: ChargedTime, rows: Sequence[int]) -> DataMovement:
    """Return what layers of so many rows (layers,) spend their time on."""
    reads = program(mappings, charged.read_ns, None, rows)
    longest = np.maximum.reduceat(reads.times, reads.time_offset[:-1])
    return DataMovement(
        float((longest * np.array(rows)).sum()) * reads.unit_ns,
        sum(map(charged.moves_ns, mappings)),
        sum(map(charged.digital_ns, mappings)),
    )
