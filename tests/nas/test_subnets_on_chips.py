"""A subnet on chips: its layout with copies and faults, on the chips and images that are meant for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_bench import tiny_bench

from rram_nas_comp_pack.execution import judging as execution
from rram_nas_comp_pack.execution.adc_calibration import calibrate_exponents
from rram_nas_comp_pack.execution.chip import chip_of
from rram_nas_comp_pack.execution.chip_product import AdcSettings
from rram_nas_comp_pack.execution.device import device_of
from rram_nas_comp_pack.execution.exact import ExactProduct
from rram_nas_comp_pack.execution.judging import Judged, chip_products, count_right
from rram_nas_comp_pack.execution.network import Replaced
from rram_nas_comp_pack.hardware.config.read import load_hardware
from rram_nas_comp_pack.nas import chip_accuracy as module
from rram_nas_comp_pack.nas import ofa_space
from rram_nas_comp_pack.nas.accuracy import calibrate, calibrate_subnet
from rram_nas_comp_pack.nas.chip_accuracy import chip_accuracy
from rram_nas_comp_pack.nas.chips import Chips, OnChips
from rram_nas_comp_pack.nas.compile_subnet import CompileSettings, layers_of, map_layers
from rram_nas_comp_pack.nas.evaluate import evaluate_in_full, evaluate_subnet
from rram_nas_comp_pack.nas.genome import LENGTH, decode
from rram_nas_comp_pack.nas.ofa_space import AccuracySettings, OfaSpace

ROOT = Path(__file__).parents[2]
CHOSEN = decode(np.zeros(LENGTH, np.int8))
HARDWARE = load_hardware(ROOT / "SimConfig.ini")
SETTINGS = CompileSettings(HARDWARE, 75, seed=1)
CHIPS = Chips(instances=2, images=9, encoding="plain")


@pytest.fixture(scope="module")
def bench():
    return tiny_bench()


@pytest.fixture(scope="module")
def layout():
    found = map_layers(layers_of(CHOSEN, 32, 3), SETTINGS).layout()
    assert any(m.copies > 1 for m in found.mappings)
    return found


def on_chips(layout, **changed):
    return OnChips(layout, HARDWARE, replace(CHIPS, **changed))


@pytest.fixture
def seen(monkeypatch):
    """What networks say, batch by batch: accuracies alone are too coarse to compare."""
    outputs = []
    monkeypatch.setattr(execution, "classes_of", lambda y: (outputs.append(y.clone()), y.argmax(1))[1])
    return outputs


def share(subnet, image, multiply, split):
    shown = module.labelled(split, module.JUDGED_AT_ONCE)
    right, count = count_right(Replaced(subnet, image.layers), image, multiply, shown, lambda _n: None)
    return right / count


def in_halves(outputs):
    """The first half of what was said, and the second, each as one tensor."""
    first = len(outputs) // 2
    return torch.cat(outputs[:first]), torch.cat(outputs[first:])


def test_without_faults_it_is_that_of_the_integer_network(bench, layout, seen):
    subnet = calibrate_subnet(bench, CHOSEN)
    ideal = replace(HARDWARE, stuck_percent=(0.0, 0.0), variation_percent=0.0)
    on = OnChips(layout, ideal, replace(CHIPS, instances=1))
    image = module._image(subnet.eval(), bench.images, on, device_of(ideal))
    wanted = share(subnet, image, ExactProduct(image), bench.images.validation)
    assert chip_accuracy(subnet, bench.images, on, "validation") == wanted
    assert torch.equal(*in_halves(seen))


@pytest.mark.parametrize(
    ("encoding", "split", "seeds"),
    [("fault-aware", "validation", (0, 1)), ("plain", "test", (2, 3))],
)
def test_a_search_sees_the_first_chips_and_the_front_the_next_ones(
    bench, layout, seen, encoding, split, seeds
):
    subnet, device = calibrate_subnet(bench, CHOSEN).eval(), device_of(HARDWARE)
    image = module._image(subnet, bench.images, on_chips(layout), device)
    adc, images = AdcSettings("ideal"), bench.images.validation
    if split == "test":
        first = [each.inputs for each in module.labelled(bench.images.train.first(8), 8)]
        adc = AdcSettings("calibrated", calibrate_exponents(subnet, image, first, device))
        images = bench.images.test
    judged = Judged(subnet, image, device, encoding, adc)
    each = [share(subnet, image, chip_products(judged, chip_of(s, device))[1], images) for s in seeds]
    found = chip_accuracy(subnet, bench.images, on_chips(layout, encoding=encoding), split)
    assert found == pytest.approx(np.mean(each), abs=1e-12)
    ours, wanted = in_halves(seen)
    assert torch.equal(ours, wanted)
    assert not torch.equal(*ours.chunk(2))  # chips differ


def test_what_counts_is_the_mean_or_the_worst():
    assert Chips(robust="mean").counted([0.5, 1.0, 0.75]) == 0.75
    assert Chips(robust="worst").counted([0.5, 1.0, 0.75]) == 0.5


def test_only_the_first_images_are_shown(bench, layout, monkeypatch):
    shown = []
    monkeypatch.setattr(module, "count_right", lambda *given: (shown.append(len([*given[3]])), (0, 1))[1])
    monkeypatch.setattr(module, "JUDGED_AT_ONCE", 1)
    chip_accuracy(calibrate_subnet(bench, CHOSEN), bench.images, on_chips(layout, images=4), "validation")
    assert shown == [4, 4]


def test_an_outcome_has_both_accuracies_and_that_of_chips_counts(bench, layout, monkeypatch):
    asked = []

    def on_all_chips(_subnet, images, on, split):
        asked.append((images, on, split))
        return {"validation": 0.625, "test": 0.375}[split]

    monkeypatch.setattr(module, "chip_accuracy", on_all_chips)
    monkeypatch.setattr(ofa_space, "_context", lambda _judging: bench)
    space = OfaSpace(AccuracySettings(Path("net"), "tiny", "chip", "cpu", 0, 3, 32, chips=CHIPS))
    found = evaluate_subnet(space, SETTINGS, bytes(LENGTH))
    assert (found.accuracy, found.chip_accuracy) == (calibrate(bench, CHOSEN), 0.625)
    assert found.judged == 0.625
    assert replace(found, chip_accuracy=None).judged == found.accuracy
    tuned = evaluate_in_full(space, SETTINGS, bytes(LENGTH))
    assert (tuned.test, tuned.chip_test) == (calibrate(bench, CHOSEN, "test"), 0.375)
    assert asked == [(bench.images, on_chips(layout), split) for split in ("validation", "test")]
