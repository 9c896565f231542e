"""What a whole layout costs: physical crossbars, area, energy and power, with the share of each component.

A logical crossbar of n-bit weights is several physical ones (slices times polarity, hardware-model section 8)
in as many processing elements as the slices need; all of them read at once, so latency is that of one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from ..values import Box, Layer, Mapping
from .config import Hardware
from .pe import area, crossbars_per_weight, read_energy, read_latency, read_power

WEIGHT_BITS = 8
INPUT_BITS = 8


@dataclass(frozen=True, slots=True)
class Chip:
    """Totals of a layout. Shares are fractions of the total, by component; they add up to 1.

    `energy_nj` is that of one inference (one sample through all layers; only reads are counted, not the
    leakage of idle parts); `average_power_w` is that energy over the latency of a single inference.
    """

    crossbars: int
    physical_crossbars: int
    processing_elements: int
    area_um2: float
    area_share: dict[str, float]
    energy_nj: float
    energy_share: dict[str, float]
    average_power_w: float


def read_ns(hardware: Hardware, layer: Layer, box: Box) -> float:
    """Time of one read of a box: as many columns work as one read of the layer serves (RNC section 5)."""
    return _read_ns(hardware, box.h, _active_columns(layer, box))


@lru_cache(maxsize=65536)
def _read_ns(hardware: Hardware, h: int, w: int) -> float:
    return read_latency(hardware, h, w, INPUT_BITS).total_ns


def totals(hardware: Hardware, mappings: Sequence[Mapping], crossbars: int, latency_ns: float) -> Chip:
    """Totals of `crossbars` logical crossbars that run `mappings`, one inference in `latency_ns`."""
    per_weight = crossbars_per_weight(hardware, WEIGHT_BITS)
    elements = crossbars * per_weight.pes
    areas = {name: elements * um2 for name, um2 in _components(area(hardware))}
    energies = {name: per_weight.pes * nj for name, nj in _inference_energy(hardware, mappings).items()}
    energy_nj = sum(energies.values())
    return Chip(
        crossbars=crossbars,
        physical_crossbars=crossbars * per_weight.crossbars,
        processing_elements=elements,
        area_um2=sum(areas.values()),
        area_share=_shares(areas),
        energy_nj=energy_nj,
        energy_share=_shares(energies),
        average_power_w=energy_nj / latency_ns,
    )


def _active_columns(layer: Layer, box: Box) -> int:
    return min(box.w, layer.columns_per_read)


def _inference_energy(hardware: Hardware, mappings: Sequence[Mapping]) -> dict[str, float]:
    """Energy by component of one PE over all reads of an inference; copies share the reads, not add any."""
    reads: Counter[tuple[int, int]] = Counter()
    for m in mappings:
        for box in m.boxes:
            reads[box.h, _active_columns(m.layer, box)] += box.cycles
    energies: dict[str, float] = defaultdict(float)
    for (h, w), cycles in reads.items():
        energy = read_energy(read_power(hardware, h, w), read_latency(hardware, h, w, INPUT_BITS))
        for name, nj in _components(energy):
            energies[name] += cycles * nj
    return energies


def _components(parts: object) -> list[tuple[str, float]]:
    """Fields of a result of `pe`, without the unit in their names."""
    return [(name.rsplit("_", 1)[0], value) for name, value in asdict(parts).items()]  # type: ignore[call-overload]


def _shares(amounts: dict[str, float]) -> dict[str, float]:
    total = sum(amounts.values())
    return {name: amount / total for name, amount in amounts.items()}
