"""What a search found, as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...nas.compile_gene import WithCompileGene
from ...nas.evaluate import TunedSubnet
from ...nas.generations import State, SubnetResult
from ...nas.genes import key
from ...nas.ofa_space import AccuracySettings
from ...nas.search import Search
from ...nas.space import Genes, SearchSpace
from ...nas.workers.engine import Failed


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A search that ended: its front (subnets, genes), fastest first, and each of them `tuned` in full.

    `tuned` is empty where an interrupt came before. `judging` is how its subnets were judged.
    """

    state: State
    front: Genes
    tuned: tuple[TunedSubnet | Failed, ...]
    search: Search
    judging: AccuracySettings

    def networks(self) -> Iterator[tuple[Genes, SubnetResult, TunedSubnet | Failed | None]]:
        """Genes, what the search saw, and what tuning in full made of it."""
        for i, row in enumerate(self.front):
            yield row, self.state.known[key(self.search.space, row)], self.tuned[i] if self.tuned else None


def genes_beside(space: SearchSpace) -> dict[str, int]:
    """The names of what genes beside those of the network choose, and how wide a column of each is."""
    found: dict[str, int] = {}
    while isinstance(space, WithCompileGene):
        found = {space.name: max(len(str(each.told)) for each in space.offered), **found}
        space = space.networks
    return {name: max(len(name), width) for name, width in found.items()}
