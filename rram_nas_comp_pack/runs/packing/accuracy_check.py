"""Whether a run's accuracies are of its image and layout, and follow from the lines of its chips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import isclose
from pathlib import Path

from ...execution.monte_carlo import Summary, added, snr_db, summary
from ...values import Mapping
from ..checked_csv import TableRow
from .accuracy import ACCURACY_JSON, Accuracy, mapping_names, read_accuracy
from .accuracy_lines import ACCURACY_CSV, COLUMNS, ChipLine, read_line, read_lines, rows_so_far
from .accuracy_sweep import ACCURACY_SWEEP, SWEEP_COLUMNS, read_sweep_lines, sweeps_of
from .chip_image import NAME, digest_of, read_own_image

OTHER_IMAGE = f"of another image than {NAME}, which `accuracy` judges"
OTHER_LAYOUT = "of another layout"


def own_image_digest(run_dir: Path) -> str:
    """That of chip_image.npz; "" where there is none. Raises BadInput for a damaged one."""
    image = read_own_image(run_dir)
    return "" if image is None else digest_of(image)


def is_own(image: str, own: str) -> bool:
    """Whether an image may be the own one, so far as both are known."""
    return not (image and own) or image == own


def false_accuracies(run_dir: Path, mappings: Sequence[Mapping]) -> Iterator[str]:
    """What the files of judged chips say and is not true, a sentence each. Raises BadInput."""
    found, sweeps = read_accuracy(run_dir), sweeps_of(read_sweep_lines(run_dir))
    own = own_image_digest(run_dir) if found or sweeps else ""
    yield from _false_shares(run_dir / ACCURACY_CSV, COLUMNS)
    if found is not None:
        yield from (f"{ACCURACY_JSON} {fault}" for fault in _false_accuracy(run_dir, found, own, mappings))
    yield from _false_shares(run_dir / ACCURACY_SWEEP, SWEEP_COLUMNS)
    for sweep in sweeps:
        if not is_own(sweep.asked.image, own):
            yield f"{ACCURACY_SWEEP}: the chips of {sweep.key} are {OTHER_IMAGE}"
        if len(sweep.points[0].layers) != len(mappings):
            yield f"{ACCURACY_SWEEP}: the chips of {sweep.key} are {OTHER_LAYOUT}"


def _false_accuracy(run_dir: Path, found: Accuracy, own: str, mappings: Sequence[Mapping]) -> Iterator[str]:
    if not is_own(found.reference.image, own):
        yield f"is {OTHER_IMAGE}"
    names = [(m.layer.name, how) for m, how in zip(mappings, mapping_names(mappings), strict=True)]
    if [(layer.name, layer.mapping) for layer in found.layers] != names:
        yield f"is {OTHER_LAYOUT}"
    yield from _false_together(found.chip, summary([share for _, share in found.chips]))
    if (run_dir / ACCURACY_CSV).exists():
        yield from _false_chips(found, read_lines(run_dir))


def _false_together(said: Summary, true: Summary) -> Iterator[str]:
    for name in Summary._fields:
        one, other = getattr(said, name), getattr(true, name)
        if not _same(one, other):
            yield f"says {name} {one}, found {other}"


def _same(one: object, other: object) -> bool:
    if isinstance(one, tuple) and isinstance(other, tuple):
        return all(map(_same, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return isclose(one, other, rel_tol=1e-9, abs_tol=1e-12)
    return one == other


def _false_chips(found: Accuracy, lines: Sequence[ChipLine]) -> Iterator[str]:
    """Chips without a line that says the same, and figures of layers that do not follow from the lines."""
    own: dict[str, list[ChipLine]] = {}
    for line in lines:
        if line.encoding == found.reference.encoding:
            own.setdefault(str(line.chip), []).append(line)
    faults = [
        f"says {share} of {label}, which no line of {ACCURACY_CSV} says"
        for label, share in found.chips
        if not any(_same(share, line.counts.share) for line in own.get(label, ()))
    ]
    yield from faults
    counted = [own.get(label, []) for label, _ in found.chips]
    if not faults and all(len(each) == 1 for each in counted):
        yield from _false_layers(found, [line for (line,) in counted])


def _false_layers(found: Accuracy, lines: Sequence[ChipLine]) -> Iterator[str]:
    if any(len(line.counts.layers) != len(found.layers) for line in lines):
        yield f"has {len(found.layers)} layers, which the lines of {ACCURACY_CSV} have not"
        return
    for layer, counts in zip(found.layers, added([line.counts.layers for line in lines]), strict=True):
        true = {"snr_db": snr_db(counts), "saturated": counts.saturated / counts.conversions}
        for name, figure in true.items():
            if not _same(getattr(layer, name), figure):
                yield f"says {name} {getattr(layer, name)} of layer {layer.layer}, found {figure}"


def _false_shares(path: Path, columns: Sequence[str]) -> Iterator[str]:
    """Lines whose accuracy or agreement is not the share of inputs that the chip is right about."""
    for row in rows_so_far(path, columns):
        share = read_line(row).counts.share
        for column in ("accuracy", "agreement"):
            if row.text(column) and not _same(row.number(column, 0.0, 1.0), share):
                yield f"{_place(row)}: {column} {row.text(column)}, found {share}"
        if bool(row.text("accuracy")) == bool(row.text("agreement")):
            yield f"{_place(row)}: found both or none of accuracy and agreement"


def _place(row: TableRow) -> str:
    return f"{row.path.name}: line {row.line}"
