"""Errors of dense and of diagonal layers, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..runs.packing.accuracy import LayerAccuracy
from ..runs.packing.mapping_errors import errors_by_mapping
from .text_table import aligned


def mapping_rows(layers: Sequence[LayerAccuracy]) -> Iterator[str]:
    """A table with a column for each mapping that occurs."""
    found = errors_by_mapping(layers)
    rows = [
        ["mapping of layers", *(each.mapping for each in found)],
        ["layers", *(f"{each.layers}" for each in found)],
        ["worst signal to noise", *(decibels(each.worst_db) for each in found)],
        ["median signal to noise", *(decibels(each.median_db) for each in found)],
        ["most conversions that saturate", *(f"{each.saturated:.2%}" for each in found)],
    ]
    yield from aligned(rows)


def decibels(ratio: float | None) -> str:
    """A ratio in dB; None is one without an error."""
    return "no error" if ratio is None else f"{ratio:.1f} dB"
