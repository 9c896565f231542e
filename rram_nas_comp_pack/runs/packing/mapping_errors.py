"""Errors of the layers that lie dense, and of those that lie diagonal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import median
from typing import Final, NamedTuple

from ...execution.monte_carlo import LayerCounts, snr_db
from .accuracy import LayerAccuracy

MAPPINGS: Final = ("dense", "diagonal")


class MappingErrors(NamedTuple):
    """The layers of one mapping: how many, signal to noise in dB, and the largest share that saturates.

    `worst` is the layer of the least signal to noise; None, like the ratios, where no layer has an error.
    """

    mapping: str
    layers: int
    worst: LayerAccuracy | None
    worst_db: float | None
    median_db: float | None
    saturated: float


def errors_by_mapping(layers: Sequence[LayerAccuracy]) -> list[MappingErrors]:
    """Those of each mapping that occurs. Layers without an error do not count in the median."""
    return list(_errors(layers))


def _errors(layers: Sequence[LayerAccuracy]) -> Iterator[MappingErrors]:
    for mapping in MAPPINGS:
        own = [layer for layer in layers if layer.mapping == mapping]
        if not own:
            continue
        known = {layer.layer: layer.snr_db for layer in own if layer.snr_db is not None}
        saturated = max(layer.saturated for layer in own)
        if not known:
            yield MappingErrors(mapping, len(own), None, None, None, saturated)
            continue
        index = min(known, key=lambda i: known[i])
        worst = next(layer for layer in own if layer.layer == index)
        yield MappingErrors(mapping, len(own), worst, known[index], median(known.values()), saturated)


def worst_db(counts: Sequence[LayerCounts], mappings: Sequence[str], mapping: str) -> float | None:
    """The least signal to noise among the layers of a mapping, in dB; None where none has an error."""
    ratios = [snr_db(each) for each, own in zip(counts, mappings, strict=True) if own == mapping]
    return min((ratio for ratio in ratios if ratio is not None), default=None)
