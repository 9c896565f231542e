"""What the chips of a run get right, as columns of a sweep's table."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import BadInput
from ...runs.packing.accuracy import Accuracy
from ...runs.packing.mapping_errors import MAPPINGS, errors_by_mapping
from ..compare.run import Value
from ..compare.table import Field

ACCURACY_FIELDS = (
    Field("chips", "chips"),
    Field("images", "samples judged"),
    Field("encoding", "encoding"),
    Field("adc", "ADC"),
    Field("float_accuracy", "accuracy of the float network"),
    Field("integer_accuracy", "accuracy of the integer network"),
    Field("accuracy", "accuracy of the chips, mean"),
    Field("accuracy_worst", "accuracy of the worst chip"),
    Field("accuracy_low", "95 % interval of the mean, from"),
    Field("accuracy_high", "95 % interval of the mean, to"),
    Field("integer_agreement", "agreement of the integer network"),
    Field("agreement", "agreement of the chips, mean"),
    Field("agreement_worst", "agreement of the worst chip"),
    Field("agreement_low", "95 % interval of the mean agreement, from"),
    Field("agreement_high", "95 % interval of the mean agreement, to"),
    *(Field(f"{each}_snr_db", f"worst {each} layer, dB") for each in MAPPINGS),
    *(Field(f"{each}_saturated", f"conversions that saturate, {each} layers") for each in MAPPINGS),
)
"""Shares are from 0 to 1; agreements, with the float network, stand where weights are not trained."""


def accuracy_values(found: Accuracy | None) -> dict[str, Value]:
    """The columns of an accuracy.json. Raises BadInput where there is none."""
    if found is None:
        raise BadInput("accuracy.json: found none, allowed is one that `accuracy` wrote")
    reference = found.reference
    values: dict[str, Value] = {
        "chips": len(found.chips),
        "images": reference.images,
        "encoding": reference.encoding,
        "adc": reference.adc,
    }
    return values | dict(_shares(found)) | dict(_layers(found))


def _shares(found: Accuracy) -> Iterator[tuple[str, Value]]:
    """Accuracies, or agreements where weights are not trained."""
    reference, chip = found.reference, found.chip
    name = "accuracy" if reference.trained else "agreement"
    if reference.trained:
        yield "float_accuracy", reference.float_share
    yield f"integer_{name}", reference.integer_share
    yield name, chip.mean
    yield f"{name}_worst", chip.worst
    if chip.interval_95 is not None:
        yield f"{name}_low", chip.interval_95[0]
        yield f"{name}_high", chip.interval_95[1]


def _layers(found: Accuracy) -> Iterator[tuple[str, Value]]:
    for each in errors_by_mapping(found.layers):
        yield f"{each.mapping}_snr_db", each.worst_db
        yield f"{each.mapping}_saturated", each.saturated
