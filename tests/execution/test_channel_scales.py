"""Scales of channels that suit a chip: the best there are, told by trying each, and what they bring."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from devices import device
from loaded import Cut, Loaded, load
from torch import nn

from rram_nas_comp_pack.execution.cells import weights_of
from rram_nas_comp_pack.execution.channel_scales import (
    EIGHTHS,
    USUAL,
    in_usual_scales,
    rescaled,
    scale_errors,
    suit_scales,
)
from rram_nas_comp_pack.execution.chip import apply_stuck, chip_of, crossbar_state
from rram_nas_comp_pack.execution.chip_product import AdcSettings, ChipProduct
from rram_nas_comp_pack.execution.encoding import encode
from rram_nas_comp_pack.execution.exact import ExactProduct
from rram_nas_comp_pack.execution.image import copies_of
from rram_nas_comp_pack.execution.judging import Judged, chip_products, layer_errors
from rram_nas_comp_pack.values import CrossbarSize

SIZE = CrossbarSize(64, 32)
CUT = Cut(tuple(SIZE), diagonal=True, copies=(1, 2))
KINDS = [(1, 2), (2, 2), (1, 1), (4, 1)]  # bits of a cell, polarity


def chips(high=0.05, low=0.05, **changes):
    return device(size=SIZE, driven_rows=64, stuck_high=high, stuck_low=low, **changes)


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    torch.manual_seed(3)
    net = nn.Sequential(
        *(nn.Conv2d(3, 12, 3, padding=1), nn.ReLU(), nn.Conv2d(12, 12, 3, groups=12), nn.ReLU()),
        *(nn.ConvTranspose2d(12, 5, 2), nn.ReLU(), nn.Flatten(), nn.Linear(125, 5)),
    )
    return load(net.eval(), (3, 6, 6), CUT, count=4)


def held_slowly(weights, d, stuck, eighths):
    """What cells amount to, in usual steps, that hold weights at a scale."""
    codes = np.array([[round(8 * int(q) / eighths) for q in row] for row in weights])
    levels = apply_stuck(stuck, encode(codes, d, stuck, "fault-aware-codes"), d.top)
    return weights_of(levels, d) * eighths / 8


@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_a_box_are_those_of_its_codes_at_each_scale(kind):
    d = chips(0.1, 0.05, cell_bits=kind[0], polarity=kind[1])
    weights = np.random.default_rng(0).integers(-127, 128, (64, 32))
    stuck = crossbar_state(chip_of(0, d), d, 0).stuck
    found = scale_errors(weights, d, stuck)
    for eighths, errors in zip(EIGHTHS, found, strict=True):
        own = np.square(weights - held_slowly(weights, d, stuck, eighths)).sum(axis=0)
        assert (errors == 64 * own).all()


def test_every_channel_has_the_scale_of_least_error_over_all_its_boxes_and_copies(loaded):
    d = chips()
    physical = [len(loaded.image.weights) - i for i in range(len(loaded.image.weights))]
    suited = suit_scales(loaded.image, d, chip_of(0, d), physical)
    old, new = copies_of(loaded.image), copies_of(suited.image)
    for i, (before, after) in enumerate(zip(old, new, strict=True)):
        errors = np.zeros((len(EIGHTHS), loaded.layers[i].raw.w))
        for box in (box for boxes in before for box in boxes):
            stuck = crossbar_state(chip_of(0, d), d, physical[box.crossbar]).stuck
            h, w = box.weights.shape
            under = stuck[:, :, box.row : box.row + h, box.column : box.column + w]
            for number, eighths in enumerate(EIGHTHS):
                own = np.square(box.weights - held_slowly(box.weights, d, under, eighths)).sum(axis=0)
                errors[number, box.raw_column : box.raw_column + w] += own
        if loaded.layers[i].kind == "ConvTranspose2d":
            errors = np.repeat(errors.reshape(len(EIGHTHS), 5, 4).sum(axis=2), 4, axis=1)
        assert (suited.eighths[i] == np.array(EIGHTHS)[errors.argmin(axis=0)]).all(), i
        assert np.allclose(suited.image.scales[i], loaded.image.scales[i] * suited.eighths[i] / 8)
        for box, own in zip((b for c in before for b in c), (b for c in after for b in c), strict=True):
            columns = slice(box.raw_column, box.raw_column + box.weights.shape[1])
            assert (own.weights == rescaled(box.weights, suited.eighths[i][columns])).all()
    assert len(set(np.concatenate(suited.eighths))) > 4


def test_without_faults_nothing_changes(loaded):
    d = chips(0, 0)
    suited = suit_scales(loaded.image, d, chip_of(0, d), range(99))
    assert all((own == USUAL).all() for own in suited.eighths)
    assert (suited.image.weights == loaded.image.weights).all()


def test_sums_are_those_of_the_weights_that_the_cells_amount_to(loaded):
    """Of codes that are exact at their scales, in the usual ones: no sum is rounded."""
    eighths = tuple(np.full(len(scales), 12) for scales in loaded.image.scales)
    image = replace(loaded.image, weights=(loaded.image.weights // 16).astype(np.int8))
    larger = replace(image, weights=image.weights * 12)
    own, wanted = in_usual_scales(ExactProduct(image), eighths), ExactProduct(larger)

    def multiply(layer, x, how):
        sums = wanted(layer, x, how)
        assert torch.equal(8 * own(layer, x, how), sums.double()), layer
        return sums

    loaded.executed(multiply)


def test_a_chip_with_many_stuck_cells_makes_smaller_errors(loaded):
    d = chips(0.05, 0.05)
    noise = {}
    for encoding in ("plain", "fault-aware-codes", "fault-aware"):
        judged = Judged(loaded.module, loaded.image, d, encoding, AdcSettings("ideal"))
        errors = layer_errors(judged, chip_products(judged, chip_of(0, d))[1], loaded.x)
        noise[encoding] = sum(error for _, error in errors)
    assert noise["fault-aware"] < noise["fault-aware-codes"] / 4 < noise["plain"] / 16


def test_codes_alone_keep_the_scales_of_the_image(loaded):
    judged = Judged(loaded.module, loaded.image, chips(), "fault-aware-codes", AdcSettings("ideal"))
    product, multiply = chip_products(judged, chip_of(0, judged.device))
    assert multiply is product
    assert isinstance(product, ChipProduct)
