"""accuracy.json: what the chips of one encoding say together."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from ...execution.device import DeviceModel
from ...execution.monte_carlo import Summary, added, snr_db, summary
from ...values import Mapping
from ..checked_json import JsonObject, read_json
from ..text_files import whole_output
from .accuracy_lines import ChipLine, read_lines

ACCURACY_JSON = "accuracy.json"


@dataclass(frozen=True, slots=True)
class LayerAccuracy:
    """What a layer does on all chips; `snr_db` is None where there is no error, `adc_step` of an ideal ADC.

    `adc_step` is in level steps of a cell, `saturated` a share of the conversions.
    """

    layer: int
    name: str
    mapping: str  # dense or diagonal
    snr_db: float | None
    adc_step: float | None
    saturated: float


class Reference(NamedTuple):
    """What the chips are held against, and how they are used.

    `trained`: shares are accuracies, else agreements with the float network. `float_share` is None where its
    weights are not at hand. The rest are SHA-256 sums: `hardware` of all that programming and reading depend
    on, `image` of what the chips are loaded with, `data` of what the samples are made from; "" where a file
    of an earlier version does not say.
    """

    trained: bool
    float_share: float | None
    integer_share: float
    images: int
    split: str
    encoding: str
    adc: str
    hardware: str
    version: str
    image: str
    data: str


@dataclass(frozen=True, slots=True)
class Accuracy:
    """accuracy.json, and the shares of the chips of other encodings that accuracy.csv still holds.

    `chip` is what accuracy.json says of all `chips` together.
    `own_hardware`: the chips are of the hardware that the run holds, so far as that is known; likewise
    `own_image`: they hold the image that lies beside them.
    """

    reference: Reference
    chip: Summary
    chips: tuple[tuple[str, float], ...]
    layers: tuple[LayerAccuracy, ...]
    others: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    own_hardware: bool = True
    own_image: bool = True


def share_name(trained: bool) -> str:
    """What shares of right answers are called."""
    return "accuracy" if trained else "agreement with the float network"


def hardware_digest(device: DeviceModel) -> str:
    """SHA-256 of a device's values."""
    return hashlib.sha256(json.dumps(asdict(device), sort_keys=True).encode()).hexdigest()


class LayerPlace(NamedTuple):
    """What is known of a layer before any chip is judged."""

    name: str
    mapping: str
    adc_step: float | None


def mapping_names(mappings: Sequence[Mapping]) -> list[str]:
    """Of every layer: dense or diagonal."""
    return ["diagonal" if m.diagonal else "dense" for m in mappings]


def accuracy_of(reference: Reference, lines: Sequence[ChipLine], places: Sequence[LayerPlace]) -> Accuracy:
    """What the chips of `lines` say together."""
    totals = added([line.counts.layers for line in lines])
    layers = tuple(
        LayerAccuracy(i, *place[:2], snr_db(counts), place.adc_step, counts.saturated / counts.conversions)
        for i, (place, counts) in enumerate(zip(places, totals, strict=True))
    )
    chips = tuple((str(line.chip), line.counts.share) for line in lines)
    return Accuracy(reference, summary([share for _, share in chips]), chips, layers)


def save_accuracy(run_dir: Path, accuracy: Accuracy, lines: Sequence[ChipLine]) -> Path:
    """Write accuracy.json, whole or not at all. Raises BadInput where it cannot be written."""
    path = run_dir / ACCURACY_JSON
    text = json.dumps(_document(accuracy, lines), indent=1, allow_nan=False) + "\n"
    with whole_output(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))
    return path


