"""accuracy.csv, a line a chip, and accuracy.json, what the chips of one encoding say together."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import NamedTuple

from ...errors import BadInput
from ...execution.device import DeviceModel
from ...execution.monte_carlo import ChipCounts, LayerCounts, Summary, added, snr_db, summary
from ..checked_csv import TableRow, rows_of
from ..checked_json import JsonObject, parse_json, read_json, read_text
from ..held_folder import refusal
from ..text_files import whole_output

ACCURACY_JSON, ACCURACY_CSV = "accuracy.json", "accuracy.csv"
COLUMNS = (
    *("settings", "encoding", "seed", "chip", "content", "inputs", "right", "accuracy", "agreement"),
    "layers",
)


class ChipName(NamedTuple):
    """Which chip: its seed, or its file and the SHA-256 of what that holds."""

    seed: int | None
    file: str = ""
    content: str = ""

    def __str__(self) -> str:
        """As a figure names it."""
        return self.file if self.seed is None else f"seed {self.seed}"


class ChipLine(NamedTuple):
    """A chip that has been judged; `settings` is the hash of all that decides what is found but encoding."""

    settings: str
    encoding: str
    chip: ChipName
    counts: ChipCounts


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
    weights are not at hand. `hardware` is a SHA-256 of all that programming and reading depend on.
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


@dataclass(frozen=True, slots=True)
class Accuracy:
    """accuracy.json, and the shares of the chips of other encodings that accuracy.csv still holds.

    `own_hardware`: the chips are of the hardware that the run holds, so far as that is known.
    """

    reference: Reference
    chips: tuple[tuple[str, float], ...]
    layers: tuple[LayerAccuracy, ...]
    others: tuple[tuple[str, tuple[tuple[str, float], ...]], ...] = ()
    own_hardware: bool = True

    @property
    def chip(self) -> Summary:
        """All chips together."""
        return summary([share for _, share in self.chips])


def hardware_digest(device: DeviceModel) -> str:
    """SHA-256 of a device's values."""
    return hashlib.sha256(json.dumps(asdict(device), sort_keys=True).encode()).hexdigest()


def read_lines(run_dir: Path) -> list[ChipLine]:
    """The lines of accuracy.csv, without one that a kill left unfinished; none where there is no file."""
    path = run_dir / ACCURACY_CSV
    if not path.exists():
        return []
    whole, _, _ = read_text(path).rpartition("\n")
    try:
        return [_line(row) for row in rows_of(path, whole.splitlines(keepends=True), COLUMNS)]
    except csv.Error as error:
        raise BadInput(f"{path}: {error}") from error


def _line(row: TableRow) -> ChipLine:
    counts = ChipCounts(row.count("right", 0), row.count("inputs", 1), _layers(row))
    if counts.right > counts.inputs:
        row.fail("right", row.text("right"), f"up to {counts.inputs}")
    seed = row.count("seed", 0, 2**53) if row.text("seed") else None
    chip = ChipName(seed, row.text("chip"), row.text("content"))
    return ChipLine(row.text("settings"), row.text("encoding"), chip, counts)


def _layers(row: TableRow) -> tuple[LayerCounts, ...]:
    held = parse_json(row.text("layers"), f"{row.path}: line {row.line}: layers")
    allowed = "lists of signal, noise, conversions and saturated ones"
    if not isinstance(held, list) or not held:
        row.fail("layers", row.text("layers"), allowed)
    for each in held:
        numbers = isinstance(each, list) and len(each) == 4 and all(type(n) in (int, float) for n in each)
        if not (numbers and min(each) >= 0 and each[3] <= each[2]):
            row.fail("layers", row.text("layers"), allowed)
    return tuple(LayerCounts(float(s), float(n), int(c), int(x)) for s, n, c, x in held)


def begin_lines(run_dir: Path, lines: Sequence[ChipLine], trained: bool) -> None:
    """Write accuracy.csv with lines that still hold, whole or not at all. Raises BadInput."""
    text = _written([COLUMNS, *(_fields(line, trained) for line in lines)])
    _write_whole(run_dir / ACCURACY_CSV, text)


def add_line(run_dir: Path, line: ChipLine, trained: bool) -> None:
    """Append a line. Raises BadInput where the file cannot be written."""
    path = run_dir / ACCURACY_CSV
    try:
        with path.open("a", newline="", encoding="utf-8") as file:
            file.write(_written([_fields(line, trained)]))
    except OSError as error:
        raise refusal(f"{path}: cannot be written: {error.strerror or error}", error) from error


def _written(rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()


def _fields(line: ChipLine, trained: bool) -> list[object]:
    seed, share = ("" if line.chip.seed is None else line.chip.seed), line.counts.share
    shares = (share, "") if trained else ("", share)
    layers = json.dumps([list(each) for each in line.counts.layers], separators=(",", ":"))
    right = line.counts.inputs, line.counts.right
    return [line.settings, line.encoding, seed, line.chip.file, line.chip.content, *right, *shares, layers]


def _write_whole(path: Path, text: str) -> None:
    with whole_output(path) as file:
        file.write(text.encode("utf-8", "backslashreplace"))


class LayerPlace(NamedTuple):
    """What is known of a layer before any chip is judged."""

    name: str
    mapping: str
    adc_step: float | None


def accuracy_of(reference: Reference, lines: Sequence[ChipLine], places: Sequence[LayerPlace]) -> Accuracy:
    """What the chips of `lines` say together."""
    totals = added([line.counts.layers for line in lines])
    layers = tuple(
        LayerAccuracy(i, *place[:2], snr_db(counts), place.adc_step, counts.saturated / counts.conversions)
        for i, (place, counts) in enumerate(zip(places, totals, strict=True))
    )
    return Accuracy(reference, tuple((str(line.chip), line.counts.share) for line in lines), layers)


def save_accuracy(run_dir: Path, accuracy: Accuracy, lines: Sequence[ChipLine]) -> Path:
    """Write accuracy.json, whole or not at all. Raises BadInput where it cannot be written."""
    path = run_dir / ACCURACY_JSON
    _write_whole(path, json.dumps(_document(accuracy, lines), indent=1, allow_nan=False) + "\n")
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
    keys = ("images", "split", "encoding", "adc", "hardware", "version")
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
    )
    layers = tuple(_layer(i, each) for i, each in enumerate(place.objects("layers")))
    if not layers:
        place.fail("layers", [], "at least one")
    return Accuracy(reference, chips, layers, tuple(_others(run_dir, reference.encoding)))


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
