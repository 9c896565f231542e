"""`image`: what a run's crossbars are loaded with."""

from __future__ import annotations

from pathlib import Path

from ofa.streams import printable

from ...errors import CannotBeDone
from ...executable import image_of, prepare
from ...execution.image import ChipImage
from ...packing.check import violations
from ...runs.packing.chip_image import save_image
from ...runs.packing.read import read_result
from ...runs.packing.read_layout import read_mappings, read_placements, segment_crossbars
from ...runs.packing.source import Source, read_source
from ...runs.plain_text import counted
from ...values import NO_RULES


def run(run_dir: Path, weights: Path | None, calibration: int | None) -> int:
    """Write chip_image.npz beside pack.csv. Raises BadInput for a run that cannot be executed."""
    image = load_run(run_dir, read_source(run_dir, weights), calibration)
    path = save_image(run_dir, image)
    print(*map(printable, summary(image)), printable(f"file: {path}"), sep="\n")
    return 0


def load_run(run_dir: Path, source: Source, samples: int | None) -> ChipImage:
    """Load the layout of a run. Raises CannotBeDone where it is invalid."""
    mappings, placements, size = read_mappings(run_dir), read_placements(run_dir), read_result(run_dir).size
    wrong = next(violations(mappings, placements, size, NO_RULES), None)
    if wrong is not None:
        raise CannotBeDone(f"{run_dir}: the layout is invalid: {wrong}")
    return image_of(prepare(source, samples), mappings, placements, size, segment_crossbars(run_dir))


def summary(image: ChipImage) -> list[str]:
    """The closing lines: what is loaded, and where it comes from."""
    crossbars, rows, columns = image.weights.shape
    share, signed = image.occupied.mean(), sum(known.signed for known in image.ranges)
    inputs = f"{signed} of {len(image.ranges)} inputs are signed"
    loads = "" if image.chip_crossbars is None else f" in all segments of a chip of {image.crossbars}"
    return [
        f"{counted(crossbars, 'crossbar')}{loads} ({rows} x {columns} cells each), {share:.1%} of their "
        "cells occupied",
        f"weights: {image.provenance.weights}",
        f"calibrated on {image.provenance.calibrated_on}; {inputs}",
    ]
