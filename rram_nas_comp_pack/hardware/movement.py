"""What moving a layer's results takes, and what digital operators take: zero unless it is asked for.

A layer holds its crossbars until its results have left, as a tile of MNSIM 2.0 does (its latency adds
transfer and output to the reads). So both are times of the layer itself, and no schedule needs to know more.
"""

from __future__ import annotations

from functools import lru_cache

from ..errors import BadInput
from ..values import ChargedTime, Mapping, ReadTime
from .chip_costs import INPUT_BITS, read_time_of
from .components import adc
from .config.keys import TILE
from .config.read import Hardware

MOST_UNITS = 64
"""Digital units where the file says 0, as in MNSIM 2.0."""


@lru_cache(maxsize=16)
def time_of(hardware: Hardware, data_movement: bool) -> ReadTime:
    """`read_time_of` one hardware, which charges data movement too if asked: always the same function.

    Raises BadInput where the bandwidths are not known.
    """
    read = read_time_of(hardware)
    if not data_movement:
        return read
    between = _bandwidth("Inter_Tile_Bandwidth", hardware.movement.inter_tile_gbps)
    within = _bandwidth("Intra_Tile_Bandwidth", hardware.movement.intra_tile_gbps)
    units = hardware.movement.digital_units or MOST_UNITS
    bits = adc(hardware).bits

    def moves_ns(m: Mapping) -> float:
        results = _results(m)
        return results * INPUT_BITS / between + results * _partial_bits(m, bits) / within

    return ChargedTime(read, moves_ns, lambda m: _results(m) / units * hardware.clock_ns)


def _bandwidth(key: str, gbps: float | None) -> float:
    if gbps:
        return gbps
    found = "no such key" if gbps is None else f"'{gbps:g}'"
    raise BadInput(f"--data-movement: [{TILE}] {key}: found {found}; allowed: a number > 0 [Gb/s]")


def _results(m: Mapping) -> int:
    """Numbers that a layer computes for a sample."""
    return m.layer.positions * m.layer.raw.w


def _partial_bits(m: Mapping, adc_bits: int) -> int:
    """Bits that move within the tile for each result, to add up the parts of a layer that is cut along rows.

    A tree of n parts has log2 n levels, one after the other, and codes grow by a bit in each: that is the
    transfer to the joint module of MNSIM 2.0.
    """
    parts = -(-sum(box.w for box in m.boxes) // m.layer.raw.w)
    return sum(adc_bits + level for level in range((parts - 1).bit_length()))
