"""What the chips of a packing run get right, as charts, words and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...runs.packing.accuracy import Accuracy, LayerAccuracy, share_name
from ...runs.packing.mapping_errors import MAPPINGS, errors_by_mapping
from ..chart_values import Axis, Bars, Lines, Portion, Series
from ..page import Cell, CellValue, table
from ..palette import BLUE, GREEN, GREY, ORANGE, PURPLE
from .charts import LAYER
from .sweep import LOOKS, decibels

MOST_TICKS = 10
"""Of an axis of chips."""


def chip_chart(accuracy: Accuracy) -> Lines:
    """The share of right answers of every chip, by encoding, beside the float and the integer network's."""
    reference = accuracy.reference
    encodings = ((reference.encoding, accuracy.chips), *accuracy.others)
    most = max(len(chips) for _, chips in encodings)
    levels = [("integer network", GREY, reference.integer_share)]
    if reference.trained and reference.float_share is not None:
        levels.append(("float network", GREEN, reference.float_share))
    lines = [
        Series(name, (0.0, float(max(1, most - 1))), (share, share), colour, "dash")
        for name, colour, share in levels
    ]
    lines += [
        Series(
            name,
            tuple(map(float, range(len(chips)))),
            tuple(share for _, share in chips),
            LOOKS.get(name, PURPLE),
            notes=tuple(f"{name}, {chip}: {share:.2%}" for chip, share in chips),
        )
        for name, chips in encodings
    ]
    step = -(-most // MOST_TICKS)
    x = Axis("chip", whole=True, ticks=tuple(map(float, range(0, most, step))))
    return Lines("Chips", x, Axis(share_name(reference.trained), percent=True), tuple(lines))


def noise_chart(accuracy: Accuracy, labels: tuple[str, ...]) -> Bars:
    """Signal to noise of every layer, diagonal ones in another colour; none where there is no error.

    `labels` are those of the layers.
    """
    colours = dict(zip(MAPPINGS, (BLUE, ORANGE), strict=True))
    portions = tuple(
        Portion(name, tuple(_height(layer) * (layer.mapping == name) for layer in accuracy.layers), colour)
        for name, colour in colours.items()
        if any(layer.mapping == name for layer in accuracy.layers)
    )
    value, names = (
        Axis("signal to noise (dB)"),
        tuple(f"{i}: {a.name}" for i, a in enumerate(accuracy.layers)),
    )
    return Bars("Signal to noise of layers", labels, value, portions, kind=LAYER, names=names)


def _height(layer: LayerAccuracy) -> float:
    return max(0.0, layer.snr_db or 0.0)


def chip_words(accuracy: Accuracy) -> str:
    """The chart of chips in words."""
    chip, reference = accuracy.chip, accuracy.reference
    spread = ""
    if chip.interval_95 is not None:
        low, high = chip.interval_95
        spread = f" The mean over all chips lies between {low:.2%} and {high:.2%} (95 %)."
    other = "" if accuracy.own_hardware else " These chips are of other hardware than that of the run."
    return (
        f"{share_name(reference.trained).capitalize()} of {len(accuracy.chips)} chips on {reference.images} "
        f"samples of the {reference.split} split, {reference.encoding} encoding, {reference.adc} ADC: mean "
        f"{chip.mean:.2%}, worst {chip.worst:.2%}; the integer network {reference.integer_share:.2%}."
        f"{spread}{other}"
    )


def noise_words(accuracy: Accuracy) -> str:
    """The chart of layers in words."""
    return (
        "Power of each layer's integers over that of their errors on all chips, for the inputs of the "
        f"integer network. {' '.join(_worst(accuracy.layers))} A layer without a bar has no error."
    )


def _worst(layers: Sequence[LayerAccuracy]) -> Iterator[str]:
    for found in errors_by_mapping(layers):
        if found.worst is not None:
            worst = f"{found.worst.layer} ({found.worst.name})"
            yield f"Worst {found.mapping} layer: {worst}, {found.worst_db:.1f} dB."


def mapping_table(accuracy: Accuracy) -> str:
    """Dense and diagonal layers side by side."""
    found = errors_by_mapping(accuracy.layers)
    rows: list[list[CellValue]] = [
        ["layers", *(each.layers for each in found)],
        [
            "worst layer",
            *(Cell(each.worst.name if each.worst else "none has an error", None) for each in found),
        ],
        ["its signal to noise (dB)", *(decibels(each.worst_db) for each in found)],
        ["median signal to noise (dB)", *(decibels(each.median_db) for each in found)],
        ["most conversions that saturate", *(Cell(f"{e.saturated:.4%}", e.saturated) for e in found)],
    ]
    return table(("mapping", *(each.mapping for each in found)), rows, "Layers by mapping, on all chips")


def accuracy_table(accuracy: Accuracy) -> str:
    """Every layer: mapping, error, ADC step and saturated conversions."""
    header = ("layer", "module", "mapping", "signal to noise (dB)", "ADC step", "saturated")
    return table(header, map(_row, accuracy.layers), "Layers on all chips", sortable=True)


def _row(layer: LayerAccuracy) -> list[CellValue]:
    snr = decibels(layer.snr_db)
    step = "ideal" if layer.adc_step is None else Cell(f"{layer.adc_step:g}", layer.adc_step)
    return [
        layer.layer,
        layer.name,
        layer.mapping,
        snr,
        step,
        Cell(f"{layer.saturated:.4%}", layer.saturated),
    ]
