"""Digital blocks of MNSIM 2.0 with their sources. Fault ids (F..) refer to docs/hardware.md."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Block:
    """One digital block."""

    area_um2: float
    power_w: float


# Technology class nm -> um^2 per bit, W per bit: "Implementation of an Efficient 14-Transistor Full Adder
# (.18um technology) Using DTMOS". The 65 nm row does not fit the others (F23).
_ADDER: Final[Mapping[int, tuple[float, float]]] = {
    28: (0.10976, 2.5e-9),
    45: (0.2835, 2.5e-9),
    55: (0.4235, 2.5e-9),
    65: (1.42, 3e-7),
    130: (2.366, 2.5e-9),
}


def class_index(value: float, classes: Sequence[float]) -> int:
    """Index of the smallest class >= value, else of the last one."""
    return min(bisect_left(classes, value), len(classes) - 1)


def adder(tech_nm: int, bits: int = 8) -> Block:
    """A ripple adder; the PE uses 8 bits whatever the ADC delivers (F23)."""
    classes = tuple(_ADDER)
    area_um2, power_w = _ADDER[classes[class_index(tech_nm, classes)]]
    return Block(bits * area_um2, bits * power_w)


def shift_register(tech_nm: int) -> Block:
    """A shift register of any width (F23); the origin of the 65 nm figures is not published."""
    return Block(1.42 * (tech_nm / 65) ** 2, 8.1e-7 * (tech_nm / 65) ** 2)


def register(tech_nm: int) -> Block:
    """A register of any width (F23); the origin of the 65 nm figures is not published."""
    return Block(1.4256 * (tech_nm / 65) ** 2, 1.88e-8 * (tech_nm / 65) ** 2)


_MUX_WAYS: Final = (2, 4, 8, 16, 32, 64)


def mux(tech_nm: int, ways: int) -> Block:
    """A multiplexer or demultiplexer: 8 transistors for 2 ways, three times as many per class (F19)."""
    transistors = 8 * 3 ** class_index(ways, _MUX_WAYS)
    return Block(10 * tech_nm**2 * 1e-6 * transistors, 1.2e-8 * transistors)


# NVSim at 65 nm, whatever the technology (F18): one 1:8 decoder level, one 8:1 mux level.
_DECODER_LEVEL_NS: Final = 0.27933
_MUX_LEVEL_NS: Final = 0.032744


def _levels(ways: int) -> int:
    """2 + floor(log8 ways), as found; a tree needs ceil(log8 ways) (F17)."""
    return 2 + (ways.bit_length() - 1) // 3


def decoder_latency_ns(ways: int) -> float:
    """Delay of an input demux."""
    return _DECODER_LEVEL_NS * _levels(ways)


def mux_latency_ns(ways: int) -> float:
    """Delay of an output mux."""
    return _MUX_LEVEL_NS * _levels(ways)
