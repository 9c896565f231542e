"""What the chips of a packing run get right, as charts, words and a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...runs.packing.accuracy import Accuracy, LayerAccuracy
from ..chart_values import BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, Axis, Bars, Lines, Portion, Series
from ..page import Cell, CellValue, table

_LOOKS = {"plain": ORANGE, "fault-aware": BLUE, "fault-aware-codes": SKY}


def what(accuracy: Accuracy) -> str:
    """What shares of right answers are called."""
    return "accuracy" if accuracy.reference.trained else "agreement with the float network"


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
            _LOOKS.get(name, PURPLE),
            notes=tuple(f"{name}, {chip}: {share:.2%}" for chip, share in chips),
        )
        for name, chips in encodings
    ]
    x = Axis("chip", whole=True)
    return Lines("Chips", x, Axis(what(accuracy), percent=True), tuple(lines))


def noise_chart(accuracy: Accuracy) -> Bars:
    """Signal to noise of every layer, diagonal ones in another colour; none where there is no error."""
    portions = tuple(
        Portion(name, tuple(_decibels(layer) * (layer.mapping == name) for layer in accuracy.layers), colour)
        for name, colour in (("dense", BLUE), ("diagonal", ORANGE))
    )
    names = tuple(f"{layer.layer}: {layer.name}" for layer in accuracy.layers)
    return Bars("Signal to noise of layers", names, Axis("signal to noise (dB)"), portions)


def _decibels(layer: LayerAccuracy) -> float:
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
        f"{what(accuracy).capitalize()} of {len(accuracy.chips)} chips on {reference.images} samples of the "
        f"{reference.split} split, {reference.encoding} encoding, {reference.adc} ADC: mean {chip.mean:.2%}, "
        f"worst {chip.worst:.2%}; the integer network {reference.integer_share:.2%}.{spread}{other}"
    )


def noise_words(accuracy: Accuracy) -> str:
    """The chart of layers in words."""
    return (
        "Power of each layer's integers over that of their errors on all chips, for the inputs of the "
        f"integer network. {' '.join(_worst(accuracy.layers))} A layer without a bar has no error."
    )


def _worst(layers: Sequence[LayerAccuracy]) -> Iterator[str]:
    for mapping in ("dense", "diagonal"):
        own = [layer for layer in layers if layer.mapping == mapping and layer.snr_db is not None]
        if own:
            worst = min(own, key=_decibels)
            yield f"Worst {mapping} layer: {worst.name}, {worst.snr_db:.1f} dB."


def accuracy_table(accuracy: Accuracy) -> str:
    """Every layer: mapping, error, ADC step and saturated conversions."""
    header = ("layer", "module", "mapping", "signal to noise (dB)", "ADC step", "saturated")
    return table(header, map(_row, accuracy.layers), "Layers on all chips", sortable=True)


def _row(layer: LayerAccuracy) -> list[CellValue]:
    snr = "no error" if layer.snr_db is None else Cell(f"{layer.snr_db:.1f}", layer.snr_db)
    step = "ideal" if layer.adc_step is None else Cell(f"{layer.adc_step:g}", layer.adc_step)
    return [
        layer.layer,
        layer.name,
        layer.mapping,
        snr,
        step,
        Cell(f"{layer.saturated:.4%}", layer.saturated),
    ]
