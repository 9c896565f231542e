"""How a network is mapped as a gene beside those of the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from ..values import Layer
    from .compile_subnet import CompileSettings
    from .space import Genes, ReadyNetwork, SearchSpace


@dataclass(frozen=True, slots=True)
class WithDiagonalRows:
    """A search space whose last gene is the most rows of a diagonal box, one of `rows`; 0 is without any.

    Every cell of a box's rows leaks and may be faulty, those that hold zeros too, so that fewer rows are
    more accurate on faulty chips; more of them need fewer reads.
    """

    networks: SearchSpace
    rows: tuple[int, ...]

    @property
    def choices(self) -> tuple[int, ...]:
        """Those of the network, and one of `rows`."""
        return (*self.networks.choices, len(self.rows))

    def present(self, genes: Genes) -> NDArray[np.bool_]:
        """Those of the network that count, and the last."""
        inner = self.networks.present(genes[:, :-1])
        return np.hstack([inner, np.ones((len(genes), 1), np.bool_)])

    def entry(self, row: Genes) -> Mapping[str, object]:
        """The network, and its "diagonal_rows"."""
        return {**self.networks.entry(row[:-1]), "diagonal_rows": self.rows[row[-1]]}

    def layers(self, row: Genes) -> tuple[Layer, ...]:
        """Those of the network."""
        return self.networks.layers(row[:-1])

    def settings(self, row: Genes, usual: CompileSettings) -> CompileSettings:
        """Those of the network, with diagonal boxes of the rows that the gene says."""
        return replace(self.networks.settings(row[:-1], usual), diagonal_rows=self.rows[row[-1]])

    def make(self, row: Genes) -> ReadyNetwork:
        """The network, which is the same however it is mapped."""
        return self.networks.make(row[:-1])
