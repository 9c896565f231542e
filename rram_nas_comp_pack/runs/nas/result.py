"""What a search found, as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...nas.evaluate import Finished
from ...nas.generations import Outcome, State, key
from ...nas.genome import Genes
from ...nas.search import Search
from ...nas.workers.engine import Failed


@dataclass(frozen=True, slots=True)
class SearchResult:
    """A search that ended: its front (subnets, genes), fastest first, and each of them `tuned` in full.

    `tuned` is empty where an interrupt came before.
    """

    state: State
    front: Genes
    tuned: tuple[Finished | Failed, ...]
    search: Search

    def networks(self) -> Iterator[tuple[Genes, Outcome, Finished | Failed | None]]:
        """Genes, what the search saw, and what tuning in full made of it."""
        for i, row in enumerate(self.front):
            yield row, self.state.known[key(row)], self.tuned[i] if self.tuned else None
