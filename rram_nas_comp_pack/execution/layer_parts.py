"""How the weights of a layer on a chip are multiplied: what all copies share, and what each of them adds.

Where many samples come together, single weights are the fastest, unless nearly all weights of large blocks
differ from the image. Sums are exact, so that the choice changes nothing but the time.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
import torch

from ..kernels.arrays import Ints
from ..values import Layer
from .device import UNITS
from .exact import ExactLayer, WholeLayer
from .exact_sums import EXACT_FLOAT32, largest_sum
from .image import Matrix
from .sparse_product import SparseWeights, largest_of, overlaps, sparse_weights
from .weight_groups import Block, BlockGroup, Weights, block_cost, weights_of

# Measured on one core of an x86 machine with AVX2, in ns: what a weight takes for a position, and for each
# sample of it, in float32 and in float64; what a column takes for a sample.
_WEIGHT, _SMALL, _LARGE, _COLUMN = 2.5, 0.12, 0.26, 2.0
_MOVED = 2.0  # time of the vectors of small blocks over `block_cost`, whose rows are neighbours in memory
_FEWEST: Final = 8  # samples that fill the vector registers


class CopiedWeights(NamedTuple):
    """The weights of all copies of a layer, without converted columns.

    `blocks` are what copies have beside the `image` (rows, columns) where they are `shared`, else all of it;
    `bases` are the weights of the image in the same places.
    """

    layer: Layer
    copies: int
    image: Matrix
    shared: bool
    blocks: tuple[Block, ...]
    bases: tuple[Matrix, ...]

    @property
    def alike(self) -> bool:
        """Whether they are those of the image."""
        return self.shared and not any(block.units.any() for block in self.blocks)

    def unshared(self) -> CopiedWeights:
        """The same with the image's own weights in the blocks."""
        if not self.shared:
            return self
        blocks = (
            Block(piece, units + UNITS * base.astype(np.int32))
            for (piece, units), base in zip(self.blocks, self.bases, strict=True)
        )
        return self._replace(shared=False, blocks=tuple(blocks))


class Parts(NamedTuple):
    """What is added up: a product of all copies, single weights for many samples, and other weights.

    Sums are of type `kind`, which holds them in any order.
    """

    shared: ExactLayer | WholeLayer | None
    sparse: SparseWeights | None
    weights: Weights
    kind: torch.dtype


def parts_of(own: CopiedWeights, samples: int, converted: bool) -> Parts:
    """Choose how weights are multiplied for batches of so many samples."""
    layer, copies = own.layer, own.copies
    if own.alike:
        return Parts(ExactLayer(own.image), None, (), _kind(own, converted))
    alone = copies == layer.groups == 1
    if samples >= _FEWEST and not alone:
        # torch's own products of groups take longer than the few more weights
        whole = own if layer.groups == 1 else own.unshared()
        sparse = sparse_weights(whole.blocks, layer.raw.w, copies)
        if _sparse_cost(sparse, samples) < _MOVED * sum(map(block_cost, own.blocks)):
            return Parts(ExactLayer(own.image) if whole.shared else None, sparse, (), _kind(whole, converted))
    weights = weights_of(own.blocks, copies)
    whole_blocks = [isinstance(each, BlockGroup) for each in weights]
    if alone and not converted and any(whole_blocks):
        return Parts(WholeLayer(_matrix(own.unshared())), None, (), torch.float64)
    if layer.groups == 1 and not converted and all(whole_blocks):
        # such blocks take little longer with the shared weights in them, whose product is saved
        own = own.unshared()
        weights = weights_of(own.blocks, copies)
    return Parts(ExactLayer(own.image) if own.shared else None, None, weights, _kind(own, converted))


def _sparse_cost(weights: SparseWeights, samples: int) -> float:
    """ns for a vector of every copy."""
    small, large = (sum(int(np.count_nonzero(block.units)) for block in blocks) for blocks in weights)
    columns = sum(len(block.piece.columns) for block in weights.small)
    each = _WEIGHT / samples
    return small * (each + _SMALL) + large * (each + _LARGE) + columns * _COLUMN


def _matrix(own: CopiedWeights) -> Ints:
    """The weights of the only copy (rows, columns), in 1/1024 of a step."""
    units = np.zeros(own.image.shape, np.int64)
    for piece, added in own.blocks:
        units[np.ix_(piece.rows, piece.columns)] += added
    return units


def _kind(own: CopiedWeights, converted: bool) -> torch.dtype:
    """The type that holds all sums in any order: float32 where they are small whole numbers."""
    if converted or overlaps(own.layer) or any((block.units % UNITS).any() for block in own.blocks):
        return torch.float64
    largest = largest_of(own.blocks, own.image.shape[1], own.copies, UNITS)
    if own.shared:
        largest += largest_sum(own.image)
    return torch.float32 if largest <= EXACT_FLOAT32 else torch.float64
