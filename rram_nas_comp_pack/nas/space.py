"""What a search must know of the networks that it searches: a space of one's own has these functions.

`ofa_space.py` has those of the supernet; docs/search_spaces.md builds a small one from nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ..hardware.config.read import Hardware
    from ..simulation.row_graph import ScheduleKind
    from ..values import Layer, Layout, RowGraph
    from .accuracy import Split
    from .compile_subnet import CompileSettings

Genes = NDArray[np.int8]
"""Rows of genes (networks, genes), or one (genes,). A gene is the place of a choice among its choices."""


class Genome(Protocol):
    """What a row of genes may be: all that drawing, changing and comparing rows takes."""

    @property
    def choices(self) -> tuple[int, ...]:
        """How many choices each gene has, 1 to 127: (genes,). A gene of a row is below its number."""

    def present(self, genes: Genes) -> NDArray[np.bool_]:
        """Which genes of each row (networks, genes) count, as a table of the same shape.

        Two rows are one network where those that count are equal. What counts must not depend on genes that
        do not.
        """


class ReadyNetwork(Protocol):
    """A network that is ready to be judged: on validation images in the search, on test images at its end."""

    def accuracy(self, split: Split) -> float:
        """Return its accuracy, 0 to 1, as a float network."""

    def chip_accuracy(self, layout: Callable[[], Layout], hardware: Hardware, split: Split) -> float | None:
        """Return the accuracy, 0 to 1, of chips that execute its layout, which counts instead.

        None where no chips are asked: the layout, which takes its time, is not made then.
        """


class SearchSpace(Genome, Protocol):
    """Networks as rows of genes. Equal rows give equal values on every machine.

    Evaluations run in other processes, so a space has to be pickled: small, of plain values, with data and
    weights loaded where `make` first needs them.
    """

    def entry(self, row: Genes) -> Mapping[str, object]:
        """Return a row (genes,) as JSON values by name, as files tell it: "sample" is the network itself."""

    def layers(self, row: Genes) -> tuple[Layer, ...]:
        """Return the layers that tracing the network would find, by arithmetic: no network is built.

        Raises BadInput where there is no such network.
        """

    def graph(self, row: Genes, schedule: ScheduleKind) -> RowGraph | None:
        """Return what a schedule of the network runs by, None for that of layers, by arithmetic too.

        It is asked only where the settings name another schedule than that of layers.
        """

    def settings(self, row: Genes, usual: CompileSettings) -> CompileSettings:
        """Return how the network is compiled: the search's usual settings, and what genes choose of them."""

    def make(self, row: Genes) -> ReadyNetwork:
        """Build the network, with weights and norm statistics of its own."""
