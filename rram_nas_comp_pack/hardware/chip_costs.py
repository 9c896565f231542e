"""What a whole layout costs: physical crossbars, area, energy and power, with the share of each component.

A logical crossbar of n-bit weights is several physical ones (slices times polarity, hardware-model section 8)
in as many processing elements as the slices need; all of them read at once, so latency is that of one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

from ..values import Box, Layer, Mapping, cells_with_weights
from .components import buffer
from .config.read import Hardware
from .crossbar import cell_area_um2
from .pe import area, crossbars_per_weight, read_energy, read_latency, read_power

WEIGHT_BITS = 8
INPUT_BITS = 8

LEAKAGE = "leakage"
"""Component of the energy, where it is asked for."""


@dataclass(frozen=True, slots=True)
class Cells:
    """Some cells of the logical crossbars, what they take up and what reading them costs.

    `area_um2` is that of the cells alone, in all physical crossbars, `energy_nj` the crossbar's part of the
    energy of one inference.
    """

    count: int
    area_um2: float
    energy_nj: float


@dataclass(frozen=True, slots=True)
class Chip:
    """Totals of a layout. Shares are fractions of the total, by component; they add up to 1.

    `cells` are those of all logical crossbars, `occupied` those under boxes, `weights` those among them that
    hold weights; the rest are the zeros of diagonal boxes. The model charges every cell of a read alike, so
    a read's energy is split by the number of its cells of either kind.
    `energy_nj` is that of one inference (one sample through all layers): of its reads, and of leakage where
    that is asked for; `average_power_w` is that energy over the latency of a single inference.
    """

    crossbars: int
    physical_crossbars: int
    processing_elements: int
    cells: int
    occupied: Cells
    weights: Cells
    area_um2: float
    area_share: dict[str, float]
    energy_nj: float
    energy_share: dict[str, float]
    average_power_w: float


def read_ns(hardware: Hardware, layer: Layer, box: Box) -> float:
    """Time of one read of a box: as many columns work as one read of the layer serves (RNC section 5)."""
    return read_time_of(hardware)(layer, box)


@lru_cache(maxsize=16)
def read_time_of(hardware: Hardware) -> Callable[[Layer, Box], float]:
    """`read_ns` of one hardware: always the same function, which remembers what it was asked.

    Who asks often is served many times faster, since a hardware takes long to look up.
    """

    @lru_cache(maxsize=65536)
    def by_size(h: int, w: int) -> float:
        return read_latency(hardware, h, w, INPUT_BITS).total_ns

    return lambda layer, box: by_size(box.h, _active_columns(layer, box))


def chip_costs(
    hardware: Hardware,
    mappings: Sequence[Mapping],
    crossbars: int,
    latency_ns: float,
    leakage: bool = False,
) -> Chip:
    """Totals of `crossbars` logical crossbars that run `mappings`, one inference in `latency_ns`.

    `leakage` adds that of all processing elements as a component of the energy.
    """
    per_weight = crossbars_per_weight(hardware, WEIGHT_BITS)
    elements = crossbars * per_weight.pes
    areas = {name: elements * um2 for name, um2 in _components(area(hardware))}
    energies, weights_nj = _inference_energy(hardware, mappings, per_weight.pes)
    if leakage:
        energies[LEAKAGE] = leakage_nj(hardware, elements, latency_ns)
    energy_nj = sum(energies.values())
    cell_um2 = per_weight.crossbars * cell_area_um2(hardware)
    occupied = sum(m.copies * box.h * box.w for m in mappings if m.stored for box in m.boxes)
    weights = cells_with_weights(mappings)
    return Chip(
        crossbars=crossbars,
        physical_crossbars=crossbars * per_weight.crossbars,
        processing_elements=elements,
        cells=crossbars * hardware.rows * hardware.columns,
        occupied=Cells(occupied, occupied * cell_um2, energies["crossbar"]),
        weights=Cells(weights, weights * cell_um2, weights_nj),
        area_um2=sum(areas.values()),
        area_share=_shares(areas),
        energy_nj=energy_nj,
        energy_share=_shares(energies),
        average_power_w=energy_nj / latency_ns,
    )


@lru_cache(maxsize=16)
def area_per_crossbar_um2(hardware: Hardware) -> float:
    """Area of one logical crossbar: of its processing elements, as `Chip.area_um2` counts them."""
    return crossbars_per_weight(hardware, WEIGHT_BITS).pes * area(hardware).total_um2


def leakage_nj(hardware: Hardware, elements: int, latency_ns: float) -> float:
    """What so many processing elements leak in `latency_ns`, at work or idle.

    Only their input buffers leak in the model: cells keep their states without power, and the powers of
    converters and digital blocks are those at work. Reads count nothing of it (F20).
    """
    return elements * buffer(hardware, hardware.input_buffer_kb).leakage_mw * 1e-3 * latency_ns


def inference_nj(hardware: Hardware, mappings: Sequence[Mapping]) -> float:
    """Energy of one inference: `Chip.energy_nj` of a layout of these mappings, by itself."""
    return sum(
        _inference_energy(hardware, mappings, crossbars_per_weight(hardware, WEIGHT_BITS).pes)[0].values()
    )


def _active_columns(layer: Layer, box: Box) -> int:
    return box.w if layer.lies_diagonally(box) else min(box.w, layer.columns_per_read)


def _inference_energy(
    hardware: Hardware, mappings: Sequence[Mapping], elements: int
) -> tuple[dict[str, float], float]:
    """Energy of all reads of an inference in so many PEs, by component, and that of cells with weights.

    Copies share the reads, not add any.
    """
    energies: dict[str, float] = defaultdict(float)
    weights_nj = 0.0
    energy_of = _energies(hardware)
    for (h, w, weights), cycles in _reads(mappings).items():
        parts = energy_of(h, w)
        for name, nj in parts.items():
            energies[name] += elements * cycles * nj
        weights_nj += elements * cycles * parts["crossbar"] * (weights / (h * w))
    return energies, weights_nj


@lru_cache(maxsize=16)
def _energies(hardware: Hardware) -> Callable[[int, int], dict[str, float]]:
    """Energy of a read of h rows and w columns, by component; it remembers what it was asked."""

    @lru_cache(maxsize=65536)
    def by_size(h: int, w: int) -> dict[str, float]:
        energy = read_energy(read_power(hardware, h, w), read_latency(hardware, h, w, INPUT_BITS))
        return dict(_components(energy))

    return by_size


def _reads(mappings: Sequence[Mapping]) -> dict[tuple[int, int, int], int]:
    """How often an inference reads h rows and w columns with so many weights in them."""
    reads: dict[tuple[int, int, int], int] = defaultdict(int)
    for m in mappings:
        for size, cycles in _layer_reads(m.layer, m.boxes):
            reads[size] += cycles
    return reads


@lru_cache(maxsize=65536)
def _layer_reads(layer: Layer, boxes: tuple[Box, ...]) -> tuple[tuple[tuple[int, int, int], int], ...]:
    """`_reads` of the boxes of one layer."""
    reads: Counter[tuple[int, int, int]] = Counter()
    for box in boxes:
        w = _active_columns(layer, box)
        reads[box.h, w, box.h if layer.lies_diagonally(box) else box.h * w] += box.cycles
    return tuple(reads.items())


def _components(parts: object) -> list[tuple[str, float]]:
    """Fields of a result of `pe`, without the unit in their names."""
    return [(name.rsplit("_", 1)[0], value) for name, value in asdict(parts).items()]  # type: ignore[call-overload]


def _shares(amounts: dict[str, float]) -> dict[str, float]:
    total = sum(amounts.values())
    return {name: amount / total for name, amount in amounts.items()}
