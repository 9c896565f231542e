"""CPU time of judging a subnet on chips, as a search does, over that of its float evaluation.

Call it as `python -m benchmarks.chips_of_subnet CHECKPOINT DATASET CROSSBARS [IMAGES]`. Everything runs in
this process on one thread: calibration and the accuracy of floats on all validation images, then integers and
four chips with stuck cells and variation, read by an ideal ADC. Each step is run three times, and the least
time counts. Draws of the chips are kept in memory.
"""

import os
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

from collections.abc import Callable
from time import process_time
from typing import Any

import torch

import ofa
from ofa.architecture import configuration
from rram_nas_comp_pack.box_converter.shapes import sizes_by_name
from rram_nas_comp_pack.box_converter.torch.trace import record
from rram_nas_comp_pack.execution import CALIBRATION
from rram_nas_comp_pack.execution.calibration import Batch, quantise_network
from rram_nas_comp_pack.execution.chip import chip_of, keeping_draws
from rram_nas_comp_pack.execution.chip_product import AdcSettings
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.execution.encoding import Encoding
from rram_nas_comp_pack.execution.image import Provenance, make_image
from rram_nas_comp_pack.execution.judging import Judged, chip_products, count_right
from rram_nas_comp_pack.execution.network import Replaced
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas.accuracy import calibrate_subnet, load_context
from rram_nas_comp_pack.nas.chip_accuracy import AT_ONCE, JUDGED_AT_ONCE, labelled
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, layers_of, map_layers

SUBNETS = {"smallest": (3, 3, 2), "middle": (5, 4, 3), "largest": (7, 6, 4)}
ENCODINGS: tuple[Encoding, ...] = ("fault-aware", "plain")
CHIPS, ROUNDS, KEPT_BYTES = 4, 3, 1 << 29


def least(run: Callable[[], Any]) -> tuple[float, Any]:
    """The least CPU time of some runs, and what they return."""
    times = []
    for _ in range(ROUNDS):
        begun = process_time()
        found = run()
        times.append(process_time() - begun)
    return min(times), found


def main(checkpoint: str, dataset: str, crossbars: int, images: int = 500) -> None:
    """Print two lines for each subnet."""
    torch.set_num_threads(1)
    hardware = load_hardware()
    device, context = device_of(hardware), load_context(checkpoint, dataset)
    chips = [keeping_draws(chip_of(seed, device), KEPT_BYTES // CHIPS) for seed in range(CHIPS)]
    shown = list(labelled(context.images.validation.first(images), JUDGED_AT_ONCE))
    training = labelled(context.images.train.first(CALIBRATION), AT_ONCE)
    samples = [Batch(each.inputs, len(each.labels)) for each in training]
    for name, dials in SUBNETS.items():
        chosen = configuration(*dials)
        layout = map_layers(layers_of(chosen), CompileSettings(hardware, crossbars)).layout()
        calibrating, net = least(lambda chosen=chosen: calibrate_subnet(context, chosen).eval())
        judging, _ = least(lambda net=net: ofa.accuracy(net, context.images.validation))
        floats = calibrating + judging
        recording = record(net, sizes_by_name(tuple(shown[0].inputs.args[0].shape[1:])), name)
        rounding, integers = least(lambda net=net, r=recording: quantise_network(net, r, samples))
        image = make_image(
            layout.mappings, layout.packing.placements, hardware.size, integers, Provenance(name, "", "")
        )
        for encoding in ENCODINGS:
            judged = Judged(net, image, device, encoding, AdcSettings("ideal"))
            for chip in chips:
                chip_products(judged, chip)  # draws are kept from here on
            network = Replaced(net, image.layers)

            def judge(judged: Judged = judged, network: Replaced = network) -> tuple[int, int]:
                _, multiply = chip_products(judged, chips[0])
                return count_right(network, judged.image, multiply, shown, lambda _: None)

            begun = process_time()
            judge()  # the first chip also plans the runs
            first = process_time() - begun
            each, _ = least(judge)
            ratio = (rounding + max(first, each) + (CHIPS - 1) * each) / floats
            print(
                f"{name:9}{encoding:12} float {floats:.2f} s, integers {rounding:.2f} s, {images} images "
                f"on the first chip {first:.2f} s, on the others {each:.2f} s: {ratio:.1f} x",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
