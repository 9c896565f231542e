"""Rows of genes (RNC section 6): to draw, to change, to cross and to tell apart; for any genome."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from .space import Genes, Genome


def sample_genes(rng: Generator, genome: Genome, count: int) -> Genes:
    """Rows (count, genes), every gene uniform and by itself."""
    runs = [(choices, len([*run])) for choices, run in groupby(genome.choices)]
    return np.hstack([rng.integers(choices, size=(count, length), dtype=np.int8) for choices, length in runs])


def mutate(rng: Generator, genome: Genome, parents: Genes, probability: float) -> Genes:
    """Rows like their parents (networks, genes), with genes drawn anew.

    Each row has a probability of its own, exponential with the given mean: most children stay close to a
    parent, some leap. Searches end up better so, and less often in a corner, than with one probability.
    """
    own = probability * rng.exponential(size=(len(parents), 1))
    return np.where(rng.random(parents.shape) < own, sample_genes(rng, genome, len(parents)), parents)


def crossover(rng: Generator, mothers: Genes, fathers: Genes) -> Genes:
    """Rows (networks, genes) that take each gene from either parent: uniform crossover."""
    return np.where(rng.integers(2, size=mothers.shape, dtype=np.int8) == 0, mothers, fathers)


def canonical(genome: Genome, genes: Genes) -> Genes:
    """Rows (networks, genes) with 0 for genes that do not count: equal rows are equal networks."""
    return np.where(genome.present(genes), genes, 0).astype(np.int8)


def one_hot(genome: Genome, genes: Genes) -> NDArray[np.float64]:
    """Codes (networks, sum of choices): a 1 for every choice that is made, nothing where a gene is absent."""
    choices = np.array(genome.choices)
    places = np.arange(choices.max())
    hot = (genes[:, :, None] == places) & genome.present(genes)[:, :, None]
    return np.asarray(hot[:, places < choices[:, None]], dtype=np.float64)


def key(genome: Genome, row: Genes) -> bytes:
    """What names the network of one row (genes,)."""
    return canonical(genome, row[None]).tobytes()


def row_of(own: bytes) -> Genes:
    """The row (genes,) that a key is of."""
    return np.frombuffer(own, np.int8)


def genes_of(keys: Collection[bytes]) -> Genes:
    """Rows (networks, genes) from their keys; (0, 0) where there are none."""
    return np.frombuffer(b"".join(keys), np.int8).reshape(len(keys), len(next(iter(keys), b"")))
