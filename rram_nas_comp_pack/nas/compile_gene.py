"""How a network is compiled as a gene beside those of the network: its mapping, or its hardware."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..hardware.chip_costs import area_per_crossbar_um2

if TYPE_CHECKING:
    from ..hardware.config.read import Hardware
    from ..simulation.row_graph import ScheduleKind
    from ..values import Layer, RowGraph
    from .compile_subnet import CompileSettings
    from .space import Genes, ReadyNetwork, SearchSpace

DIAGONAL_ROWS, HARDWARE = "diagonal_rows", "hardware"
"""What the genes are called in files."""


class Choice(NamedTuple):
    """What a gene may choose: how files tell it, and the fields of `CompileSettings` that it sets."""

    told: int | str
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WithCompileGene:
    """A search space whose last gene is one of `offered`, called `name`; the rest is that of `networks`."""

    networks: SearchSpace
    name: str
    offered: tuple[Choice, ...]

    @property
    def choices(self) -> tuple[int, ...]:
        """Those of the network, and one of what is offered."""
        return (*self.networks.choices, len(self.offered))

    def present(self, genes: Genes) -> NDArray[np.bool_]:
        """Those of the network that count, and the last."""
        inner = self.networks.present(genes[:, :-1])
        return np.hstack([inner, np.ones((len(genes), 1), np.bool_)])

    def entry(self, row: Genes) -> Mapping[str, object]:
        """The network, and what is chosen for it."""
        return {**self.networks.entry(row[:-1]), self.name: self.offered[row[-1]].told}

    def layers(self, row: Genes) -> tuple[Layer, ...]:
        """Those of the network."""
        return self.networks.layers(row[:-1])

    def graph(self, row: Genes, schedule: ScheduleKind) -> RowGraph | None:
        """That of the network."""
        return self.networks.graph(row[:-1], schedule)

    def settings(self, row: Genes, usual: CompileSettings) -> CompileSettings:
        """Those of the network, with what the gene chooses."""
        return replace(self.networks.settings(row[:-1], usual), **self.offered[row[-1]].settings)

    def make(self, row: Genes) -> ReadyNetwork:
        """The network, which is the same however it is compiled."""
        return self.networks.make(row[:-1])


def with_diagonal_rows(networks: SearchSpace, rows: Sequence[int]) -> WithCompileGene:
    """The most rows of a diagonal box as a gene, one of `rows`; 0 is without any.

    Every cell of a box's rows leaks and may be faulty, those that hold zeros too, so that fewer rows are
    more accurate on faulty chips; more of them need fewer reads.
    """
    return WithCompileGene(networks, DIAGONAL_ROWS, tuple(Choice(n, {DIAGONAL_ROWS: n}) for n in rows))


class NamedHardware(NamedTuple):
    """Hardware, what it is called, and how many of its crossbars may be used."""

    name: str
    hardware: Hardware
    crossbars: int


def with_hardware(networks: SearchSpace, hardware: Sequence[NamedHardware]) -> WithCompileGene:
    """The hardware as a gene. Speeds are over the baseline of the first, so that they compare."""
    reference = hardware[0].hardware
    offered = (
        Choice(name, {HARDWARE: own, "crossbars": crossbars, "reference": reference})
        for name, own, crossbars in hardware
    )
    return WithCompileGene(networks, HARDWARE, tuple(offered))


def crossbars_within(hardware: Hardware, area_mm2: float) -> int:
    """How many crossbars an area holds, with all that belongs to them; 0 where it is less than one."""
    return int(area_mm2 * 1e6 / area_per_crossbar_um2(hardware) * (1 + 1e-12))
