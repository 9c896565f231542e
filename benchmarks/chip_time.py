"""CPU time of a network on a chip over that of its floats.

Call it as `python -m benchmarks.chip_time RUN_DIR [IMAGES [BATCH]]`, with a run of `pack --image`. Everything
runs in this process on one thread: the float network beside each path, in turns, and the least time counts.
"""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import NamedTuple

import torch

from rram_nas_comp_pack.executable import ADC_SAMPLES, Executable, Programming, asked, judged_of, prepare
from rram_nas_comp_pack.execution.calibration import load_digital
from rram_nas_comp_pack.execution.chip import chip_of
from rram_nas_comp_pack.execution.chip_product import ChipProduct, scalings_of
from rram_nas_comp_pack.execution.converters import AdcKind
from rram_nas_comp_pack.execution.device import DeviceModel, device_of
from rram_nas_comp_pack.execution.exact import ExactProduct
from rram_nas_comp_pack.execution.image import ChipImage
from rram_nas_comp_pack.execution.judging import program_chip
from rram_nas_comp_pack.execution.network import Arguments, Multiply, Replaced, by_integers
from rram_nas_comp_pack.runs.packing.chip_image import read_own_image
from rram_nas_comp_pack.runs.packing.read import read_result
from rram_nas_comp_pack.runs.packing.source import read_source
from rram_nas_comp_pack.runs.simconfig import config_of_run

ROUNDS = 5
CHIPS: dict[str, tuple[AdcKind, float]] = {  # ADC, and the variation of cells
    "linear, stuck cells": ("ideal", 0.0),
    "linear, stuck cells, 1 % variation": ("ideal", 0.01),
    "full, stuck cells": ("calibrated", 0.0),
    "full, stuck cells, 1 % variation": ("calibrated", 0.01),
    "full, stuck cells, 10 % variation": ("calibrated", 0.1),
}


class Case(NamedTuple):
    """A network on its layout and the inputs that it is timed on."""

    network: Executable
    image: ChipImage
    device: DeviceModel
    batches: tuple[Arguments, ...]


def load(run_dir: Path, images: int, batch: int) -> Case:
    """Read a run and its image."""
    image = read_own_image(run_dir)
    if image is None:
        raise SystemExit(f"{run_dir}: found no chip_image.npz, needed is a run of `pack --image`")
    network = prepare(read_source(run_dir, None), ADC_SAMPLES)
    load_digital(network.module, image.digital)
    question = asked(network, "test", images, 0)
    x = torch.cat([each.inputs.args[0] for each in question.inputs()])
    hardware = config_of_run(run_dir, read_result(run_dir).config, None).hardware
    batches = tuple(Arguments([part], {}) for part in x.split(batch))
    return Case(network, image, device_of(hardware), batches)


def product_of(case: Case, adc: AdcKind, variation: float) -> ChipProduct:
    """The chip of seed 0."""
    device = replace(case.device, variation=variation)
    judged = judged_of(case.network, case.image, device, Programming("fault-aware", adc, False))
    return ChipProduct(case.image, program_chip(judged, chip_of(0, device)), judged.adc, judged.innermost)


def seconds(run: Callable[[], object]) -> float:
    """CPU time of a run."""
    begun = process_time()
    with torch.no_grad():
        run()
    return process_time() - begun


def times(case: Case, multiply: Multiply) -> tuple[float, float]:
    """The least CPU times of the float network and of the one whose products are `multiply`."""
    module, instead = case.network.module, by_integers(multiply, scalings_of(case.image))
    with Replaced(module, case.image.layers) as network:

        def integers() -> None:
            for x in case.batches:
                network.run(x, instead)

        def floats() -> None:
            for x in case.batches:
                module(*x.args)

        integers()
        found = [(seconds(floats), seconds(integers)) for _ in range(ROUNDS)]
    first, second = zip(*found, strict=True)
    return min(first), min(second)


def main(run_dir: str, images: int = 25, batch: int = 25) -> None:
    """Print a line for each path."""
    torch.set_num_threads(1)
    case = load(Path(run_dir), images, batch)
    print(f"{images} images in batches of {batch}, CPU ms an image on one thread")
    for name in ("exact", *CHIPS):
        product = ExactProduct(case.image) if name == "exact" else product_of(case, *CHIPS[name])
        floats, chip = (1e3 * found / images for found in times(case, product))
        print(f"{name:34} {chip:8.2f}, float {floats:.2f}: {chip / floats:6.2f} x", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:]))
