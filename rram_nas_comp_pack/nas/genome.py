"""Subnets as rows of genes (RNC section 6): to draw, to change and to cross.

A gene is the place of a choice in its table: 16 kernel sizes, 16 expansion ratios, 4 depths, each of three.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from ofa.architecture import BLOCKS, DEPTHS, EXPANSIONS, KERNELS, Configuration

Genes = NDArray[np.int8]

STAGES = len(BLOCKS) // DEPTHS[-1]
LENGTH = 2 * len(BLOCKS) + STAGES
CHOICES = 3
_TABLE = np.array([KERNELS] * len(BLOCKS) + [EXPANSIONS] * len(BLOCKS) + [DEPTHS] * STAGES)
_DEPTH_OF = np.repeat(np.arange(2 * len(BLOCKS), LENGTH), DEPTHS[-1])
"""The gene that holds the depth of a block's stage."""


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


def canonical(genes: Genes) -> Genes:
    """Rows (subnets, genes) with the first choice for absent blocks: equal rows are equal networks."""
    return np.where(_present(genes), genes, 0).astype(np.int8)


def one_hot(genes: Genes) -> NDArray[np.float64]:
    """Codes (subnets, 3 * genes): a 1 for every choice that is made, nothing for absent blocks."""
    hot = (genes[:, :, None] == np.arange(CHOICES)) & _present(genes)[:, :, None]
    return np.asarray(hot.reshape(len(genes), -1), dtype=np.float64)


def _present(genes: Genes) -> NDArray[np.bool_]:
    depth = np.array(DEPTHS)[genes[:, _DEPTH_OF]]
    blocks = np.arange(len(BLOCKS)) % DEPTHS[-1] < depth
    return np.hstack([blocks, blocks, np.ones((len(genes), STAGES), np.bool_)])


def sample_genes(rng: Generator, count: int) -> Genes:
    """Rows (count, genes), every gene uniform and by itself."""
    return rng.integers(CHOICES, size=(count, LENGTH), dtype=np.int8)


def mutate(rng: Generator, parents: Genes, probability: float) -> Genes:
    """Rows like their parents (subnets, genes), with genes drawn anew.

    Each row has a probability of its own, exponential with the given mean: most children stay close to a
    parent, some leap. Searches end up better so, and less often in a corner, than with one probability.
    """
    own = probability * rng.exponential(size=(len(parents), 1))
    return np.where(rng.random(parents.shape) < own, sample_genes(rng, len(parents)), parents)


def crossover(rng: Generator, mothers: Genes, fathers: Genes) -> Genes:
    """Rows (subnets, genes) that take each gene from either parent: uniform crossover."""
    return np.where(rng.integers(2, size=mothers.shape, dtype=np.int8) == 0, mothers, fathers)
