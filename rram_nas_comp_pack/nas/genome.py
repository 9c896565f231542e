"""Subnets of the supernet as rows of genes (RNC section 6).

A gene is the place of a choice in its table: 16 kernel sizes, 16 expansion ratios, 4 depths, each of three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ofa.architecture import BLOCKS, DEPTHS, EXPANSIONS, KERNELS, Configuration

from .space import Genes

STAGES = len(BLOCKS) // DEPTHS[-1]
LENGTH = 2 * len(BLOCKS) + STAGES
CHOICES = 3
_TABLE = np.array([KERNELS] * len(BLOCKS) + [EXPANSIONS] * len(BLOCKS) + [DEPTHS] * STAGES)
_DEPTH_OF = np.repeat(np.arange(2 * len(BLOCKS), LENGTH), DEPTHS[-1])
"""The gene that holds the depth of a block's stage."""


class SubnetGenome:
    """The genes of a subnet; those of absent blocks do not count."""

    __slots__ = ()

    @property
    def choices(self) -> tuple[int, ...]:
        """Three of each."""
        return (CHOICES,) * LENGTH

    def present(self, genes: Genes) -> NDArray[np.bool_]:
        """Those of blocks that run, and the depths (subnets, genes)."""
        depth = np.array(DEPTHS)[genes[:, _DEPTH_OF]]
        blocks = np.arange(len(BLOCKS)) % DEPTHS[-1] < depth
        return np.hstack([blocks, blocks, np.ones((len(genes), STAGES), np.bool_)])


GENOME = SubnetGenome()


def decode(genes: Genes) -> Configuration:
    """The subnet of one row (genes,)."""
    values, blocks = _TABLE[np.arange(LENGTH), genes].tolist(), len(BLOCKS)
    ks, e, d = values[:blocks], values[blocks : 2 * blocks], values[2 * blocks :]
    return Configuration(tuple(ks), tuple(e), tuple(d))


def encode(subnets: Sequence[Configuration]) -> Genes:
    """The rows (subnets, genes) of subnets."""
    values = np.array([[*s.ks, *s.e, *s.d] for s in subnets]).reshape(-1, LENGTH, 1)
    found: Genes = (values == _TABLE).argmax(2).astype(np.int8)
    return found