def _document(accuracy: Accuracy, lines: Sequence[ChipLine]) -> dict[str, object]:
    reference, found = accuracy.reference, accuracy.chip
    nothing = Summary(*[None] * 4)._asdict()  # type: ignore[arg-type]
    trained = reference.trained
    document: dict[str, object] = {
        "float_accuracy": reference.float_share if trained else None,
        "integer_accuracy": reference.integer_share if trained else None,
        "chip": found._asdict() if trained else nothing,
    }
    if not trained:
        document["agreement"] = {"integer": reference.integer_share, **found._asdict()}
    document["instances"] = [_instance(line, trained) for line in lines]
    document["layers"] = [asdict(layer) for layer in accuracy.layers]
    keys = ("images", "split", "encoding", "adc", "hardware", "image", "data", "version")
    return document | {key: getattr(reference, key) for key in keys}


def _instance(line: ChipLine, trained: bool) -> dict[str, object]:
    chip: dict[str, object] = {"chip": line.chip.file}
    if line.chip.seed is not None:
        chip = {"seed": line.chip.seed}
    share = line.counts.share
    return chip | ({"accuracy": share} if trained else {"accuracy": None, "agreement": share})


def read_accuracy(run_dir: Path) -> Accuracy | None:
    """What a run's chips say; None where none has been judged. Raises BadInput for what is unsound."""
    path = run_dir / ACCURACY_JSON
    if not path.exists():
        return None
    place = JsonObject(path, "accuracy", read_json(path))
    trained = place.value.get("integer_accuracy") is not None
    key = "accuracy" if trained else "agreement"
    chips = tuple((_chip_label(each), each.share(key)) for each in place.objects("instances"))
    if not chips:
        place.fail("instances", [], "at least one")
    reference = Reference(
        trained=trained,
        float_share=place.maybe(place.share, "float_accuracy"),
        integer_share=place.share("integer_accuracy") if trained else place.within(key).share("integer"),
        images=place.count("images"),
        **{name: place.label(name) for name in ("split", "encoding", "adc", "hardware", "version")},
        **{name: place.maybe(place.label, name) or "" for name in ("image", "data")},
    )
    layers = tuple(_layer(i, each) for i, each in enumerate(place.objects("layers")))
    if not layers:
        place.fail("layers", [], "at least one")
    together = _together(place.within("chip" if trained else "agreement"))
    return Accuracy(reference, together, chips, layers, tuple(_others(run_dir, reference.encoding)))


def _together(place: JsonObject) -> Summary:
    """What the chips are said to come to together."""
    deviation, ends = place.maybe(place.share, "deviation"), place.maybe(place.entries, "interval_95")
    if ends is None:
        return Summary(place.share("mean"), deviation, place.share("worst"), None)
    if len(ends) != 2 or not all(type(end) in (int, float) and 0 <= end <= 1 for end in ends):
        place.fail("interval_95", ends, "two numbers from 0 to 1")
    low, high = map(float, ends)
    return Summary(place.share("mean"), deviation, place.share("worst"), (low, high))


def _chip_label(place: JsonObject) -> str:
    return place.label("chip") if place.has("chip") else f"seed {place.count('seed', 0, 2**53)}"


def _layer(index: int, place: JsonObject) -> LayerAccuracy:
    if place.count("layer", 0) != index:
        place.fail("layer", place.value["layer"], f"{index}")
    mapping = place.text("mapping")
    if mapping not in ("dense", "diagonal"):
        place.fail("mapping", mapping, "'dense' or 'diagonal'")
    snr = place.maybe(lambda key: place.number(key, -1e4, 1e4), "snr_db")
    step = place.maybe(place.positive, "adc_step")
    return LayerAccuracy(index, place.text("name"), mapping, snr, step, place.share("saturated"))


def _others(run_dir: Path, encoding: str) -> Iterator[tuple[str, tuple[tuple[str, float], ...]]]:
    """The chips of other encodings under the same settings, if accuracy.csv is of the same chips."""
    lines = read_lines(run_dir)
    settings = {line.settings for line in lines if line.encoding == encoding}
    alike = [line for line in lines if line.settings in settings and line.encoding != encoding]
    for name in dict.fromkeys(line.encoding for line in alike):
        yield name, tuple((str(line.chip), line.counts.share) for line in alike if line.encoding == name)
