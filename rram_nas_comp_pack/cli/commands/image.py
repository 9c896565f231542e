"""`image`: what a run's crossbars are loaded with."""

from __future__ import annotations

from pathlib import Path

from ofa.streams import printable

from ...errors import BadInput, CannotBeDone
from ...execution.image import ChipImage
from ...packing.check import violations
from ...runs.packing.read import RESULT, read_result
from ...runs.packing.read_layout import read_mappings, read_placements
from ...values import NO_RULES
from ..execution import Source, image_of, prepare, source_of, write_chip_image
from ..options.execution import ImageOptions


def run(options: ImageOptions) -> int:
    """Write chip_image.npz beside pack.csv. Raises BadInput for a run that cannot be executed."""
    image = load_run(options.run_dir, source_of_run(options.run_dir, options.weights), options.calibration)
    path = write_chip_image(options.run_dir, image)
    print(*map(printable, summary(image)), printable(f"image        {path}"), sep="\n")
    return 0


def source_of_run(run_dir: Path, weights: Path | None) -> Source:
    """What a run's network is made from. Raises BadInput for a folder that does not say."""
    if not run_dir.is_dir():
        raise BadInput(f"RUN_DIR: {run_dir} is no folder")
    if not (run_dir / RESULT).exists():
        raise BadInput(f"{run_dir}: found no {RESULT}, which says which network it is of")
    return source_of(run_dir, weights)


def load_run(run_dir: Path, source: Source, samples: int | None) -> ChipImage:
    """Load the layout of a run. Raises CannotBeDone where it is invalid."""
    mappings, placements, size = read_mappings(run_dir), read_placements(run_dir), read_result(run_dir).size
    wrong = next(violations(mappings, placements, size, NO_RULES), None)
    if wrong is not None:
        raise CannotBeDone(f"{run_dir}: the layout is invalid: {wrong}")
    return image_of(prepare(source, samples), mappings, placements, size)


def summary(image: ChipImage) -> list[str]:
    """The closing lines: what is loaded, and where it comes from."""
    crossbars, rows, columns = image.weights.shape
    share, signed = image.occupied.mean(), sum(known.signed for known in image.ranges)
    inputs = f"{signed} of {len(image.ranges)} inputs are signed"
    return [
        f"loaded       {crossbars} crossbars of {rows} x {columns} cells, {share:.1%} occupied",
        f"weights      {image.provenance.weights}",
        f"calibrated   on {image.provenance.calibrated_on}; {inputs}",
    ]
